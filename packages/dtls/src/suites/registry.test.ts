import { describe, expect, it } from 'vitest';
import { keyBlock } from './key-block.ts';
import { defaultSuites, findSuite, findSuiteByName, suites, withEncryptThenMac } from './registry.ts';

describe('the suites', () => {
  it('have one row for each number and name', () => {
    expect(new Set(suites.map((s) => s.id)).size).toBe(suites.length);
    expect(new Set(suites.map((s) => s.name)).size).toBe(suites.length);
  });

  it('are those that LwM2M names and issue 3 lists', () => {
    expect(suites.map((s) => s.id).sort((a, b) => a - b)).toEqual([
      0x00a8, 0x00ae, 0xc023, 0xc02b, 0xc02c, 0xc02f, 0xc030, 0xc037, 0xc0a4, 0xc0a8, 0xc0ac, 0xc0ae, 0xd001, 0xd003,
      0xd005,
    ]);
  });

  it('leave CBC off, which cannot be closed against timing', () => {
    expect(suites.filter((s) => !s.on).map((s) => s.cipher)).toEqual(['cbc', 'cbc', 'cbc']);
    expect(defaultSuites.every((s) => s.cipher !== 'cbc')).toBe(true);
    expect(defaultSuites).toHaveLength(suites.length - 3);
  });

  it('are found by number, and none for NULL, GREASE and what is unknown (dtls E 82)', () => {
    expect(findSuite(0xc0a8)?.name).toBe('TLS_PSK_WITH_AES_128_CCM_8');
    for (const id of [0x0000, 0x002c, 0x00b0, 0x0a0a, 0xfafa, 0x00ff, 0x5600, 0x1301, 0xffff]) {
      expect(findSuite(id)).toBeUndefined();
    }
  });

  it('are found by the name of IANA, without its prefix, and by the name of OpenSSL', () => {
    for (const name of ['TLS_PSK_WITH_AES_128_CCM_8', 'psk_with_aes_128_ccm_8', 'PSK-AES128-CCM8']) {
      expect(findSuiteByName(name)?.id).toBe(0xc0a8);
    }
    expect(findSuiteByName('RC4-MD5')).toBeUndefined();
    expect(findSuiteByName('')).toBeUndefined();
  });

  it('take encrypt-then-MAC where they have a MAC, and only there (RFC 7366 §3)', () => {
    for (const suite of suites) {
      expect(withEncryptThenMac(suite)).toEqual({ ...suite, encryptThenMac: suite.cipher === 'cbc' });
      expect(withEncryptThenMac(withEncryptThenMac(suite))).toBe(withEncryptThenMac(suite));
    }
  });

  it('cut all keys out of the key block without sharing a byte (RFC 5246 §6.3)', () => {
    const random = (value: number) => new Uint8Array(32).fill(value);
    for (const suite of suites) {
      const { client, server } = keyBlock(suite, new Uint8Array(48), random(1), random(2));
      const all = [client.mac, server.mac, client.key, server.key, client.iv, server.iv];
      const lengths = [suite.macLength, suite.keyLength, suite.ivLength];
      expect(all.map((part) => part.length)).toEqual(lengths.flatMap((length) => [length, length]));
      let end = 0;
      for (const part of all.filter(({ length }) => length > 0)) {
        expect(part.byteOffset).toBe(end);
        end += part.length;
      }
    }
  });
});

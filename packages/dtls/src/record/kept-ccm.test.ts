import { fromHex, toHex } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { chained, KeptCcm, LONGEST_KEPT } from './kept-ccm.ts';

// NIST SP 800-38C, example 3: a nonce of 12 bytes, a tag of 8.
const key = fromHex('404142434445464748494a4b4c4d4e4f');
const nonce = fromHex('101112131415161718191a1b');
const covered = fromHex('000102030405060708090a0b0c0d0e0f10111213');
const plain = '202122232425262728292a2b2c2d2e2f3031323334353637';
const sealed = 'e3b201a9f5b71a7a9b1ceaeccd97e70b6176aad9a4428aa5484392fbc1b09951';

/** The message, undefined when it is forged. */
function opened(ccm: KeptCcm, by: Uint8Array, additional: Uint8Array, bytes: Uint8Array, length: number) {
  const at = ccm.open(by, additional, additional.length, bytes, 0, length);
  return at < 0 ? undefined : chained.slice(at, at + length);
}

function room(hex: string, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set(fromHex(hex));
  return bytes;
}

describe('CCM of kept ciphers', () => {
  it('gives the published example, the first time and every time after (NIST SP 800-38C, example 3)', () => {
    const ccm = new KeptCcm(key, 8);
    for (let i = 0; i < 3; i += 1) {
      const bytes = room(plain, 32);
      ccm.seal(nonce, covered, covered.length, bytes, 0, 24);
      expect(toHex(bytes)).toBe(sealed);
      expect(toHex(opened(ccm, nonce, covered, bytes, 24)!)).toBe(plain);
    }
  });

  it('refuses every forged bit and works on (G-16)', () => {
    const ccm = new KeptCcm(key, 8);
    for (let at = 0; at < 32; at += 1) {
      const forged = fromHex(sealed);
      forged[at]! ^= 0x10;
      expect(opened(ccm, nonce, covered, forged, 24)).toBeUndefined();
    }
    const other = covered.slice();
    other[0]! ^= 1;
    expect(opened(ccm, nonce, other, fromHex(sealed), 24)).toBeUndefined();
    expect(opened(ccm, nonce, covered.subarray(1), fromHex(sealed), 24)).toBeUndefined();
    expect(toHex(opened(ccm, nonce, covered, fromHex(sealed), 24)!)).toBe(plain);
  });

  it('refuses an empty message with any tag but its own', () => {
    const ccm = new KeptCcm(key, 16);
    const bytes = new Uint8Array(16);
    expect(opened(ccm, nonce, covered, bytes, 0)).toBeUndefined();
    ccm.seal(nonce, covered, covered.length, bytes, 0, 0);
    expect(opened(ccm, nonce, covered, bytes, 0)).toEqual(new Uint8Array(0));
  });

  it('keeps messages of different keys apart, whatever their order', () => {
    const one = new KeptCcm(key, 8);
    const two = new KeptCcm(new Uint8Array(16), 8);
    const bytes = room(plain, LONGEST_KEPT + 8);
    for (let i = 0; i < 20; i += 1) {
      two.seal(nonce, covered, covered.length, bytes, 0, i * 10);
      expect(toHex(opened(one, nonce, covered, fromHex(sealed), 24)!)).toBe(plain);
    }
  });

  it('knows nothing of a nonce beforehand that is not so: numbers may jump, come again and pass 2^32', () => {
    const ccm = new KeptCcm(key, 8);
    const forgetful = () => new KeptCcm(key, 8);
    const low = [0, 1, 2, 30, 3, 2, 0xffff_fffe, 0xffff_ffff, 0, 1, 0xffff_ffff, 5, 0x8000_0000, 0x7fff_ffff];
    for (const [i, n] of [...low, ...low].entries()) {
      const at = nonce.slice();
      new DataView(at.buffer).setUint32(8, n);
      if (i % 5 === 4) at[7]! ^= 1;
      if (i % 7 === 6) at[0]! ^= 1;
      const length = (i * 37) % 100;
      const one = room(plain, length + 32);
      const two = one.slice();
      ccm.seal(at, covered, covered.length, one, 0, length);
      forgetful().seal(at, covered, covered.length, two, 0, length);
      expect(toHex(one)).toBe(toHex(two));
      expect(opened(ccm, at, covered, two, length)).toHaveLength(length);
    }
  });
});

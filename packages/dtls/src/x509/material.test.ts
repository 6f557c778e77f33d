import { generateKeyPairSync } from 'node:crypto';
import { concatBytes, encodeUtf8, fromHex, Secret, toBase64, toHex } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { makeAuthority, makeKey, pem, type TestKey } from '../testing/certificates.ts';
import { bits, element, integer, octets, oid, sequence } from '../testing/der-writer.ts';
import { describeMaterial, readMaterial } from './material.ts';
import { readPrivateKey, readPublicKey } from './private-key.ts';

const { certificate, key } = makeAuthority();

function sec1(of: TestKey, publicKey?: Uint8Array): Uint8Array {
  const scalar = Buffer.from(of.handle.export({ format: 'jwk' }).d ?? '', 'base64url');
  const parts = publicKey === undefined ? [] : [element(0xa1, bits(publicKey))];
  return sequence(integer(1), octets(new Uint8Array(scalar)), element(0xa0, oid('1.2.840.10045.3.1.7')), ...parts);
}

describe('a private key', () => {
  it('is read from PKCS #8, SEC 1 and PKCS #1, as DER, PEM bytes, PEM text and Secret', () => {
    const rsa = makeKey('rsa-1', 'rsa');
    const pkcs1 = new Uint8Array(rsa.handle.export({ format: 'der', type: 'pkcs1' }));
    const point = key.spki.subarray(26);
    const forms = [
      key.pkcs8,
      new Secret(key.pkcs8),
      pem('PRIVATE KEY', key.pkcs8),
      encodeUtf8(pem('PRIVATE KEY', key.pkcs8)),
      new Secret(encodeUtf8(pem('PRIVATE KEY', key.pkcs8).replaceAll('\n', '\r\n'))),
      sec1(key),
      sec1(key, point),
      `comment\n${pem('EC PARAMETERS', fromHex('06082a8648ce3d030107'))}${pem('EC PRIVATE KEY', sec1(key))}`,
    ];
    for (const form of forms) expect(toHex(readPrivateKey(form, 'key').spki)).toBe(toHex(key.spki));
    for (const form of [pkcs1, pem('RSA PRIVATE KEY', pkcs1)]) {
      expect(readPrivateKey(form, 'key')).toMatchObject({ algorithm: 'rsa', spki: rsa.spki });
    }
  });

  it('is refused with the public half of another, and with a compressed one is taken as it is meant', () => {
    const point = key.spki.subarray(26);
    const stranger = makeKey('stranger').spki.subarray(26);
    const compressed = concatBytes(Uint8Array.of(2 + ((point.at(-1) ?? 0) & 1)), point.subarray(1, 33));
    expect(() => readPrivateKey(sec1(key, stranger), 'key')).toThrow(/^key: /);
    expect(toHex(readPrivateKey(sec1(key, compressed), 'key').spki)).toBe(toHex(key.spki));
  });

  it('of an algorithm or a curve that is not spoken is refused by name', () => {
    const der = (pair: { privateKey: import('node:crypto').KeyObject }): Uint8Array =>
      new Uint8Array(pair.privateKey.export({ format: 'der', type: 'pkcs8' }));
    expect(() => readPrivateKey(der(generateKeyPairSync('x25519')), 'privateKey')).toThrow(
      'privateKey: a key of type x25519, one of EC, RSA and Ed25519 was expected',
    );
    expect(() =>
      readPrivateKey(der(generateKeyPairSync('ec', { namedCurve: 'brainpoolP256r1' })), 'privateKey'),
    ).toThrow('privateKey: its curve is none of P-256, P-384 and P-521');
  });

  it('that is damaged is refused without a word of its content', () => {
    const damaged = new Uint8Array(key.pkcs8);
    damaged.fill(0xee, 30);
    expect(() => readPrivateKey(damaged, 'privateKey')).toThrow(/^privateKey: (a private key that is damaged|this is)/);
  });
});

describe('what was given by mistake', () => {
  const request = sequence(
    sequence(integer(0), sequence(), key.spki, element(0xa0)),
    sequence(),
    bits(Uint8Array.of(1)),
  );
  const encrypted = sequence(sequence(oid('1.2.840.113549.1.5.13'), sequence()), octets(Uint8Array.of(1)));
  const rows: readonly [title: string, given: Uint8Array | string, looksLike: string][] = [
    ['a PEM certificate', pem('CERTIFICATE', certificate), 'this is a PEM certificate'],
    ['a DER certificate', certificate, 'this is a DER certificate'],
    ['a certificate of version 1', makeAuthority({ name: 'Old', version: 1 }).certificate, 'this is a DER certificate'],
    ['a PEM public key', pem('PUBLIC KEY', key.spki), 'this is a PEM public key'],
    ['a DER public key', key.spki, 'this is a DER public key'],
    ['a certificate request', request, 'this is a DER certificate request'],
    ['an encrypted key', encrypted, 'this is a DER encrypted private key'],
    ['an encrypted PEM', pem('ENCRYPTED PRIVATE KEY', encrypted), 'this is a PEM encrypted private key'],
    [
      'an old encrypted PEM',
      pem('RSA PRIVATE KEY', encrypted).replace('\n', '\nProc-Type: 4,ENCRYPTED\n\n'),
      'this is a PEM encrypted private key',
    ],
    ['an OpenSSH key', pem('OPENSSH PRIVATE KEY', encodeUtf8('openssh')), 'this is a PEM OpenSSH private key'],
    ['a PKCS #12 container', sequence(integer(3), sequence()), 'this is a DER PKCS #12 container'],
    [
      'two things in one PEM',
      pem('CERTIFICATE', certificate) + pem('PUBLIC KEY', key.spki),
      'this is a PEM with a certificate and a public key',
    ],
    ['half a PEM', pem('PRIVATE KEY', key.pkcs8).slice(0, 100), 'this is a PEM that is cut off or damaged'],
    [
      'a PEM with a hole',
      pem('PRIVATE KEY', key.pkcs8).replace('M', '*'),
      'this is a PEM private key with damaged base64',
    ],
    ['hexadecimal text', toHex(key.pkcs8), 'this is hexadecimal text: decode it to bytes first'],
    ['base64 text', toBase64(key.pkcs8), 'this is base64 without the lines of a PEM: decode it first'],
    ['a path', './keys/server.key', 'this is the name of a file: give its content'],
    ['JSON', '{"kty":"EC"}', 'this is JSON'],
    ['an SSH public key', 'ssh-ed25519 AAAA', 'this is an OpenSSH public key'],
    ['prose', 'the key, please', 'this is text that is no PEM'],
    ['nothing', '', 'this is empty'],
    ['noise', Uint8Array.of(0x30, 0x80, 1, 2), 'these are 4 bytes of neither PEM nor DER'],
    [
      'a key with bytes behind it',
      concatBytes(key.pkcs8, Uint8Array.of(1)),
      'this is a DER object with bytes behind it',
    ],
  ];
  for (const [title, given, looksLike] of rows) {
    it(`is called by its name: ${title}`, () => {
      expect(describeMaterial(given)).toBe(looksLike);
      expect(() => readPrivateKey(given, 'privateKey')).toThrow(`privateKey: ${looksLike}, a private key was expected`);
    });
  }

  it('comes with what to do about it', () => {
    expect(() => readMaterial(key.pkcs8, 'certificate', 'chain[0]')).toThrow(
      'chain[0]: this is a DER private key, a certificate was expected: the two may have been exchanged',
    );
    expect(() => readPrivateKey(pem('ENCRYPTED PRIVATE KEY', encrypted), 'privateKey')).toThrow(/decrypt it first/);
    expect(() => readPublicKey(certificate, 'trusted[0]')).toThrow(/a public key was expected: cut it out/);
    expect(() => readPublicKey(pem('PUBLIC KEY', key.spki).repeat(2), 'publicKey')).toThrow(
      'publicKey: holds several, one public key was expected',
    );
  });
});

describe('a PEM with several certificates', () => {
  it('is read as all of them, in order, without what else is in it', () => {
    const { chain, privateKey } = makeAuthority().authority({ name: 'Middle' }).issue({ name: 'leaf' });
    const text = pem('PRIVATE KEY', privateKey.reveal()) + chain.map((der) => pem('CERTIFICATE', der)).join('# next\n');
    expect(readMaterial(text, 'certificate', 'chain[0]').map(toHex)).toEqual(chain.map(toHex));
  });
});

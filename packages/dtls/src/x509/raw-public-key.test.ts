import { createPublicKey } from 'node:crypto';
import { concatBytes, fromHex, toHex } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { AlertDescription } from '../alert.ts';
import { makeKey, pem } from '../testing/certificates.ts';
import { bits, integer, oid, sequence } from '../testing/der-writer.ts';
import { digest } from './matching.ts';
import { judgeRawKey, loadTrustedKeys, readRawPublicKey } from './raw-public-key.ts';

const key = makeKey('device');
const { spki } = key;
const point = spki.subarray(26);
const ec = (curve: string, p: Uint8Array): Uint8Array =>
  sequence(sequence(oid('1.2.840.10045.2.1'), oid(curve)), bits(p));
const p256 = '1.2.840.10045.3.1.7';
const rsa = (modulus: readonly number[], exponent: readonly number[] = [1, 0, 1]): Uint8Array =>
  sequence(
    sequence(oid('1.2.840.113549.1.1.1'), fromHex('0500')),
    bits(sequence(integer(...modulus), integer(...exponent))),
  );

describe('a raw public key', () => {
  it('is read as node:crypto reads and writes it', () => {
    for (const algorithm of ['ec-p256', 'ec-p384', 'ed25519', 'rsa'] as const) {
      const own = makeKey('device', algorithm);
      const verdict = readRawPublicKey(own.spki);
      const theirs = createPublicKey({ key: Buffer.from(own.spki), format: 'der', type: 'spki' });
      expect(verdict).toMatchObject({ ok: true, publicKey: { algorithm, spki: own.spki } });
      expect(verdict.ok && verdict.publicKey.handle.equals(theirs)).toBe(true);
      expect(toHex(theirs.export({ format: 'der', type: 'spki' }))).toBe(toHex(own.spki));
    }
  });

  it('is refused with a single byte behind it, which node:crypto overlooks', () => {
    const longer = concatBytes(spki, Uint8Array.of(0));
    expect(createPublicKey({ key: Buffer.from(longer), format: 'der', type: 'spki' }).equals(key.handle)).toBe(false);
    expect(readRawPublicKey(longer)).toMatchObject({
      ok: false,
      alert: AlertDescription.BadCertificate,
      reason: expect.stringContaining('1 bytes too many after the public key'),
    });
  });

  it('is refused in every other spelling of the same key', () => {
    const long = concatBytes(fromHex('308159'), spki.subarray(2));
    const compressed = concatBytes(Uint8Array.of(2 + ((point.at(-1) ?? 0) & 1)), point.subarray(1, 33));
    const withNull = sequence(sequence(oid('1.2.840.10045.2.1'), oid(p256), fromHex('0500')), bits(point));
    const unused = sequence(spki.subarray(2, 23), bits(point, 1));
    for (const other of [long, ec(p256, compressed), withNull, unused, concatBytes(spki, spki)]) {
      expect(readRawPublicKey(other).ok).toBe(false);
    }
  });

  it('is refused off its curve, at infinity, of another length and on an unknown curve', () => {
    const off = new Uint8Array(point);
    off[64] = (off[64] ?? 0) ^ 1;
    const refused: readonly [Uint8Array, number, RegExp][] = [
      [ec(p256, off), AlertDescription.BadCertificate, /no point of its curve/],
      [ec(p256, concatBytes(Uint8Array.of(4), new Uint8Array(64))), AlertDescription.BadCertificate, /no point/],
      [ec(p256, Uint8Array.of(0)), AlertDescription.BadCertificate, /point of 1 bytes/],
      [ec(p256, point.subarray(0, 64)), AlertDescription.BadCertificate, /point of 64 bytes/],
      [ec('1.3.132.0.10', point), AlertDescription.UnsupportedCertificate, /curve 1.3.132.0.10 is none of/],
      [makeKey('large', 'ec-p521').spki, AlertDescription.UnsupportedCertificate, /P-521, which is not offered/],
      [
        sequence(sequence(oid('1.3.101.110')), bits(new Uint8Array(32))),
        AlertDescription.UnsupportedCertificate,
        /algorithm/,
      ],
    ];
    for (const [bytes, alert, reason] of refused) {
      expect(readRawPublicKey(bytes)).toMatchObject({ ok: false, alert, reason: expect.stringMatching(reason) });
    }
  });

  it('is refused when it is an RSA key that is too short, too long or of a useless exponent', () => {
    const modulus = (bytes: number): number[] => [0xc1, ...new Array<number>(bytes - 2).fill(0x55), 0x01];
    for (const weak of [rsa(modulus(128)), rsa(modulus(1025)), rsa(modulus(256), [1]), rsa(modulus(256), [4])]) {
      expect(readRawPublicKey(weak)).toMatchObject({ ok: false, alert: AlertDescription.UnsupportedCertificate });
    }
    expect(readRawPublicKey(rsa(modulus(256))).ok).toBe(true);
  });

  it('is trusted when it is listed, whole or by digest, and else is shown by its fingerprint', () => {
    const stranger = makeKey('stranger').spki;
    const listed = loadTrustedKeys([pem('PUBLIC KEY', stranger), spki]);
    const byDigest = loadTrustedKeys([digest(spki, 'sha-384')], 'sha-384');
    expect([judgeRawKey(spki, listed).ok, judgeRawKey(spki, byDigest).ok]).toEqual([true, true]);
    expect(judgeRawKey(makeKey('third').spki, listed)).toMatchObject({
      ok: false,
      alert: AlertDescription.BadCertificate,
      reason: expect.stringMatching(/\(sha-256 [0-9a-f]{2}(:[0-9a-f]{2}){31}\) is not among the 2 trusted/),
    });
  });

  it('cannot be trusted when none is listed, or what is listed is no key', () => {
    expect(() => loadTrustedKeys([])).toThrow(/trusted: no public key of the server is given/);
    expect(() => loadTrustedKeys([spki, key.pkcs8])).toThrow(
      /trusted\[1\]: this is a DER private key, a public key was/,
    );
    expect(() => loadTrustedKeys([spki], 'sha-256')).toThrow(/trusted\[0\]: 91 bytes, a sha-256 digest has 32/);
    expect(() => loadTrustedKeys([concatBytes(spki, Uint8Array.of(0))])).toThrow(/trusted\[0\]: .*bytes behind it/);
  });
});

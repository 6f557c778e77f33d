import { encodeUtf8 } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { makeKey } from '../testing/certificates.ts';
import { importPublicKey, type PublicKey } from '../x509/keys.ts';
import {
  chooseScheme,
  describeScheme,
  findScheme,
  isSignedWith,
  offeredSchemes,
  signatureSchemes,
  signedParameters,
  signWith,
} from './signatures.ts';

const data = encodeUtf8('what is signed');
const algorithms = ['ec-p256', 'ec-p384', 'ec-p521', 'ed25519', 'rsa'] as const;

function publicHalf(algorithm: (typeof algorithms)[number], name = 'signer'): PublicKey {
  const verdict = importPublicKey(makeKey(name, algorithm).spki);
  if (!verdict.ok) throw new Error(verdict.reason);
  return verdict.publicKey;
}

describe('a signature', () => {
  for (const algorithm of algorithms) {
    it(`of ${algorithm} holds with every scheme that goes with the key, and with no other`, () => {
      const key = makeKey('signer', algorithm);
      const publicKey = publicHalf(algorithm);
      for (const { code, keys } of signatureSchemes) {
        if (!keys.includes(algorithm)) {
          expect(() => signWith(code, key, data)).toThrow(RangeError);
          expect(isSignedWith(code, publicKey, data, new Uint8Array(64))).toBe(false);
          continue;
        }
        const signature = signWith(code, key, data);
        expect(isSignedWith(code, publicKey, data, signature)).toBe(true);
        for (const other of offeredSchemes) {
          if (other !== code) expect(isSignedWith(other, publicKey, data, signature)).toBe(false);
        }
      }
    });

    it(`of ${algorithm} does not hold for other data, another key, and with any byte changed or missing`, () => {
      const key = makeKey('signer', algorithm);
      const scheme = chooseScheme(key, offeredSchemes) ?? 0;
      const publicKey = publicHalf(algorithm);
      const signature = signWith(scheme, key, data);
      expect(isSignedWith(scheme, publicKey, encodeUtf8('What is signed'), signature)).toBe(false);
      expect(isSignedWith(scheme, publicHalf(algorithm, 'rsa-1'), data, signature)).toBe(false);
      expect(isSignedWith(scheme, publicKey, data, new Uint8Array())).toBe(false);
      for (let i = 0; i < signature.length; i += 7) {
        const changed = new Uint8Array(signature);
        changed[i] = (changed[i] ?? 0) ^ 0x10;
        expect(isSignedWith(scheme, publicKey, data, changed)).toBe(false);
        expect(isSignedWith(scheme, publicKey, data, signature.subarray(0, i))).toBe(false);
      }
    });
  }

  it('of a scheme that nobody knows, or that uses SHA-1 or MD5, never holds (G-24)', () => {
    const publicKey = publicHalf('ec-p256');
    const signature = signWith(0x0403, makeKey('signer'), data);
    for (const code of [0x0203, 0x0201, 0x0101, 0x0000, 0x0303, 0xffff]) {
      expect([findScheme(code), isSignedWith(code, publicKey, data, signature)]).toEqual([undefined, false]);
    }
    expect(offeredSchemes.every((code) => code >= 0x0401)).toBe(true);
  });
});

describe('the choice of a scheme', () => {
  it('takes the natural one of the key where it is offered, else what the peer likes best of those that fit', () => {
    expect(chooseScheme(makeKey('signer'), [0x0804, 0x0503, 0x0403])).toBe(0x0403);
    expect(chooseScheme(makeKey('signer'), [0x0804, 0x0603, 0x0503])).toBe(0x0603);
    expect(chooseScheme(makeKey('signer', 'rsa'), [0x0403, 0x0501, 0x0401])).toBe(0x0501);
  });

  it('finds none among schemes of other keys, SHA-1 and what is unknown (dtls E 80, dtls E 96)', () => {
    expect(chooseScheme(makeKey('signer'), [0x0804, 0x0401, 0x0203, 0x0a0a])).toBeUndefined();
    expect(chooseScheme(makeKey('signer'), [])).toBeUndefined();
    expect(chooseScheme(makeKey('signer', 'ed25519'), [0x0403])).toBeUndefined();
  });

  it('is SHA-256 for a peer that sent no list', () => {
    expect(describeScheme(chooseScheme(makeKey('signer'), undefined) ?? 0)).toBe('ecdsa_secp256r1_sha256');
    expect(describeScheme(chooseScheme(makeKey('signer', 'rsa'), undefined) ?? 0)).toBe('rsa_pkcs1_sha256');
    expect(describeScheme(0x0203)).toBe('scheme 0x0203');
  });
});

describe('what a ServerKeyExchange signs', () => {
  it('is both randoms and the parameters (RFC 8422 §5.4)', () => {
    expect(signedParameters(Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3, 4))).toEqual(
      Uint8Array.of(1, 2, 3, 4),
    );
  });
});

import { createHash, createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { fromHex, noBytes, toHex } from './bytes.ts';
import {
  type AeadName,
  decryptCbc,
  digest,
  encryptCbc,
  equalInConstantTime,
  Hmac,
  hkdf,
  hmac,
  hmacSha256,
  keepCbc,
  keepEcb,
  openAead,
  sealAead,
} from './crypto.ts';

const names: readonly AeadName[] = ['aes-128-ccm', 'aes-256-ccm', 'aes-128-gcm', 'aes-256-gcm'];
const keyOf = (name: AeadName) => new Uint8Array(name.includes('256') ? 32 : 16).fill(5);
const nonce = new Uint8Array(12).fill(6);
const covered = fromHex('0102');

describe('encryption that authenticates', () => {
  it('gives the published example (NIST SP 800-38C, example 3)', () => {
    const out = new Uint8Array(32);
    const end = sealAead(
      'aes-128-ccm',
      fromHex('404142434445464748494a4b4c4d4e4f'),
      fromHex('101112131415161718191a1b'),
      fromHex('000102030405060708090a0b0c0d0e0f10111213'),
      fromHex('202122232425262728292a2b2c2d2e2f3031323334353637'),
      8,
      out,
      0,
    );
    expect(end).toBe(32);
    expect(toHex(out)).toBe('e3b201a9f5b71a7a9b1ceaeccd97e70b6176aad9a4428aa5484392fbc1b09951');
  });

  for (const name of names) {
    it(`opens what it sealed, where it stands, and nothing that was forged: ${name}`, () => {
      for (const length of [0, 1, 16, 100]) {
        const out = new Uint8Array(length + 16).fill(9);
        expect(sealAead(name, keyOf(name), nonce, covered, out.subarray(0, length), 16, out, 0)).toBe(out.length);
        expect(openAead(name, keyOf(name), nonce, covered, out, 16)).toEqual(new Uint8Array(length).fill(9));
        for (let at = 0; at < out.length; at += 1) {
          const forged = out.slice();
          forged[at]! ^= 1;
          expect(openAead(name, keyOf(name), nonce, covered, forged, 16)).toBeUndefined();
        }
        expect(openAead(name, keyOf(name), nonce, noBytes, out, 16)).toBeUndefined();
      }
    });

    it(`refuses fewer bytes than a tag, and an empty message with a made-up one: ${name}`, () => {
      for (const length of [0, 1, 15, 16]) {
        expect(openAead(name, keyOf(name), nonce, covered, new Uint8Array(length), 16)).toBeUndefined();
      }
    });
  }
});

describe('blocks', () => {
  // FIPS 197, appendix C.1.
  const key = fromHex('000102030405060708090a0b0c0d0e0f');
  const plain = fromHex('00112233445566778899aabbccddeeff');
  const cipher = '69c4e0d86a7b0430d8cdb78070b4c55a';

  it('are encrypted one by one by a kept cipher, call after call (FIPS 197 C.1)', () => {
    const kept = keepEcb(key);
    expect(toHex(kept.update(plain))).toBe(cipher);
    expect(toHex(kept.update(plain))).toBe(cipher);
  });

  it('are chained from zeros on through all calls', () => {
    const kept = keepCbc(key);
    expect(toHex(kept.update(plain))).toBe(cipher);
    const chained = kept.update(plain.map((byte, i) => byte ^ fromHex(cipher)[i]!));
    expect(toHex(chained)).toBe(cipher);
  });

  it('go through CBC and back with keys of 16 and 32 bytes', () => {
    for (const length of [16, 32]) {
      const data = new Uint8Array(64).fill(3);
      const iv = new Uint8Array(16).fill(8);
      const there = encryptCbc(new Uint8Array(length), iv, data);
      expect(there).toHaveLength(64);
      expect(toHex(decryptCbc(new Uint8Array(length), iv, there))).toBe(toHex(data));
    }
  });
});

describe('a keyed hash', () => {
  it('gives the published values, in any number of parts (RFC 4231 §4.3)', () => {
    const key = new TextEncoder().encode('Jefe');
    const data = new TextEncoder().encode('what do ya want for nothing?');
    const expected = '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843';
    expect(toHex(hmac('sha256', key, data))).toBe(expected);
    expect(toHex(hmacSha256(key, data.subarray(0, 3), noBytes, data.subarray(3)))).toBe(expected);
    expect(toHex(hmac('sha384', key, data))).toBe(
      'af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649',
    );
  });

  it.each(['sha256', 'sha384'] as const)('is the same for keys and messages of every length: %s', (hash) => {
    const bytes = Uint8Array.from({ length: 2_000 }, (_, i) => (i * 31) & 0xff);
    for (const keyLength of [0, 1, 32, 48, 63, 64, 65, 127, 128, 129, 200]) {
      for (const length of [0, 1, 55, 56, 64, 119, 895, 896, 897, 959, 960, 961, 1_024, 2_000]) {
        const [key, message] = [bytes.subarray(3, 3 + keyLength), bytes.subarray(0, length)];
        const expected = createHmac(hash, key).update(message).digest('hex');
        expect(toHex(hmac(hash, key, message.subarray(0, length >> 1), message.subarray(length >> 1)))).toBe(expected);
      }
    }
  });

  it('serves many messages under one key, and then another key', () => {
    const one = new Hmac('sha256', fromHex('01'));
    const of = (key: string, message: Uint8Array) => createHmac('sha256', fromHex(key)).update(message).digest('hex');
    const long = new Uint8Array(3_000).fill(7);
    for (const message of [fromHex('02'), long, noBytes]) expect(toHex(one.of(message))).toBe(of('01', message));
    expect(toHex(one.use(fromHex('0304')).of(fromHex('02')))).toBe(of('0304', fromHex('02')));
    one.erase();
    expect(toHex(one.use(fromHex('01')).of(fromHex('02')))).toBe(of('01', fromHex('02')));
  });

  it('writes as much of a code as is asked for, also over what it was made of', () => {
    const one = new Hmac('sha256', fromHex('01'));
    const bytes = fromHex('0a0b0c0d');
    const whole = one.of(bytes);
    one.add(bytes).finish(bytes, 1, 2);
    expect(bytes).toEqual(Uint8Array.of(0x0a, whole[0]!, whole[1]!, 0x0d));
  });

  it('gives half of its inner hash at most, and goes on to the next message', () => {
    const key = fromHex('0102');
    const one = new Hmac('sha256', key);
    const padded = new Uint8Array(64).fill(0x36).map((byte, i) => byte ^ (key[i] ?? 0));
    for (const message of [noBytes, new Uint8Array(70).fill(7), new Uint8Array(3_000).fill(9)]) {
      const out = new Uint8Array(18).fill(0xee);
      one.add(message).finishHalf(out, 1, 16);
      const hash = createHash('sha256').update(padded).update(message).digest('hex');
      expect(toHex(out)).toBe(`ee${hash.slice(0, 32)}ee`);
      expect(() => one.finishHalf(out, 0, 17)).toThrow(RangeError);
    }
  });

  it('takes a message in pieces of any kind, and begins the next one anew', () => {
    const one = new Hmac('sha256', fromHex('01'));
    const bytes = Uint8Array.from({ length: 5_000 }, (_, i) => i);
    const code = new Uint8Array(32);
    for (const cuts of [[3], [0, 0, 1_024], [1_023, 1_024, 1_025], [900, 4_000]]) {
      let at = 0;
      for (const cut of [...cuts, bytes.length]) {
        one.add(bytes, at, cut);
        at = cut;
      }
      one.finish(code, 0, 32);
      expect(toHex(code)).toBe(createHmac('sha256', fromHex('01')).update(bytes).digest('hex'));
    }
  });
});

describe('a hash', () => {
  it.each(['sha256', 'sha384'] as const)('is that of the runtime: %s', (hash) => {
    for (const bytes of [noBytes, new Uint8Array(200).fill(3)]) {
      expect(toHex(digest(hash, bytes))).toBe(createHash(hash).update(bytes).digest('hex'));
    }
  });
});

describe('key derivation', () => {
  it('gives the published values, with a salt and without (RFC 5869 A.1, A.3)', () => {
    const secret = new Uint8Array(22).fill(0x0b);
    expect(
      toHex(hkdf('sha256', secret, fromHex('000102030405060708090a0b0c'), fromHex('f0f1f2f3f4f5f6f7f8f9'), 42)),
    ).toBe('3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865');
    expect(toHex(hkdf('sha256', secret, noBytes, noBytes, 42))).toBe(
      '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
    );
  });

  it('is HMAC twice for every hash, as it is written (RFC 5869 §2)', () => {
    const [secret, salt, info] = [fromHex('aa'.repeat(16)), fromHex('bb'.repeat(8)), fromHex('cc'.repeat(5))];
    for (const hash of ['sha256', 'sha384', 'sha512'] as const) {
      const expected = hmac(hash, hmac(hash, salt, secret), info, Uint8Array.of(1));
      expect(toHex(hkdf(hash, secret, salt, info, 16))).toBe(toHex(expected.subarray(0, 16)));
    }
  });
});

describe('comparing in constant time', () => {
  it('tells equal from unequal, also by length', () => {
    expect(equalInConstantTime(fromHex('0102'), fromHex('0102'))).toBe(true);
    expect(equalInConstantTime(fromHex('0102'), fromHex('0103'))).toBe(false);
    expect(equalInConstantTime(fromHex('0102'), fromHex('010203'))).toBe(false);
    expect(equalInConstantTime(noBytes, noBytes)).toBe(true);
  });
});

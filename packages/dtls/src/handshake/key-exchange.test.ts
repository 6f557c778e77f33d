import { readFileSync } from 'node:fs';
import { concatBytes, encodeUtf8, fromHex, type Random, toHex } from '@lapwing/kernel';
import { SeededRandom } from '@lapwing/kernel/testing';
import { describe, expect, it } from 'vitest';
import { AlertDescription } from '../alert.ts';
import {
  describeGroup,
  ecdhePskPremasterSecret,
  isNamedGroup,
  KeyShare,
  NamedGroup,
  namedGroups,
  pskPremasterSecret,
  pskProblem,
} from './key-exchange.ts';

interface Vectors {
  readonly cases: readonly Readonly<
    Record<'name' | 'ownPrivate' | 'ownPublic' | 'peerPublic' | 'secret', string> & { group: number }
  >[];
}

const file = new URL('../../../../vectors/dtls-key-exchange.json', import.meta.url);
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors;
const random = new SeededRandom(1);

/** Gives out these bytes first. */
function fixed(...parts: readonly Uint8Array[]): Random {
  const left = [...parts];
  return { bytes: (length) => left.shift() ?? new Uint8Array(length), fraction: () => 0 };
}

describe('a key share', () => {
  for (const group of namedGroups) {
    it(`of ${describeGroup(group)} agrees with another, each time on something else`, () => {
      const secrets = new Set<string>();
      for (let i = 0; i < 20; i += 1) {
        const a = KeyShare.generate(group, random);
        const b = KeyShare.generate(group, random);
        const [one, two] = [a.derive(b.publicKey), b.derive(a.publicKey)];
        expect(one).toEqual(two);
        if (one.ok) secrets.add(toHex(one.secret));
      }
      expect(secrets.size).toBe(20);
    });
  }

  for (const { name, group, ownPrivate, ownPublic, peerPublic, secret } of vectors.cases) {
    it(`agrees on what ${name} agrees on`, () => {
      if (!isNamedGroup(group)) throw new Error(name);
      const share = KeyShare.generate(group, fixed(fromHex(ownPrivate)));
      expect(toHex(share.publicKey)).toBe(ownPublic);
      expect(share.derive(fromHex(peerPublic))).toEqual({ ok: true, secret: fromHex(secret) });
    });
  }

  it('is made of another scalar when chance gives one that is none', () => {
    const share = KeyShare.generate(
      NamedGroup.secp256r1,
      fixed(new Uint8Array(32), new Uint8Array(32).fill(255), new Uint8Array(32).fill(1)),
    );
    expect(share.publicKey.length).toBe(65);
    expect(() => KeyShare.generate(NamedGroup.secp256r1, fixed())).toThrow();
  });

  it('refuses points off the curve, at infinity, compressed and of a wrong length with illegal_parameter (dtls E 90)', () => {
    for (const group of [NamedGroup.secp256r1, NamedGroup.secp384r1]) {
      const share = KeyShare.generate(group, random);
      const good = KeyShare.generate(group, random).publicKey;
      const off = new Uint8Array(good);
      off[off.length - 1] = (off.at(-1) ?? 0) ^ 1;
      const half = (good.length - 1) / 2;
      const compressed = concatBytes(Uint8Array.of(2 + ((good.at(-1) ?? 0) & 1)), good.subarray(1, 1 + half));
      const hybrid = new Uint8Array(good);
      hybrid[0] = 6 + ((good.at(-1) ?? 0) & 1);
      const zero = new Uint8Array(good.length);
      const origin = Uint8Array.of(4, ...new Uint8Array(good.length - 1));
      const large = concatBytes(Uint8Array.of(4), new Uint8Array(good.length - 1).fill(255));
      const other = KeyShare.generate(NamedGroup.x25519, random).publicKey;
      for (const bad of [
        off,
        compressed,
        hybrid,
        zero,
        origin,
        large,
        other,
        Uint8Array.of(0),
        new Uint8Array(),
        good.subarray(0, -1),
        concatBytes(good, Uint8Array.of(0)),
      ]) {
        const refused = share.derive(bad);
        expect(refused).toMatchObject({ ok: false, alert: AlertDescription.IllegalParameter });
        expect(refused.ok ? '' : refused.reason).toBe(
          `the key share of ${bad.length} bytes is no usable point of ${describeGroup(group)}`,
        );
      }
    }
  });

  it('refuses X25519 points of small order and of a wrong length with illegal_parameter (dtls E 90)', () => {
    const share = KeyShare.generate(NamedGroup.x25519, random);
    const small = [
      '0000000000000000000000000000000000000000000000000000000000000000',
      '0100000000000000000000000000000000000000000000000000000000000000',
      'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
      '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
      'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    ].map(fromHex);
    for (const bad of [...small, new Uint8Array(31), new Uint8Array(33).fill(9), new Uint8Array()]) {
      expect(share.derive(bad)).toMatchObject({ ok: false, alert: AlertDescription.IllegalParameter });
    }
  });
});

describe('a named group', () => {
  it('is known by its number or described by it', () => {
    expect(isNamedGroup(23)).toBe(true);
    expect(isNamedGroup(25)).toBe(false);
    expect(describeGroup(0x0a0a)).toBe('group 2570');
  });
});

describe('a pre-shared key', () => {
  it('of no bytes is refused, of 1, 64, 65 and 65,535 works (dtls E 93)', () => {
    expect(pskProblem(new Uint8Array())).toBe('the pre-shared key is empty: give it at least 16 bytes');
    for (const length of [1, 64, 65, 0xffff]) {
      const key = new Uint8Array(length).fill(7);
      expect(pskProblem(key)).toBeUndefined();
      const premaster = pskPremasterSecret(key);
      const prefix = length.toString(16).padStart(4, '0');
      expect(toHex(premaster)).toBe(`${prefix}${'00'.repeat(length)}${prefix}${'07'.repeat(length)}`);
    }
    expect(pskProblem(new Uint8Array(0x1_0000))).toMatch(/65536 bytes: 65,535 is the most/);
  });

  it('stands behind the secret of the exchange in ECDHE_PSK (RFC 5489 §2)', () => {
    const premaster = ecdhePskPremasterSecret(fromHex('aabbcc'), encodeUtf8('key'));
    expect(toHex(premaster)).toBe('0003aabbcc00036b6579');
  });
});

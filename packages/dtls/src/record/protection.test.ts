import { readFileSync } from 'node:fs';
import { concatBytes, fromHex, sealAead, toHex } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { type DirectionKeys, keyBlock } from '../suites/key-block.ts';
import { finishedData } from '../suites/prf.ts';
import { findSuite, suites, withEncryptThenMac } from '../suites/registry.ts';
import type { Suite } from '../suites/suite.ts';
import { CipherCache, type CipherOwner } from './active-keys.ts';
import { contentRoom, open, seal, sealedLength } from './protection.ts';
import {
  ContentType,
  DTLS_1_2,
  LAST_SEQUENCE,
  LONGEST_CONTENT,
  RecordView,
  readRecord,
  writeRecordHeader,
} from './record.ts';

interface OpensslVectors {
  readonly cases: readonly {
    readonly name: string;
    readonly suite: string;
    readonly encryptThenMac: boolean;
    readonly clientRandom: string;
    readonly serverRandom: string;
    readonly sessionHash: string;
    readonly masterSecret: string;
    readonly records: readonly { readonly from: 'client' | 'server'; readonly content: string; readonly hex: string }[];
  }[];
}

const file = new URL('../../../../vectors/dtls-openssl-psk.json', import.meta.url);
const openssl = JSON.parse(readFileSync(file, 'utf8')) as OpensslVectors;

/** Every suite, those with CBC in both orders of MAC. */
const protections: readonly Suite[] = [...suites, ...suites.filter((s) => s.cipher === 'cbc').map(withEncryptThenMac)];
const nameOf = (suite: Suite) => (suite.encryptThenMac ? `${suite.name}, encrypt then MAC` : suite.name);
const suite = (id: number): Suite => findSuite(id)!;
const ccm8 = suite(0xc0a8);

const keys: ReadonlyMap<Suite, DirectionKeys> = new Map(
  protections.map((s) => [s, keyBlock(s, new Uint8Array(48).fill(9), new Uint8Array(32), new Uint8Array(32)).client]),
);
const keysOf = (s: Suite): DirectionKeys => keys.get(s)!;
const cid = fromHex('c1d0c1d0c1d0');
const view = new RecordView();

function sealed(s: Suite, type: number, sequence: number, content: Uint8Array, cidOf?: Uint8Array): Uint8Array {
  const out = new Uint8Array(sealedLength(s, cidOf?.length ?? 0, content.length));
  expect(seal(s, keysOf(s), type, 1, sequence, cidOf, content, out, 0)).toBe(out.length);
  return out;
}

function opened(s: Suite, record: Uint8Array, cidLength = 0): Uint8Array | undefined {
  return readRecord(record, 0, cidLength, view) ? open(s, keysOf(s), view, record) : undefined;
}

describe('records of OpenSSL', () => {
  for (const v of openssl.cases) {
    const plain = suite(Number.parseInt(v.suite, 16));
    const s = v.encryptThenMac ? withEncryptThenMac(plain) : plain;
    const master = fromHex(v.masterSecret);
    const keys = keyBlock(s, master, fromHex(v.clientRandom), fromHex(v.serverRandom));

    it(`open to what was sent with ${v.name} (dtls E 15)`, () => {
      for (const r of v.records) {
        const bytes = fromHex(r.hex);
        expect(readRecord(bytes, 0, 0, view) && view.end).toBe(bytes.length);
        const content = open(s, keys[r.from], view, bytes)!;
        if (r.content === 'Finished') {
          expect(toHex(content.subarray(0, 4))).toBe('1400000c');
          if (r.from === 'server') continue;
          const expected = finishedData(s.hash, master, 'client', fromHex(v.sessionHash));
          expect(toHex(content.subarray(12))).toBe(toHex(expected));
        } else expect(toHex(content)).toBe(r.content);
      }
    });

    if (s.cipher !== 'ccm') continue;
    it(`are made here byte by byte with ${v.name}`, () => {
      const r = v.records[2]!;
      const out = new Uint8Array(200);
      const end = seal(s, keys.client, 23, 1, 1, undefined, fromHex(r.content), out, 0);
      expect(toHex(out.subarray(0, end))).toBe(r.hex);
    });
  }
});

describe('a protected record', () => {
  it('is as long as announced, and no shorter content needs more room', () => {
    for (const s of protections) {
      for (const cidLength of [0, 1, 8]) {
        for (let room = 60; room < 200; room += 1) {
          const most = contentRoom(s, cidLength, room);
          if (most < 0) continue;
          expect(sealedLength(s, cidLength, most)).toBeLessThanOrEqual(room);
          expect(sealedLength(s, cidLength, most + 1)).toBeGreaterThan(room);
        }
      }
    }
    expect(contentRoom(ccm8, 0, 65_535)).toBe(LONGEST_CONTENT);
    expect(sealedLength(ccm8, 6, 10)).toBe(13 + 6 + 8 + 10 + 1 + 8);
  });

  for (const s of protections) {
    it(`is opened by who has the keys: ${nameOf(s)}`, () => {
      for (const length of [0, 1, 15, 16, 17, 64, 300]) {
        const content = new Uint8Array(length).fill(length);
        expect(opened(s, sealed(s, 23, length, content))).toEqual(content);
        expect(view.type).toBe(23);
        const hidden = sealed(s, 22, length, content, cid);
        expect(hidden[0]).toBe(ContentType.ConnectionId);
        expect(opened(s, hidden, cid.length)).toEqual(content);
        expect(view.type).toBe(22);
      }
    });

    it(`delivers nothing but an empty message when it is empty (dtls E 3): ${nameOf(s)}`, () => {
      expect(opened(s, sealed(s, 23, 0, new Uint8Array(0)))).toEqual(new Uint8Array(0));
    });

    it(`is refused when a bit of body or covered header differs, and opens still when it does not (G-16, dtls E 1): ${nameOf(s)}`, () => {
      for (const [length, cidLength] of [
        [0, 0],
        [21, 0],
        [0, 6],
        [21, 6],
      ] as const) {
        const record = sealed(s, 23, 3, new Uint8Array(length).fill(0xaa), cidLength > 0 ? cid : undefined);
        for (let at = 0; at < record.length; at += 1) {
          for (const bit of [1, 0x80]) {
            const forged = record.slice();
            forged[at]! ^= bit;
            expect(opened(s, forged, cidLength)).toBeUndefined();
          }
        }
        expect(opened(s, record, cidLength)).toHaveLength(length);
      }
    });

    it(`is refused, without a negative length, when it is cut short (dtls E 8): ${nameOf(s)}`, () => {
      const record = sealed(s, 23, 3, new Uint8Array(40));
      for (let body = 0; 13 + body < record.length; body += 1) {
        const short = record.slice(0, 13 + body);
        short[11] = 0;
        short[12] = body;
        expect(opened(s, short)).toBeUndefined();
      }
    });
  }

  it('is refused empty with any tag but its own (CCM checks the tag only where bytes were given)', () => {
    for (const id of [0xc0a8, 0xc0a4, 0x00a8]) {
      const record = sealed(suite(id), 23, 1, new Uint8Array(0));
      record.fill(0, record.length - suite(id).tagLength);
      expect(opened(suite(id), record)).toBeUndefined();
    }
  });

  it('is opened with the explicit nonce as received (dtls E 18)', () => {
    for (const [id, name] of [
      [0xc0a8, 'aes-128-ccm'],
      [0x00a8, 'aes-128-gcm'],
    ] as const) {
      const s = suite(id);
      const { key, iv } = keysOf(s);
      const explicit = fromHex('f00df00df00df00d');
      const record = new Uint8Array(sealedLength(s, 0, 3));
      const bodyAt = writeRecordHeader(record, 0, 23, DTLS_1_2, 1, 4, undefined, record.length - 13);
      record.set(explicit, bodyAt);
      const covered = fromHex('000100000000000417fefd0003');
      sealAead(name, key, concatBytes(iv, explicit), covered, fromHex('abcdef'), s.tagLength, record, bodyAt + 8);
      expect(toHex(opened(s, record)!)).toBe('abcdef');
    }
  });

  it('covers what RFC 9146 §5.3 says, not what its drafts said (dtls E 110)', () => {
    const { key, iv } = keysOf(ccm8);
    const inner = fromHex('abcdef17');
    const covered = fromHex('ffffffffffffffff190619fefd0001000000000004c1d0c1d0c1d00004');
    const record = fromHex(`19fefd0001000000000004c1d0c1d0c1d000140001000000000004${'00'.repeat(12)}`);
    const nonce = concatBytes(iv, fromHex('0001000000000004'));
    sealAead('aes-128-ccm', key, nonce, covered, inner, 8, record, 27);
    expect(toHex(sealed(ccm8, 23, 4, fromHex('abcdef'), cid))).toBe(toHex(record));
    expect(toHex(opened(ccm8, record, 6)!)).toBe('abcdef');
  });

  it('cannot have a number past 2^48 - 1: no nonce comes twice (G-17)', () => {
    const out = new Uint8Array(100);
    const content = new Uint8Array(1);
    expect(seal(ccm8, keysOf(ccm8), 23, 1, LAST_SEQUENCE, undefined, content, out, 0)).toBe(30);
    for (const sequence of [LAST_SEQUENCE + 1, -1, Number.NaN]) {
      expect(() => seal(ccm8, keysOf(ccm8), 23, 1, sequence, undefined, content, out, 0)).toThrow(RangeError);
    }
  });

  it('is not written past the room there is', () => {
    const out = new Uint8Array(29);
    expect(() => seal(ccm8, keysOf(ccm8), 23, 1, 0, undefined, new Uint8Array(1), out, 0)).toThrow(RangeError);
    expect(() => seal(ccm8, keysOf(ccm8), 23, 1, 0, undefined, new Uint8Array(0), out, 1)).toThrow(RangeError);
  });

  it('carries 2^14 bytes of content and no more (dtls E 9)', () => {
    for (const s of [ccm8, suite(0x00a8), suite(0x00ae)]) {
      expect(opened(s, sealed(s, 23, 0, new Uint8Array(LONGEST_CONTENT)))).toHaveLength(LONGEST_CONTENT);
      expect(opened(s, sealed(s, 23, 0, new Uint8Array(LONGEST_CONTENT), cid), 6)).toHaveLength(LONGEST_CONTENT);
      expect(opened(s, sealed(s, 23, 0, new Uint8Array(LONGEST_CONTENT + 1)))).toBeUndefined();
    }
  });

  it('does not change the datagram it is opened from', () => {
    for (const s of protections) {
      const record = sealed(s, 23, 0, new Uint8Array(20), cid);
      const before = record.slice();
      opened(s, record, cid.length);
      expect(record).toEqual(before);
    }
  });
});

describe('a record with a connection id', () => {
  it('is refused under the id of another peer, and when the length of ids is another (G-29, dtls E 108)', () => {
    const record = sealed(ccm8, 23, 5, new Uint8Array(30), cid);
    const other = record.slice();
    other[11]! ^= 1;
    expect(opened(ccm8, other, 6)).toBeUndefined();
    for (const length of [0, 1, 2, 4, 5, 7, 8, 16]) expect(opened(ccm8, record, length)).toBeUndefined();
  });

  it('may be padded with any number of zeros; without a type inside it says nothing (dtls E 109)', () => {
    // The content of a record whose own type is 0 ends in a zero: what is inside is padded already.
    for (const s of protections) {
      for (const zeros of [0, 1, 15, 16, 40]) {
        const inner = new Uint8Array(3 + zeros);
        inner.set([7, 8, 23]);
        expect(opened(s, sealed(s, 0, 9, inner, cid), 6)).toEqual(Uint8Array.of(7, 8));
        expect(view.type).toBe(23);
      }
      expect(opened(s, sealed(s, 0, 9, new Uint8Array(12), cid), 6)).toEqual(new Uint8Array(0));
      expect(view.type).toBe(0);
    }
  });

  it('is refused when it was made as one without (RFC 9146 §5.3, dtls E 107)', () => {
    for (const s of protections) {
      const record = sealed(s, 23, 5, new Uint8Array(30), cid);
      const bare = new Uint8Array(record.length - 6);
      bare.set(record.subarray(0, 11));
      bare.set(record.subarray(17), 11);
      bare[0] = 23;
      expect(opened(s, bare)).toBeUndefined();
    }
  });
});

describe('content', () => {
  it('is in memory of its own, whichever way it was opened', () => {
    const cache = new CipherCache();
    const owner: CipherOwner = { sealing: undefined, opening: undefined };
    const all: Uint8Array[] = [];
    for (let n = 0; n < 8; n += 1) {
      const record = sealed(ccm8, 23, n, new Uint8Array(20 + n).fill(n), n % 2 === 0 ? cid : undefined);
      expect(readRecord(record, 0, 6, view)).toBe(true);
      const keys = owner.opening ?? cache.keep(owner, 'opening', ccm8, keysOf(ccm8));
      all.push(open(ccm8, keys, view, record)!);
      record.fill(0xff);
    }
    for (const [n, content] of all.entries()) expect(content).toEqual(new Uint8Array(20 + n).fill(n));
  });
});

// How much is computed for what a peer may not learn: every call of a primitive is counted, with its hash blocks. Time is
// made of these, and unlike time they can be compared exactly (G-21, G-22, dtls E 14).
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { equalBytes, noBytes, Secret } from '@lapwing/kernel';
import { SeededRandom } from '@lapwing/kernel/testing';
import { describe, expect, it } from 'vitest';
import { CookieJar } from './handshake/cookie.ts';
import { Decoy } from './handshake/decoy.ts';
import { Exchange } from './handshake/exchange.ts';
import { checkFinished } from './handshake/finished.ts';
import { peekClientHello } from './handshake/hello-view.ts';
import { defaultSettings } from './handshake/settings.ts';
import { readFragment } from './messages/handshake.ts';
import { open, seal, sealedLength } from './record/protection.ts';
import { RecordView, readRecord } from './record/record.ts';
import type { DirectionKeys } from './suites/key-block.ts';
import { finishedData } from './suites/prf.ts';
import { findSuite, suites, withEncryptThenMac } from './suites/registry.ts';
import { Lockstep, type LockstepOptions } from './testing/lockstep.ts';
import { pskParties } from './testing/parties.ts';
import { withCookie } from './testing/with-cookie.ts';

/** Each call by name, with the bytes or hash blocks that it works through. */
type Work = readonly string[];

const counted = ['hash', 'createHash', 'createHmac', 'createCipheriv', 'createDecipheriv', 'timingSafeEqual'] as const;

/** What `run` computes. The primitives do their work all the same. */
function workOf(run: () => void): Work {
  const calls: string[] = [];
  const all = crypto as unknown as Record<string, (...args: readonly unknown[]) => unknown>;
  const originals = counted.map((name) => [name, all[name]] as const);
  for (const [name, original] of originals) {
    if (original === undefined) continue;
    all[name] = (...args) => {
      const bytes = args.find((arg) => arg instanceof Uint8Array) as Uint8Array | undefined;
      calls.push(`${name} ${name === 'hash' ? `${blocks(bytes)} blocks` : `${bytes?.length} bytes`}`);
      return original.apply(crypto, [...args]);
    };
  }
  syncBuiltinESMExports();
  try {
    run();
  } finally {
    for (const [name, original] of originals) if (original !== undefined) all[name] = original;
    syncBuiltinESMExports();
  }
  return calls;
}

/** Of SHA-256, with its own padding. */
const blocks = (bytes: Uint8Array | undefined): number => ((bytes?.length ?? 0) + 9 + 63) >>> 6;

/** Calls of each kind, and hash blocks in all: the shape of the work when its parts may trade places. */
function sumOf(work: Work): object {
  const hashed = work.filter((call) => call.startsWith('hash')).map((call) => Number(call.split(' ')[1]));
  return {
    hashes: hashed.length,
    blocks: hashed.reduce((sum, each) => sum + each, 0),
    others: work.filter((call) => !call.startsWith('hash')),
  };
}

const bytesOf = (length: number, value: number) => new Uint8Array(length).fill(value);
const keys: DirectionKeys = { key: bytesOf(16, 1), iv: bytesOf(0, 0), mac: bytesOf(32, 2) };

/** A record of CBC whose decrypted bytes `spoil` changes: only who has the keys can make them. */
function recordOf(etm: boolean, length: number, spoil: (plain: Uint8Array) => void): Uint8Array {
  const plainSuite = findSuite(0x00ae)!;
  const suite = etm ? withEncryptThenMac(plainSuite) : plainSuite;
  const record = new Uint8Array(sealedLength(suite, 0, length));
  seal(suite, keys, 23, 1, 7, undefined, bytesOf(length, 0x41), record, 0);
  const from = 13 + 16;
  const to = record.length - (etm ? suite.tagLength : 0);
  const iv = record.slice(13, from);
  const decipher = crypto.createDecipheriv('aes-128-cbc', keys.key, iv).setAutoPadding(false);
  const plain = new Uint8Array(decipher.update(record.subarray(from, to)));
  spoil(plain);
  const cipher = crypto.createCipheriv('aes-128-cbc', keys.key, iv).setAutoPadding(false);
  record.set(cipher.update(plain), from);
  return record;
}

function openWork(etm: boolean, record: Uint8Array): { readonly work: Work; readonly isOpen: boolean } {
  const plainSuite = findSuite(0x00ae)!;
  const view = new RecordView();
  expect(readRecord(record, 0, 0, view)).toBe(true);
  let isOpen = false;
  const work = workOf(() => {
    isOpen = open(etm ? withEncryptThenMac(plainSuite) : plainSuite, keys, view, record) !== undefined;
  });
  return { work, isOpen };
}

describe('a record of CBC', () => {
  const faults: readonly (readonly [string, (plain: Uint8Array) => void])[] = [
    ['a wrong byte of content', (plain) => void (plain[0]! ^= 1)],
    ['a wrong byte of MAC', (plain) => void (plain[plain.length - 20]! ^= 1)],
    ['a wrong byte of padding', (plain) => void (plain[plain.length - 2]! ^= 1)],
    ['a padding that says 0', (plain) => void (plain[plain.length - 1] = 0)],
    ['a padding longer than the record', (plain) => void (plain[plain.length - 1] = 255)],
    ['a padding as long as it can be', (plain) => void plain.fill(Math.min(255, plain.length - 33), 32)],
    ['padding and MAC wrong', (plain) => void plain.fill(0x99, plain.length - 40)],
  ];

  it.each([0, 1, 15, 16, 31, 64, 200, 256, 600])(
    'of %d bytes takes the same hashes for every fault as when it is right (G-21, dtls E 14)',
    (length) => {
      const honest = recordOf(false, length, () => undefined);
      const right = openWork(false, honest);
      expect(right.isOpen).toBe(true);
      expect(right.work.length).toBeGreaterThan(5);
      for (const [, spoil] of faults) {
        const record = recordOf(false, length, spoil);
        const wrong = openWork(false, record);
        // Some faults leave the one or the other length as it is.
        expect(wrong.isOpen).toBe(equalBytes(record, honest));
        expect(sumOf(wrong.work)).toEqual(sumOf(right.work));
      }
    },
  );

  it('is not even decrypted when its outer MAC is wrong, whatever is inside (G-21, RFC 7366 §3)', () => {
    const [first, ...others] = faults.map(([, spoil]) => openWork(true, recordOf(true, 64, spoil)));
    expect(first?.work.filter((call) => call.startsWith('createDecipheriv'))).toEqual([]);
    for (const other of others) expect(other).toEqual(first);
  });
});

describe('a handshake with a pre-shared key', () => {
  const settings = { suites: [findSuite(0xc0a8)!] };

  /** All that the server computes for the flight that carries the identity, up to its silence. */
  function serverWork(options: LockstepOptions): Work {
    let flight: Uint8Array | undefined;
    const pair = new Lockstep({
      ...options,
      settings,
      link: ({ from, says, bytes }) => {
        if (from === 'server' || says[0] === 'ClientHello') return [5];
        flight ??= bytes;
        return [];
      },
    }).run(40);
    const work = workOf(() => pair.deliver(pair.server, flight!));
    expect(pair.server.questions).toHaveLength(1);
    expect(pair.server.outcome).toBeUndefined();
    return work;
  }

  it.each([1, 16, 32, 48, 64, 200])(
    'takes the same work for an unknown identity as for a wrong key, where keys have %d bytes (G-21, RFC 4279 §2)',
    (length) => {
      const store = { psk: (id: Uint8Array) => (id[0] === 1 ? new Secret(bytesOf(length, 5)) : undefined) };
      const decoy = new Decoy();
      const attempt = (first: number): Work => {
        const identity = Uint8Array.of(first, 2, 3);
        const key = new Secret(bytesOf(length, 6));
        return serverWork({ credentials: { kind: 'psk', identity, key }, store, serverSettings: { decoy } });
      };
      const wrongKey = attempt(1);
      expect(attempt(9)).toEqual(wrongKey);
      expect(wrongKey.length).toBeGreaterThanOrEqual(20);
    },
  );

  it('takes the same work whichever byte of Finished is wrong (G-22)', () => {
    const exchange = new Exchange(
      'server',
      { ...defaultSettings, random: new SeededRandom(1), decoy: new Decoy(), suites },
      1200,
    );
    exchange.suite = findSuite(0xc0a8)!;
    exchange.master = bytesOf(48, 3);
    const heard = { type: 20, messageSeq: 3, hashBefore: bytesOf(32, 4), bytesBefore: noBytes };
    const right = finishedData('sha256', exchange.master, 'client', heard.hashBefore);
    const works = Array.from(right, (_, at) =>
      workOf(() => {
        const body = right.map((byte, i) => (i === at ? byte ^ 1 : byte));
        expect(() => checkFinished(exchange, { ...heard, body })).toThrow(/does not fit/);
      }),
    );
    expect(works[0]?.at(-1)).toBe('timingSafeEqual 12 bytes');
    for (const work of works) expect(work).toEqual(works[0]);
  });
});

describe('a cookie', () => {
  it('takes the same work whichever of its bytes is wrong (G-22)', () => {
    const pair = new Lockstep({ ...pskParties(), settings: { suites } });
    pair.run(1);
    const fragment = readFragment(pair.parcels[0]!.bytes, 13)!;
    const hello = peekClientHello(fragment)!;
    const here = { via: 'udp', host: '192.0.2.1', port: 5684 } as const;
    const jar = new CookieJar({ bytes: (length) => bytesOf(length, 9), fraction: () => 0 });
    const cookie = jar.make(0, here, hello);
    const judged = (given: Uint8Array) => {
      const again = peekClientHello(withCookie(fragment, given))!;
      return workOf(() => void jar.verify(0, here, again));
    };
    const right = judged(cookie);
    expect(right.at(-1)).toBe('timingSafeEqual 16 bytes');
    for (let at = 1; at < cookie.length; at += 1) {
      expect(judged(cookie.map((byte, i) => (i === at ? byte ^ 1 : byte)))).toEqual(right);
    }
  });
});

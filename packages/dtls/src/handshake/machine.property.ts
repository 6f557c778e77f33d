// Handshakes of both roles over networks that lose, double, delay and shuffle at random, with fragments that are cut
// differently each time; and machines in any state that are fed what no honest peer sends.
import { SeededRandom } from '@lapwing/kernel/testing';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { writeFragment } from '../messages/handshake.ts';
import { findSuite } from '../suites/registry.ts';
import { agree, type Link, Lockstep, type LockstepOptions } from '../testing/lockstep.ts';
import { pskParties, rpkParties, x509Parties } from '../testing/parties.ts';
import { resumingParties } from '../testing/resuming.ts';
import type { HandshakeInput } from './contract.ts';
import { defaultTimers } from './settings.ts';

const ccm8 = { suites: [findSuite(0xc0a8)!, findSuite(0xc0ae)!] };
const kinds: readonly [string, LockstepOptions][] = [
  ['psk', pskParties()],
  ['x509', x509Parties()],
  ['rpk', rpkParties()],
  ['resumed', resumingParties('id')],
];

/** Each datagram: lost, doubled or held up for up to a second, each with the same probability. */
function badRoad(random: SeededRandom, probability: number): Link {
  const delay = () => (random.chance(probability) ? random.between(20, 1_000) : random.between(5, 15));
  return () => {
    if (random.chance(probability)) return [];
    return random.chance(probability) ? [delay(), delay()] : [delay()];
  };
}

function overBadRoad(options: LockstepOptions, seed: number, probability: number): Lockstep {
  const random = new SeededRandom(seed);
  // A retransmission is cut otherwise than what it repeats: its datagrams are shorter.
  const datagram = () => random.between(200, 1_400);
  const timers = { ...defaultTimers, retransmissions: 8, total: 1_000_000, shrinkAfter: random.between(1, 3) };
  return new Lockstep({
    ...options,
    seed,
    link: badRoad(random, probability),
    settings: { ...ccm8, timers, smallDatagram: random.between(120, 200) },
    client: { ...options.client, datagram: datagram() },
    server: { ...options.server, datagram: datagram() },
  }).run();
}

// On a busy machine the key exchanges of hundreds of handshakes take a while.
vi.setConfig({ testTimeout: 60_000 });

describe('over a road that loses, doubles and shuffles', () => {
  it.each(kinds)('one datagram in 100 or in 20: %s always completes (dtls E 55)', (_, options) => {
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom(0.01, 0.05), (seed, probability) => {
        const pair = overBadRoad(options, seed, probability);
        expect(pair.client.error ?? pair.server.error).toBeUndefined();
        expect(agree(pair)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it.each(kinds)(
    'one datagram in five: %s completes nearly always within eight retransmissions, and never by halves',
    (_, options) => {
      let completed = 0;
      const runs = 100;
      for (let seed = 0; seed < runs; seed += 1) {
        const pair = overBadRoad(options, seed, 0.2);
        if (pair.client.outcome !== undefined && pair.server.outcome !== undefined) {
          expect(agree(pair)).toBe(true);
          completed += 1;
        }
        // Whoever has nothing more to wait for has either connected or says why not.
        for (const side of [pair.client, pair.server]) {
          if (side.handshake === undefined) continue;
          expect(side.handshake.deadline).toBeUndefined();
          expect(side.outcome ?? side.error).toBeDefined();
        }
      }
      expect(completed / runs).toBeGreaterThanOrEqual(0.99);
    },
  );

  it('a flight is not multiplied: no side sends more than theory asks for (G-39)', () => {
    for (let seed = 0; seed < 50; seed += 1) {
      const random = new SeededRandom(seed);
      // Everything twice and late, nothing lost.
      const link: Link = () => [random.between(5, 300), random.between(5, 300)];
      const pair = new Lockstep({ ...pskParties(), settings: ccm8, link, seed }).run();
      expect(agree(pair)).toBe(true);
      expect(pair.parcels.filter(({ from }) => from === 'client').length).toBeLessThanOrEqual(5);
      expect(pair.parcels.filter(({ from }) => from === 'server').length).toBeLessThanOrEqual(8);
    }
  });
});

describe('any input in any state', () => {
  const body = fc.uint8Array({ maxLength: 80 });
  const fragment = fc
    .record({
      type: fc.constantFrom(0, 1, 2, 3, 4, 11, 12, 13, 14, 15, 16, 20, 99),
      messageSeq: fc.nat({ max: 8 }),
      body,
      more: fc.nat({ max: 5 }),
      offset: fc.constantFrom(0, 0, 0, 1, 7),
    })
    .map(({ type, messageSeq, body: bytes, more, offset }) =>
      writeFragment({ type, messageSeq, length: bytes.length + more + offset, offset, body: bytes }),
    );
  const epoch = fc.constantFrom(0 as const, 1 as const);
  const input: fc.Arbitrary<HandshakeInput> = fc.oneof(
    fc.record({ kind: fc.constant('fragment' as const), epoch, bytes: fc.oneof(fragment, body) }),
    fc.constant({ kind: 'change-cipher-spec' as const }),
    fc.constant({ kind: 'forged' as const }),
    fc.constant({ kind: 'confirmed' as const }),
    fc.constant({ kind: 'start' as const }),
    fc.record({
      kind: fc.constant('alert' as const),
      alert: fc.record({ level: fc.constantFrom(1, 2), description: fc.nat({ max: 255 }) }),
      epoch,
    }),
    fc.constant({ kind: 'found' as const, answer: { about: 'psk' as const, key: undefined } }),
    fc.constant({ kind: 'found' as const, answer: { about: 'certificate' as const, accepted: true } }),
  );

  it.each(kinds)('%s: nothing escapes, nothing is established by it (dtls E 127)', (_, options) => {
    fc.assert(
      fc.property(fc.nat({ max: 40 }), fc.array(input, { maxLength: 30 }), (until, inputs) => {
        const pair = new Lockstep({ ...options, settings: { ...ccm8 } }).run(until);
        const before = [pair.client.outcome, pair.server.outcome];
        for (const each of inputs) {
          pair.input(pair.client, each);
          pair.input(pair.server, each);
        }
        expect([pair.client.outcome, pair.server.outcome]).toEqual(before);
        pair.goOn();
        for (const side of [pair.client, pair.server]) expect(side.handshake?.deadline).toBeUndefined();
      }),
      { numRuns: 80 },
    );
  });

  it.each(kinds)('%s: one changed byte on the way ends in success or words, never in different views', (_, options) => {
    fc.assert(
      fc.property(fc.nat({ max: 12 }), fc.nat({ max: 1_400 }), fc.integer({ min: 1, max: 255 }), (which, at, mask) => {
        let count = 0;
        const link: Link = ({ bytes }) => {
          if (count++ === which && bytes.length > 0) {
            const place = at % bytes.length;
            bytes[place] = (bytes[place] ?? 0) ^ mask;
          }
          return [5];
        };
        const pair = new Lockstep({ ...options, settings: { ...ccm8 }, link }).run();
        const { client, server } = pair;
        if (client.outcome !== undefined && server.outcome !== undefined) expect(agree(pair)).toBe(true);
        for (const side of [client, server])
          if (side.handshake !== undefined) expect(side.outcome ?? side.error).toBeDefined();
      }),
      { numRuns: 80 },
    );
  });
});

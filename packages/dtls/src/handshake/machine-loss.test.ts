// Handshakes of both roles on a network that loses, delays and shuffles: what is sent again, when, and for how long.
import { Secret } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { findSuite } from '../suites/registry.ts';
import type { Suite } from '../suites/suite.ts';
import { agree, type Link, Lockstep, type LockstepOptions, type Parcel } from '../testing/lockstep.ts';
import { pskParties, rpkParties, x509Parties } from '../testing/parties.ts';
import { resumingParties } from '../testing/resuming.ts';
import { defaultTimers } from './settings.ts';

const ccm8: { suites: readonly Suite[] } = { suites: [findSuite(0xc0a8)!, findSuite(0xc0ae)!] };
const timers = { ...defaultTimers };
const bothIds = { client: { connectionId: Uint8Array.of(1, 2, 3) }, server: { connectionId: Uint8Array.of(4, 5) } };
const kinds: readonly [string, () => LockstepOptions][] = [
  ['a pre-shared key', () => ({ ...pskParties(), settings: ccm8 })],
  ['certificates on both sides', () => ({ ...x509Parties(), settings: ccm8 })],
  [
    'certificates in small datagrams',
    () => ({ ...x509Parties(), client: { datagram: 300 }, server: { datagram: 300 } }),
  ],
  ['raw public keys', () => ({ ...rpkParties(), settings: ccm8 })],
  ['a resumed session', () => resumingParties('id')],
  ['a resumed ticket', () => resumingParties('ticket')],
  // dtls E 111
  ['connection ids', () => ({ ...pskParties(), settings: ccm8, ...bothIds })],
  ['connection ids and a resumed session', () => resumingParties('id', pskParties(), bothIds)],
];

/** Loses what `isLost` says, delivers the rest after 5 ms. */
const losing =
  (isLost: (parcel: Parcel) => boolean): Link =>
  (parcel) =>
    isLost(parcel) ? [] : [5];

function settles(pair: Lockstep): void {
  expect(pair.client.error).toBeUndefined();
  expect(pair.server.error).toBeUndefined();
  expect(agree(pair)).toBe(true);
  expect(pair.client.isReleased).toBe(true);
  expect(pair.server.isReleased).toBe(true);
}

describe('losing one datagram', () => {
  it.each(kinds)('with %s: any one, and the handshake completes after one wait (dtls E 54, E 57, E 111)', (_, make) => {
    const perfect = new Lockstep(make()).run();
    settles(perfect);
    for (const lost of perfect.parcels) {
      const pair = new Lockstep({
        ...make(),
        link: losing(({ from, number }) => from === lost.from && number === lost.number),
      }).run();
      settles(pair);
      const end = Math.max(...pair.parcels.map(({ at }) => at));
      expect(end).toBeLessThan(1_200);
    }
  });

  it.each(kinds)('G-35: with %s: any one comes late, overtaken by what was sent again', (_, make) => {
    const perfect = new Lockstep(make()).run();
    for (const late of perfect.parcels) {
      for (const delay of [900, 1_003, 3_500]) {
        const link: Link = ({ from, number }) => [from === late.from && number === late.number ? delay : 5];
        settles(new Lockstep({ ...make(), link }).run());
      }
    }
  });

  it('the last flight of the server is sent again though it is connected already (dtls E 57)', () => {
    let lost = 0;
    const link = losing(({ from, says }) => from === 'server' && says.includes('[Finished]') && lost++ < 2);
    const pair = new Lockstep({ ...pskParties(), settings: ccm8, link });
    pair.run(100);
    expect(pair.server.outcome).toBeDefined();
    expect(pair.client.outcome).toBeUndefined();
    settles(pair.goOn());
    expect(pair.ladder().slice(4)).toEqual([
      '20 -> ClientKeyExchange, ChangeCipherSpec, [Finished]',
      '25 <- ChangeCipherSpec, [Finished]',
      '1020 -> ClientKeyExchange, ChangeCipherSpec, [Finished]',
      '1025 <- ChangeCipherSpec, [Finished]',
      '3020 -> ClientKeyExchange, ChangeCipherSpec, [Finished]',
      '3025 <- ChangeCipherSpec, [Finished]',
    ]);
  });

  it('whatever is sent again has new record numbers and the same message numbers (dtls E 60)', () => {
    const pair = new Lockstep({ ...pskParties(), settings: ccm8, link: losing(({ number }) => number === 2) }).run();
    settles(pair);
    const first = pair.parcels[4]!;
    const again = pair.parcels.slice(5).find(({ from, says }) => from === 'client' && `${says}` === `${first.says}`)!;
    // Epoch 0 record number at 5, message_seq behind the record header and four bytes of the handshake header.
    expect(again.bytes.slice(5, 11)).not.toEqual(first.bytes.slice(5, 11));
    expect(again.bytes.slice(17, 19)).toEqual(first.bytes.slice(17, 19));
  });
});

describe('the timer', () => {
  const times = (pair: Lockstep, from: string) => pair.parcels.filter((p) => p.from === from).map((p) => p.at);

  it('doubles from one second to the cap and gives up after the last wait (dtls E 56, E 59)', () => {
    const settings = { ...ccm8, timers: { ...timers, longest: 20_000, retransmissions: 7, total: 1e6 } };
    const pair = new Lockstep({ ...pskParties(), settings, link: () => [] }).run();
    expect(times(pair, 'client')).toEqual([0, 1_000, 3_000, 7_000, 15_000, 31_000, 51_000, 71_000]);
    expect(pair.now).toBe(91_000);
    expect(pair.client.error?.message).toMatch(/did not answer: check address and port/);
    expect(pair.client.handshake?.deadline).toBeUndefined();
    pair.input(pair.client, { kind: 'change-cipher-spec' });
    expect(times(pair, 'client')).toHaveLength(8);
  });

  it('starts at nine seconds for slow roads, and is never in the way of them (RFC 7925 §11)', () => {
    const settings = { ...ccm8, timers: { ...timers, initial: 9_000, total: 600_000 } };
    const pair = new Lockstep({ ...pskParties(), settings, link: () => [4_000] }).run();
    settles(pair);
    expect(pair.parcels).toHaveLength(6);
  });

  it('starts anew with each flight (dtls E 56)', () => {
    const link = losing(({ from, number }) => from === 'client' && (number === 1 || number === 2 || number === 4));
    const pair = new Lockstep({ ...pskParties(), settings: ccm8, link }).run();
    // Hello with cookie at 10, again at 1,010 and 3,010; Finished at 3,020, again one second later.
    expect(times(pair, 'client').slice(1, 6)).toEqual([10, 1_010, 3_010, 3_020, 4_020]);
    settles(pair);
  });

  it('the whole handshake ends at its limit, whatever the flights say', () => {
    const settings = { ...ccm8, timers: { ...timers, total: 2_500 } };
    const pair = new Lockstep({ ...pskParties(), settings, link: () => [] }).run();
    expect(pair.now).toBe(2_500);
    expect(pair.client.error).toBeDefined();
  });

  it('fragments shrink once flights were lost again and again (dtls E 61)', () => {
    const settings = { timers: { ...timers, total: 1e6 }, smallDatagram: 300 };
    const pair = new Lockstep({ ...x509Parties(), settings, link: losing(({ bytes }) => bytes.length > 400) }).run();
    settles(pair);
    const lengths = (from: string) => pair.parcels.filter((p) => p.from === from).map(({ bytes }) => bytes.length);
    // The server sends its flight as a whole, three times, and then never again.
    const ofServer = lengths('server');
    const lastWhole = ofServer.findLastIndex((length) => length > 400);
    expect(ofServer.filter((length) => length > 400)).toHaveLength(3);
    expect(Math.max(...ofServer.slice(lastWhole + 1))).toBeLessThanOrEqual(300);
    // The client has learnt part of it from its hello, which was repeated too.
    expect(lengths('client').filter((length) => length > 400).length).toBeLessThanOrEqual(3);
  });

  it('a store slower than the timer is asked once, and nothing is sent twice meanwhile (dtls E 62)', () => {
    for (const parties of [pskParties(), rpkParties()]) {
      const pair = new Lockstep({ ...parties, settings: ccm8, storeDelay: 3_500 }).run();
      settles(pair);
      expect(pair.server.questions).toHaveLength(1);
      expect(pair.parcels.filter(({ from, says }) => from === 'server' && says.includes('ServerHello'))).toHaveLength(
        1,
      );
      expect(pair.parcels.filter(({ from, says }) => from === 'server' && says.includes('[Finished]'))).toHaveLength(1);
    }
  });

  it('a store that never answers ends the handshake with words', () => {
    const pair = new Lockstep({ ...pskParties(), settings: ccm8, storeDelay: 9e6 }).run(8e6);
    expect(pair.server.error?.message).toMatch(/store of credentials did not answer/);
  });

  it('keys that differ end it on both sides at their limits when nobody may say so (dtls E 64)', () => {
    const parties = pskParties(new Secret(new Uint8Array(16)));
    const pair = new Lockstep({ ...parties, settings: { ...ccm8, wrongKey: 'silent' } }).run();
    expect(pair.server.error?.message).toMatch(/different keys for PSK identity "dev-1".*fell silent/);
    expect(pair.client.error?.message).toMatch(/most likely it does not know PSK identity "dev-1", or has another key/);
    expect(pair.parcels.length).toBeLessThan(25);
    expect(pair.now).toBeLessThanOrEqual(130_000);
  });
});

describe('order and number of datagrams', () => {
  it('every permutation of the flights of server and client completes (dtls E 29, E 11, E 25)', () => {
    const parties = { ...x509Parties(), settings: ccm8, client: { datagram: 220 }, server: { datagram: 220 } };
    const perfect = new Lockstep(parties).run();
    const flights = [
      perfect.parcels.filter(({ at, from }) => from === 'server' && at === 15),
      perfect.parcels.filter(({ at, from }) => from === 'client' && at === 20),
    ];
    for (const flight of flights) {
      expect(flight.length).toBeGreaterThan(3);
      for (const order of permutations(flight.map(({ number }) => number).slice(0, 5))) {
        const place = new Map(order.map((number, at) => [number, at]));
        const from = flight[0]!.from;
        const link: Link = (parcel) => [
          parcel.from === from && place.has(parcel.number) ? 5 + (place.get(parcel.number) ?? 0) : 5,
        ];
        const pair = new Lockstep({ ...parties, link }).run();
        settles(pair);
      }
    }
  });

  it('every datagram twice changes nothing and doubles nothing (dtls E 20, E 51)', () => {
    for (const [, make] of kinds) {
      const perfect = new Lockstep(make()).run();
      const pair = new Lockstep({ ...make(), link: () => [5, 6] }).run();
      settles(pair);
      // A stateless server answers both first hellos.
      expect(pair.parcels.length).toBeLessThanOrEqual(perfect.parcels.length + 1);
    }
  });

  it('a late copy of the hello does not disturb what follows (dtls E 34)', () => {
    const link: Link = ({ from, number }) => (from === 'client' && number <= 1 ? [5, 2_000, 4_000] : [5]);
    settles(new Lockstep({ ...pskParties(), settings: ccm8, link }).run());
  });

  it('Finished waits for ChangeCipherSpec and ClientKeyExchange that it overtook (dtls E 25)', () => {
    const link: Link = ({ from, says }) => (from === 'client' && says.includes('[Finished]') ? [1] : [50]);
    const overtaken = new Lockstep({ ...pskParties(), settings: ccm8, client: { datagram: 90 }, link }).run();
    settles(overtaken);
    expect(overtaken.parcels.length).toBe(overtaken.parcels.filter(({ at }) => at < 1_000).length);
  });
});

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((first, at) =>
    permutations(items.filter((_, other) => other !== at)).map((rest) => [first, ...rest]),
  );
}

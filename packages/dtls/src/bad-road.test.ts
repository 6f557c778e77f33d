// What a proxy between two honest ends does to their datagrams, one thing at a time and all of it regular: joined, repeated,
// lost, spoiled, cut to every size. Chance has its own file, transport.property.ts.
import { concatBytes, type Peer } from '@lapwing/kernel';
import type { UdpAddress } from '@lapwing/kernel/testing';
import { describe, expect, it } from 'vitest';
import { type Parties, pskParties, rpkParties, x509Parties } from './testing/parties.ts';
import { type Passed, type Side, World } from './testing/world.ts';

const kinds: readonly (readonly [string, Parties])[] = [
  ['a pre-shared key', pskParties()],
  ['raw public keys', rpkParties()],
  ['certificates', x509Parties()],
];

interface Ends {
  readonly world: World;
  readonly server: Side;
  readonly client: Side;
}

async function ends({ credentials, store }: Parties, mtu = 1152): Promise<Ends> {
  const world = new World();
  const server = await world.side('server', 5684, { accept: store }, { echo: true, mtu });
  const client = await world.side('client', 4000, { connect: credentials }, { mtu });
  return { world, server, client };
}

/** Hands are shaken within 60 s, and ten messages come back, each at most once. */
async function works({ world, server, client }: Ends, atLeast = 10): Promise<void> {
  const began = world.clock.now();
  const peer: Peer = await world.connect(client, server);
  expect(world.clock.now() - began).toBeLessThanOrEqual(60_000);
  for (let i = 0; i < 10; i += 1) {
    await world.say(client, peer, `${i}`);
    await world.clock.advance(200);
  }
  expect(new Set(client.texts()).size).toBe(client.texts().length);
  expect(client.texts().length).toBeGreaterThanOrEqual(atLeast);
}

describe.each(kinds)('on a bad road, with %s', (_, parties) => {
  it('G-35: comes through datagrams of each size from 107 to 1,450 bytes, of every 13th where keys are public', async () => {
    for (let mtu = 107; mtu <= 1450; mtu += parties.store.psk === undefined ? 13 : 1) {
      const pair = await ends(parties, mtu);
      await works(pair);
      expect(Math.max(...pair.world.passed.map(({ bytes }) => bytes.length))).toBeLessThanOrEqual(mtu);
    }
  }, 60_000);

  it('G-35: comes through when all that was sent within 50 ms arrives as one datagram', async () => {
    const pair = await ends(parties, 300);
    const { world } = pair;
    const held = new Map<string, Passed[]>();
    let joined = 0;
    world.network.tap = (from: UdpAddress, to: UdpAddress, bytes: Uint8Array) => {
      const waiting = held.get(to.host) ?? [];
      if (waiting.length === 0) {
        held.set(to.host, waiting);
        world.clock.at(world.clock.now() + 50, () => {
          held.delete(to.host);
          if (waiting.length > 1) joined += 1;
          const tap = world.network.tap;
          world.network.tap = undefined;
          world.network.carry(from, to, concatBytes(...waiting.map((each) => each.bytes)));
          world.network.tap = tap;
        });
      }
      waiting.push({ from, to, bytes });
      return undefined;
    };
    await works(pair);
    if (parties.store.psk === undefined) expect(joined).toBeGreaterThanOrEqual(2);
  });

  it.each([5, 8])('G-35: comes through when each datagram comes twice and one in %d not at all', async (every) => {
    for (let first = 0; first < every; first += 1) {
      const pair = await ends(parties, 300);
      pair.world.network.weather({ duplicate: 1 });
      pair.world.drops = (_passed, index) => index % every === first;
      await works(pair, 3);
    }
  });

  it.each([5, 8])('G-35: comes through when one protected datagram in %d is spoiled', async (every) => {
    const pair = await ends(parties);
    const { world } = pair;
    let count = 0;
    const tap = world.network.tap!;
    world.network.tap = (from, to, bytes) => {
      const isProtected = bytes[0] === 25 || (bytes[0] === 23 && bytes[4] === 1);
      count += isProtected ? 1 : 0;
      if (isProtected && count % every === 0) bytes[bytes.length - 1]! ^= 1;
      return tap(from, to, bytes);
    };
    await works(pair, 5);
    expect(pair.server.transport.stats().forged + pair.client.transport.stats().forged).toBeGreaterThan(0);
  });
});

// Associations that outlive their process (dtls E 112, reliability G-18).
import { days, FormatError } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import type { SecureOptions } from './index.ts';
import { allowanceAt } from './snapshot.ts';
import { pskIdentity, pskParties, rpkParties, x509Parties } from './testing/parties.ts';
import { type Side, World } from './testing/world.ts';

const parties = pskParties();

/** The server's process ends, and another one takes its place. */
async function restart(
  world: World,
  old: Side,
  snapshot: Uint8Array,
  options: Partial<SecureOptions> = {},
): Promise<Side> {
  await old.transport[Symbol.asyncDispose]();
  const fresh = await world.side('server', 5684, { accept: parties.store, ...options }, { echo: true });
  fresh.transport.restore(snapshot);
  return fresh;
}

/** Key and nonce of a record of the server: its epoch and number, since the keys stay. */
const numberOf = (bytes: Uint8Array): number =>
  new DataView(bytes.buffer, bytes.byteOffset).getUint16(5) * 2 ** 32 +
  new DataView(bytes.buffer, bytes.byteOffset).getUint32(7);

async function associated(options: Partial<SecureOptions> = {}, credentials = parties) {
  const world = new World();
  const server = await world.side('server', 5684, { accept: credentials.store, ...options }, { echo: true });
  const client = await world.side('client', 4000, { connect: credentials.credentials, resumption: false });
  const peer = await world.connect(client, server);
  await world.say(client, peer, 'before');
  return { world, server, client, peer };
}

describe('a snapshot', () => {
  it('carries associations over a restart, with their keys and without a handshake (dtls E 112)', async () => {
    const { world, server, client, peer } = await associated();
    const key = server.received[0]?.peer.key;
    await world.clock.advance(days(1));
    const fresh = await restart(world, server, server.transport.snapshot());
    await world.say(client, peer, 'after');
    expect(client.texts()).toEqual(['before', 'after']);
    expect(fresh.received[0]?.peer.key).toBe(key);
    expect(fresh.received[0]?.peer.identity).toEqual({ kind: 'psk', id: pskIdentity });
    expect(fresh.transport.stats()).toMatchObject({ associations: 1, restored: 1, handshakesStarted: 0 });
    expect(client.lost).toHaveLength(0);
  });

  it('lets the server speak first after a restart, also from an address that was followed', async () => {
    const { world, server, client, peer } = await associated();
    client.road.rebind({ host: 'moved' });
    await world.say(client, peer, 'moved');
    const { key, identity, address } = server.received[0]?.peer ?? peer;
    const fresh = await restart(world, server, server.transport.snapshot());
    await world.clock.advance(1);
    await world.say(fresh, { key, identity, address }, 'hello again');
    expect(client.texts().at(-1)).toBe('hello again');
  });

  it('takes less than 300 bytes of an association with a pre-shared or raw public key', async () => {
    for (const credentials of [parties, rpkParties()]) {
      const { server } = await associated({}, credentials);
      const before = server.transport.snapshot().length;
      expect(before).toBeLessThan(300);
    }
  });

  it('keeps who a peer is that has shown a certificate, with its leaf', async () => {
    const credentials = x509Parties();
    const { world, server, client, peer } = await associated({}, credentials);
    const who = server.received[0]?.peer.identity;
    const fresh = await restart(world, server, server.transport.snapshot(), { accept: credentials.store });
    await world.say(client, peer, 'after');
    const now = fresh.received[0]?.peer.identity;
    expect(now?.kind === 'x509' && who?.kind === 'x509' && now.subject === who.subject).toBe(true);
    expect(
      now?.kind === 'x509' &&
        who?.kind === 'x509' &&
        Buffer.compare(now.chain[0] ?? Buffer.alloc(1), who.chain[0] ?? Buffer.alloc(0)),
    ).toBe(0);
  });

  it('keeps the replay window (G-18)', async () => {
    const { world, server, client, peer } = await associated({ connectionId: false });
    world.passed.length = 0;
    await world.say(client, peer, 'once');
    const once = world.passed[0]?.bytes as Uint8Array;
    const fresh = await restart(world, server, server.transport.snapshot(), { connectionId: false });
    await world.forge(client.road.address, fresh, once);
    expect(fresh.received).toHaveLength(0);
    expect(fresh.transport.stats().replayed).toBe(1);
  });

  it('never uses a nonce twice in a thousand crashes, whichever bytes are found after each (G-18, dtls E 112)', async () => {
    const journal: Uint8Array[] = [];
    const kept = (_: string, bytes: Uint8Array | undefined): void => {
      if (bytes !== undefined) journal.push(bytes);
    };
    const { world, client, peer, ...first } = await associated({ journal: kept });
    let { server } = first;
    const used = new Set(
      world.passed
        .filter(({ from, bytes }) => from.host === 'server' && bytes[4] === 1)
        .map(({ bytes }) => numberOf(bytes)),
    );
    world.passed.length = 0;
    for (let i = 0; i < 1000; i += 1) {
      if (i % 50 === 7) journal.push(server.transport.snapshot());
      // Any bytes that were ever written, old ones too.
      const found = journal[Math.floor(world.random.fraction() * journal.length)] as Uint8Array;
      server = await restart(world, server, found, { journal: kept });
      await world.clock.advance(1);
      const [one] = server.transport.peers();
      for (let n = Math.floor(world.random.fraction() * 8); n >= 0; n -= 1)
        if (one !== undefined) server.transport.send(one, Uint8Array.of(n));
      await world.clock.advance(Math.floor(world.random.fraction() * 20));
      for (const { bytes } of world.passed.splice(0)) {
        expect(used.has(numberOf(bytes))).toBe(false);
        used.add(numberOf(bytes));
      }
    }
    expect(used.size).toBeGreaterThan(3000);
    await world.say(client, peer, 'after all');
    expect(client.texts().at(-1)).toBe('after all');
  }, 60_000);

  it('refuses what was written while running in a time that has not come yet, and takes what was written at a stop', async () => {
    const journal = new Map<string, Uint8Array | undefined>();
    const { world, server, client, peer } = await associated({ journal: (key, bytes) => void journal.set(key, bytes) });
    const [running] = journal.values();
    const stopped = server.transport.snapshot();
    await world.say(client, peer, 'more');
    const highest = Math.max(
      ...world.passed.filter(({ from }) => from.host === 'server').map(({ bytes }) => numberOf(bytes)),
    );
    world.clock.shiftWall(-days(30));
    const other = await restart(world, server, running as Uint8Array);
    expect(other.transport.stats()).toMatchObject({ restored: 0, notRestored: 1, associations: 0 });
    const fresh = await restart(world, other, stopped);
    expect(fresh.transport.stats()).toMatchObject({ restored: 1, notRestored: 0 });
    await world.clock.advance(5);
    world.passed.length = 0;
    await world.say(client, peer, 'after');
    const number = numberOf(world.passed.find(({ from }) => from.host === 'server')?.bytes as Uint8Array);
    expect(number).toBeGreaterThan(highest);
  });

  it('journals the beginning, each move and the end of an association', async () => {
    const journal: [string, number | undefined][] = [];
    const { world, client, peer, server } = await associated({
      journal: (key, bytes) => void journal.push([key, bytes?.length]),
    });
    client.road.rebind({ port: 4999 });
    await world.say(client, peer, 'moved');
    client.transport.close(peer);
    await world.clock.advance(10);
    const key = server.received[0]?.peer.key;
    expect(journal.map(([each]) => each)).toEqual([key, key, key]);
    expect(journal.map(([, length]) => length !== undefined)).toEqual([true, true, false]);
  });

  it('journals everybody when the transport is closed, so that what was heard is not taken twice (G-18)', async () => {
    const journal = new Map<string, Uint8Array | undefined>();
    const options = { journal: (key: string, bytes: Uint8Array | undefined): void => void journal.set(key, bytes) };
    const { world, server, client, peer } = await associated(options);
    await world.say(client, peer, 'once');
    const once = world.passed.findLast(({ from }) => from.host === 'client')?.bytes as Uint8Array;
    await server.transport[Symbol.asyncDispose]();
    const [bytes] = journal.values();
    const fresh = await restart(world, server, bytes as Uint8Array);
    await world.forge(client.road.address, fresh, once);
    expect(fresh.received).toHaveLength(0);
    await world.say(client, peer, 'after');
    expect(fresh.texts()).toEqual(['after']);
  });

  it('keeps many apart, in the order in which they were heard, and counts those whose place is taken', async () => {
    const world = new World();
    const server = await world.side('server', 5684, { accept: parties.store }, { echo: true });
    const clients: Side[] = [];
    for (let i = 0; i < 20; i += 1) {
      const side = await world.side(`client-${i}`, 4000, { connect: parties.credentials, resumption: false });
      clients.push(side);
      await world.connect(side, server);
    }
    for (const i of [3, 1, 4]) await world.say(clients[i] as Side, peersOf(clients[i] as Side), 'order');
    const order = [...server.transport.peers()].map(({ key }) => key);
    const snapshot = server.transport.snapshot();
    const fresh = await restart(world, server, snapshot);
    expect([...fresh.transport.peers()].map(({ key }) => key)).toEqual(order);
    expect(fresh.transport.restore(snapshot)).toEqual({ associations: 0, refused: 20 });
    for (const side of clients) await world.say(side, peersOf(side), 'again');
    expect(fresh.received).toHaveLength(20);
    const late = await world.side('late', 4000, { connect: parties.credentials, resumption: false });
    await world.connect(late, fresh);
    expect(fresh.transport.stats().associations).toBe(21);
  });

  it('refuses associations whose ids name another node of the cluster', async () => {
    const { world, server } = await associated({ connectionId: { node: { id: 1, bytes: 1 } } });
    const snapshot = server.transport.snapshot();
    const fresh = await restart(world, server, snapshot, { connectionId: { node: { id: 2, bytes: 1 } } });
    expect(fresh.transport.stats()).toMatchObject({ restored: 0, notRestored: 1 });
  });

  it('is refused whole when it is cut, changed in its head, or none', async () => {
    const { server } = await associated();
    const snapshot = server.transport.snapshot();
    for (let length = 0; length < snapshot.length; length += 1) {
      if (length === 18) continue;
      expect(() => server.transport.restore(snapshot.subarray(0, length))).toThrow(FormatError);
    }
    expect(() => server.transport.restore(Uint8Array.from(snapshot, (byte, i) => (i === 4 ? 9 : byte)))).toThrow(
      /format 9/,
    );
  });

  it('sends no faster than record numbers grow: after a restart nothing at all for one ms', async () => {
    const { world, server, client } = await associated();
    const fresh = await restart(world, server, server.transport.snapshot());
    const [peer] = fresh.transport.peers();
    fresh.transport.send(peer!, Uint8Array.of(1));
    expect(fresh.transport.stats().rateLimited).toBe(1);
    await world.clock.advance(1);
    for (let i = 0; i < 600; i += 1) fresh.transport.send(peer!, Uint8Array.of(2));
    expect(fresh.transport.stats()).toMatchObject({ rateLimited: 1 + 600 - 512, recordsOut: 512 });
    await world.clock.advance(1);
    await world.say(fresh, peer!, 'later');
    expect(client.texts().at(-1)).toBe('later');
  });

  it('bounds record numbers by time: no more than may be used can have been used', () => {
    expect(allowanceAt(1000, 1000)).toBe(66_048);
    expect(allowanceAt(1000, 2000)).toBe(65_536 + 512 * 1001);
    expect(allowanceAt(2000, 1000)).toBe(66_048);
    expect(allowanceAt(0, 17 * 365 * days(1))).toBeLessThan(2 ** 48);
  });
});

function peersOf(side: Side) {
  const [peer] = side.transport.peers();
  if (peer === undefined) throw new Error('nobody is there');
  return peer;
}

// Associations that outlive their process (dtls E 112, reliability G-18).
import { ConfigError, days, FormatError, hours, minutes, seconds } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { type DtlsTransport, type SecureOptions, secure } from './index.ts';
import { allowanceAt } from './snapshot.ts';
import { KeptJournal } from './testing/kept-journal.ts';
import { pskIdentity, pskParties, rpkParties, x509Parties } from './testing/parties.ts';
import { type Side, World } from './testing/world.ts';

const parties = pskParties();

/** The server's process ends in order, and another one takes its place. */
async function restart(
  world: World,
  old: Side,
  records: Uint8Array | KeptJournal,
  options: Partial<SecureOptions> = {},
): Promise<Side> {
  await old.transport[Symbol.asyncDispose]();
  return begin(world, records, options);
}

/** The server's process is killed: nothing is written down any more. */
async function crash(
  world: World,
  old: Side,
  kept: KeptJournal,
  options: Partial<SecureOptions> = {},
): Promise<{ readonly fresh: Side; readonly kept: KeptJournal }> {
  const next = kept.copy();
  kept.isDead = true;
  await old.road[Symbol.asyncDispose]();
  return { fresh: await begin(world, next, { ...options, journal: next }), kept: next };
}

async function begin(world: World, records: Uint8Array | KeptJournal, options: Partial<SecureOptions>): Promise<Side> {
  const journal = records instanceof KeptJournal ? records : new KeptJournal();
  const restore = records instanceof KeptJournal ? records.records : records;
  return world.side('server', 5684, { accept: parties.store, journal, ...options }, { echo: true, restore });
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

  it('goes on above every number that was used, also when the clock goes back at each start and nothing ends in order', async () => {
    const first = new KeptJournal();
    const { world, server, client, peer } = await associated({ journal: first });
    const used = numbersOf(world);
    let side = await restart(world, server, first);
    let kept = first;
    for (let i = 0; i < 5; i += 1) {
      await world.clock.advance(1);
      await world.say(client, peer, `${i}`);
      expect(client.texts().at(-1)).toBe(`${i}`);
      for (const number of numbersOf(world)) {
        expect(used.has(number)).toBe(false);
        used.add(number);
      }
      world.clock.shiftWall(-hours(1));
      ({ fresh: side, kept } = await crash(world, side, kept));
      expect(side.transport.stats()).toMatchObject({ restored: 1, notRestored: 0 });
    }
  });

  it('is not taken from a journal without the time that was reserved', async () => {
    const journal = new KeptJournal();
    const { world, server } = await associated({ journal });
    const [row] = [...journal.records].filter(([key]) => key !== 'time');
    journal.isDead = true;
    const other = new KeptJournal([row!]);
    const fresh = await restart(world, server, other);
    expect(fresh.transport.stats()).toMatchObject({ restored: 0, notRestored: 1, associations: 0 });
  });

  it('needs a journal to be taken up', () => {
    const transport = secure(new World().network.transport('x', 1), { accept: parties.store });
    expect(() => transport.restore(new Uint8Array())).toThrow(/journal/);
  });

  it('takes nothing once more after a crash that came before the last writing, and moves nobody by what came later', async () => {
    const journal = new KeptJournal();
    const { world, server, client, peer } = await associated({ journal });
    await world.clock.advance(seconds(5));
    const written = world.passed.filter(({ from, bytes }) => from.host === 'client' && bytes[0] === 25);
    world.passed.length = 0;
    // After the last writing, and before the crash.
    for (let i = 0; i < 10; i += 1) await world.say(client, peer, `late ${i}`);
    const late = world.passed.filter(({ from }) => from.host === 'client');
    expect(written.length).toBeGreaterThan(0);
    const { fresh } = await crash(world, server, journal);
    await world.clock.advance(1);
    const thief = { via: 'udp', host: 'thief', port: 1 } as const;
    for (const { bytes } of written) await world.forge(thief, fresh, bytes);
    expect(fresh.received).toHaveLength(0);
    world.passed.length = 0;
    for (const { bytes } of late) await world.forge(thief, fresh, bytes);
    expect(fresh.transport.stats()).toMatchObject({ addressChanges: 0 });
    expect(world.passed.filter(({ from, to }) => from.host === 'server' && to.host === 'thief')).toEqual([]);
    // The peer itself is heard, and followed once it is ahead of everything that may have been recorded.
    client.road.rebind({ host: 'elsewhere' });
    for (let i = 0; i < 40; i += 1) await world.say(client, peer, `new ${i}`);
    expect(fresh.texts().at(-1)).toBe('new 39');
    expect(client.texts().at(-1)).toBe('new 39');
    expect(fresh.transport.stats()).toMatchObject({ addressChanges: 1 });
  });

  it('writes down who was heard, within 5 s or 16 record numbers', async () => {
    const journal = new KeptJournal();
    const { world, client, peer } = await associated({ journal });
    await world.clock.advance(seconds(5));
    const before = journal.writes;
    await world.say(client, peer, 'a');
    expect(journal.writes).toBe(before);
    await world.clock.advance(seconds(5));
    expect(journal.writes).toBe(before + 1);
    for (let i = 0; i < 32; i += 1) await world.say(client, peer, 'b');
    expect(journal.writes).toBe(before + 3);
    await world.clock.advance(minutes(1));
    expect(journal.writes).toBeLessThanOrEqual(before + 4);
  });

  it('is refused record by record when one of a journal is damaged, with its key and why', async () => {
    const journal = new KeptJournal();
    const { world, server } = await associated({ journal });
    await server.transport[Symbol.asyncDispose]();
    const [row] = [...journal.records].filter(([key]) => key !== 'time');
    const whole = row?.[1] as Uint8Array;
    const fresh = idle(world);
    const records = [...journal.records, ['cut', whole.subarray(0, 60)], ['none', Uint8Array.of(1)], ['twice', whole]];
    const restored = fresh.restore(records as [string, Uint8Array][]);
    expect(restored.associations).toBe(1);
    expect(restored.refused.map(({ key }) => key).sort()).toEqual(['cut', 'none', 'twice']);
    expect(restored.refused.find(({ key }) => key === 'cut')?.why).toContain('cut short');
  });

  it('journals the beginning, each move and the end of an association', async () => {
    const journal: [string, number | undefined][] = [];
    const { world, client, peer, server } = await associated({
      journal: { write: (key, bytes) => void journal.push([key, bytes?.length]), writeNow: () => undefined },
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
    const journal = new KeptJournal();
    const { world, server, client, peer } = await associated({ journal });
    await world.say(client, peer, 'once');
    const once = world.passed.findLast(({ from }) => from.host === 'client')?.bytes as Uint8Array;
    await server.transport[Symbol.asyncDispose]();
    const fresh = await restart(world, server, journal);
    await world.forge(client.road.address, fresh, once);
    expect(fresh.received).toHaveLength(0);
    await world.say(client, peer, 'after');
    expect(fresh.texts()).toEqual(['after']);
  });

  it('keeps many apart, in the order in which they were heard, and counts those whose place is taken', async () => {
    const world = new World();
    const limits = { perIdentity: 100 };
    const server = await world.side('server', 5684, { accept: parties.store, limits }, { echo: true });
    const clients: Side[] = [];
    for (let i = 0; i < 20; i += 1) {
      const side = await world.side(`client-${i}`, 4000, { connect: parties.credentials, resumption: false });
      clients.push(side);
      await world.connect(side, server);
    }
    for (const i of [3, 1, 4]) await world.say(clients[i] as Side, peersOf(clients[i] as Side), 'order');
    const order = [...server.transport.peers()].map(({ key }) => key);
    const snapshot = server.transport.snapshot();
    const fresh = await restart(world, server, snapshot, { limits });
    expect([...fresh.transport.peers()].map(({ key }) => key)).toEqual(order);
    const closed = idle(world);
    expect(closed.restore(snapshot).associations).toBe(20);
    const once = closed.restore(snapshot);
    expect(once.associations).toBe(0);
    expect(new Set(once.refused.map(({ key }) => key))).toEqual(new Set(order));
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
    const { world, server } = await associated();
    const snapshot = server.transport.snapshot();
    const fresh = idle(world);
    for (let length = 0; length < snapshot.length; length += 1) {
      if (length === 18) continue;
      expect(() => fresh.restore(snapshot.subarray(0, length))).toThrow(FormatError);
    }
    expect(() => server.transport.restore(snapshot)).toThrow(ConfigError);
    expect(() => fresh.restore(Uint8Array.from(snapshot, (byte, i) => (i === 4 ? 9 : byte)))).toThrow(/format 9/);
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

/** A transport that is not open yet. */
function idle(world: World): DtlsTransport {
  const { clock, random } = world;
  const journal = new KeptJournal();
  return secure(world.network.transport('idle', 1), { accept: parties.store, journal, clock, random });
}

/** Of the records that the server sent since the last time. */
function numbersOf(world: World): Set<number> {
  const sent = world.passed.splice(0).filter(({ from, bytes }) => from.host === 'server' && bytes[4] === 1);
  return new Set(sent.map(({ bytes }) => numberOf(bytes)));
}

function peersOf(side: Side) {
  const [peer] = side.transport.peers();
  if (peer === undefined) throw new Error('nobody is there');
  return peer;
}

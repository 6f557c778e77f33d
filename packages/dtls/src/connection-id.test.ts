// Connection ids on whole transports (RFC 9146, dtls E.9): what each direction carries, who may move, and what names nobody.
import { fromHex, noBytes, toHex } from '@lapwing/kernel';
import { SeededRandom } from '@lapwing/kernel/testing';
import { describe, expect, it } from 'vitest';
import { keyOf, makeConnectionId, placeOfKey, provesName, readPlace } from './connection-id.ts';
import type { SecureOptions } from './index.ts';
import { sealedLength } from './record/protection.ts';
import { Lockstep } from './testing/lockstep.ts';
import { pskParties } from './testing/parties.ts';
import { type Side, World } from './testing/world.ts';

const parties = pskParties();

async function pair(server: Partial<SecureOptions> = {}, client: Partial<SecureOptions> = {}, seed = 1) {
  const world = new World(seed);
  const inside = await world.side('server', 5684, { accept: parties.store, ...server }, { echo: true });
  const device = await world.side('client', 4000, { connect: parties.credentials, resumption: false, ...client });
  return { world, inside, device, peer: await world.connect(device, inside) };
}

describe('connection ids', () => {
  it.each([
    [8, 8],
    [8, 0],
    [0, 8],
    [0, 0],
    [6, 20],
    [20, 6],
    [false, 8],
    [8, false],
  ] as const)(
    'carries the id of the receiver: server %s, client %s bytes (G-29, dtls E 102, E 111)',
    async (ours, theirs) => {
      const options = (length: number | false): Partial<SecureOptions> => ({
        connectionId: length === false ? false : { length },
      });
      const { world, inside, device, peer } = await pair(options(ours), options(theirs));
      world.passed.length = 0;
      await world.say(device, peer, 'ping');
      expect(device.texts()).toEqual(['ping']);
      const [there, back] = world.passed;
      const isOff = ours === false || theirs === false;
      expect(there?.bytes[0]).toBe(isOff || ours === 0 ? 23 : 25);
      expect(back?.bytes[0]).toBe(isOff || theirs === 0 ? 23 : 25);
      expect(there?.bytes.length).toBe(13 + 8 + 4 + 8 + (isOff || ours === 0 ? 0 : ours + 1));
      expect(inside.transport.stats().associations).toBe(1);
    },
  );

  it.each([1, 2, 4, 16, 255])('G-29: puts an id of %d bytes into records to a peer that wants such a one', (length) => {
    const id = new SeededRandom(length).bytes(length);
    const pair = new Lockstep({ ...parties, client: { connectionId: id }, server: { connectionId: noBytes } }).run();
    const { protection } = pair.server;
    expect(protection?.sendCid).toEqual(id);
    const last = pair.parcels.at(-1)!.bytes;
    const finished = last.subarray(last.length - sealedLength(protection!.suite, length, 24));
    expect([finished[0], toHex(finished.subarray(11, 11 + length))]).toEqual([25, toHex(id)]);
    expect(pair.client.outcome).toBeDefined();
  });

  it('G-29: drops one record in five whose id was spoiled, and serves all others', async () => {
    const { world, inside, device, peer } = await pair();
    let count = 0;
    const tap = world.network.tap!;
    world.network.tap = (from, to, bytes) => {
      const passed = tap(from, to, bytes);
      if (bytes[0] === 25) count += 1;
      if (bytes[0] === 25 && count % 5 === 0) bytes[11 + (count % 8)]! ^= 1 << (count % 7);
      return passed;
    };
    for (let i = 0; i < 100; i += 1) await world.say(device, peer, `${i}`);
    expect(device.texts()).toHaveLength(80);
    const { unknownConnectionId, forged, alertsSent } = inside.transport.stats();
    expect({ dropped: unknownConnectionId + forged, alertsSent }).toEqual({ dropped: 20, alertsSent: 0 });
  });

  it('follows a peer to another address and port, under the same key (G-30, dtls E 103)', async () => {
    const { world, inside, device, peer } = await pair();
    await world.say(device, peer, 'one');
    device.road.rebind({ host: 'elsewhere', port: 9 });
    await world.say(device, peer, 'two');
    expect(device.texts()).toEqual(['one', 'two']);
    const [one, two] = inside.received;
    expect(two?.peer.key).toBe(one?.peer.key);
    expect(two?.peer.address).toEqual({ via: 'udp', host: 'elsewhere', port: 9 });
    expect(inside.transport.stats()).toMatchObject({ addressChanges: 1, associations: 1 });
    // Also after a rest.
    await world.clock.advance(300_000);
    expect(one?.peer.address).toEqual({ via: 'udp', host: 'elsewhere', port: 9 });
    device.road.rebind({ host: 'a-name-that-is-longer-than-the-one-before', port: 10 });
    await world.say(device, peer, 'three');
    expect(device.texts()).toEqual(['one', 'two', 'three']);
    expect(one?.peer.identity.kind).toBe('psk');
  });

  it('E-07: sends nothing to a victim in whose name records are repeated, and no more than asked for to one who has stolen one', async () => {
    const { world, inside, device, peer } = await pair();
    await world.say(device, peer, 'one');
    const seen = world.passed.filter(({ to }) => to.host === 'server').map(({ bytes }) => bytes);
    const victim = { via: 'udp', host: 'victim', port: 7 } as const;
    const sentTo = (host: string) => world.passed.filter(({ to }) => to.host === host).map(({ bytes }) => bytes.length);
    for (const bytes of seen) await world.forge(victim, inside, bytes);
    // The hellos are asked for a cookie; nothing of the association comes.
    for (const { to, bytes } of world.passed) if (to.host === 'victim') expect(bytes[0]).toBe(22);
    const before = sentTo('victim').length;
    // One that was kept from us on its way is the newest, wherever it comes from: there is one answer, until the device
    // speaks again.
    world.drops = ({ to }) => to.host === 'server';
    await world.say(device, peer, 'two');
    const stolen = world.passed.at(-1)?.bytes as Uint8Array;
    world.drops = () => false;
    for (let times = 0; times < 3; times += 1) await world.forge(victim, inside, stolen);
    const [sent = 0, ...more] = sentTo('victim').slice(before);
    expect(sent).toBeLessThanOrEqual(3 * stolen.length);
    expect(more).toEqual([]);
    await world.say(device, peer, 'three');
    expect(device.texts()).toEqual(['one', 'three']);
    expect(inside.transport.stats()).toMatchObject({ addressChanges: 2, replayed: 4 });
  });

  it('does not follow a record that is forged, replayed or older than the newest (G-30, dtls E 103)', async () => {
    const { world, inside, device, peer } = await pair();
    world.drops = ({ to }) => to.host === 'server';
    await world.say(device, peer, 'older');
    const older = world.passed.at(-1)?.bytes as Uint8Array;
    world.drops = () => false;
    await world.say(device, peer, 'newest');
    const newest = world.passed.find(
      ({ bytes }, i) => i > 0 && bytes[0] === 25 && world.passed[i - 1]?.bytes === older,
    );
    const thief = { via: 'udp', host: 'thief', port: 1 } as const;
    await world.forge(thief, inside, older);
    await world.forge(thief, inside, newest?.bytes as Uint8Array);
    const forged = newest!.bytes.slice();
    forged[10] = 99;
    await world.forge(thief, inside, forged);
    expect(inside.texts()).toEqual(['newest', 'older']);
    expect(inside.received[0]?.peer.address).toEqual(device.road.address);
    expect(inside.transport.stats()).toMatchObject({ addressChanges: 0, forged: 1, replayed: 1 });
  });

  it('does not follow a peer that has agreed on no id', async () => {
    const { world, inside, device, peer } = await pair({ connectionId: { length: 0 } });
    device.road.rebind({ port: 4001 });
    await world.say(device, peer, 'lost');
    expect(inside.received).toHaveLength(0);
    expect(inside.transport.stats().unknownPeer).toBe(1);
  });

  it('drops a record that leaves out the id that was agreed on (dtls E 107)', async () => {
    const { world, inside, device } = await pair();
    const plain = await pair({ connectionId: false });
    await plain.world.say(plain.device, plain.peer, 'x');
    const without = plain.world.passed.find(({ bytes }) => bytes[0] === 23)?.bytes as Uint8Array;
    await world.forge(device.road.address, inside, without);
    expect(inside.transport.stats()).toMatchObject({ missingConnectionId: 1, forged: 0 });
  });

  it('opens nothing for ids that are unknown, of another length, node or association (G-29, dtls E 108)', async () => {
    const node = { id: 7, bytes: 1 };
    const { world, inside, device, peer } = await pair({ connectionId: { length: 8, node } });
    await world.say(device, peer, 'x');
    const bytes = world.passed.find(({ bytes: each }) => each[0] === 25)?.bytes as Uint8Array;
    const at = (index: number, value: number): Uint8Array => {
      const copy = bytes.slice();
      copy[index] = value;
      return copy;
    };
    for (let i = 12; i < 19; i += 1) await world.forge(device.road.address, inside, at(i, (bytes[i] ?? 0) ^ 0x55));
    expect(inside.transport.stats()).toMatchObject({ unknownConnectionId: 7, forged: 0, foreignNode: 0 });
    await world.forge(device.road.address, inside, at(11, 8));
    expect(inside.transport.stats().foreignNode).toBe(1);
    const shorter = new Uint8Array(bytes.length - 1);
    shorter.set(bytes.subarray(0, 18));
    shorter.set(bytes.subarray(19), 18);
    await world.forge(device.road.address, inside, shorter);
    expect(inside.transport.stats()).toMatchObject({ noRecord: 1, forged: 0, associations: 1 });
    // Another's id: the right place, but the wrong keys.
    const other = await world.side('other', 4000, { connect: parties.credentials, resumption: false });
    const otherPeer = await world.connect(other, inside);
    world.passed.length = 0;
    await world.say(other, otherPeer, 'y');
    const stolen = at(10, 50);
    stolen.set(world.passed[0]!.bytes.subarray(11, 19), 11);
    await world.forge(device.road.address, inside, stolen);
    expect(inside.transport.stats()).toMatchObject({ forged: 1, associations: 2 });
  });

  it('opens nothing for 20,000 ids that name nobody', async () => {
    const { world, inside, device, peer } = await pair();
    await world.say(device, peer, 'x');
    const bytes = world.passed.find(({ bytes: each }) => each[0] === 25)!.bytes.slice();
    for (let i = 0; i < 20_000; i += 1) {
      bytes.set(world.random.bytes(8), 11);
      world.network.carry(device.road.address, inside.road.address, bytes);
    }
    await world.clock.advance(10);
    const stats = inside.transport.stats();
    expect(stats.unknownConnectionId).toBe(20_000);
    expect(stats).toMatchObject({ forged: 0, warm: 1, associations: 1 });
  });

  it('tells apart two peers behind one address that change their ports for each other (dtls E 113)', async () => {
    const world = new World();
    const inside = await world.side('server', 5684, { accept: parties.store }, { echo: true });
    const sides: Side[] = [];
    const peers = [];
    for (const port of [4000, 4001]) {
      const side = await world.side('nat', port, { connect: parties.credentials, resumption: false });
      sides.push(side);
      peers.push(await world.connect(side, inside));
    }
    const [a, b] = sides as [Side, Side];
    const [pa, pb] = peers as [(typeof peers)[0], (typeof peers)[0]];
    await world.say(a, pa, 'a1');
    await world.say(b, pb, 'b1');
    a.road.rebind({ port: 4002 });
    b.road.rebind({ port: 4000 });
    a.road.rebind({ port: 4001 });
    await world.say(a, pa, 'a2');
    await world.say(b, pb, 'b2');
    expect(a.texts()).toEqual(['a1', 'a2']);
    expect(b.texts()).toEqual(['b1', 'b2']);
    const keys = inside.received.map(({ peer }) => peer.key);
    expect(keys[2]).toBe(keys[0]);
    expect(keys[3]).toBe(keys[1]);
    expect(inside.transport.stats().associations).toBe(2);
  });

  it('agrees on a new id when a session is resumed; the old one leads nowhere (dtls E 114)', async () => {
    const { world, inside, device, peer } = await pair({}, { resumption: {} });
    await world.say(device, peer, 'x');
    const old = world.passed.find(({ bytes }) => bytes[0] === 25)?.bytes as Uint8Array;
    device.transport.close(peer);
    await world.clock.advance(10);
    const again = await world.connect(device, inside);
    world.passed.length = 0;
    await world.say(device, again, 'y');
    const fresh = world.passed[0]?.bytes as Uint8Array;
    expect(fresh.subarray(11, 19)).not.toEqual(old.subarray(11, 19));
    expect(device.transport.stats().handshakesResumed).toBe(1);
    await world.forge(device.road.address, inside, old);
    expect(inside.transport.stats().unknownConnectionId).toBe(1);
  });
});

describe('the bytes of a connection id', () => {
  const settings = { length: 8, node: 0x0102, nodeBytes: 2 };
  const name = fromHex('a0a1a2a3a4a5a6a7a8');

  it('are node, place and the name of the association', () => {
    const id = makeConnectionId(settings, 0x00_12_34, name);
    expect(Buffer.from(id).toString('hex')).toBe('0102001234a0a1a2');
    expect(readPlace(settings, id, 0)).toBe(0x12_34);
    expect(provesName(settings, id, 0, name, 0)).toBe(true);
    expect(provesName(settings, id, 0, fromHex('a0a1a3a3a4a5a6a7a8'), 0)).toBe(false);
    expect(readPlace({ ...settings, node: 3 }, id, 0)).toBe('foreign-node');
    expect(makeConnectionId({ length: 20, node: 0, nodeBytes: 0 }, 1, name)).toHaveLength(20);
    expect(makeConnectionId({ length: 0, node: 0, nodeBytes: 0 }, 1, name)).toHaveLength(0);
  });

  it('are not the key, which leads back to the place', () => {
    const key = keyOf(0xff_ff_fe, name, 0);
    expect(key).toMatch(/^dtls[A-Za-z0-9+/]{16}$/);
    expect(placeOfKey(key)).toBe(0xff_ff_fe);
    expect(placeOfKey('192.0.2.1:5684')).toBeUndefined();
    expect(placeOfKey('dtls????????????????')).toBeUndefined();
  });
});

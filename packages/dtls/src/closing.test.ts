// Ends, limits and narrow roads on whole transports (dtls E.11).
import { encodeUtf8, Secret } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import type { EstablishedEvent, SecureOptions } from './index.ts';
import { pskParties, x509Parties } from './testing/parties.ts';
import { type Side, World } from './testing/world.ts';

const parties = pskParties();

async function pair(server: Partial<SecureOptions> = {}, client: Partial<SecureOptions> = {}, mtu = 1152) {
  const world = new World();
  const inside = await world.side('server', 5684, { accept: parties.store, ...server }, { echo: true, mtu });
  const device = await world.side(
    'client',
    4000,
    { connect: parties.credentials, resumption: false, ...client },
    { mtu },
  );
  return { world, inside, device, peer: await world.connect(device, inside) };
}

describe('the end of an association', () => {
  it('is answered once, and what comes later is dropped (G-12, dtls E 121)', async () => {
    const { world, inside, device, peer } = await pair();
    world.drops = ({ to }) => to.host === 'server';
    await world.say(device, peer, 'overtaken');
    const late = world.passed.at(-1)!.bytes;
    world.drops = () => false;
    world.passed.length = 0;
    device.transport.close(peer);
    await world.clock.advance(50);
    expect(world.passed).toHaveLength(2);
    expect(inside.lost).toHaveLength(1);
    expect(device.lost).toHaveLength(0);
    await world.forge(device.road.address, inside, late);
    expect(inside.received).toHaveLength(0);
    expect(inside.transport.stats()).toMatchObject({ associations: 0, closedByPeer: 1, unknownConnectionId: 1 });
    expect(device.transport.stats()).toMatchObject({ associations: 0, closedByUs: 1 });
    device.transport.close(peer);
    device.transport.send(peer, encodeUtf8('nobody'));
    expect(device.transport.stats().unsendable).toBe(1);
  });

  it('is told to everybody by closeAll, and to nobody by closing the transport', async () => {
    const first = await pair();
    first.inside.transport.closeAll();
    await first.world.clock.advance(50);
    expect(first.device.lost).toHaveLength(1);
    const second = await pair();
    await second.inside.transport[Symbol.asyncDispose]();
    await second.world.clock.advance(50);
    expect(second.device.lost).toHaveLength(0);
  });

  it('comes to the one that was quiet longest when there are too many, never to one that was heard lately (dtls E 123)', async () => {
    const world = new World();
    const inside = await world.side(
      'server',
      5684,
      { accept: parties.store, limits: { associations: 3 } },
      { echo: true },
    );
    const sides: Side[] = [];
    const peers = [];
    for (let i = 0; i < 3; i += 1) {
      const side = await world.side(`c${i}`, 1, { connect: parties.credentials, resumption: false });
      sides.push(side);
      peers.push(await world.connect(side, inside));
    }
    const tooMany = await world.side('late', 1, { connect: parties.credentials, timers: { connect: 5000 } });
    await expect(world.connect(tooMany, inside)).rejects.toMatchObject({ problem: 'timeout' });
    expect(inside.transport.stats()).toMatchObject({ associationsEvicted: 0, associations: 3 });
    expect(inside.transport.stats().associationsFull).toBeGreaterThan(0);
    await world.clock.advance(120_000);
    await world.say(sides[0]!, peers[0]!, 'I am here');
    await world.connect(tooMany, inside);
    expect(inside.transport.stats()).toMatchObject({ associationsEvicted: 1, associations: 3 });
    expect(inside.lost[0]?.peer.address).toEqual(sides[1]!.road.address);
    await world.say(sides[0]!, peers[0]!, 'still');
    expect(sides[0]!.texts()).toEqual(['I am here', 'still']);
  });

  it('comes before a record number is used twice, or a key too often (G-17)', async () => {
    const { world, inside, device, peer } = await pair({}, { limits: { sequence: 16 } });
    for (let i = 0; i < 20; i += 1) await world.say(device, peer, `${i}`);
    expect(inside.received.length).toBeGreaterThan(10);
    expect(inside.received.length).toBeLessThan(16);
    expect(device.lost[0]?.cause).toMatchObject({ code: 'LIMIT' });
    expect(device.transport.stats()).toMatchObject({ sequenceLimit: 1, associations: 0 });
    const again = await world.connect(device, inside);
    await world.say(device, again, 'with new keys');
    expect(device.texts().at(-1)).toBe('with new keys');
  });
});

describe('a narrow road', () => {
  it('carries a handshake in 140 bytes each, in at most twelve messages (G-36, dtls E 124)', async () => {
    const { world, device, inside, peer } = await pair({}, {}, 140);
    expect(world.passed.length).toBeLessThanOrEqual(12);
    expect(device.transport.traits.mtu).toBe(140 - 13 - 8 - 8 - 1 - 16);
    world.passed.length = 0;
    device.transport.send(peer, new Uint8Array(device.transport.traits.mtu));
    await world.clock.advance(50);
    expect(inside.received[0]?.bytes).toHaveLength(device.transport.traits.mtu);
    expect(Math.max(...world.passed.map(({ bytes }) => bytes.length))).toBeLessThanOrEqual(140);
  });

  it('carries certificates in pieces (dtls E 124)', async () => {
    const { credentials, store } = x509Parties();
    const { world, inside } = await pair({ accept: store }, { connect: credentials }, 140);
    expect(Math.max(...world.passed.map(({ bytes }) => bytes.length))).toBeLessThanOrEqual(140);
    expect(inside.transport.stats().associations).toBe(1);
  });

  it('reckons with the suites that are allowed', async () => {
    const one = await pair({ suites: ['PSK-AES128-CCM8'] });
    expect(one.inside.transport.traits.mtu).toBe(1152 - 13 - 8 - 8 - 1 - 8);
  });

  it('sends nothing that is longer than the peer takes, and cuts nothing off (dtls E 19, E 125)', async () => {
    for (const limit of [{ recordSizeLimit: 513 }, { maxFragmentLength: 512 }] as const) {
      const { world, device, inside, peer } = await pair({}, limit);
      device.transport.send(peer, new Uint8Array(512));
      device.transport.send(peer, new Uint8Array(514));
      await world.clock.advance(50);
      expect(inside.transport.stats()).toMatchObject({ tooLong: 'maxFragmentLength' in limit ? 0 : 1 });
      expect(device.received.map(({ bytes }) => bytes.length)).toEqual([512]);
    }
  });
});

describe('what is told of an association', () => {
  it('is the same on both sides, and their exporters are equal (dtls E 128)', async () => {
    const events: (EstablishedEvent & { readonly exported: Uint8Array })[] = [];
    const onEstablished = (event: EstablishedEvent): void =>
      void events.push({ ...event, exported: event.exporter('EXPORTER-test', 32, Uint8Array.of(1)) });
    await pair({ onEstablished }, { onEstablished });
    const [a, b] = events;
    expect(a?.exported).toEqual(b?.exported);
    expect(a?.exported).toHaveLength(32);
    expect([a?.role, b?.role].sort()).toEqual(['client', 'server']);
    expect(a?.suite).toBe(b?.suite);
  });

  it('does not suffer from listeners that throw', async () => {
    const fail = (): void => {
      throw new Error('listener');
    };
    const { world, inside, device, peer } = await pair({
      onEstablished: fail,
      journal: { write: fail, writeNow: () => undefined },
    });
    await world.say(device, peer, 'ping');
    expect(device.texts()).toEqual(['ping']);
    expect(inside.transport.stats().listenerErrors).toBe(2);
  });

  it('shows no key when it is printed (dtls E 126)', async () => {
    const { inspect } = await import('node:util');
    const secret = encodeUtf8('0123456789abcdef');
    const { inside, peer } = await pair();
    const printed = inspect([inside.transport, peer, new Secret(secret)], { depth: 20 });
    expect(printed).not.toContain('0123456789abcdef');
    expect(printed.length).toBeLessThan(400);
    expect(JSON.parse(JSON.stringify(peer))).toMatchObject({ key: peer.key, address: peer.address });
    expect(JSON.stringify(inside.transport).length).toBeLessThan(100);
  });
});

// Who gets a handshake: cookies, floods, and what a stranger can do to those who are inside (dtls E.3).
import { ClosedError, encodeUtf8, equalBytes } from '@lapwing/kernel';
import type { UdpAddress } from '@lapwing/kernel/testing';
import { describe, expect, it } from 'vitest';
import type { DtlsStats, SecureOptions } from './index.ts';
import { pskKey, pskParties, x509Parties } from './testing/parties.ts';
import { type Passed, type Side, World } from './testing/world.ts';

const parties = pskParties();
const server = { accept: parties.store };
const client: Partial<SecureOptions> = { connect: parties.credentials, resumption: false };
const at = (host: string, port = 5000): UdpAddress => ({ via: 'udp', host, port });

async function pair(serverOptions: Partial<SecureOptions> = {}, clientOptions: Partial<SecureOptions> = {}, seed = 1) {
  const world = new World(seed);
  return {
    world,
    inside: await world.side('server', 5684, { ...server, ...serverOptions }, { echo: true }),
    device: await world.side('client', 4000, { ...client, ...clientOptions }),
  };
}

/** Hellos as they passed, without and with cookie. */
async function hellos(): Promise<{
  readonly bare: Uint8Array;
  readonly proven: Uint8Array;
  readonly verify: Uint8Array;
}> {
  const { world, inside, device } = await pair();
  await world.connect(device, inside);
  const [bare, verify, proven] = world.passed.map(({ bytes }) => bytes);
  return { bare, verify, proven } as { bare: Uint8Array; verify: Uint8Array; proven: Uint8Array };
}

/** A hello in so many records, each a datagram of its own. */
function cutHello(hello: Uint8Array, pieces: number): readonly Uint8Array[] {
  const body = hello.subarray(25);
  return Array.from({ length: pieces }, (_, i) => {
    const [from, to] = [Math.floor((i * body.length) / pieces), Math.floor(((i + 1) * body.length) / pieces)];
    const piece = new Uint8Array(25 + to - from);
    piece.set(hello.subarray(0, 25));
    const view = new DataView(piece.buffer);
    view.setUint16(9, view.getUint16(9) * 100 + i);
    view.setUint16(11, 12 + to - from);
    piece.set([0, from >> 8, from & 255, 0, (to - from) >> 8, (to - from) & 255], 19);
    piece.set(body.subarray(from, to), 25);
    return piece;
  });
}

const withCookieOf = (passed: readonly Passed[]): Uint8Array => passed[2]?.bytes as Uint8Array;
const alive = (stats: DtlsStats) => ({ associations: stats.associations, handshakes: stats.handshakes });

describe('admission', () => {
  it('answers a hello without cookie, keeps nothing, and sends no more than it got (dtls E 30)', async () => {
    const { bare } = await hellos();
    const { world, inside } = await pair();
    for (let i = 0; i < 500; i += 1) world.network.carry(at(`host-${i}`), inside.road.address, bare);
    await world.clock.advance(100);
    const { cookiesSent, bytesIn, bytesOut, ...stats } = inside.transport.stats();
    expect(cookiesSent).toBe(500);
    expect(bytesOut).toBeLessThanOrEqual(bytesIn);
    expect(alive({ cookiesSent, bytesIn, bytesOut, ...stats })).toEqual({ associations: 0, handshakes: 0 });
    expect(stats.slabBytes).toBe(0);
    expect(world.clock.pending).toBe(0);
  });

  it('asks again where the cookie is of another address, port, hello or key (G-01, dtls E 32)', async () => {
    const { world, inside, device } = await pair();
    await world.connect(device, inside);
    const proven = withCookieOf(world.passed);
    const changed = proven.slice();
    changed[13 + 12 + 5] = (changed[13 + 12 + 5] ?? 0) ^ 1;
    await world.forge(at('client', 4001), inside, proven);
    await world.forge(at('other', 4000), inside, proven);
    await world.forge(at('client', 4000), inside, changed);
    expect(inside.transport.stats()).toMatchObject({ cookiesWrong: 3, handshakes: 0, handshakesStarted: 1 });
    const elsewhere = await pair({}, {}, 2);
    await elsewhere.world.forge(at('client', 4000), elsewhere.inside, proven);
    expect(elsewhere.inside.transport.stats()).toMatchObject({ cookiesSent: 1 });
  });

  it('takes a cookie for one to two periods, not longer (G-01, dtls E 33)', async () => {
    for (const [wait, started] of [
      [29_000, 1],
      [61_000, 0],
    ] as const) {
      const { world, inside, device } = await pair();
      world.drops = (_, index) => index === 2;
      const giveUp = new AbortController();
      device.transport.connect(inside.road.address, giveUp.signal).catch(() => undefined);
      await world.clock.advance(100);
      giveUp.abort();
      world.drops = () => false;
      await world.clock.advance(wait);
      await world.forge(device.road.address, inside, withCookieOf(world.passed));
      expect(inside.transport.stats().handshakesStarted).toBe(started);
    }
  });

  it.each([1, 2])(
    'completes when datagram %i is lost: the first answer, or the hello with the cookie (dtls E 34)',
    async (lost) => {
      const { world, inside, device } = await pair();
      world.drops = (_, index) => index === lost;
      await world.connect(device, inside);
      expect(inside.transport.stats()).toMatchObject({ associations: 1, handshakesStarted: 1 });
    },
  );

  it('asks with the record number of the hello and version 254.255 (dtls E 35)', async () => {
    const { bare, verify } = await hellos();
    expect([...verify.subarray(0, 3)]).toEqual([22, 0xfe, 0xff]);
    expect(equalBytes(verify.subarray(3, 11), bare.subarray(3, 11))).toBe(true);
    const later = bare.slice();
    later[10] = 77;
    const { world, inside } = await pair();
    await world.forge(at('client'), inside, later);
    expect(world.passed.at(-1)?.bytes[10]).toBe(77);
  });

  it('lets so many of one host in at once, and the others wait their turn (G-07, dtls E 38)', async () => {
    const { world, inside } = await pair({ accept: { psk: () => new Promise(() => undefined) } });
    const devices: Side[] = [];
    for (let i = 0; i < 6; i += 1) devices.push(await world.side('client', 6000 + i, client));
    for (const { transport } of devices) transport.connect(inside.road.address).catch(() => undefined);
    await world.clock.advance(500);
    const stats = inside.transport.stats();
    expect(stats.handshakes).toBe(4);
    expect(stats.hostBusy).toBe(2);
    await world.clock.advance(120_000);
    expect(inside.transport.stats().handshakes).toBe(0);
  });

  it('sends the oldest away when there are too many unfinished ones, and ends all after 30 s (G-07, dtls E 38)', async () => {
    const { world, inside, device } = await pair({ limits: { halfOpen: 10 } });
    const peer = await world.connect(device, inside);
    world.drops = ({ to }, _) =>
      to.host.startsWith('flood') && world.passed.filter((p) => p.to.host === to.host).length > 1;
    for (let i = 0; i < 25; i += 1) {
      const one = await world.side(`flood-${i}`, 6000, client);
      one.transport.connect(inside.road.address).catch(() => undefined);
      await world.clock.advance(20);
    }
    expect(inside.transport.stats()).toMatchObject({ handshakes: 10, halfOpenEvicted: 15, associations: 1 });
    await world.say(device, peer, 'still here');
    expect(device.texts()).toEqual(['still here']);
    await world.clock.advance(31_000);
    expect(inside.transport.stats().handshakes).toBeLessThanOrEqual(10);
  });

  it('keeps the old association when a hello is forged in its name (G-19, dtls E 39)', async () => {
    const { world, inside, device } = await pair();
    const peer = await world.connect(device, inside);
    const { bare } = await hellos();
    await world.forge(device.road.address, inside, bare);
    await world.say(device, peer, 'still here');
    expect(device.texts()).toEqual(['still here']);
    expect(inside.lost).toHaveLength(0);
  });

  it('keeps the old association when a handshake in its name never ends (G-19, dtls E 40)', async () => {
    const { world, inside, device } = await pair();
    const peer = await world.connect(device, inside);
    const { port, host } = device.road.address;
    device.road.rebind({ host: 'away' });
    const twin = await world.side(host, port, client);
    world.drops = ({ to }) => to.host === host && world.passed.filter((p) => p.to.host === host).length > 4;
    twin.transport.connect(inside.road.address).catch(() => undefined);
    await world.clock.advance(1000);
    expect(inside.transport.stats()).toMatchObject({ associations: 1, handshakes: 1 });
    await twin.transport[Symbol.asyncDispose]();
    world.drops = () => false;
    device.road.rebind({ host, port });
    await world.say(device, peer, 'still here');
    expect(device.texts()).toEqual(['still here']);
    await world.clock.advance(31_000);
    expect(alive(inside.transport.stats())).toEqual({ associations: 1, handshakes: 0 });
    expect(inside.lost).toHaveLength(0);
  });

  it.each([
    ['with connection ids', {}],
    ['without', { connectionId: false }],
  ] as const)('replaces the association of a client that has lost its state, %s (dtls E 41)', async (_, options) => {
    const { world, inside, device } = await pair(options);
    const peer = await world.connect(device, inside);
    await world.say(device, peer, 'before');
    const { port, host } = device.road.address;
    await device.transport[Symbol.asyncDispose]();
    const again = await world.side(host, port, client);
    const second = await world.connect(again, inside);
    await world.say(again, second, 'after');
    expect(inside.texts()).toEqual(['before', 'after']);
    const [before, after] = inside.received;
    expect(after?.peer.key).not.toBe(before?.peer.key);
    expect(inside.lost.map(({ peer: gone }) => gone)).toEqual([before?.peer]);
    expect(inside.lost[0]?.cause).toBeInstanceOf(ClosedError);
    // Who registered before can still be told from others.
    expect(before?.peer.identity).toEqual(after?.peer.identity);
    expect(before?.peer.address).toEqual({ via: 'udp', host, port });
    expect(inside.transport.stats().associations).toBe(1);
  });

  it('drops hellos where nobody is served, and those that are none', async () => {
    const { bare } = await hellos();
    const { world, device, inside } = await pair();
    await world.forge(at('server', 5684), device, bare);
    expect(device.transport.stats()).toMatchObject({ helloRefused: 1, datagramsOut: 0 });
    await world.forge(at('x'), inside, bare.subarray(0, bare.length - 1));
    const cut = bare.slice(0, 13 + 12);
    cut[11] = 0;
    cut[12] = 12;
    await world.forge(at('x'), inside, cut);
    expect(inside.transport.stats()).toMatchObject({ noRecord: 1, malformed: 1, datagramsOut: 0 });
  });

  it('reads a hello that comes in pieces, and the cookie from the first (G-02)', async () => {
    const { world, inside } = await pair();
    const device = await world.side('narrow', 4000, client, { mtu: 100 });
    await world.connect(device, inside);
    expect(inside.transport.stats().associations).toBe(1);
  });

  it('G-02: takes a hello in 2 to 20 pieces, or drops it without state where the cookie is not in the first', async () => {
    const came: number[] = [];
    for (let pieces = 2; pieces <= 20; pieces += 1) {
      const { world, inside, device } = await pair();
      const { network } = world;
      const tap = network.tap!;
      network.tap = (from, to, bytes) => {
        if (to.host !== 'server' || bytes[0] !== 22 || bytes[13] !== 1) return tap(from, to, bytes);
        network.tap = tap;
        for (const piece of cutHello(bytes, pieces)) network.carry(from, to, piece);
        network.tap = cutting;
        return undefined;
      };
      const cutting = network.tap;
      const connecting = device.transport.connect(inside.road.address);
      connecting.catch(() => undefined);
      await world.clock.advance(500);
      const { associations, handshakesStarted, bytesIn, bytesOut } = inside.transport.stats();
      if (associations === 1) came.push(pieces);
      else expect({ handshakesStarted, isQuiet: bytesOut <= bytesIn }).toEqual({ handshakesStarted: 0, isQuiet: true });
      await device.transport[Symbol.asyncDispose]();
      await inside.transport[Symbol.asyncDispose]();
      expect(world.clock.pending).toBe(0);
    }
    // Two pieces or three: from four on the first has not the 60 bytes in which session id and cookie are.
    expect(came).toEqual([2]);
  });

  it('G-09: lets a client with certificates in after one whose groups did not fit', async () => {
    const { credentials, store } = x509Parties();
    const world = new World();
    const inside = await world.side('server', 5684, { accept: store });
    const unfit = await world.side('unfit', 1, { connect: credentials, suites: ['ECDHE-RSA-AES128-GCM-SHA256'] });
    await expect(world.connect(unfit, inside)).rejects.toMatchObject({ code: 'DTLS_ALERT', direction: 'received' });
    const fit = await world.side('fit', 1, { connect: credentials });
    await world.connect(fit, inside);
    expect(inside.transport.stats()).toMatchObject({ associations: 1, handshakesFailed: 1, handshakesDone: 1 });
  });

  it('drops empty pieces without end (G-03)', async () => {
    const { bare } = await hellos();
    const { world, inside } = await pair();
    const empty = bare.slice(0, 25);
    empty[11] = 0;
    empty[12] = 12;
    empty.fill(0, 22, 25);
    for (let i = 0; i < 2000; i += 1) world.network.carry(at('x'), inside.road.address, empty);
    await world.clock.advance(10);
    expect(inside.transport.stats()).toMatchObject({ helloRefused: 2000, handshakes: 0, datagramsOut: 0 });
  });

  it('succeeds after a hundred failures, with every count back to nothing (G-08)', async () => {
    const { world, inside, device } = await pair({
      accept: { psk: (id) => (id.length === 3 ? undefined : pskKey) },
      limits: { halfOpen: 50, halfOpenPerHost: 50 },
    });
    const unknown = await world.side('unknown', 1, {
      ...client,
      connect: { kind: 'psk', identity: encodeUtf8('who'), key: pskKey },
      timers: { connect: 3000 },
    });
    for (let i = 0; i < 100; i += 1) {
      unknown.transport.connect(inside.road.address).catch(() => undefined);
      await world.clock.advance(4000);
    }
    await world.clock.advance(60_000);
    expect(alive(inside.transport.stats())).toEqual({ associations: 0, handshakes: 0 });
    expect(alive(unknown.transport.stats())).toEqual({ associations: 0, handshakes: 0 });
    await world.connect(device, inside);
    expect(inside.transport.stats().associations).toBe(1);
  });
});

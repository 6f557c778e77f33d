// Shorter handshakes for those who were here before, on whole transports (dtls E.10).
import { days, hours } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import type { Credentials } from './credentials.ts';
import { memorySessionCache, type SecureOptions, type SessionCache } from './index.ts';
import { makeAuthority, makeKey } from './testing/certificates.ts';
import { authority, pskKey, pskParties, rpkParties, x509Parties } from './testing/parties.ts';
import { sayAs, World } from './testing/world.ts';

const parties = pskParties();

async function pair(server: Partial<SecureOptions> = {}, client: Partial<SecureOptions> = {}, seed = 1) {
  const world = new World(seed);
  const inside = await world.side('server', 5684, { accept: parties.store, ...server }, { echo: true });
  const device = await world.side('client', 4000, { connect: parties.credentials, ...client });
  /** Says goodbye, connects again after `wait` ms, and says whether the session was resumed. */
  const again = async (wait = 100): Promise<boolean> => {
    const before = device.transport.stats().handshakesResumed;
    for (const peer of device.transport.peers()) device.transport.close(peer);
    await world.clock.advance(wait);
    const peer = await world.connect(device, inside);
    await world.say(device, peer, 'again');
    expect(device.texts().at(-1)).toBe('again');
    return device.transport.stats().handshakesResumed > before;
  };
  const first = await world.connect(device, inside);
  return { world, inside, device, first, again };
}

const byId: Partial<SecureOptions> = { resumption: { tickets: false } };
const byTicket: Partial<SecureOptions> = { resumption: { sessions: false } };

describe('resumption', () => {
  it.each([
    ['its id', byId],
    ['a ticket', byTicket],
    ['either', {}],
  ] as const)('resumes a session by %s, as the same identity (dtls E 115, E 116, E 119)', async (_, options) => {
    const { inside, again } = await pair(options);
    expect(await again()).toBe(true);
    expect(await again()).toBe(true);
    expect(inside.received.map(({ peer }) => peer.identity)).toEqual([
      inside.received[0]?.peer.identity,
      inside.received[0]?.peer.identity,
    ]);
    expect(inside.transport.stats().handshakesResumed).toBe(2);
  });

  it.each([
    ['its id', byId],
    ['a ticket', byTicket],
  ] as const)('shakes hands in full when a session by %s is too old (dtls E 115, E 116)', async (_, options) => {
    const { again } = await pair(options);
    expect(await again(hours(23))).toBe(true);
    expect(await again(days(2))).toBe(false);
    expect(await again()).toBe(true);
  });

  it('shakes hands in full where resumption is off, on either side (dtls E 115)', async () => {
    expect(await (await pair({ resumption: false })).again()).toBe(false);
    expect(await (await pair({}, { resumption: false })).again()).toBe(false);
  });

  it('forgets the oldest session when the cache is full (dtls E 115)', async () => {
    const sessions = memorySessionCache(1);
    const { world, inside, again } = await pair({ resumption: { sessions, tickets: false } });
    const other = await world.side('other', 4000, { connect: parties.credentials });
    await world.connect(other, inside);
    expect(await again()).toBe(false);
    expect(await again()).toBe(true);
  });

  it('shakes hands in full when the server has been restarted, and when a key of tickets is gone (G-34, dtls E 116)', async () => {
    const { world, inside, device, again } = await pair(byTicket);
    await inside.transport[Symbol.asyncDispose]();
    const fresh = await world.side('server', 5684, { accept: parties.store, ...byTicket }, { echo: true });
    expect(await again()).toBe(false);
    expect(fresh.transport.stats().handshakesDone).toBe(1);
    expect(device.transport.stats().handshakesFailed).toBe(0);
  });

  it('does not resume for a key that has been taken away or changed (G-32, dtls E 119)', async () => {
    let key: typeof pskKey | undefined = pskKey;
    const { world, inside, device, again } = await pair({ accept: { psk: () => key } });
    expect(await again()).toBe(true);
    key = undefined;
    for (const peer of device.transport.peers()) device.transport.close(peer);
    await world.clock.advance(100);
    await expect(world.connect(device, inside)).rejects.toMatchObject({ code: 'DTLS_ALERT' });
    expect(inside.transport.stats().associations).toBe(0);
  });

  it('asks for a cookie before it resumes (dtls E 120)', async () => {
    const { inside, again } = await pair();
    const before = inside.transport.stats().cookiesSent;
    await again();
    expect(inside.transport.stats().cookiesSent).toBe(before + 1);
  });

  it('does not resume what has ended with a fatal alert (dtls E 118)', async () => {
    const forgotten: Uint8Array[] = [];
    const inner = memorySessionCache();
    const sessions: SessionCache = {
      find: (id, now) => inner.find(id, now),
      keep: (id, session, now) => inner.keep(id, session, now),
      forget: (id) => {
        forgotten.push(id);
        inner.forget(id);
      },
    };
    const { world, inside, device, first, again } = await pair({ resumption: { sessions, tickets: false } });
    sayAs(device, first, 21, Uint8Array.of(2, 80));
    await world.clock.advance(10);
    expect(inside.transport.stats().associations).toBe(0);
    expect(forgotten).toHaveLength(1);
    expect(await again()).toBe(false);
  });

  it('resumes certificates by id, also with a chain that is too long for a ticket', async () => {
    const { credentials, store } = x509Parties();
    if (credentials.kind !== 'x509') throw new Error('no certificates');
    const intermediate = authority.authority({ name: 'Between', key: makeKey('Between', 'rsa') });
    const own = intermediate.issue({ name: 'dev-2', key: makeKey('dev-2', 'rsa') });
    const long = { ...own, chain: [own.certificate, intermediate.certificate] };
    expect(long.chain.reduce((sum, { length }) => sum + length, 0)).toBeGreaterThan(900);
    for (const each of [credentials.own, long]) {
      const connect = { ...credentials, own: each ?? long };
      const { inside, again } = await pair({ accept: store }, { connect });
      expect(await again()).toBe(true);
      expect(inside.received[0]?.peer.identity.kind).toBe('x509');
    }
  });

  it('resumes nothing once a client trusts others, or shows another key', async () => {
    const { credentials, store } = x509Parties();
    if (credentials.kind !== 'x509' || credentials.own === undefined) throw new Error('no certificates');
    const elsewhere = makeAuthority({ name: 'Elsewhere' });
    const other = authority.issue({ name: 'dev-1', key: makeKey('another key') });
    let connect: Credentials = credentials;
    const { world, inside, device, again } = await pair({ accept: store }, { connect: () => connect });
    expect(await again()).toBe(true);
    connect = { ...credentials };
    expect(await again()).toBe(true);
    connect = { ...credentials, own: other };
    expect(await again()).toBe(false);
    connect = { ...credentials, trust: { ...credentials.trust, commonName: 'accepted' } };
    expect(await again()).toBe(false);
    connect = { ...credentials, trust: { roots: [elsewhere.certificate], hostName: 'server.example' } };
    for (const peer of device.transport.peers()) device.transport.close(peer);
    await world.clock.advance(100);
    await expect(world.connect(device, inside)).rejects.toThrow();
  });

  it('resumes nothing once a client trusts other raw keys', async () => {
    const { credentials, store } = rpkParties();
    if (credentials.kind !== 'rpk') throw new Error('no raw keys');
    let connect: Credentials = credentials;
    const { world, inside, device, again } = await pair({ accept: store }, { connect: () => connect });
    expect(await again()).toBe(true);
    connect = { ...credentials, trusted: [makeKey('another').spki] };
    for (const peer of device.transport.peers()) device.transport.close(peer);
    await world.clock.advance(100);
    await expect(world.connect(device, inside)).rejects.toThrow();
  });
});

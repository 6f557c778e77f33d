// Whole transports: connecting, what is said when it fails, and closing.
import { encodeUtf8, type Identity, minutes, type Peer, Secret } from '@lapwing/kernel';
import { settle } from '@lapwing/kernel/testing';
import { describe, expect, it } from 'vitest';
import { AlertError, HandshakeError, type SecureOptions, secure } from './index.ts';
import { pskIdentity, pskKey, pskParties, rpkParties, x509Parties } from './testing/parties.ts';
import { World } from './testing/world.ts';

const parties = pskParties();
const accept: Partial<SecureOptions> = { accept: parties.store };
const connect: Partial<SecureOptions> = { connect: parties.credentials };

async function pair(server: Partial<SecureOptions> = {}, client: Partial<SecureOptions> = {}) {
  const world = new World();
  return {
    world,
    server: await world.side('server', 5684, { ...accept, ...server }, { echo: true }),
    client: await world.side('client', 4000, { ...connect, ...client }),
  };
}

describe('a secured transport', () => {
  it('shakes hands and carries what is sent both ways', async () => {
    const { world, server, client } = await pair();
    const peer = await world.connect(client, server);
    await world.say(client, peer, 'ping');
    expect(server.texts()).toEqual(['ping']);
    expect(client.texts()).toEqual(['ping']);
    expect(server.received[0]?.peer.identity).toEqual({ kind: 'psk', id: pskIdentity });
    expect(server.received[0]?.peer.address).toEqual(client.road.address);
    expect(client.received[0]?.peer.key).toBe(peer.key);
    expect(server.transport.stats()).toMatchObject({ associations: 1, handshakes: 0, handshakesDone: 1 });
  });

  it.each([
    ['raw public keys', rpkParties(), 'rpk'],
    ['certificates', x509Parties(), 'x509'],
  ] as const)('tells who a peer is that has proved itself with %s', async (_, { credentials, store }, kind) => {
    const { world, server, client } = await pair({ accept: store }, { connect: credentials });
    const peer = await world.connect(client, server);
    await world.say(client, peer, 'ping');
    expect(server.received[0]?.peer.identity.kind).toBe(kind);
    expect(peer.identity.kind).toBe(kind);
    // Also when it has been put away.
    await world.clock.advance(600_000);
    expect(server.transport.stats().warm).toBe(0);
    expect(server.received[0]?.peer.identity.kind).toBe(kind);
    await world.say(client, peer, 'again');
    expect(client.texts()).toEqual(['ping', 'again']);
  });

  it('gives all who connect to one address at once the same peer, after one handshake', async () => {
    const { world, server, client } = await pair();
    const many = Promise.all([1, 2, 3].map(() => client.transport.connect(server.road.address)));
    await world.clock.advance(100);
    const [first, ...others] = await many;
    expect(others.every((peer) => peer === first)).toBe(true);
    expect(await client.transport.connect(server.road.address)).toBe(first);
    expect(server.transport.stats().handshakesDone).toBe(1);
  });

  it('makes the peer of a session that is resumed another peer', async () => {
    const { world, server, client } = await pair();
    const first = await world.connect(client, server);
    client.transport.close(first);
    await world.clock.advance(100);
    const second = await world.connect(client, server);
    expect(second.key).not.toBe(first.key);
    expect(client.transport.stats().handshakesResumed).toBe(1);
  });

  it('rejects with the reason of the signal, and forgets the handshake when nobody waits for it', async () => {
    const { world, server, client } = await pair();
    world.network.darken('server');
    const giveUp = new AbortController();
    const connecting = client.transport.connect(server.road.address, giveUp.signal);
    await world.clock.advance(5000);
    expect(client.transport.stats().handshakes).toBe(1);
    giveUp.abort(new Error('enough'));
    await expect(connecting).rejects.toThrow('enough');
    expect(client.transport.stats()).toMatchObject({ handshakes: 0, associations: 0 });
    await expect(client.transport.connect(server.road.address, giveUp.signal)).rejects.toThrow('enough');
  });

  it('says that nobody answers', async () => {
    const { world, server, client } = await pair({}, { timers: { connect: 20_000 } });
    world.network.darken('server');
    const error = await world.connect(client, server).catch((reason) => reason);
    expect(error).toBeInstanceOf(HandshakeError);
    expect((error as HandshakeError).problem).toBe('timeout');
  });

  it('says that the keys differ', async () => {
    const wrong = pskParties(new Secret(encodeUtf8('another key, not the same')));
    const { world, server, client } = await pair({}, { connect: wrong.credentials });
    const error = await world.connect(client, server).catch((reason) => reason);
    expect(error).toBeInstanceOf(AlertError);
    expect((error as AlertError).direction).toBe('received');
    expect((error as AlertError).message).toMatch(/key/);
    expect(server.transport.stats()).toMatchObject({ associations: 0, handshakes: 0, handshakesFailed: 1 });
  });

  it('takes keys from a store that answers later, or throws', async () => {
    const { world, server, client } = await pair({
      accept: { psk: () => Promise.resolve(pskKey) },
    });
    expect((await world.connect(client, server)).key).toHaveLength(20);
    const failing = await pair({
      accept: {
        psk: () => {
          throw new Error('the database is gone');
        },
      },
    });
    await expect(failing.world.connect(failing.client, failing.server)).rejects.toBeInstanceOf(AlertError);
  });

  it('has no peer to connect to without credentials, before it is open, or after it is closed', async () => {
    const world = new World();
    const server = await world.side('server', 5684, accept);
    await expect(server.transport.connect(server.road.address)).rejects.toThrow(/no credentials/);
    const road = world.network.transport('client', 1);
    const client = secure(road, { ...connect, clock: world.clock, random: world.random });
    await expect(client.connect(server.road.address)).rejects.toThrow(/not open/);
    await client[Symbol.asyncDispose]();
    await expect(client.open({ receive: () => undefined, lost: () => undefined })).rejects.toThrow(/once/);
  });

  it('rejects what waits when it is closed, and leaves no timer', async () => {
    const { world, server, client } = await pair();
    world.network.darken('server');
    const connecting = client.transport.connect(server.road.address);
    connecting.catch(() => undefined);
    await world.clock.advance(10);
    await client.transport[Symbol.asyncDispose]();
    await server.transport[Symbol.asyncDispose]();
    await expect(connecting).rejects.toMatchObject({ code: 'DTLS_HANDSHAKE', problem: 'closed' });
    await settle();
    expect(world.clock.pending).toBe(0);
  });

  it('names the server to it, unless it is an address', async () => {
    const named: (string | undefined)[] = [];
    const store = {
      psk: (_: Uint8Array, name: string | undefined) => {
        named.push(name);
        return pskKey;
      },
    };
    const world = new World();
    const server = await world.side('server.example', 5684, { accept: store });
    const address = await world.side('192.0.2.7', 5684, { accept: store });
    const client = await world.side('client', 4000, connect);
    await world.connect(client, server);
    await world.connect(client, address);
    expect(named).toEqual(['server.example', undefined]);
  });

  it('ends every association of a credential that is withdrawn (G-33, dtls E 119)', async () => {
    const { world, server, client } = await pair();
    const peer = await world.connect(client, server);
    const isIt = (identity: Identity): boolean => identity.kind === 'psk';
    expect(server.transport.revoke(isIt)).toBe(1);
    expect(server.lost).toHaveLength(1);
    await world.say(client, peer, 'late');
    expect(server.received).toHaveLength(0);
    expect(client.lost).toHaveLength(1);
    expect(server.transport.revoke(isIt)).toBe(0);
  });

  it('finds those of one identity, also when they are put away, whoever was heard last at the end', async () => {
    const { world, server, client } = await pair();
    const first = await world.connect(client, server);
    const again = await world.side('client', 4001, connect);
    const second = await world.connect(again, server);
    await world.clock.advance(minutes(5));
    await world.say(client, first, 'here');
    const [peer] = server.received.map((datagram) => datagram.peer);
    const found = server.transport.peersOf({ kind: 'psk', id: pskIdentity.slice() });
    expect(found).toHaveLength(2);
    expect(found.at(-1)?.key).toBe(peer?.key);
    expect(server.transport.peersOf({ kind: 'psk', id: Uint8Array.of(1) })).toEqual([]);
    again.transport.close(second);
    await world.clock.advance(1000);
    expect(server.transport.peersOf({ kind: 'psk', id: pskIdentity })).toHaveLength(1);
  });

  it('knows a peer by its key alone, as from a store', async () => {
    const { world, server, client } = await pair();
    const peer = await world.connect(client, server);
    const copy: Peer = { key: peer.key, address: peer.address, identity: peer.identity };
    await world.say(client, copy, 'by key');
    expect(client.texts()).toEqual(['by key']);
    await world.say(client, { ...copy, key: 'dtlsAAAAAAAAAAAAAAAA' }, 'nobody');
    await world.say(client, { ...copy, key: '192.0.2.1:5684' }, 'nobody');
    expect(client.transport.stats().unsendable).toBe(2);
  });
});

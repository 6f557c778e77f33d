// What a server that starts anew still knows: DTLS associations, so that a fleet need not shake hands again.
import { Code, Endpoint, makeRequest, Option, OptionSet } from '@lapwing/coap';
import { secure } from '@lapwing/dtls';
import { makeAuthority } from '@lapwing/dtls/testing';
import { encodeUtf8, minutes, type Peer, Secret, seconds } from '@lapwing/kernel';
import type { Listener } from '@lapwing/server';
import { describe, expect, it } from 'vitest';
import { KeptAssociations } from './kept-associations.ts';
import { psk } from './roads.ts';
import { serverHost, World } from './world.ts';

/** As little of a device as an association needs. */
class Bare {
  readonly endpoint: Endpoint;
  private readonly name: string;
  private readonly server: Peer;
  private location: readonly string[] = [];

  private constructor(endpoint: Endpoint, name: string, server: Peer) {
    this.endpoint = endpoint;
    this.name = name;
    this.server = server;
  }

  static async begin(world: World, i: number): Promise<Bare> {
    const name = `bare-${i}`;
    const { clock, random, network, security } = world;
    const connect = await psk(name, security);
    const transport = secure(network.transport(`10.2.${i >> 8}.${i & 255}`), { connect, clock, random });
    const endpoint = await Endpoint.open({ transport, clock, random });
    const server = await endpoint.connect({ via: 'udp', host: serverHost, port: 5683 });
    return new Bare(endpoint, name, server);
  }

  async register(): Promise<number> {
    const query = [`ep=${this.name}`, 'lwm2m=1.1', 'lt=3600'].map((each) => [Option.UriQuery, each] as const);
    const options = OptionSet.of([Option.UriPath, 'rd'], ...query);
    const answer = await this.endpoint.request(this.server, makeRequest(Code.Post, options, encodeUtf8('</3/0>')));
    this.location = answer.options.texts(Option.LocationPath);
    return answer.code;
  }

  async update(): Promise<number> {
    const options = OptionSet.of(...this.location.map((each) => [Option.UriPath, each] as const));
    return (await this.endpoint.request(this.server, makeRequest(Code.Post, options))).code;
  }
}

describe('a server that is started anew', () => {
  it('keeps 1 000 associations without one new handshake, in at most 300 bytes each (E 112)', async () => {
    const kept = new KeptAssociations();
    await using world = await World.make({ road: 'dtls-cid', associations: kept });
    // A whole client for each would cost more than its association.
    for (let i = 0; i < 20; i += 1) await world.device(`dev-${i}`, { lifetime: minutes(10) });
    const bare = await world.during(Promise.all(Array.from({ length: 980 }, (_, i) => Bare.begin(world, i))));
    const all = async (ask: (each: Bare) => Promise<number>): Promise<Set<number>> =>
      new Set(await world.during(Promise.all(bare.map(ask))));
    expect(await all((each) => each.register())).toEqual(new Set([Code.Created]));
    await world.pass(seconds(30));
    expect(world.server.stats()).toMatchObject({ registrations: 1000 });
    expect(world.dtls()).toMatchObject({ associations: 1000, handshakesDone: 1000 });
    expect(Math.max(...[...kept.records.values()].map(({ length }) => length))).toBeLessThanOrEqual(300);

    await world.stopServer();
    await world.pass(minutes(1));
    await world.startServer();
    expect(world.dtls()).toMatchObject({ associations: 1000, restored: 1000, notRestored: 0 });
    // Updates of registrations that it does not know any more: 4.04, and a Register over the same association.
    expect(await all((each) => each.update())).toEqual(new Set([Code.NotFound]));
    expect(await all((each) => each.register())).toEqual(new Set([Code.Created]));
    await world.pass(minutes(10));
    expect(world.server.stats()).toMatchObject({ registrations: 1000 });
    expect(world.dtls()).toMatchObject({ associations: 1000, handshakesStarted: 0, forged: 0, replayed: 0 });
    for (const each of bare) await each.endpoint[Symbol.asyncDispose]();
    expect(await world.during(world.server.device('dev-7').read('/3/0/0'))).toHaveLength(1);
  });

  it('knows nobody where nothing was kept, and devices shake hands again by themselves', async () => {
    await using world = await World.make({ road: 'dtls-cid' });
    await world.device('dev', { lifetime: minutes(10) });
    await world.pass(seconds(5));
    await world.stopServer();
    await world.startServer();
    await world.pass(minutes(15));
    expect(world.server.registration('dev')).toBeDefined();
    expect(world.dtls()).toMatchObject({ associations: 1, handshakesDone: 1 });
  });
});

describe('a server that is started anew with other credentials', () => {
  const identityOf = (name: string) => encodeUtf8(name);

  it('ends the associations of keys that are others today, or gone, and keeps the rest', async () => {
    const kept = new KeptAssociations();
    await using world = await World.make({ road: 'dtls-cid', associations: kept });
    for (const name of ['same', 'changed', 'gone']) await world.device(name, { lifetime: minutes(10) });
    await world.pass(seconds(5));
    expect(kept.peers.length).toBe(3);
    await world.stopServer();
    const key = new Secret(encodeUtf8('another key'));
    await world.security.put({
      endpoint: 'changed',
      credential: { kind: 'psk', identity: identityOf('changed'), key },
    });
    await world.security.remove('gone');
    await world.startServer();
    expect(world.dtls()).toMatchObject({ associations: 1, restored: 3 });
    expect(kept.told).toEqual([{ refused: [], revoked: 2 }]);
    expect(kept.peers.length).toBe(1);
    await world.pass(minutes(15));
    expect([...world.server.registrations()].map(({ name }) => name)).toEqual(['same']);
  });

  it('ends those that the listener would not let in any more: without pre-shared keys, or with other authorities', async () => {
    for (const [road, dtls] of [
      ['dtls-cid', { psk: false, certificate: makeAuthority({ name: 'a' }).issue({ name: 's' }) }],
      ['dtls-x509', { authorities: [makeAuthority({ name: 'Somebody else' }).certificate] }],
    ] as const) {
      const kept = new KeptAssociations();
      await using world = await World.make({ road, associations: kept });
      await world.device('dev', { lifetime: minutes(10) });
      await world.pass(seconds(5));
      await world.stopServer();
      const [{ dtls: before, ...listener } = { dtls: undefined }] = [world.listener()];
      await world.startServer({ listeners: [{ ...listener, dtls: { ...before, ...dtls } } as Listener] });
      expect(kept.told).toEqual([{ refused: [], revoked: 1 }]);
      expect(world.dtls()).toMatchObject({ associations: 0 });
    }
  });

  it('keeps those of raw keys and certificates that are still let in', async () => {
    for (const road of ['dtls-rpk', 'dtls-x509'] as const) {
      const kept = new KeptAssociations();
      await using world = await World.make({ road, associations: kept });
      await world.device('dev', { lifetime: minutes(10) });
      await world.pass(seconds(5));
      await world.stopServer();
      await world.startServer();
      expect(world.dtls()).toMatchObject({ associations: 1 });
      await world.stopServer();
      await world.security.remove('dev');
      await world.startServer();
      expect(world.dtls()).toMatchObject({ associations: road === 'dtls-rpk' ? 0 : 1 });
    }
  });

  it('passes damaged records over, and those of another kind of connection ids, and is rid of them', async () => {
    const kept = new KeptAssociations();
    await using world = await World.make({ road: 'dtls-cid', associations: kept });
    for (const name of ['a', 'b', 'c']) await world.device(name, { lifetime: minutes(10) });
    await world.pass(seconds(5));
    await world.stopServer();
    const [damaged = ''] = kept.peers;
    kept.records.set(damaged, Uint8Array.of(1, 2, 3));
    await world.startServer();
    expect(world.dtls()).toMatchObject({ associations: 2 });
    expect(kept.told).toEqual([{ refused: [{ key: damaged, why: expect.any(String) }], revoked: 0 }]);
    expect([kept.peers.length, kept.records.has(damaged)]).toEqual([2, false]);
    await world.stopServer();
    const { dtls, ...listener } = world.listener();
    await world.startServer({
      listeners: [{ ...listener, dtls: { ...dtls, connectionId: { length: 12 } } } as Listener],
    });
    expect(kept.told.at(-1)).toMatchObject({ refused: [{}, {}], revoked: 0 });
    expect(kept.peers.length).toBe(0);
  });
});

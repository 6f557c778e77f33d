// What a device and its server prove to each other over DTLS, and who is kept out.

import { Code, Endpoint, makeRequest, makeResponse, Option, OptionSet } from '@lapwing/coap';
import { secure } from '@lapwing/dtls';
import { makeAuthority, makeKey } from '@lapwing/dtls/testing';
import { encodeUtf8, hours, minutes, Secret, seconds } from '@lapwing/kernel';
import { MemoryNetwork, SeededRandom, VirtualClock } from '@lapwing/kernel/testing';
import type { Listener } from '@lapwing/server';
import { describe, expect, it } from 'vitest';
import { World } from './world.ts';

describe('a device over DTLS', () => {
  it('registers and is managed with a pre-shared key (ETS int-401)', async () => {
    await using world = await World.make({ road: 'dtls-psk' });
    await world.device('dev');
    await world.pass(seconds(5));
    expect(world.server.registration('dev')?.peer.identity).toEqual({ kind: 'psk', id: encodeUtf8('dev') });
    expect(await world.during(world.server.device('dev').read('/3/0/0'))).toHaveLength(1);
  });

  it('registers and is managed with certificates on both sides (ETS int-402)', async () => {
    await using world = await World.make({ road: 'dtls-x509' });
    await world.device('dev');
    await world.pass(seconds(5));
    expect(world.server.registration('dev')?.peer.identity).toMatchObject({ kind: 'x509', subject: 'CN=dev' });
    expect(await world.during(world.server.device('dev').read('/3/0/0'))).toHaveLength(1);
  });

  it('does not register at a server whose certificate is for another name (ETS int-403)', async () => {
    await using world = await World.make({ road: 'dtls-x509' });
    const credentials = await world.enrol('dev');
    if (credentials?.kind !== 'x509') throw new Error('no certificate');
    const trust = { ...credentials.trust, hostName: 'other.example' };
    const thing = await world.device('dev', { credentials: { ...credentials, trust } });
    const failures: Error[] = [];
    thing.client.events.on('failed', ({ error }) => failures.push(error));
    await world.pass(minutes(1));
    expect(world.server.registration('dev')).toBeUndefined();
    expect(failures[0]?.message).toMatch(/server\.example.*other\.example|other\.example/);
  });

  it('does not register at a server whose certificate nobody vouches for', async () => {
    await using world = await World.make({ road: 'dtls-x509' });
    const credentials = await world.enrol('dev');
    if (credentials?.kind !== 'x509') throw new Error('no certificate');
    const trust = { ...credentials.trust, roots: [makeAuthority({ name: 'Somebody else' }).certificate] };
    await world.device('dev', { credentials: { ...credentials, trust } });
    await world.pass(minutes(1));
    expect(world.server.registration('dev')).toBeUndefined();
  });

  it('may not register under the name of another one (I-01)', async () => {
    await using world = await World.make({ road: 'dtls-psk' });
    await world.device('victim');
    const credentials = await world.enrol('thief');
    await world.pass(seconds(5));
    const registered = world.server.registration('victim');
    const { client } = await world.device('victim-again', {
      name: 'victim',
      ...(credentials === undefined ? {} : { credentials }),
    });
    const refused = client.events.once('failed');
    await world.pass(minutes(1));
    expect((await refused).error.message).toMatch(/4\.03/);
    expect(world.server.registration('victim')?.id).toBe(registered?.id);
    expect(world.server.stats().outcomes).toMatchObject({ 'not-owner': expect.any(Number) });
  });

  it('is cut off when its credentials are taken away (I-04)', async () => {
    await using world = await World.make({ road: 'dtls-psk' });
    await world.device('dev', { lifetime: minutes(5) });
    await world.pass(seconds(5));
    // A credential that no store knows of: somebody else says that it is worth nothing.
    expect(world.server.revoke((identity) => identity.kind === 'psk')).toBe(1);
    await world.security.remove('dev');
    await world.pass(minutes(20));
    expect(world.server.registration('dev')).toBeUndefined();
    expect(world.dtls().associations).toBe(0);
  });

  it('has no more associations than its listener says, and none after as long a silence as it says', async () => {
    const secured = { associationsPerIdentity: 1, idleTimeout: minutes(10) };
    await using world = await World.make({ road: 'dtls-cid', secured });
    const { host } = await world.device('dev', { lifetime: hours(24) });
    await world.pass(seconds(5));
    const credentials = await world.enrol('dev');
    const twin = await world.device('twin', { name: 'dev', lifetime: hours(24), ...(credentials && { credentials }) });
    await world.pass(seconds(5));
    expect(world.dtls()).toMatchObject({ associations: 1, handshakesDone: 2, associationsEvicted: 1 });
    for (const each of [host, twin.host]) world.network.darken(each);
    await world.pass(minutes(9));
    expect(world.dtls()).toMatchObject({ associations: 1, unheard: 0 });
    await world.pass(minutes(11));
    expect(world.dtls()).toMatchObject({ associations: 0, unheard: 1 });
  });

  it('has no way in with a key of its own making', async () => {
    await using world = await World.make({ road: 'dtls-psk' });
    await world.enrol('dev');
    const identity = encodeUtf8('dev');
    await world.device('dev', { credentials: { kind: 'psk', identity, key: new Secret(encodeUtf8('guessed')) } });
    await world.pass(minutes(5));
    expect(world.server.registration('dev')).toBeUndefined();
    expect(world.dtls()).toMatchObject({ associations: 0, handshakesDone: 0 });
  });

  it('has to come anew when its key is changed, and stays out when it is taken away', async () => {
    await using world = await World.make({ road: 'dtls-psk' });
    for (const name of ['dev', 'other']) await world.device(name);
    await world.pass(seconds(5));
    expect(world.dtls()).toMatchObject({ associations: 2 });
    const credential = (key: string) =>
      ({ kind: 'psk', identity: encodeUtf8('dev'), key: new Secret(encodeUtf8(key)) }) as const;
    expect(await world.server.putCredential({ endpoint: 'dev', credential: credential('the key of dev') })).toBe(0);
    expect(world.server.registration('dev')).toBeDefined();
    expect(await world.server.putCredential({ endpoint: 'dev', credential: credential('another') })).toBe(1);
    expect(world.dtls()).toMatchObject({ associations: 1 });
    expect(world.server.registration('dev')).toBeUndefined();
    expect(await world.server.removeCredentials('other')).toBe(1);
    expect(await world.server.removeCredentials('other')).toBe(0);
    await world.pass(minutes(15));
    expect(world.server.stats()).toMatchObject({ registrations: 0 });
  });

  it('loses what it has at once when its credential is changed or taken away in the store itself', async () => {
    await using world = await World.make({ road: 'dtls-psk' });
    for (const name of ['changed', 'removed', 'replaced', 'kept']) await world.device(name, { lifetime: minutes(60) });
    await world.pass(seconds(5));
    expect(world.dtls()).toMatchObject({ associations: 4 });
    const credential = (name: string, key: string) =>
      ({ kind: 'psk', identity: encodeUtf8(name), key: new Secret(encodeUtf8(key)) }) as const;
    await world.security.put({ endpoint: 'changed', credential: credential('changed', 'another') });
    await world.security.remove('removed');
    await world.security.replace('replaced', [credential('replaced/2', 'new')]);
    await world.security.replace('kept', [credential('kept', 'the key of kept'), credential('kept/2', 'new')]);
    await world.pass(1);
    expect([...world.server.registrations()].map(({ name }) => name)).toEqual(['kept']);
    expect(world.dtls()).toMatchObject({ associations: 1 });
    expect(world.of('deregistered').map(({ registration }) => registration.name)).toEqual([
      'changed',
      'removed',
      'replaced',
    ]);
    await world.security.replaceAll([{ endpoint: 'kept', credential: credential('kept', 'the key of kept') }]);
    await world.pass(1);
    expect(world.server.registration('kept')).toBeDefined();
    await world.security.replaceAll([]);
    await world.pass(1);
    expect(world.server.stats()).toMatchObject({ registrations: 0 });
    expect(world.dtls()).toMatchObject({ associations: 0 });
  });

  it.each(['oscore', 'dtls-rpk'] as const)('over %s too', async (road) => {
    await using world = await World.make({ road });
    const thing = await world.device('dev', { lifetime: minutes(60) });
    await world.pass(seconds(5));
    expect(world.server.registration('dev')).toBeDefined();
    await world.security.remove('dev');
    await world.pass(1);
    expect(world.server.registration('dev')).toBeUndefined();
    thing.warm(30);
    await world.pass(hours(3));
    expect(world.server.stats()).toMatchObject({ registrations: 0 });
  });

  it('loses its registration to the one that a new credential belongs to', async () => {
    await using world = await World.make({ road: 'dtls-x509' });
    await world.device('dev');
    await world.pass(seconds(5));
    expect(world.server.registration('dev')).toBeDefined();
    const key = new Secret(encodeUtf8('a key'));
    await world.server.putCredential({
      endpoint: 'dev',
      credential: { kind: 'psk', identity: encodeUtf8('dev'), key },
    });
    expect(world.server.registration('dev')).toBeUndefined();
  });

  it('S-09: goes on when the certificate of the server is replaced, which those who come then are shown', async () => {
    await using world = await World.make({ road: 'dtls-x509' });
    await world.stopServer();
    const { dtls, ...listener } = world.listener();
    const own = dtls?.certificate ?? expect.fail('no certificate');
    const other = makeAuthority().issue({ name: 'server.example' });
    let shown: typeof own = own;
    const security = {
      ...dtls,
      get certificate() {
        return shown;
      },
    };
    await world.startServer({ listeners: [{ ...listener, dtls: security } as Listener] });
    await world.device('before', { lifetime: minutes(1) });
    await world.pass(seconds(5));
    shown = { chain: [other.certificate], privateKey: other.privateKey };
    await world.device('after', { lifetime: minutes(1) });
    await world.pass(minutes(10));
    expect([...world.server.registrations()].map(({ name }) => name)).toEqual(['before']);
    expect(world.of('registered')).toHaveLength(1);
    shown = own;
    await world.pass(minutes(30));
    expect([...world.server.registrations()].map(({ name }) => name).sort()).toEqual(['after', 'before']);
    expect(world.dtls()).toMatchObject({ associations: 2 });
  });

  it('finds no server whose key is another’s: it does not start, and says so', async () => {
    await using world = await World.make({ road: 'dtls-x509' });
    await world.stopServer();
    const { dtls, ...listener } = world.listener();
    const certificate = { chain: [makeAuthority().issue({ name: 'a' }).certificate], privateKey: makeKey('b').pkcs8 };
    await expect(
      world.startServer({ listeners: [{ ...listener, dtls: { ...dtls, certificate } } as Listener] }),
    ).rejects.toThrow(/^listeners\..*\.dtls\.certificate\.privateKey: it does not belong to/);
    await world.startServer();
  });
});

it('a message that is longer than its record may be is refused to who sends it, whole (dtls E 125)', async () => {
  const clock = new VirtualClock();
  const random = new SeededRandom(1);
  const network = new MemoryNetwork(clock, random);
  const key = new Secret(encodeUtf8('sixteen bytes 16'));
  const bodies: number[] = [];
  await using _server = await Endpoint.open({
    transport: secure(network.transport('server', 5684), { accept: { psk: () => key }, clock, random }),
    serve: ({ payload }) => {
      bodies.push(payload.length);
      return Promise.resolve(makeResponse(Code.Changed));
    },
    clock,
    random,
  });
  const connect = { kind: 'psk', identity: encodeUtf8('dev'), key } as const;
  const transport = secure(network.transport('device', 1, { mtu: 200 }), { connect, clock, random });
  await using device = await Endpoint.open({ transport, clock, random });
  const connecting = device.connect({ via: 'udp', host: 'server', port: 5684 });
  await clock.advance(1000);
  const peer = await connecting;
  const long = OptionSet.of([Option.UriPath, 'x'.repeat(transport.traits.mtu)]);
  await expect(device.request(peer, makeRequest(Code.Put, long))).rejects.toMatchObject({ code: 'FORMAT' });
  // What can be cut goes in blocks.
  const body = new Uint8Array(1000);
  const answering = device.request(peer, makeRequest(Code.Put, OptionSet.of([Option.UriPath, 'x']), body));
  await clock.advance(5000);
  expect((await answering).code).toBe(Code.Changed);
  expect(bodies).toEqual([1000]);
  expect(transport.stats().tooLong).toBe(0);
});

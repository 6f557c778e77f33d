// A device and its servers under OSCORE (Transport 1.2.1 §5.5, RFC 8613): over every road, from the factory by a bootstrap server,
// and over restarts of either side.
import { Code, decodeMessage, Option, Type } from '@lapwing/coap';
import { digest, encodeUtf8, hours, minutes, Secret, seconds } from '@lapwing/kernel';
import { parsePath } from '@lapwing/lwm2m';
import { MemoryObservationStore, MemoryRegistrationStore } from '@lapwing/server';
import { describe, expect, it } from 'vitest';
import { KeptAssociations } from './kept-associations.ts';
import { listenIn, type Overheard } from './overheard.ts';
import { isOverStream, rows } from './rows.ts';
import { bootstrapHost, instancesOf, serverHost, World, type WorldOptions } from './world.ts';

const idOf = (name: string): Uint8Array => digest('sha256', encodeUtf8(name)).subarray(0, 4);
const isRegistered = (world: World, name: string) => (): boolean => world.server.registration(name) !== undefined;

/** With 0 and 20 % loss: alone, inside DTLS, and over connections. */
const protectedRows = rows.filter(({ options }) => options.road?.startsWith('oscore'));

/** That nothing went over datagrams but what is protected, `secrets` neither in the open nor at all. */
function checkHidden(heard: readonly Overheard[], secrets: RegExp): void {
  for (const { bytes } of heard) {
    expect(Buffer.from(bytes).toString('latin1')).not.toMatch(secrets);
    // What DTLS has sealed shows no message.
    if (bytes[0] !== undefined && bytes[0] >> 6 !== 1) continue;
    const { code, options } = decodeMessage(bytes);
    if (code !== Code.Empty) expect(options.has(Option.Oscore)).toBe(true);
  }
}

describe.each(protectedRows)('over $name, a device', ({ options }) => {
  it('registers, is managed, observed and sends, and nobody on the way sees more than that (ETS int-405)', async () => {
    await using world = await World.make(options);
    const heard = listenIn(world);
    const thing = await world.device('dev', { lifetime: minutes(5) });
    await world.until(isRegistered(world, 'dev'));
    const { peer } = world.server.registration('dev') ?? expect.fail('not registered');
    expect(peer.identity).toEqual({ kind: 'oscore', id: idOf('dev') });
    expect(peer.below?.identity.kind).toBe(options.road === 'oscore-dtls' ? 'psk' : 'none');
    const device = world.server.device('dev');
    expect(await world.during(device.read('/3/0/0'))).toMatchObject([{ value: { value: 'Lapwing' } }]);
    await world.during(device.write('/3/0/14', { type: 'string', value: '+02:00' }));
    const { values, stop } = world.observing('dev', '/3303/0/5700');
    await world.until(() => values.length === 1);
    thing.warm(31);
    await world.until(() => values.length === 2);
    expect(values).toEqual([20, 31]);
    await world.during(thing.client.send(['/3303/0/5700']));
    await world.until(() => world.of('sent').length > 0);
    stop();
    await world.pass(minutes(20));
    expect(world.of('updated').length).toBeGreaterThan(0);
    expect(world.of('expired')).toEqual([]);
    checkHidden(heard, /Lapwing|lwm2m|3303|\+02:00|rd/);
    expect(heard.length > 0).toBe(!isOverStream(options));
    expect(world.server.stats().oscore).toMatchObject({ contexts: 1, unverified: 0 });
    expect(thing.client.stats()?.oscore).toMatchObject({ contexts: 1, unverifiedAnswers: 0, unprotectedAnswers: 0 });
  });

  it('comes from its factory by a bootstrap server to a server under keys of its own making (ETS int-11)', async () => {
    await using world = await World.make({ ...options, bootstrap: {} });
    await world.plan('dev');
    const heard = listenIn(world);
    const thing = await world.device('dev', { knows: 'bootstrap' });
    await world.until(isRegistered(world, 'dev'), minutes(30));
    const started = world.bootstraps.find(({ kind }) => kind === 'started');
    expect(started?.event).toMatchObject({ session: { peer: { identity: { kind: 'oscore', id: idOf('dev') } } } });
    // The bootstrap account's context, and the one that was written.
    expect([instancesOf(thing, 0), instancesOf(thing, 21)]).toEqual([
      [0, 1],
      [0, 1],
    ]);
    const credential = world.security.ofEndpoint('dev').find(({ kind }) => kind === 'oscore');
    if (credential?.kind !== 'oscore') expect.fail('no context was made');
    const { identity } = world.server.registration('dev')?.peer ?? expect.fail('not registered');
    expect(identity).toEqual({ kind: 'oscore', id: credential.context.recipientId });
    const secret = Buffer.from(credential.context.masterSecret.reveal());
    for (const { bytes } of heard) expect(Buffer.from(bytes).includes(secret)).toBe(false);
    checkHidden(heard, /lwm2m/);
    expect(heard.some(({ to }) => to === bootstrapHost)).toBe(!isOverStream(options));
    expect(world.bootstrapServer.stats().oscore).toMatchObject({ contexts: 1, unverified: 0 });
  });
});

describe('a device under OSCORE', () => {
  it('keeps object 21 to itself (ETS int-221)', async () => {
    await using world = await World.make({ road: 'oscore' });
    await world.device('dev');
    await world.until(isRegistered(world, 'dev'));
    expect(world.server.registration('dev')?.objects.map(({ target }) => target)).not.toContain('/21/0');
    const refused = { kind: 'refused', code: Code.Unauthorized };
    for (const operation of [
      { op: 'read', path: parsePath('/21/0') },
      { op: 'read', path: parsePath('/21/0/0') },
      { op: 'discover', path: parsePath('/21') },
      { op: 'write', path: parsePath('/21/0/0'), mode: 'replace', entries: [] },
      { op: 'delete', path: parsePath('/21/0') },
    ] as const)
      expect(await world.during(world.server.perform('dev', operation as never))).toMatchObject(refused);
  });

  it('takes its name from its context where it gives none', async () => {
    await using world = await World.make({ road: 'oscore' });
    await world.device('dev', { omitName: true });
    await world.until(isRegistered(world, 'dev'));
  });

  it('speaks other algorithms, with a salt and an ID Context', async () => {
    await using world = await World.make({ road: 'oscore' });
    const more = {
      masterSecret: new Secret(encodeUtf8('another secret')),
      masterSalt: encodeUtf8('salt'),
      idContext: encodeUtf8('fleet 7'),
      aead: 1,
      hkdf: 7,
    };
    const [ours, theirs] = [encodeUtf8('s'), encodeUtf8('d')];
    await world.security.put({
      endpoint: 'dev',
      credential: { kind: 'oscore', context: { ...more, senderId: ours, recipientId: theirs } },
    });
    await world.device('dev', { oscore: { ...more, senderId: theirs, recipientId: ours } });
    await world.until(isRegistered(world, 'dev'));
    expect(await world.during(world.server.device('dev').read('/3/0/0'))).toHaveLength(1);
  });

  it('that comes from another address keeps its registration, and is observed there once it has said so', async () => {
    await using world = await World.make({ road: 'oscore' });
    const thing = await world.device('dev', { lifetime: minutes(10) });
    await world.until(isRegistered(world, 'dev'));
    const { id } = world.server.registration('dev') ?? expect.fail('not registered');
    const { values } = world.observing('dev', '/3303/0/5700');
    await world.pass(seconds(1));
    thing.transport.rebind({ port: 55_555 });
    thing.client.update();
    await world.pass(seconds(5));
    expect(world.server.registration('dev')).toMatchObject({ id, peer: { address: { port: 55_555 } } });
    thing.warm(31);
    await world.pass(seconds(5));
    expect(values.at(-1)).toBe(31);
    expect(thing.client.stats()?.relations).toBe(1);
    expect(await world.during(world.server.device('dev').read('/3/0/0'))).toHaveLength(1);
  });
});

describe('a device under OSCORE that comes from another address', () => {
  const place = { via: 'udp', host: serverHost, port: 5683 } as const;

  const temperature = { op: 'observe', path: parsePath('/3303/0/5700') } as const;
  const valuesOf = (world: World): unknown[] => world.of('notify').map(({ result }) => result.entries[0]?.value?.value);

  async function observed(options: WorldOptions = {}) {
    const world = await World.make({ road: 'oscore', ...options });
    const thing = await world.device('dev', { lifetime: hours(1) });
    await world.until(isRegistered(world, 'dev'));
    const watching = [world.observing('dev', '/3303/0/5700'), world.observing('dev', '/3/0/14')] as const;
    await world.until(() => watching.every(({ values }) => values.length === 1));
    const addressNow = () => world.server.registration('dev')?.peer.address;
    return { world, thing, watching, addressNow };
  }

  it('D-11: is heard and found there from its first notification on, and asked for nothing anew', async () => {
    const { world, thing, watching, addressNow } = await observed();
    await using _ = world;
    const { id } = world.server.registration('dev') ?? expect.fail('not registered');
    const asked = world.server.stats().endpoints['listener-1']?.sent;
    thing.transport.rebind({ port: 55_555 });
    thing.warm(25);
    await world.pass(seconds(5));
    expect(watching[0].values).toEqual([20, 25]);
    expect(addressNow()).toMatchObject({ host: thing.host, port: 55_555 });
    // One acknowledgement: the other observation has moved too, without a word.
    expect(world.server.stats().endpoints['listener-1']).toMatchObject({ sent: (asked ?? 0) + 1, wrongPeer: 0 });
    expect(await world.during(world.server.device('dev').write('/3/0/14', { type: 'string', value: '+05:00' }))).toBe(
      undefined,
    );
    await world.pass(seconds(5));
    expect(watching[1].values).toEqual(['+00:00', '+05:00']);
    watching[1].stop();
    await world.during(watching[1].ended);
    expect(thing.client.stats()?.relations).toBe(1);
    expect(world.server.registration('dev')?.id).toBe(id);
    expect(world.of('registered')).toHaveLength(1);
    expect(world.server.stats().oscore).toMatchObject({ unverified: 0, unverifiedAnswers: 0 });
  });

  it('D-11: is kept with its new address', async () => {
    const registrations = new MemoryRegistrationStore();
    const { world, thing } = await observed({ server: { stores: { registrations } } });
    await using _ = world;
    thing.transport.rebind({ port: 55_555 });
    thing.warm(25);
    await world.pass(seconds(5));
    await world.stopServer();
    await world.startServer({ stores: { registrations } });
    expect(await world.during(world.server.device('dev').read('/3/0/0'))).toHaveLength(1);
    expect(world.server.registration('dev')?.peer.address).toMatchObject({ port: 55_555 });
  });

  it('D-11: is followed after a restart of its server too, which has observed it anew (RFC 8613 Appendix B.1.3)', async () => {
    const stores = { registrations: new MemoryRegistrationStore(), observations: new MemoryObservationStore() };
    const { world, thing, addressNow } = await observed({ server: { stores } });
    await using _ = world;
    await world.during(world.server.perform('dev', temperature, { keep: { note: 'x' } }));
    await world.stopServer();
    await world.startServer({ stores });
    await world.until(() => world.of('observation-renewed').length === 1);
    const sent = world.server.stats().endpoints['listener-1']?.sent ?? 0;
    thing.transport.rebind({ port: 55_555 });
    thing.warm(25);
    await world.pass(seconds(5));
    expect(valuesOf(world)).toEqual([25]);
    expect(addressNow()).toMatchObject({ port: 55_555 });
    // An acknowledgement, and a reset of what was observed before the restart.
    expect(world.server.stats().endpoints['listener-1']).toMatchObject({ sent: sent + 2, wrongPeer: 0 });
    expect(await world.during(world.server.device('dev').read('/3/0/0'))).toHaveLength(1);
  });

  it('D-11: that moves while its server is away is observed where its next Update comes from, and believed no sooner', async () => {
    const stores = { registrations: new MemoryRegistrationStore(), observations: new MemoryObservationStore() };
    const { world, thing, addressNow } = await observed({ server: { stores } });
    await using _ = world;
    await world.during(world.server.perform('dev', temperature, { keep: { note: 'x' } }));
    await world.stopServer();
    thing.transport.rebind({ port: 55_555 });
    await world.startServer({ stores });
    // Nobody knows any more what would show that this is newer than all before.
    thing.warm(25);
    await world.pass(seconds(5));
    expect(valuesOf(world)).toEqual([]);
    expect(addressNow()).not.toMatchObject({ port: 55_555 });
    thing.client.update();
    await world.until(() => world.of('observation-renewed').length === 1);
    expect(world.of('observation-renewed')).toMatchObject([{ result: { entries: [{ value: { value: 25 } }] } }]);
    expect(addressNow()).toMatchObject({ port: 55_555 });
    thing.warm(26);
    await world.pass(seconds(5));
    expect(valuesOf(world)).toEqual([26]);
  });

  it('D-11: is nowhere but where its newest message came from: an old one, a copy and a forgery move nothing', async () => {
    const { world, thing, watching, addressNow } = await observed();
    await using _ = world;
    const sent: Uint8Array[] = [];
    world.network.tap = (from, _to, bytes) => {
      const { code, type } = decodeMessage(bytes);
      if (from.host !== thing.host || type !== Type.Con || code === Code.Empty) return bytes;
      sent.push(new Uint8Array(bytes));
      // The first is a long time on its way, and overtaken.
      return sent.length === 1 ? undefined : bytes;
    };
    thing.warm(24);
    await world.pass(100);
    thing.warm(25);
    await world.pass(minutes(1));
    expect([watching[0].values.at(-1), sent.length]).toEqual([25, 2]);
    const thief = { via: 'udp', host: '10.9.9.9', port: 5683 } as const;
    const { values } = watching[0];
    const before = [...values];
    for (const bytes of [...sent]) {
      const forged = Uint8Array.from(bytes);
      forged[forged.length - 1]! ^= 1;
      for (const each of [bytes, forged]) {
        // Under another message id, or it is a repetition.
        const again = Uint8Array.from(each);
        again[2]! ^= 0x55;
        world.network.carry(thief, place, again);
        await world.pass(seconds(1));
      }
    }
    expect(values).toEqual(before);
    expect(addressNow()).toMatchObject({ host: thing.host });
    expect(world.server.stats().endpoints['listener-1']?.wrongPeer).toBe(4);
    thing.warm(26);
    await world.pass(seconds(5));
    expect(values.at(-1)).toBe(26);
  });
});

describe('a bootstrap under OSCORE', () => {
  it('in one answer leaves the context that it came by where it is', async () => {
    await using world = await World.make({ road: 'oscore', bootstrap: {} });
    await world.plan('dev');
    const thing = await world.device('dev', { knows: 'bootstrap', version: '1.2' });
    await world.until(isRegistered(world, 'dev'));
    expect(world.bootstraps.some(({ event }) => 'step' in event && event.step === 'bootstrap-pack')).toBe(true);
    expect(instancesOf(thing, 21)).toEqual([0, 1]);
    // Again, with the keys that it has.
    thing.client.bootstrap();
    await world.until(() => world.of('registered').length === 2);
    expect(instancesOf(thing, 21)).toEqual([0, 1]);
  });

  it('takes the same ids with another secret into use at once', async () => {
    await using world = await World.make({ road: 'oscore', bootstrap: {} });
    const { servers } = await world.plan('dev');
    const [senderId, recipientId] = [encodeUtf8('dev'), encodeUtf8('srv')];
    const planned = async (secret: string): Promise<void> => {
      const masterSecret = new Secret(encodeUtf8(secret));
      const context = { masterSecret, senderId: recipientId, recipientId: senderId };
      await world.security.put({ endpoint: 'dev', credential: { kind: 'oscore', context } });
      const oscore = { masterSecret, senderId, recipientId };
      await world.plans.put('dev', { servers: servers.map((server) => ({ ...server, oscore })) });
    };
    await planned('the first secret');
    const { client } = await world.device('dev', { knows: 'bootstrap' });
    await world.until(isRegistered(world, 'dev'));
    await world.pass(seconds(1));
    await planned('another secret');
    client.bootstrap();
    await world.until(() => world.of('registered').length === 2);
    expect(await world.during(world.server.device('dev').read('/3/0/0'))).toHaveLength(1);
  });

  it.each(['1.1', '1.2'] as const)(
    'gives a master secret that a plan holds to one device and to one server (%s), and writes nothing where that is another',
    async (version) => {
      await using world = await World.make({ road: 'oscore', bootstrap: {} });
      const { servers } = await world.plan('first');
      const secret = new Secret(encodeUtf8('a secret that the plan holds'));
      const planned = (masterSecret: Secret, senderId: string) => {
        const oscore = { masterSecret, senderId: encodeUtf8(senderId), recipientId: encodeUtf8('srv') };
        return { servers: servers.map((server) => ({ ...server, oscore })) };
      };
      await world.security.put({
        endpoint: 'first',
        credential: {
          kind: 'oscore',
          context: { masterSecret: secret, senderId: encodeUtf8('srv'), recipientId: encodeUtf8('1') },
        },
      });
      await world.plans.put('first', planned(secret, '1'));
      await world.device('first', { knows: 'bootstrap', version });
      await world.until(isRegistered(world, 'first'));
      const refused = async (name: string, masterSecret: Secret, why: RegExp): Promise<void> => {
        world.bootstraps.length = 0;
        await world.plans.put(name, planned(masterSecret, name));
        const thing = await world.device(name, { knows: 'bootstrap', version });
        await world.until(() => world.bootstraps.some(({ kind }) => kind === 'failed'));
        const failed = world.bootstraps.find(({ kind }) => kind === 'failed');
        expect(failed?.event).toMatchObject({ reason: 'no-plan', error: { message: expect.stringMatching(why) } });
        expect(world.bootstraps.some(({ event }) => 'step' in event && event.step !== 'bootstrap-discover')).toBe(
          false,
        );
        expect(instancesOf(thing, 21)).toEqual([0]);
        await world.cut(thing);
      };
      await refused('2', secret, /master secret of OSCORE in its plan is that of first/);
      // Nobody but the bootstrap server has seen this one.
      const other = new Secret(encodeUtf8('another that plans hold'));
      await world.plans.put('3', planned(other, '3'));
      await world.device('3', { knows: 'bootstrap', version });
      await world.until(() => world.bootstraps.some(({ kind }) => kind === 'finished'));
      await refused('4', other, /is that of 3/);
      // The one that the device comes to the bootstrap server with.
      const own = new Secret(encodeUtf8('the secret of 5 for the bootstrap'));
      await refused('5', own, /is what the bootstrap server knows it by/);
    },
  );

  it('J-07: takes OSCORE from no server that had it', async () => {
    await using world = await World.make({ road: 'oscore', bootstrap: {} });
    const open = { shortServerId: 1, uri: `coap://${serverHost}:5683`, security: { mode: 'none' } } as const;
    await world.plans.put('dev', { servers: [open] });
    const thing = await world.device('dev', { knows: 'both' });
    await world.until(isRegistered(world, 'dev'));
    const failed = thing.client.events.once('bootstrap-failed');
    thing.client.bootstrap();
    expect((await world.during(failed)).error.message).toMatch(/no security instead of OSCORE/);
  });

  it('J-04: refuses a context that no keys can be made of, and keeps what there was', async () => {
    await using world = await World.make({ road: 'oscore', bootstrap: {} });
    const { servers } = await world.plan('dev');
    const thing = await world.device('dev', { knows: 'both' });
    await world.until(isRegistered(world, 'dev'));
    // Where the context of the plan goes: the first two are those that the device has.
    const path = parsePath('/21/2/3');
    const writes = [{ path: '/21/2' as const, entries: [{ path, value: { type: 'integer', value: 99 } as const }] }];
    await world.plans.put('dev', { servers, writes });
    const failed = thing.client.events.once('bootstrap-failed');
    thing.client.bootstrap();
    expect(await world.during(failed)).toMatchObject({ failure: 'inconsistent' });
    expect((await failed).error.message).toMatch(/no algorithm 99/);
    expect(await world.during(world.server.device('dev').read('/3/0/0'))).toHaveLength(1);
  });
});

describe('a server of devices under OSCORE that starts anew', () => {
  async function setUp(options: WorldOptions = {}) {
    const stores = {
      registrations: new MemoryRegistrationStore({ registersWait: true }),
      observations: new MemoryObservationStore(),
    };
    const associations = new KeptAssociations();
    const world = await World.make({ road: 'oscore', associations, server: { stores }, ...options });
    const restart = async (): Promise<void> => {
      await world.stopServer();
      await world.startServer({ stores });
    };
    return { world, restart };
  }

  it.each(['oscore', 'oscore-dtls', 'oscore-tcp'] as const)(
    'knows them again over %s, and speaks to them first or is spoken to',
    async (road) => {
      const { world, restart } = await setUp({ road });
      await using _ = world;
      await world.device('dev', { lifetime: minutes(10) });
      await world.until(isRegistered(world, 'dev'));
      const { id } = world.server.registration('dev') ?? expect.fail('not registered');
      await restart();
      // A connection is gone, and the device makes another when it has something to say.
      if (road !== 'oscore-tcp') {
        expect(world.server.registration('dev')?.id).toBe(id);
        expect(await world.during(world.server.device('dev').read('/3/0/0'))).toHaveLength(1);
      }
      await world.pass(minutes(30));
      expect(world.of('expired')).toEqual([]);
      expect(await world.during(world.server.device('dev').read('/3/0/0'))).toHaveLength(1);
    },
  );

  it('asks anew for what was observed, since the answers were tied to what it has forgotten', async () => {
    const { world, restart } = await setUp();
    await using _ = world;
    const thing = await world.device('dev', { lifetime: hours(1) });
    await world.until(isRegistered(world, 'dev'));
    const temperature = { op: 'observe', path: parsePath('/3303/0/5700') } as const;
    await world.during(world.server.perform('dev', temperature, { keep: { note: 'x' } }));
    await restart();
    await world.pass(seconds(5));
    expect(world.of('observation-renewed')).toHaveLength(1);
    thing.warm(31);
    await world.pass(seconds(5));
    expect(world.of('notify')).toMatchObject([{ result: { entries: [{ value: { value: 31 } }] } }]);
    expect(thing.client.stats()?.relations).toBe(1);
  });
});

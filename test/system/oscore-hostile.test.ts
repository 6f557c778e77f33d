// Those who try something on a device or a server that speak OSCORE, and what a sudden end leaves of either.
import { Code, decodeMessage, Endpoint, encodeMessage, makeRequest, Option, OptionSet, Type } from '@lapwing/coap';
import { decodeOscoreOption, MemoryContextStore, MemoryKeyUseStore, Oscore } from '@lapwing/coap/oscore';
import { encodeUtf8, fromHex, hours, minutes, noBytes, type Peer, Secret, seconds, toHex } from '@lapwing/kernel';
import { SeededRandom } from '@lapwing/kernel/testing';
import { describe, expect, it } from 'vitest';
import { SlowKeyUse } from './key-use.ts';
import { listenIn, type Overheard } from './overheard.ts';
import { serverHost, type Thing, World, type WorldOptions } from './world.ts';

const generous = { limits: { registerRate: { perSecond: 1000, burst: 1000 } } };
const make = (options: WorldOptions = {}): Promise<World> =>
  World.make({ road: 'oscore', ...options, server: { ...generous, ...options.server } });
const isRegistered = (world: World, name: string) => (): boolean => world.server.registration(name) !== undefined;

/** Somebody with a socket, and what the server answers him. */
async function stranger(world: World, host = '10.9.9.9') {
  const { clock, random } = world;
  const endpoint = await Endpoint.open({ transport: world.network.transport(host), clock, random });
  const server = await endpoint.connect({ via: 'udp', host: serverHost, port: 5683 });
  const ask = (code: number, path: string, more: { readonly query?: string; readonly payload?: string } = {}) => {
    const options = OptionSet.of(
      ...path.split('/').map((segment) => [Option.UriPath, segment] as const),
      ...(more.query === undefined ? [] : more.query.split('&').map((each) => [Option.UriQuery, each] as const)),
    );
    return world.during(endpoint.request(server, makeRequest(code, options, encodeUtf8(more.payload ?? ''))));
  };
  /** As it was recorded, under another message id. */
  const replay = async ({ bytes }: Overheard) => {
    const { code, options, payload } = decodeMessage(bytes);
    return world.during(endpoint.request(server, { code, options, payload }));
  };
  return { ask, replay, [Symbol.asyncDispose]: () => endpoint[Symbol.asyncDispose]() };
}

const register = { query: 'ep=dev&lt=300&lwm2m=1.1&b=U', payload: '</3/0>' };

describe('a server of devices under OSCORE', () => {
  it('H-01: serves nothing again that was recorded, and answers 4.01', async () => {
    await using world = await make();
    const heard = listenIn(world);
    const { client } = await world.device('dev', { lifetime: minutes(5) });
    await world.until(isRegistered(world, 'dev'));
    await world.during(client.send(['/3303/0/5700']));
    client.update();
    await world.pass(seconds(5));
    const requests = heard.filter(({ to, bytes }) => {
      const { code, type } = decodeMessage(bytes);
      return to === serverHost && type === Type.Con && code !== Code.Empty;
    });
    expect(requests.length).toBeGreaterThanOrEqual(3);
    const { outcomes } = world.server.stats();
    await using thief = await stranger(world);
    // The first had to prove itself, and was not accepted: it is asked to again, and nobody but the device can.
    const [first, ...accepted] = requests;
    if (first === undefined) expect.fail('nothing was asked');
    expect((await thief.replay(first)).options.has(Option.Oscore)).toBe(true);
    for (const request of accepted) {
      const answer = await thief.replay(request);
      expect([answer.code, answer.payload.length, answer.options.has(Option.Oscore)]).toEqual([
        Code.Unauthorized,
        0,
        false,
      ]);
    }
    expect(world.server.stats().outcomes).toEqual(outcomes);
    expect(world.server.registration('dev')?.peer.address).toMatchObject({ host: '10.1.0.1' });
    expect(world.server.stats().oscore).toMatchObject({ replayed: requests.length - 1 });
  });

  it('H-08: answers a kid that nobody has with 4.01 and no more, and keeps nothing of it', async () => {
    await using world = await make();
    await world.device('dev');
    await world.until(isRegistered(world, 'dev'));
    await using thief = await stranger(world);
    const before = world.server.stats().oscore;
    for (let i = 0; i < 100; i += 1) {
      const option = Uint8Array.from([0x09, i, ...encodeUtf8(`k${i}`)]);
      const bytes = encodeMessage({
        type: Type.Con,
        id: i,
        token: noBytes,
        code: Code.Post,
        options: OptionSet.of([Option.Oscore, option]),
        payload: fromHex('00112233445566778899'),
      });
      const answer = await thief.replay({ from: '', to: '', bytes });
      expect([answer.code, answer.payload.length]).toEqual([Code.Unauthorized, 0]);
    }
    expect(world.server.stats().oscore).toEqual({
      ...before,
      unknownContext: (before?.unknownContext ?? 0) + 100,
    });
  });

  it('H-10, I-05: lets nobody register a name in the open that has a context, and nobody touch what is registered', async () => {
    await using world = await make();
    await world.device('dev', { lifetime: minutes(5) });
    await world.until(isRegistered(world, 'dev'));
    const before = world.server.registration('dev');
    await using thief = await stranger(world);
    expect((await thief.ask(Code.Post, 'rd', register)).code).toBe(Code.Forbidden);
    expect((await thief.ask(Code.Post, `rd/${before?.id}`, { query: 'lt=20' })).code).toBe(Code.Forbidden);
    expect((await thief.ask(Code.Delete, `rd/${before?.id}`)).code).toBe(Code.Forbidden);
    expect((await thief.ask(Code.Post, 'dp', { payload: '[]' })).code).toBe(Code.NotFound);
    expect(world.server.registration('dev')).toBe(before);
  });

  it('I-03: lets nobody register another one’s name, nor touch his registration, with a context of his own', async () => {
    await using world = await make();
    await world.device('victim', { lifetime: minutes(5) });
    await world.until(isRegistered(world, 'victim'));
    const before = world.server.registration('victim');
    const proof = await world.proof('thief');
    const { client } = await world.device('thief', { name: 'victim', ...proof });
    const refused = client.events.once('failed');
    expect((await world.during(refused)).error.message).toMatch(/4\.03/);
    expect(world.server.registration('victim')).toBe(before);
    expect(world.server.stats().outcomes).toMatchObject({ 'not-owner': expect.any(Number) });
    // I-07: his location, asked for under the thief's keys: the same as one that is not there.
    const { oscore } = proof;
    if (oscore === undefined) expect.fail('no context');
    const { clock, random } = world;
    await using protection = new Oscore({
      store: new MemoryContextStore().add({ ...oscore, recovery: 'rederived' }),
      clock,
      random,
    });
    const transport = world.network.transport('10.9.9.8');
    await using endpoint = await Endpoint.open({ transport, clock, random, protection });
    const below = await endpoint.connect({ via: 'udp', host: serverHost, port: 5683 });
    const server: Peer = await protection.peer(below, oscore.recipientId);
    for (const id of [before?.id ?? '', 'AAAAAAAAAAAAAAAA']) {
      const options = OptionSet.of([Option.UriPath, 'rd'], [Option.UriPath, id]);
      expect((await world.during(endpoint.request(server, makeRequest(Code.Delete, options)))).code).toBe(
        Code.NotFound,
      );
    }
    expect(world.server.registration('victim')).toBe(before);
  });

  it('I-04: ends what a device has when its context is changed or taken away', async () => {
    await using world = await make();
    for (const name of ['dev', 'other']) await world.device(name, { lifetime: minutes(5) });
    await world.until(() => world.server.stats().registrations === 2);
    const [credential] = world.security.ofEndpoint('dev');
    if (credential?.kind !== 'oscore') expect.fail('no context');
    await world.server.putCredential({ endpoint: 'dev', credential });
    expect(world.server.registration('dev')).toBeDefined();
    expect(await world.during(world.server.device('dev').read('/3/0/0'))).toHaveLength(1);
    const context = { ...credential.context, masterSecret: new Secret(encodeUtf8('another')) };
    await world.server.putCredential({ endpoint: 'dev', credential: { kind: 'oscore', context } });
    expect(world.server.registration('dev')).toBeUndefined();
    await world.server.removeCredentials('other');
    expect(world.server.registration('other')).toBeUndefined();
    await world.pass(minutes(15));
    expect(world.server.stats()).toMatchObject({ registrations: 0 });
  });

  it('H-01, H-04: uses no nonce again under a secret that was withdrawn and comes back, and serves nothing of before', async () => {
    await using world = await make();
    const heard = listenIn(world);
    const thing = await world.device('dev', { lifetime: hours(1) });
    await world.until(isRegistered(world, 'dev'));
    const [credential] = world.security.ofEndpoint('dev');
    if (credential?.kind !== 'oscore') expect.fail('no context');
    for (let i = 0; i < 3; i += 1) await world.during(world.server.device('dev').read('/3/0/0'));
    await world.server.removeCredentials('dev');
    const before = heard.length;
    for (const { from, to, bytes } of heard.slice(0, before)) {
      if (from !== thing.host || decodeMessage(bytes).code === Code.Empty) continue;
      // Under another message id, or it is a repetition.
      const again = Uint8Array.from(bytes);
      again[2]! ^= 0x55;
      world.network.carry({ via: 'udp', host: from, port: 5683 }, { via: 'udp', host: to, port: 5683 }, again);
    }
    await world.server.putCredential({ endpoint: 'dev', credential });
    await world.pass(seconds(5));
    expect(world.server.registration('dev')).toBeUndefined();
    thing.client.update();
    await world.until(isRegistered(world, 'dev'));
    expect(await world.during(world.server.device('dev').read('/3/0/0'))).toHaveLength(1);
    checkNonces(heard);
  });
});

describe('a device under OSCORE', () => {
  it('H-10: does nothing for its server in the open, whoever that is', async () => {
    await using world = await make();
    const thing = await world.device('dev');
    await world.until(isRegistered(world, 'dev'));
    const strangers = thing.client.stats()?.strangers ?? 0;
    const answers = listenIn(world);
    const from = { via: 'udp', host: serverHost, port: 5683 } as const;
    for (const [code, path] of [
      [Code.Get, '/3/0/0'],
      [Code.Post, '/3/0/4'],
      [Code.Delete, '/'],
      [Code.Put, '/0/0/0'],
    ] as const) {
      const segments = path.split('/').filter((each) => each !== '');
      const options = OptionSet.of(...segments.map((each) => [Option.UriPath, each] as const));
      const bytes = encodeMessage({
        type: Type.Con,
        id: code,
        token: Uint8Array.of(code),
        code,
        options,
        payload: noBytes,
      });
      world.network.carry(from, thing.transport.address, bytes);
      await world.pass(100);
    }
    const codes = answers.filter((each) => each.from === thing.host).map(({ bytes }) => decodeMessage(bytes).code);
    expect(codes).toEqual([Code.Unauthorized, Code.Unauthorized, Code.Unauthorized, Code.Unauthorized]);
    expect([thing.reboots, thing.client.stats()?.strangers]).toEqual([0, strangers + 4]);
  });

  it('H-12: takes no answer in the open, forged or of another request, and registers when there is a true one', async () => {
    await using world = await make();
    let spoilt = 0;
    let before: Uint8Array | undefined;
    world.network.tap = (from, _to, bytes) => {
      if (from.host !== serverHost || spoilt >= 3) return bytes;
      const message = decodeMessage(bytes);
      if (!message.options.has(Option.Oscore)) return bytes;
      const { type, id, token } = message;
      spoilt += 1;
      if (spoilt === 1) {
        const options = OptionSet.of([Option.LocationPath, 'rd'], [Option.LocationPath, 'x']);
        return encodeMessage({ type, id, token, code: Code.Created, options, payload: noBytes });
      }
      const payload = spoilt === 2 ? message.payload.map((byte) => byte ^ 1) : (before ?? message.payload);
      before = message.payload;
      return encodeMessage({ type, id, token, code: message.code, options: message.options, payload });
    };
    const { client } = await world.device('dev', { retry: { retryCount: 5, retryTimer: seconds(1) } });
    const failures: string[] = [];
    client.events.on('failed', ({ error }) => failures.push(error.message));
    await world.until(() => client.phase() === 'registered');
    expect(spoilt).toBe(3);
    expect(failures[0]).toMatch(/in the open/);
    expect(failures.slice(1).every((each) => /was not made for this request/.test(each))).toBe(true);
    expect(failures).toHaveLength(3);
  });
});

/** Throws when a key has been used twice with one nonce: other bytes under the same number of the same sender. */
function checkNonces(heard: readonly Overheard[]): number {
  const used = new Map<string, string>();
  /** Partial IV of a request, by where it went and its token. */
  const asked = new Map<string, string>();
  for (const { from, to, bytes } of heard) {
    const { code, options, payload, token } = decodeMessage(bytes);
    const value = options.bytes(Option.Oscore);
    if (code === Code.Empty || value === undefined) continue;
    const { piv, kid, kidContext = noBytes } = decodeOscoreOption(value);
    const exchange = (a: string, b: string): string => `${a} ${b} ${toHex(token)}`;
    let nonce: string;
    if (piv !== undefined) {
      nonce = `${from} ${toHex(kidContext)} ${toHex(piv)}`;
      if (kid !== undefined) asked.set(exchange(from, to), toHex(piv));
    } else nonce = `${from} answers ${asked.get(exchange(to, from))}`;
    const content = toHex(payload);
    if ((used.get(nonce) ?? content) !== content) throw new Error(`${nonce}: used twice`);
    used.set(nonce, content);
  }
  return used.size;
}

describe('a sudden end', () => {
  it.each([1, 2, 3])(
    'H-04: of either side, at any moment, makes nobody use a nonce twice, and both find together again (seed %i)',
    async (seed) => {
      const random = new SeededRandom(seed);
      await using world = await make({ seed, weather: { loss: 0.1, duplicate: 0.1, jitter: 10 } });
      const heard = listenIn(world);
      const ours = new SlowKeyUse(world.clock, random, 20);
      const theirs = new SlowKeyUse(world.clock, random, 20);
      const start = (): Promise<void> => world.startServer({ ...generous, stores: { keyUse: ours.store() } });
      await world.stopServer();
      await start();
      const retry = { retryCount: 20, retryTimer: seconds(1), sequenceCount: 20, sequenceDelay: seconds(1) };
      const device = (): Promise<Thing> => world.device('dev', { lifetime: minutes(5), retry, keyUse: theirs.store() });
      let thing = await device();
      for (let kill = 0; kill < 60; kill += 1) {
        await world.pass(random.between(0, 400));
        if (world.server.registration('dev') !== undefined && random.fraction() < 0.7) {
          world.server
            .perform('dev', { op: 'observe', path: { kind: 'resource', object: 3303, instance: 0, resource: 5700 } })
            .catch(() => undefined);
          world.server
            .device('dev')
            .read('/3/0/0')
            .catch(() => undefined);
          await world.pass(random.between(0, 100));
          thing.warm(kill);
          await world.pass(random.between(0, 100));
        }
        if (random.fraction() < 0.5) {
          ours.cut();
          await world.stopServer();
          await start();
        } else {
          theirs.cut();
          await world.cut(thing);
          thing = await device();
        }
      }
      await world.until(() => thing.client.phase() === 'registered' && isRegistered(world, 'dev')(), minutes(30));
      expect(await world.during(world.server.device('dev').read('/3/0/0'), minutes(10))).toHaveLength(1);
      expect(checkNonces(heard)).toBeGreaterThan(100);
    },
    60_000,
  );

  it('H-05: of a server takes its window: the first request has to prove itself, and what is old is refused before and after', async () => {
    await using world = await make();
    const heard = listenIn(world);
    const { client } = await world.device('dev', { lifetime: minutes(5) });
    await world.until(isRegistered(world, 'dev'));
    const old = heard.find(({ to, bytes }) => to === serverHost && decodeMessage(bytes).code !== Code.Empty);
    if (old === undefined) expect.fail('nothing was heard');
    await world.stopServer();
    // As if it had not been kept.
    await world.startServer({ ...generous, stores: { keyUse: lostWindows(world) } });
    await using thief = await stranger(world);
    const challenge = await thief.replay(old);
    // Under protection: what is in it, only the device can read.
    expect(challenge.options.has(Option.Oscore)).toBe(true);
    expect(world.server.stats().oscore).toMatchObject({ challenged: 1, accepted: 0 });
    client.update();
    await world.until(isRegistered(world, 'dev'));
    const { oscore } = world.server.stats();
    expect(oscore).toMatchObject({ challenged: 2, replayed: 0 });
    const again = await thief.replay(old);
    expect(world.server.stats().oscore).toMatchObject({ accepted: oscore?.accepted, challenged: 3 });
    expect(again.options.has(Option.Oscore)).toBe(true);
  });

  it('H-06: of a device that keeps nothing is over within 3 round trips: it agrees on new keys (Appendix B.2)', async () => {
    await using world = await make();
    let thing = await world.device('dev', { lifetime: minutes(5) });
    const forgetful = { lifetime: minutes(5), forgets: true } as const;
    await world.until(isRegistered(world, 'dev'));
    for (let i = 0; i < 3; i += 1) {
      await world.cut(thing);
      const heard = listenIn(world);
      const registered = world.of('registered').length;
      thing = await world.device('dev', forgetful);
      await world.until(() => world.of('registered').length > registered);
      const asked = heard.filter(({ to, bytes }) => to === serverHost && decodeMessage(bytes).type === Type.Con);
      expect(asked.length).toBeLessThanOrEqual(3);
      expect(await world.during(world.server.device('dev').read('/3/0/0'))).toHaveLength(1);
    }
    expect(world.server.stats().oscore?.rederived).toBe(3);
  });

  it('H-06: of a server that keeps nothing is noticed by its devices, which agree on new keys', async () => {
    await using world = await make({ forgets: true });
    const { client } = await world.device('dev', { lifetime: minutes(5), forgets: true });
    await world.until(isRegistered(world, 'dev'));
    await world.stopServer();
    await world.startServer(generous);
    client.update();
    await world.until(isRegistered(world, 'dev'), minutes(5));
    expect(await world.during(world.server.device('dev').read('/3/0/0'))).toHaveLength(1);
    expect(world.server.stats().oscore).toMatchObject({ rederived: 1 });
  });
});

/** The numbers of the world's server, and nothing of what it had heard. */
function lostWindows(world: World) {
  const { server } = world.keyUse;
  const windows = new MemoryKeyUseStore();
  return {
    reserve: (name: string, count: number) => server.reserve(name, count),
    takeWindow: (name: string) => windows.takeWindow(name),
    keepWindow: (name: string, window: Parameters<MemoryKeyUseStore['keepWindow']>[1]) =>
      windows.keepWindow(name, window),
    retire: (names: readonly string[]) => server.retire(names),
    names: () => server.names(),
  };
}

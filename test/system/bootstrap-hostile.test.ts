// What a hostile or broken side may try on the bootstrap interface (group J): a device is never half configured, no key goes
// where anybody can read it, and nobody gets more memory or attention than is ours to give.
import { Client, ObjectStore } from '@lapwing/client';
import {
  Code,
  type Context,
  Endpoint,
  encodeMessage,
  makeRequest,
  makeResponse,
  Option,
  OptionSet,
  type Request,
  type Response,
  Type,
} from '@lapwing/coap';
import { fromHex, hours, minutes, noBytes, type Peer, Secret, seconds } from '@lapwing/kernel';
import { MemoryNetwork, SeededRandom, VirtualClock } from '@lapwing/kernel/testing';
import {
  type BootstrapOperation,
  bootstrapPack,
  bootstrapRequest,
  DefinitionLibrary,
  type Entry,
  instancePath,
  type Lwm2mVersion,
  makeValue,
  objectPath,
  readBootstrapAnswer,
  resourceInstancePath,
  resourcePath,
  rootPath,
  writeBootstrapOperation,
} from '@lapwing/lwm2m';
import { requestBootstrap } from '@lapwing/server';
import { describe, expect, it } from 'vitest';
import { DeviceObject, Temperature } from './objects.ts';
import { bootstrapHost, serverHost, type ThingOptions, World } from './world.ts';

const { typeOf } = new DefinitionLibrary();

function thingsOf(store = new ObjectStore()): ObjectStore {
  store.add(DeviceObject, 0, { errorCode: new Map([[0, 0]]), bindings: 'U', reboot: () => undefined });
  store.add(Temperature, 0, { sensorValue: 20 });
  return store;
}

const accountObjects = [0, 1, 2, 21, 3303];

function digestOf(store: ObjectStore): string {
  return JSON.stringify(
    accountObjects.map((object) =>
      [...(store.objects.get(object)?.instances.values() ?? [])].map(({ id, contents }) => [id, [...contents]]),
    ),
  );
}

const entry = (object: number, instance: number, resource: number, value: Entry['value'] & object): Entry => ({
  path: resourcePath(object, instance, resource),
  value,
});

const roadEntries = (instance: number, uri: string, ssid: number): Entry[] => [
  entry(0, instance, 0, makeValue('string', uri)),
  entry(0, instance, 1, makeValue('boolean', false)),
  entry(0, instance, 2, makeValue('integer', 3)),
  entry(0, instance, 10, makeValue('integer', ssid)),
];
const serverEntries = (instance: number, ssid: number): Entry[] => [
  entry(1, instance, 0, makeValue('integer', ssid)),
  entry(1, instance, 1, makeValue('integer', 300)),
  entry(1, instance, 6, makeValue('boolean', true)),
  entry(1, instance, 7, makeValue('string', 'U')),
];

/** A bootstrap server that does what it is told, and a device that asks it. */
async function stage(options: { version?: Lwm2mVersion; pack?: Response } = {}) {
  const clock = new VirtualClock();
  const random = new SeededRandom(3);
  const network = new MemoryNetwork(clock, random);
  let device: Peer | undefined;
  const asked: string[] = [];
  const serve = (request: Request, { peer }: Context): Promise<Response> => {
    device = peer;
    asked.push(request.options.path.join('/'));
    if (options.pack !== undefined && request.options.path[0] === 'bspack') return Promise.resolve(options.pack);
    return Promise.resolve(makeResponse(request.options.path[0] === 'bs' ? Code.Changed : Code.NotFound));
  };
  const endpoint = await Endpoint.open({ transport: network.transport(bootstrapHost, 5783), serve, clock, random });
  const objects = thingsOf();
  const client = await Client.start({
    name: 'dev',
    version: options.version ?? '1.1',
    bootstrap: { uri: `coap://${bootstrapHost}:5783` },
    objects,
    connectors: { coap: () => network.transport('10.1.0.1') },
    clock,
    random,
  });
  const failures: string[] = [];
  client.events.on('bootstrap-failed', ({ failure }) => failures.push(failure));
  await clock.advance(100);
  const send = async (request: Request): Promise<Response> => {
    if (device === undefined) throw new Error('nobody has asked');
    const answer = endpoint.request(device, request);
    await clock.advance(request.payload.length > 1000 ? 1000 : 100);
    return answer;
  };
  const tell = async (operation: BootstrapOperation): Promise<number> =>
    (await send(writeBootstrapOperation(operation, 112))).code;
  return {
    clock,
    network,
    random,
    endpoint,
    client,
    objects,
    asked,
    failures,
    send,
    tell,
    async [Symbol.asyncDispose]() {
      const closing = client[Symbol.asyncDispose]();
      await clock.advance(seconds(10));
      await closing;
      await endpoint[Symbol.asyncDispose]();
    },
  };
}

const operations: readonly BootstrapOperation[] = [
  { op: 'bootstrap-discover', path: rootPath },
  { op: 'bootstrap-read', path: objectPath(1) },
  { op: 'bootstrap-write', path: objectPath(0), entries: roadEntries(1, 'coap://192.0.2.66', 1) },
  { op: 'bootstrap-delete', path: rootPath },
  { op: 'bootstrap-finish' },
];

async function configure(tell: (operation: BootstrapOperation) => Promise<number>): Promise<void> {
  const entries = roadEntries(1, `coap://${serverHost}`, 101);
  expect(await tell({ op: 'bootstrap-write', path: objectPath(0), entries })).toBe(Code.Changed);
  expect(await tell({ op: 'bootstrap-write', path: instancePath(1, 0), entries: serverEntries(0, 101) })).toBe(
    Code.Changed,
  );
}

describe('a device that is bootstrapped', () => {
  it('J-01: refuses everything after Bootstrap-Finish', async () => {
    await using set = await stage();
    await configure(set.tell);
    expect(await set.tell({ op: 'bootstrap-finish' })).toBe(Code.Changed);
    const digest = digestOf(set.objects);
    for (const operation of operations) expect(await set.tell(operation)).toBe(Code.Unauthorized);
    expect(digestOf(set.objects)).toBe(digest);
  });

  it('J-01: refuses everything from anybody else, at any time', async () => {
    await using set = await stage();
    const { network, clock, random } = set;
    const digest = digestOf(set.objects);
    const stranger = await Endpoint.open({ transport: network.transport('10.0.0.66'), clock, random });
    const peer = await stranger.connect({ via: 'udp', host: '10.1.0.1', port: 40_001 });
    for (const operation of operations) {
      const answer = stranger.request(peer, writeBootstrapOperation(operation, 112));
      await clock.advance(100);
      expect((await answer).code).toBe(Code.Unauthorized);
    }
    expect(digestOf(set.objects)).toBe(digest);
    await stranger[Symbol.asyncDispose]();
  });

  it('shows nothing of what is written before it is in force', async () => {
    await using set = await stage();
    const digest = digestOf(set.objects);
    await configure(set.tell);
    expect(await set.tell({ op: 'bootstrap-delete', path: instancePath(3303, 0) })).toBe(Code.Deleted);
    expect(digestOf(set.objects)).toBe(digest);
    expect(await set.tell({ op: 'bootstrap-finish' })).toBe(Code.Changed);
    expect(set.client.servers.concat({ id: 101, uri: '' })[0]?.id).toBe(101);
    expect(set.objects.objects.get(3303)?.instances.size).toBe(0);
  });

  it('J-06: gives no keys away', async () => {
    await using set = await stage();
    await configure(set.tell);
    for (const path of [objectPath(0), instancePath(0, 0), objectPath(21)])
      expect(await set.tell({ op: 'bootstrap-read', path })).toBe(Code.Unauthorized);
    expect(await set.tell({ op: 'bootstrap-read', path: objectPath(3) })).toBe(Code.MethodNotAllowed);
    const discover: BootstrapOperation = { op: 'bootstrap-discover', path: objectPath(0) };
    const answer = readBootstrapAnswer(discover, await set.send(writeBootstrapOperation(discover)), typeOf);
    expect(answer).toMatchObject({
      kind: 'links',
      links: {
        places: [
          { path: instancePath(0, 0) },
          { path: instancePath(0, 1), shortServerId: 101, uri: `coap://${serverHost}` },
        ],
      },
    });
  });

  it('J-09: takes no keys over a road that anybody can read', async () => {
    await using set = await stage();
    const key = entry(0, 1, 5, makeValue('opaque', fromHex('00112233445566778899aabbccddeeff')));
    expect(await set.tell({ op: 'bootstrap-write', path: instancePath(0, 1), entries: [key] })).toBe(Code.BadRequest);
    const secret = entry(21, 0, 0, makeValue('opaque', fromHex('00')));
    expect(await set.tell({ op: 'bootstrap-write', path: instancePath(21, 0), entries: [secret] })).toBe(
      Code.BadRequest,
    );
  });

  it('J-10: forgets what was written when nothing follows for 247 s, and asks again', async () => {
    await using set = await stage();
    const digest = digestOf(set.objects);
    await configure(set.tell);
    await set.clock.advance(seconds(246));
    expect(set.failures).toEqual([]);
    await set.clock.advance(seconds(2));
    expect(set.failures).toEqual(['silent']);
    expect(digestOf(set.objects)).toBe(digest);
    await set.clock.advance(minutes(2));
    expect(set.asked).toEqual(['bs', 'bs']);
  });

  it('answers 4.06 with the reason and is as before when something is missing', async () => {
    await using set = await stage();
    const digest = digestOf(set.objects);
    await set.tell({ op: 'bootstrap-write', path: objectPath(0), entries: roadEntries(1, 'coap://h', 101) });
    expect(await set.tell({ op: 'bootstrap-finish' })).toBe(Code.NotAcceptable);
    expect([set.failures, digestOf(set.objects)]).toEqual([['inconsistent'], digest]);
  });

  it.each([
    [
      'an object that it has not',
      { op: 'bootstrap-write', path: instancePath(9999, 0), entries: [entry(9999, 0, 0, makeValue('integer', 1))] },
      Code.NotFound,
    ],
    [
      'a second Device',
      { op: 'bootstrap-write', path: instancePath(3, 1), entries: [entry(3, 1, 0, makeValue('string', 'x'))] },
      Code.BadRequest,
    ],
    [
      'a resource that it has not',
      { op: 'bootstrap-write', path: resourcePath(1, 0, 9999), entries: [entry(1, 0, 9999, makeValue('integer', 1))] },
      Code.NotFound,
    ],
    ['to delete its bootstrap account', { op: 'bootstrap-delete', path: instancePath(0, 0) }, Code.BadRequest],
    ['to delete the Device', { op: 'bootstrap-delete', path: instancePath(3, 0) }, Code.BadRequest],
    ['to delete what is not there', { op: 'bootstrap-delete', path: instancePath(1, 7) }, Code.NotFound],
    ['to look at an object that it has not', { op: 'bootstrap-discover', path: objectPath(9999) }, Code.NotFound],
  ] satisfies [string, BootstrapOperation, number][])('is asked for %s and refuses', async (_what, operation, code) => {
    await using set = await stage();
    expect(await set.tell(operation)).toBe(code);
  });

  const good = [...roadEntries(1, `coap://${serverHost}`, 101), ...serverEntries(0, 101)];
  const right: Entry = { path: resourceInstancePath(2, 0, 2, 7), value: makeValue('integer', 1) };
  const packed = bootstrapPack(good, 112);
  it.each([
    ['is cut off', { ...packed, payload: packed.payload.subarray(0, packed.payload.length - 5) }],
    ['is in another format', makeResponse(Code.Content, OptionSet.of([Option.ContentFormat, 11_542]), packed.payload)],
    ['is in no format', makeResponse(Code.Content, OptionSet.empty, packed.payload)],
    ['is a mebibyte', { ...packed, payload: new Uint8Array(2 ** 20) }],
    [
      'has rights for a server that is not there',
      bootstrapPack(
        [
          ...good,
          entry(2, 0, 0, makeValue('integer', 3)),
          entry(2, 0, 1, makeValue('integer', 0)),
          right,
          entry(2, 0, 3, makeValue('integer', 101)),
        ],
        112,
      ),
    ],
    ['is empty', bootstrapPack([], 112)],
    ['has keys in clear', bootstrapPack([...good, entry(0, 1, 5, makeValue('opaque', fromHex('0011')))], 112)],
  ])('J-13: is as before after a pack that %s', async (_what, pack) => {
    await using set = await stage({ version: '1.2', pack });
    const digest = digestOf(set.objects);
    await set.clock.advance(seconds(300));
    expect(set.failures.length).toBeGreaterThan(0);
    expect(digestOf(set.objects)).toBe(digest);
    expect(set.client.servers).toEqual([]);
  });

  it('J-02: lets no management server write its accounts', async () => {
    await using world = await World.make();
    const { objects } = await world.device('a');
    await world.pass(seconds(1));
    const digest = digestOf(objects);
    const peer = world.server.registration('a')?.peer;
    if (peer === undefined) expect.fail('not registered');
    const write = {
      op: 'write',
      path: instancePath(0, 0),
      mode: 'replace',
      entries: roadEntries(0, 'coap://h', 1),
    } as const;
    const refused = { kind: 'refused', code: Code.Unauthorized };
    expect(await world.during(world.server.perform('a', write))).toMatchObject(refused);
    for (const path of [objectPath(0), instancePath(0, 0), objectPath(21)])
      expect(await world.during(world.server.perform('a', { op: 'read', path }))).toMatchObject(refused);
    expect(await world.during(world.server.perform('a', { op: 'discover', path: objectPath(0) }))).toMatchObject(
      refused,
    );
    expect(digestOf(objects)).toBe(digest);
  });

  it('J-14: stays registered when it is told to bootstrap and has nobody to ask', async () => {
    await using world = await World.make();
    await world.device('a');
    await world.pass(seconds(1));
    const answer = await world.during(requestBootstrap(world.server.device('a')));
    expect(answer).toMatchObject({ kind: 'refused', code: Code.MethodNotAllowed });
    await world.pass(minutes(30));
    expect(world.of('registered')).toHaveLength(1);
    expect(world.server.registration('a')).toBeDefined();
  });

  it('J-15: asks less and less often when what it is told never works', async () => {
    await using world = await World.make({ bootstrap: {} });
    const { servers } = await world.plan('a');
    const retry = { retryCount: 1, retryTimer: seconds(1), sequenceCount: 1 };
    await world.plans.put('a', { servers: servers.map((each) => ({ ...each, uri: 'coap://10.0.0.9', retry })) });
    await world.device('a', { knows: 'bootstrap' });
    await world.pass(hours(30));
    const at = world.bootstraps.filter(({ kind }) => kind === 'started').map((each) => each.at);
    const gaps = at.slice(1).map((each, i) => each - (at[i] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(seconds(60));
    expect(at.length).toBeLessThan(16);
    expect(gaps.at(-1)).toBeGreaterThan(hours(4));
  });

  it('J-05: has the old accounts or the new ones after a power cut at any moment, and finds a server within 5 min', async () => {
    await using world = await World.make({ bootstrap: { limits: { requestRate: { perSecond: 1000, burst: 1000 } } } });
    await world.plan('a');
    const seen = new Set<string>();
    for (let i = 0; i < 200; i += 1) {
      const objects = thingsOf();
      const options: ThingOptions = { knows: 'both', objects };
      const thing = await world.device('a', options);
      const old = digestOf(objects);
      thing.client.bootstrap();
      await world.clock.advance(i * 3);
      await world.cut(thing);
      const after = await world.device('a', options);
      const digest = digestOf(objects);
      const isNew = objects.objects.get(1)?.instances.get(0)?.contents.get(0);
      const ssid = isNew !== undefined && 'value' in isNew ? isNew.value : undefined;
      if (ssid === 1) expect(digest).toBe(old);
      else expect([ssid, objects.objects.get(0)?.instances.size]).toEqual([101, 2]);
      seen.add(String(ssid));
      await world.until(() => after.client.phase() === 'registered', minutes(5));
      await world.cut(after);
    }
    expect([...seen].sort()).toEqual(['1', '101']);
  }, 120_000);
});

describe('a bootstrap server', () => {
  /** Somebody who speaks for himself. */
  async function asker(world: World, host: string): Promise<(name: string) => Promise<Response>> {
    const transport = world.network.transport(host);
    const endpoint = await Endpoint.open({ transport, clock: world.clock, random: world.random });
    const peer = await endpoint.connect({ via: 'udp', host: bootstrapHost, port: 5783 });
    return async (name) => world.during(endpoint.request(peer, bootstrapRequest({ name })));
  }

  it('J-08: sends nothing to a device that calls itself another', async () => {
    await using world = await World.make({ road: 'dtls-psk', bootstrap: {} });
    await world.plan('victim');
    const credentials = await world.road.enrol('thief', world.bootstrapSecurity);
    const thing = await world.device('victim', {
      knows: 'bootstrap',
      bootstrap: credentials === undefined ? {} : { credentials },
    });
    const failed = thing.client.events.once('bootstrap-failed');
    await world.during(failed);
    expect((await failed).failure).toBe('refused');
    expect(world.bootstraps.map(({ kind }) => kind)).toEqual(['refused']);
    expect(world.bootstrapServer.stats().outcomes).toEqual({ 'not-owner': 1 });
  });

  it('J-09: sends no keys over a road that anybody can read', async () => {
    await using world = await World.make({ bootstrap: {} });
    const key = new Secret(fromHex('00112233445566778899aabbccddeeff'));
    const security = { mode: 'psk', identity: 'a', key } as const;
    await world.plans.put('a', { servers: [{ shortServerId: 1, uri: 'coaps://10.0.0.1', security }] });
    await world.device('a', { knows: 'bootstrap' });
    await world.until(() => world.bootstraps.some(({ kind }) => kind === 'failed'));
    expect(world.bootstraps.find(({ kind }) => kind === 'failed')?.event).toMatchObject({ reason: 'keys-in-clear' });
    const steps = world.bootstraps.flatMap((each) => (each.kind === 'step' ? [each.event.step] : []));
    expect(steps).toEqual(['bootstrap-discover']);
  });

  it('J-11: remembers nothing of a flood of requests', async () => {
    await using world = await World.make({
      bootstrap: { limits: { sessions: 50, hostRate: { perSecond: 10, burst: 20 } } },
    });
    const ask = await asker(world, '10.0.0.66');
    const codes = new Map<number, number>();
    for (let i = 0; i < 1000; i += 1) {
      const { code } = await ask(`device-${i}`);
      codes.set(code, (codes.get(code) ?? 0) + 1);
    }
    expect(world.bootstrapServer.stats().sessions).toBe(0);
    expect(codes.get(Code.BadRequest)).toBeGreaterThan(0);
    expect(codes.get(Code.TooManyRequests)).toBeGreaterThan(300);
    const { outcomes } = world.bootstrapServer.stats();
    expect((outcomes['no-plan'] ?? 0) + (outcomes['too-often'] ?? 0)).toBe(1000);
  });

  it('J-12: serves one of two who claim a name at once', async () => {
    await using world = await World.make({ bootstrap: {} });
    await world.plan('a');
    const first = await asker(world, '10.0.0.66');
    const second = await asker(world, '10.0.0.67');
    expect((await first('a')).code).toBe(Code.Changed);
    const refused = await second('a');
    expect([refused.code, refused.options.uint(Option.MaxAge)]).toEqual([Code.ServiceUnavailable, 10]);
    expect(world.bootstrapServer.running()).toHaveLength(1);
    // The same one may begin again.
    expect((await first('a')).code).toBe(Code.Changed);
    await world.pass(1);
    expect(world.bootstraps.find(({ kind }) => kind === 'failed')?.event).toMatchObject({ reason: 'overtaken' });
    expect(world.bootstrapServer.running()).toHaveLength(1);
  });

  it('J-12: tells of each of two requests that come at once what became of it', async () => {
    await using world = await World.make({ bootstrap: {} });
    await world.plan('a');
    const transport = world.network.transport('10.0.0.66');
    await transport.open({ receive: () => undefined, lost: () => undefined });
    const server = await transport.connect({ via: 'udp', host: bootstrapHost, port: 5783 });
    for (const id of [1, 2])
      transport.send(server, encodeMessage({ type: Type.Con, id, token: noBytes, ...bootstrapRequest({ name: 'a' }) }));
    await world.pass(100);
    expect(world.bootstraps.map(({ kind }) => kind).slice(0, 3)).toEqual(['started', 'started', 'failed']);
    expect(world.bootstrapServer.stats().outcomes).toEqual({ overtaken: 1 });
    expect(world.bootstrapServer.running()).toHaveLength(1);
    await transport[Symbol.asyncDispose]();
  });

  it('gives up a device that does not answer, and one that is told to stop', async () => {
    await using world = await World.make({ bootstrap: { sessionTimeout: seconds(30) } });
    await world.plan('a');
    await world.plan('b');
    const ask = await asker(world, '10.0.0.66');
    await ask('a');
    world.network.darken('10.0.0.66');
    await world.pass(seconds(31));
    expect(world.bootstraps.at(-1)?.event).toMatchObject({ reason: 'timed-out' });
    world.network.lighten('10.0.0.66');
    await ask('b');
    expect([world.bootstrapServer.cancel('b'), world.bootstrapServer.cancel('c')]).toEqual([true, false]);
    await world.pass(1);
    expect(world.bootstraps.at(-1)?.event).toMatchObject({ reason: 'cancelled' });
  });

  it('serves nothing else', async () => {
    await using world = await World.make({ bootstrap: {} });
    const endpoint = await Endpoint.open({
      transport: world.network.transport('10.0.0.66'),
      clock: world.clock,
      random: world.random,
    });
    const peer = await endpoint.connect({ via: 'udp', host: bootstrapHost, port: 5783 });
    const code = async (method: number, path: string): Promise<number> => {
      const options = OptionSet.of(...path.split('/').map((each) => [Option.UriPath, each] as const));
      return (await world.during(endpoint.request(peer, makeRequest(method, options)))).code;
    };
    expect(await code(Code.Post, 'rd')).toBe(Code.NotFound);
    expect(await code(Code.Get, 'bs')).toBe(Code.MethodNotAllowed);
    expect(await code(Code.Post, 'bspack')).toBe(Code.MethodNotAllowed);
    expect(await code(Code.Post, 'bs')).toBe(Code.BadRequest);
    expect(await code(Code.Post, 'bs/x')).toBe(Code.NotFound);
  });
});

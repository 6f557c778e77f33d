// A device that knows nobody but its bootstrap server comes to its servers, over every road, and is never half configured.

import { ObjectStore, SecurityObject } from '@lapwing/client';
import { Code } from '@lapwing/coap';
import { hours, minutes, seconds } from '@lapwing/kernel';
import { instancePath, makeValue, resourcePath } from '@lapwing/lwm2m';
import { NotRegisteredError, requestBootstrap, Server } from '@lapwing/server';
import { describe, expect, it } from 'vitest';
import { rows } from './rows.ts';
import { bootstrapHost, instancesOf, serverHost, type Thing, World, type WorldOptions } from './world.ts';

const makeWorld = (options: WorldOptions = {}): Promise<World> => World.make({ bootstrap: {}, ...options });

/** Kinds and places of what the bootstrap server did, in order. */
function stepsOf(world: World): string[] {
  return world.bootstraps.flatMap((each) =>
    each.kind === 'step' ? [`${each.event.step} ${each.event.path}`] : [each.kind],
  );
}

const isRegistered = (world: World, name: string) => (): boolean => world.server.registration(name) !== undefined;

describe.each(rows)('over $name, a device', ({ options }) => {
  it('comes from its factory by the bootstrap server to its server (ETS int-0)', async () => {
    await using world = await makeWorld(options);
    await world.plan('a');
    const thing = await world.device('a', { knows: 'bootstrap' });
    await world.until(isRegistered(world, 'a'), minutes(30));
    expect(world.server.registration('a')).toMatchObject({ name: 'a', lifetime: seconds(600) });
    expect(thing.client.servers).toEqual([{ id: 101, uri: world.uri(serverHost) }]);
    expect([instancesOf(thing, 0), instancesOf(thing, 1)]).toEqual([[0, 1], [0]]);
    await world.until(() => stepsOf(world).includes('finished'), minutes(10));
    await world.pass(hours(1));
    expect(world.of('expired')).toEqual([]);
  });

  it('goes to the servers that it has, and to the bootstrap server only where it has none (ETS int-6)', async () => {
    await using world = await makeWorld(options);
    await world.plan('a');
    const provisioned = await world.device('a', { knows: 'both' });
    await world.until(isRegistered(world, 'a'), minutes(30));
    await world.pass(minutes(5));
    expect(world.bootstraps).toEqual([]);
    expect(provisioned.client.servers.map(({ id }) => id)).toEqual([1]);
    await world.cut(provisioned);
    const registered = world.of('registered').length;
    const bare = await world.device('a', { knows: 'bootstrap' });
    await world.until(() => world.of('registered').length > registered, minutes(30));
    expect(stepsOf(world)[0]).toBe('started');
    expect(bare.client.servers.map(({ id }) => id)).toEqual([101]);
  });

  it('J-03: keeps its bootstrap account and the Device when everything is deleted (ETS int-4)', async () => {
    await using world = await makeWorld(options);
    await world.plan('a', { deletes: ['/'] });
    const thing = await world.device('a', { knows: 'both' });
    await world.until(isRegistered(world, 'a'), minutes(30));
    thing.client.bootstrap();
    await world.until(() => thing.client.phase(101) === 'registered', hours(1));
    expect([0, 1, 3, 3303].map((object) => instancesOf(thing, object))).toEqual([[0, 1], [0], [0], []]);
    expect(world.server.registration('a')?.objects.map(({ target }) => target)).not.toContain('/3303/0');
  });

  it('lets the bootstrap server read back its servers and who may do what (ETS int-8)', async () => {
    await using world = await makeWorld(options);
    const access = [{ object: 3303, instance: 0, owner: 101, rights: { 0: 1 } }];
    await world.plan('a', { access, reads: ['/1', '/1/0', '/2'] });
    await world.device('a', { knows: 'bootstrap' });
    await world.until(() => stepsOf(world).includes('finished'), hours(1));
    const read = (path: string) =>
      world.bootstraps.flatMap(({ kind, event }) => {
        if (kind !== 'step' || !('step' in event) || event.step !== 'bootstrap-read' || event.path !== path) return [];
        return event.outcome.kind === 'content' ? event.outcome.entries : [];
      });
    for (const path of ['/1', '/1/0']) {
      expect(read(path)).toContainEqual({ path: resourcePath(1, 0, 0), value: makeValue('integer', 101) });
      expect(read(path)).toContainEqual({ path: resourcePath(1, 0, 1), value: makeValue('integer', 600) });
    }
    expect(read('/2')).toContainEqual({ path: resourcePath(2, 0, 0), value: makeValue('integer', 3303) });
    expect(read('/2')).toContainEqual({ path: resourcePath(2, 0, 3), value: makeValue('integer', 101) });
  });

  it('falls back to the bootstrap server when its server does not take it (ETS int-7)', async () => {
    await using world = await makeWorld(options);
    await world.plan('a');
    // Where nobody is.
    const uri = world.uri('10.0.0.9');
    const proof = await world.proof('a');
    const thing = await world.device('a', {
      knows: 'both',
      servers: [{ uri, ...proof, retry: { retryCount: 1 } }],
    });
    await world.until(isRegistered(world, 'a'), minutes(30));
    expect(thing.client.servers.map(({ id }) => id)).toEqual([101]);
  });

  it('goes back to the bootstrap server when its server says so (ETS int-5)', async () => {
    await using world = await makeWorld(options);
    await world.plan('a');
    const thing = await world.device('a', { knows: 'both' });
    await world.until(isRegistered(world, 'a'), minutes(10));
    expect(thing.client.servers.map(({ id }) => id)).toEqual([1]);
    const asked = requestBootstrap(world.server.device('a'));
    // Where its answer is lost, the device may have come anew before it is repeated.
    const [outcome] = await world.during(Promise.allSettled([asked]), minutes(10));
    if (outcome.status === 'rejected')
      expect([options.weather?.loss, outcome.reason]).toEqual([0.2, expect.any(NotRegisteredError)]);
    await world.until(() => thing.client.phase(101) === 'registered', minutes(30));
    expect(thing.client.servers.map(({ id }) => id)).toEqual([101]);
  });

  it('takes everything in one answer (ETS int-12)', async () => {
    await using world = await makeWorld(options);
    await world.plan('a');
    const thing = await world.device('a', { knows: 'bootstrap', version: '1.2' });
    await world.until(isRegistered(world, 'a'), minutes(30));
    expect(stepsOf(world)).toContain('bootstrap-pack /bspack');
    expect(stepsOf(world)).not.toContain('bootstrap-finish /bs');
    expect(thing.client.servers.map(({ id }) => id)).toEqual([101]);
  });

  it('keeps what it had when the new configuration makes no sense (ETS int-9, J-04)', async () => {
    await using world = await makeWorld(options);
    const { servers } = await world.plan('a');
    await world.plans.put('a', { servers: servers.map((server) => ({ ...server, uri: 'gopher://10.0.0.1' })) });
    const thing = await world.device('a', { knows: 'both' });
    await world.until(isRegistered(world, 'a'), minutes(10));
    const before = digestOf(thing);
    thing.client.bootstrap();
    // Perhaps not at once: where the weather is bad, one may come to nothing before.
    const isRefused = (each: World['bootstraps'][number]): boolean =>
      each.kind === 'failed' && each.event.reason === 'inconsistent';
    await world.until(() => world.bootstraps.some(isRefused), minutes(30));
    expect(digestOf(thing)).toBe(before);
    expect(world.server.registration('a')).toBeDefined();
    await world.plans.put('a', { servers });
    await world.until(() => thing.client.phase(101) === 'registered', hours(2));
  });
});

describe.each(rows.filter(({ options }) => options.road === 'dtls-psk' || options.road === 'dtls-x509'))(
  'over $name, a device',
  ({ options }) => {
    const [id, kind] = options.road === 'dtls-psk' ? (['int-1', 'psk'] as const) : (['int-2', 'x509'] as const);

    it(`comes by the bootstrap server to all that is planned, and to its server with what was written (ETS ${id})`, async () => {
      await using world = await makeWorld(options);
      const access = [{ object: 3303, instance: 0, owner: 101, rights: { 101: 15, 0: 1 } }];
      const label = makeValue('string', 'planned');
      const path = resourcePath(26_241, 3, 0);
      await world.plan('a', { access, writes: [{ path: '/26241/3', entries: [{ path, value: label }] }] });
      const thing = await world.device('a', { knows: 'bootstrap' });
      await world.until(isRegistered(world, 'a'), hours(1));
      await world.until(() => stepsOf(world).includes('finished'), minutes(10));
      expect([0, 1, 2, 26_241].map((object) => instancesOf(thing, object))).toEqual([[0, 1], [0], [0], [3]]);
      // The bootstrap account's identity is another one.
      const started = world.bootstraps.find((each) => each.kind === 'started');
      const { identity } = world.server.registration('a')?.peer ?? expect.fail('not registered');
      expect(started?.event).toMatchObject({ session: { peer: { identity: { kind } } } });
      expect(identity.kind).toBe(kind);
      const written = thing.objects.objects.get(0)?.instances.get(1)?.contents.get(3);
      const own = written !== undefined && 'value' in written ? (written.value as Uint8Array) : expect.fail('no key');
      if (identity.kind === 'psk') expect(identity.id).toEqual(own);
      else if (identity.kind === 'x509') expect(identity.chain[0]).toEqual(own);
      expect(await world.during(world.server.device('a').read('/26241/3/0'))).toEqual([{ path, value: label }]);
    });
  },
);

/** Everything that a bootstrap can touch, as text. */
function digestOf({ objects }: Thing): string {
  return JSON.stringify(
    [0, 1, 2, 21, 3303].map((object) =>
      [...(objects.objects.get(object)?.instances.values() ?? [])].map(({ id, contents }) => [id, [...contents]]),
    ),
  );
}

describe('a bootstrap', () => {
  it('looks, deletes, writes, reads back and finishes, in this order', async () => {
    await using world = await makeWorld();
    await world.plan('a', {
      access: [{ object: 3303, instance: 0, owner: 101, rights: { 0: 1 } }],
      reads: ['/1', '/2'],
    });
    await world.device('a', { knows: 'bootstrap' });
    await world.until(isRegistered(world, 'a'));
    expect(stepsOf(world)).toEqual([
      'started',
      'bootstrap-discover /',
      'bootstrap-delete /0',
      'bootstrap-delete /1',
      'bootstrap-write /0/1',
      'bootstrap-write /1/0',
      'bootstrap-write /2/0',
      'bootstrap-read /1',
      'bootstrap-read /2',
      'bootstrap-finish /bs',
      'finished',
    ]);
  });

  it('rewrites a server in its place where the plan deletes nothing', async () => {
    await using world = await makeWorld();
    const { servers } = await world.plan('a');
    const thing = await world.device('a', { knows: 'bootstrap' });
    await world.until(isRegistered(world, 'a'));
    await world.plans.put('a', { deletes: [], servers: servers.map((each) => ({ ...each, lifetime: seconds(300) })) });
    thing.client.bootstrap();
    await world.until(() => world.server.registration('a')?.lifetime === seconds(300));
    expect([instancesOf(thing, 0), instancesOf(thing, 1)]).toEqual([[0, 1], [0]]);
  });

  it('finds free instances where the bootstrap account is not the first', async () => {
    await using world = await makeWorld();
    await world.plan('a');
    const store = new ObjectStore();
    store.add(SecurityObject, 7, {
      lwm2mServerUri: `coap://${bootstrapHost}:5783`,
      bootstrapServer: true,
      securityMode: 3,
    });
    const thing = await world.device('a', { servers: [], objects: store });
    await world.until(isRegistered(world, 'a'));
    expect([...(store.objects.get(0)?.instances.keys() ?? [])]).toEqual([7, 0]);
    expect(thing.client.servers.map(({ id }) => id)).toEqual([101]);
  });

  it('may be only for once: the account goes when its time is over', async () => {
    await using world = await makeWorld();
    await world.plan('a');
    const thing = await world.device('a', { knows: 'bootstrap', bootstrap: { accountTimeout: minutes(5) } });
    await world.until(isRegistered(world, 'a'));
    expect(thing.client.bootstrap()).toBe(true);
    await world.pass(minutes(10));
    expect(instancesOf(thing, 0)).toEqual([1]);
    expect(thing.client.bootstrap()).toBe(false);
    const refused = await world.during(requestBootstrap(world.server.device('a')));
    expect(refused).toMatchObject({ kind: 'refused', code: Code.MethodNotAllowed });
  });

  it('begins after the hold-off time of the account', async () => {
    await using world = await makeWorld();
    await world.plan('a');
    await world.device('a', { knows: 'bootstrap', bootstrap: { holdOff: seconds(30) } });
    await world.pass(seconds(29));
    expect(stepsOf(world)).toEqual([]);
    await world.until(isRegistered(world, 'a'), seconds(5));
  });

  it('falls back from a pack to the longer way where the server has none', async () => {
    await using world = await makeWorld();
    await world.plan('a');
    await world.device('a', { knows: 'bootstrap', version: '1.2', bootstrap: { pack: false } });
    await world.until(isRegistered(world, 'a'));
    expect(stepsOf(world)).toContain('bootstrap-finish /bs');
  });

  it('brings keys of its own making to device and server, and takes them back when the device does not want them', async () => {
    await using world = await makeWorld({ road: 'dtls-psk' });
    const plan = await world.plan('a');
    const thing = await world.device('a', { knows: 'bootstrap' });
    await world.until(isRegistered(world, 'a'));
    const [first] = world.security.ofEndpoint('a');
    expect(first?.kind).toBe('psk');
    const [server] = plan.servers;
    if (server === undefined) expect.fail('no server in the plan');
    await world.plans.put('a', { servers: [server, { ...server, shortServerId: 102, uri: 'coap://10.0.0.1' }] });
    thing.client.bootstrap();
    await world.until(() => world.bootstraps.some(({ kind }) => kind === 'failed'));
    expect(world.security.ofEndpoint('a')).toEqual([first]);
  });

  it.each(['1.0', '1.1', '1.2'] as const)(
    'brings a device of %s to its server, in the format that it reads',
    async (version) => {
      await using world = await makeWorld();
      await world.plan('a', { reads: version === '1.0' ? [] : ['/1'] });
      await world.device('a', { knows: 'bootstrap', version, bootstrap: { pack: false } });
      await world.until(isRegistered(world, 'a'));
      const started = world.bootstraps.find(({ kind }) => kind === 'started');
      expect(started?.event).toMatchObject({ session: { preferredFormat: version === '1.0' ? undefined : 112 } });
      expect(world.server.registration('a')?.version).toBe(version);
    },
  );

  it.each(['dtls-psk', 'oscore'] as const)(
    'over %s changes the key of a device each time, and retires the one before only when the device has the new one',
    async (road) => {
      await using world = await makeWorld({ road, bootstrap: { oldKeys: 'retire' } });
      await world.plan('a');
      const { client } = await world.device('a', { knows: 'bootstrap' });
      const seen = new Set<string>();
      for (let i = 0; i < 3; i += 1) {
        const finished = world.bootstrapServer.events.once('finished');
        if (i > 0) client.bootstrap();
        await world.during(finished);
        await world.pass(seconds(1));
        await world.until(() => client.phase(101) === 'registered');
        const credentials = world.security.ofEndpoint('a');
        expect(credentials).toHaveLength(1);
        const [credential] = credentials;
        if (credential?.kind === 'psk') seen.add(Buffer.from(credential.identity).toString());
        if (credential?.kind === 'oscore') seen.add(Buffer.from(credential.context.recipientId).toString('hex'));
        expect(await world.during(world.server.device('a').read('/3/0/0'))).toHaveLength(1);
      }
      expect(seen.size).toBe(3);
    },
  );

  it('outlives a restart: the device comes back to its server by itself', async () => {
    await using world = await makeWorld({ road: 'dtls-psk' });
    await world.plan('a');
    const objects = new ObjectStore();
    const thing = await world.device('a', { knows: 'bootstrap', objects });
    await world.until(isRegistered(world, 'a'));
    await world.pass(seconds(1));
    await world.cut(thing);
    world.darken(bootstrapHost);
    const again = await world.device('a', { knows: 'bootstrap', objects });
    await world.until(() => again.client.phase(101) === 'registered');
    expect(world.bootstraps.filter(({ kind }) => kind === 'started')).toHaveLength(1);
  });

  it('may hand over a server that is reached in another way, and the one before is told that the device leaves', async () => {
    await using world = await makeWorld({ road: 'dtls-psk' });
    await using elsewhere = await Server.listen({
      listeners: [{ transport: world.network.transport('10.0.0.3', 5683) }],
      clock: world.clock,
      random: world.random,
    });
    const open = { shortServerId: 7, uri: 'coap://10.0.0.3', security: { mode: 'none' } } as const;
    await world.plans.put('a', { servers: [open] });
    const thing = await world.device('a', { knows: 'both' });
    await world.until(isRegistered(world, 'a'));
    thing.client.bootstrap();
    await world.until(() => elsewhere.registration('a') !== undefined);
    await world.pass(seconds(1));
    expect(world.of('deregistered')).toHaveLength(1);
    expect(thing.client.servers).toEqual([{ id: 7, uri: 'coap://10.0.0.3' }]);
    await world.during(thing.client[Symbol.asyncDispose]());
  });

  it('is heard of by a server that stays: what it may see, what there is, and what has changed', async () => {
    await using world = await makeWorld();
    await using elsewhere = await Server.listen({
      listeners: [{ transport: world.network.transport('10.0.0.3', 5683) }],
      clock: world.clock,
      random: world.random,
    });
    const another = { shortServerId: 7, uri: 'coap://10.0.0.3', security: { mode: 'none' } } as const;
    const label = { path: resourcePath(26_241, 3, 0), value: makeValue('string', 'new') };
    const timezone = { path: resourcePath(3, 0, 15), value: makeValue('string', 'Europe/Zagreb') };
    await world.plans.put('a', {
      deletes: [],
      servers: [another],
      access: [
        { object: 3303, instance: 0, owner: 7 },
        { object: 3, instance: 0, owner: 7, rights: { 0: 1 } },
      ],
      writes: [
        { path: '/26241/3', entries: [label] },
        { path: '/3/0', entries: [timezone] },
      ],
    });
    const thing = await world.device('a', { knows: 'both' });
    await world.until(isRegistered(world, 'a'));
    world.observing('a', '/3303/0/5700');
    const zone = world.observing('a', '/3/0');
    await world.pass(seconds(2));
    thing.client.bootstrap();
    await world.until(() => elsewhere.registration('a') !== undefined);
    await world.pass(seconds(5));
    expect(world.of('observation-ended').map(({ refusal }) => refusal?.code)).toEqual([Code.Unauthorized]);
    expect(zone.values).toHaveLength(2);
    expect(world.server.registration('a')?.objects.map(({ target }) => target)).toContain('/26241/3');
    expect(world.of('registered')).toHaveLength(1);
    zone.stop();
    await world.during(thing.client[Symbol.asyncDispose]());
  });

  it('does not hold up what a server that stays is told, while another that goes does not answer', async () => {
    await using world = await makeWorld();
    const servers = [
      { uri: world.uri(serverHost), id: 1 },
      { uri: 'coap://10.0.0.8', id: 2 },
    ];
    const third = { shortServerId: 7, uri: 'coap://10.0.0.9', security: { mode: 'none' } } as const;
    await world.plans.put('a', { deletes: ['/0/2', '/1/1'], servers: [third] });
    const thing = await world.device('a', { knows: 'both', servers, closeTimeout: minutes(1) });
    await world.until(isRegistered(world, 'a'));
    const warmth = world.observing('a', '/3303/0/5700');
    await world.pass(seconds(2));
    thing.client.bootstrap();
    await world.until(() => world.bootstraps.some(({ kind }) => kind === 'finished'));
    for (const celsius of [30, 31, 32]) {
      thing.warm(celsius);
      await world.pass(seconds(5));
    }
    expect(warmth.values).toEqual([20, 30, 31, 32]);
    warmth.stop();
  });

  it('J-07: leads to no weaker road to a server that is known, unless the device is told to accept that', async () => {
    await using world = await makeWorld({ road: 'dtls-psk' });
    const open = { shortServerId: 1, uri: `coap://${serverHost}:5683`, security: { mode: 'none' } } as const;
    await world.plans.put('a', { servers: [open] });
    await world.plans.put('b', { servers: [open] });
    const strict = await world.device('a', { knows: 'both' });
    const lenient = await world.device('b', { knows: 'both', bootstrap: { downgrade: 'accept' } });
    await world.until(isRegistered(world, 'a'));
    const failed = strict.client.events.once('bootstrap-failed');
    const bootstrapped = lenient.client.events.once('bootstrapped');
    strict.client.bootstrap();
    lenient.client.bootstrap();
    expect((await world.during(failed)).error.message).toMatch(/no security instead of pre-shared key/);
    expect((await world.during(bootstrapped)).downgrades).toEqual([
      { shortServerId: 1, from: 'pre-shared key', to: 'no security' },
    ]);
    expect(strict.client.servers[0]?.uri).toMatch(/^coaps/);
  });

  it('does not follow where a server says that it must not (/1/x/16)', async () => {
    await using world = await makeWorld();
    const retry = { retryCount: 1, retryTimer: seconds(1), sequenceCount: 1 };
    const open = { shortServerId: 1, uri: 'coap://10.0.0.9', security: { mode: 'none' }, retry } as const;
    await world.plans.put('a', { servers: [{ ...open, bootstrapOnRegistrationFailure: false }] });
    const thing = await world.device('a', { knows: 'bootstrap' });
    let spent = 0;
    thing.client.events.on('spent', () => {
      spent += 1;
    });
    await world.pass(hours(2));
    expect(spent).toBeGreaterThan(2);
    expect(world.bootstraps.filter(({ kind }) => kind === 'started')).toHaveLength(1);
  });

  it('says in which order a device registers, and after which wait (/1/x/13 to /1/x/15)', async () => {
    await using world = await makeWorld();
    const { servers } = await world.plan('a');
    const [server] = servers;
    if (server === undefined) expect.fail('no server in the plan');
    const nobody = {
      ...server,
      shortServerId: 102,
      uri: 'coap://10.0.0.9',
      retry: { retryCount: 1, sequenceCount: 1 },
    };
    const registration = { priority: 2, initialDelay: seconds(30) };
    const plan = (failureBlocks: boolean) =>
      world.plans.put('a', {
        servers: [
          { ...server, registration },
          { ...nobody, bootstrapOnRegistrationFailure: false, registration: { priority: 1, failureBlocks } },
        ],
      });
    await plan(false);
    const thing = await world.device('a', { knows: 'bootstrap' });
    const spent = thing.client.events.once('spent');
    await world.during(spent, hours(1));
    const failedAt = world.clock.now();
    await world.until(isRegistered(world, 'a'), minutes(5));
    expect(world.clock.now() - failedAt).toBeGreaterThanOrEqual(seconds(29));
    await plan(true);
    const registered = world.of('registered').length;
    const finished = world.bootstrapServer.events.once('finished');
    thing.client.bootstrap();
    await world.during(finished);
    await world.pass(hours(1));
    expect([world.server.registration('a'), world.of('registered').length]).toEqual([undefined, registered]);
  });

  it('writes other objects too, and fills in what the device is called', async () => {
    await using world = await makeWorld();
    const path = instancePath(26_241, 3);
    const label = makeValue('string', `of ${'$'}{endpoint}, ${'$'}{owner}`);
    await world.plan('a', {
      variables: { owner: 'us' },
      writes: [{ path: '/26241/3', entries: [{ path: resourcePath(path.object, path.instance, 0), value: label }] }],
    });
    await world.device('a', { knows: 'bootstrap' });
    await world.until(isRegistered(world, 'a'));
    expect(await world.during(world.server.device('a').read('/26241/3/0'))).toEqual([
      { path: resourcePath(26_241, 3, 0), value: makeValue('string', 'of a, us') },
    ]);
  });
});

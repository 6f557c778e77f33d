// Keys that a bootstrap hands out, over DTLS: a device that does not take them, or of which nobody knows whether it has, comes in
// with those that it had.
import { ObjectStore } from '@lapwing/client';
import { encodeUtf8, equalBytes, minutes, Secret, seconds } from '@lapwing/kernel';
import type { Lwm2mVersion } from '@lapwing/lwm2m';
import { describe, expect, it } from 'vitest';
import { DeviceObject } from './objects.ts';
import { variable } from './roads.ts';
import { bootstrapHost, type ThingOptions, World, type WorldOptions } from './world.ts';

const ways: readonly { readonly way: string; readonly version: Lwm2mVersion }[] = [
  { way: 'a pack', version: '1.2' },
  { way: 'a sequence', version: '1.1' },
];

const makeWorld = (options: WorldOptions = {}): Promise<World> =>
  World.make({
    road: 'dtls-psk',
    bootstrap: { limits: { requestRate: { perSecond: 1000, burst: 1000 } } },
    ...options,
  });

/** Keys that bootstraps have handed out, and the one of the factory, which each start of the device here puts back. */
const atMost = 8 + 1;

/** What outlives a restart of the device. */
function memory(): ObjectStore {
  const objects = new ObjectStore();
  objects.add(DeviceObject, 0, { errorCode: new Map([[0, 0]]), bindings: 'U', reboot: () => undefined });
  return objects;
}

/** After a restart, and without its bootstrap server, the device comes to its server with what it has. */
async function comesIn(world: World, options: ThingOptions): Promise<void> {
  await world.cut(world.thing('a'));
  world.network.darken(bootstrapHost);
  const registered = world.server.events.once('registered');
  await world.device('a', options);
  await world.during(registered, minutes(5));
  world.network.lighten(bootstrapHost);
}

/** The same, with a road that contradicts its keys: every device says no. */
async function spoil(world: World): Promise<void> {
  const { servers } = await world.plan('a');
  const [server] = servers;
  if (server === undefined) expect.fail('no server in the plan');
  await world.plans.put('a', { servers: [server, { ...server, shortServerId: 102, uri: 'coap://10.0.0.1' }] });
}

describe.each(ways)('a device that is bootstrapped by $way', ({ version }) => {
  const options = (objects: ObjectStore): ThingOptions => ({ knows: 'both', version, objects });

  it('J-05: comes in with its old key, however often it has refused new ones', async () => {
    await using world = await makeWorld();
    await world.plan('a');
    const kept = options(memory());
    const { client } = await world.device('a', kept);
    await world.until(() => client.phase() === 'registered');
    client.bootstrap();
    await world.until(() => client.phase(101) === 'registered');
    await spoil(world);
    for (let i = 0; i < 12; i += 1) {
      const thing = world.thing('a');
      const failed = thing.client.events.once('bootstrap-failed');
      thing.client.bootstrap();
      expect((await world.during(failed)).failure).toBe('inconsistent');
      await comesIn(world, kept);
    }
    expect(world.security.ofEndpoint('a').length).toBeLessThanOrEqual(atMost);
  });

  it('J-05: comes in with the old key or the new one after a power cut at any moment', async () => {
    await using world = await makeWorld();
    await world.plan('a');
    const kept = options(memory());
    const first = await world.device('a', kept);
    await world.until(() => first.client.phase() === 'registered');
    for (let i = 0; i < 40; i += 1) {
      const { client } = world.thing('a');
      client.bootstrap();
      await world.clock.advance(i * 15);
      await comesIn(world, kept);
    }
    expect(world.security.ofEndpoint('a').length).toBeLessThanOrEqual(atMost);
  }, 60_000);

  it('J-05: is given no other key under the identity of the one that it has', async () => {
    await using world = await makeWorld({
      bootstrap: { announce: 'all', limits: { requestRate: { perSecond: 1000, burst: 1000 } } },
    });
    const { servers } = await world.plan('a');
    const [server] = servers;
    if (server === undefined) expect.fail('no server in the plan');
    const withKey = (key: string) => ({
      ...server,
      security: { mode: 'psk', identity: `${variable('endpoint')} here`, key: new Secret(encodeUtf8(key)) } as const,
    });
    await world.plans.put('a', { servers: [withKey('the first key of it')] });
    const kept = options(memory());
    const { client } = await world.device('a', kept);
    await world.until(() => client.phase() === 'registered');
    client.bootstrap();
    await world.until(() => client.phase(101) === 'registered');
    await world.plans.put('a', { servers: [withKey('another key')] });
    client.bootstrap();
    const isRefused = (each: World['bootstraps'][number]): boolean =>
      each.kind === 'failed' && /has another key/.test(String(each.event.error));
    await world.until(() => world.bootstraps.some(isRefused));
    await world.pass(seconds(1));
    await comesIn(world, kept);
  });

  it.each([true, false])(
    'is given a key for another server under the identity that it has here, where that is foreign: %s',
    async (foreign) => {
      await using world = await makeWorld({ bootstrap: { announce: 'all' } });
      const { servers } = await world.plan('a');
      const security = {
        mode: 'psk',
        identity: variable('endpoint'),
        key: new Secret(encodeUtf8('of theirs')),
      } as const;
      const theirs = { shortServerId: 102, uri: 'coaps://10.0.0.77', security, foreign };
      await world.plans.put('a', { servers: [...servers, theirs] });
      const { client, objects } = await world.device('a', options(memory()));
      await world.until(() => client.phase() === 'registered');
      client.bootstrap();
      const isOver = () => world.bootstraps.some(({ kind }) => kind === 'finished' || kind === 'failed');
      await world.until(isOver);
      await world.pass(seconds(30));
      expect(world.bootstraps.at(-1)?.kind).toBe(foreign ? 'finished' : 'failed');
      expect(objects.objects.get(1)?.instances.size).toBe(foreign ? 2 : 1);
      const here = world.security.ofEndpoint('a').flatMap((each) => (each.kind === 'psk' ? [each] : []));
      expect(here.every(({ key }) => !equalBytes(key.reveal(), security.key.reveal()))).toBe(true);
    },
  );
});

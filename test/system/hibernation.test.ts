// A device that hibernates: while it is not there its server notices nothing, and it goes on without a word where it was.
import { ConfigError, hours, minutes, seconds } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { type Thing, type ThingOptions, World, type WorldOptions } from './world.ts';

const path = '/3303/0/5700';
const host = '10.1.0.1';

async function setUp(options: ThingOptions = {}, weather: WorldOptions = {}) {
  const world = await World.make(weather);
  const connectors = { coap: () => world.network.transport(host, 5000) };
  const start = async (also: ThingOptions = {}): Promise<Thing> =>
    world.device('a', { lifetime: minutes(10), connectors, ...options, ...also });
  const thing = await start();
  await world.until(() => thing.client.phase() === 'registered');
  await world.pass(seconds(1));
  /** Hibernates for `time`, or as long as there is nothing to do. */
  const sleep = async (device: Thing, time?: number, meanwhile: () => void = () => undefined) => {
    const kept = await world.during(device.client.hibernate());
    if (kept === undefined) throw new Error('something is under way');
    const away = time ?? kept.wakeAfter ?? 0;
    await world.pass(away / 2);
    meanwhile();
    await world.pass(away / 2);
    const again = await start({ objects: device.objects, hibernated: kept.state });
    return { again, kept };
  };
  const counts = () => ({
    registered: world.of('registered').length,
    updated: world.of('updated').length,
    observations: world.server.stats().observations,
  });
  return { world, thing, start, sleep, counts };
}

describe('a device that hibernates', () => {
  it('is there again without a word, and answers', async () => {
    const { world, thing, sleep, counts } = await setUp();
    await using _ = world;
    const sent = world.network.counters().sent;
    const { again } = await sleep(thing, minutes(5));
    expect(world.network.counters().sent).toBe(sent);
    expect(again.client.phase()).toBe('registered');
    expect(await world.during(world.server.device('a').read(path))).toHaveLength(1);
    expect(counts()).toEqual({ registered: 1, updated: 0, observations: 0 });
  });

  it('goes on with observations, however often it was away', async () => {
    const { world, thing, sleep, counts } = await setUp();
    await using _ = world;
    const watching = world.observing('a', path);
    await world.pass(seconds(5));
    let device = thing;
    for (const celsius of [21, 22, 23]) {
      const { again } = await sleep(device, minutes(1));
      device = again;
      again.objects
        .get(thing.objects.objects.get(3303)?.definition as never, 0)
        ?.set({ sensorValue: celsius } as never);
      await world.pass(seconds(5));
    }
    expect(watching.values).toEqual([20, 21, 22, 23]);
    expect(counts()).toEqual({ registered: 1, updated: 0, observations: 1 });
  });

  it('is awake in time for its Updates', async () => {
    const { world, thing, sleep, counts } = await setUp();
    await using _ = world;
    let device = thing;
    const until = world.clock.now() + hours(2);
    while (world.clock.now() < until) {
      const { again, kept } = await sleep(device);
      expect(kept.wakeAfter).toBeLessThanOrEqual(seconds(507));
      device = again;
      await world.pass(seconds(5));
    }
    expect(counts()).toMatchObject({ registered: 1, updated: 15 });
  });

  it('is awake in time for pmax, and keeps to what the server has written', async () => {
    const { world, thing, sleep } = await setUp();
    await using _ = world;
    await world.during(world.server.device('a').writeAttributes(path, { pmax: 60, st: 5 }));
    const watching = world.observing('a', path);
    await world.pass(seconds(10));
    // Not worth telling, and seen.
    thing.warm(23);
    await world.pass(seconds(10));
    const first = await sleep(thing);
    expect(first.kept.wakeAfter).toBeGreaterThan(seconds(30));
    expect(first.kept.wakeAfter).toBeLessThan(seconds(50));
    await world.pass(seconds(1));
    expect(watching.values).toEqual([20, 23]);
    // Within the step, then beyond it.
    const second = await sleep(first.again, seconds(10), () => thing.warm(27));
    await world.pass(seconds(1));
    expect(watching.values).toEqual([20, 23]);
    await sleep(second.again, seconds(10), () => thing.warm(29));
    await world.pass(seconds(1));
    expect(watching.values).toEqual([20, 23, 29]);
  });

  it('tells the server of objects that have come meanwhile', async () => {
    const { world, thing, sleep, counts } = await setUp();
    await using _ = world;
    await sleep(thing, minutes(1), () => void thing.objects.remove(3303, 0));
    await world.pass(seconds(5));
    expect(counts()).toMatchObject({ registered: 1, updated: 1 });
    const targets = world.server.registration('a')?.objects.map(({ target }) => target);
    expect([targets?.includes('/3/0'), targets?.includes('/3303/0')]).toEqual([true, false]);
  });

  it.each(['listen', 'deaf', 'close'] as const)('in queue mode (%s), wakes its engine for news only', async (idle) => {
    const { world, thing, sleep, counts } = await setUp({ queueMode: true, awakeTime: seconds(20), idle });
    await using _ = world;
    const watching = world.observing('a', path);
    await world.pass(seconds(40));
    expect(thing.client.phase()).toBe('rx-off');
    const { again } = await sleep(thing, minutes(1));
    await world.pass(seconds(10));
    expect(again.client.phase()).toBe('rx-off');
    expect(counts()).toMatchObject({ registered: 1, updated: 0 });
    thing.warm(25);
    await world.pass(seconds(10));
    expect(again.client.phase()).toBe('registered');
    expect(watching.values).toEqual([20, 25]);
    await world.pass(seconds(30));
    expect(again.client.phase()).toBe('rx-off');
    const asleep = await sleep(again, minutes(1), () => thing.warm(26));
    await world.pass(seconds(10));
    expect([asleep.again.client.phase(), watching.values]).toEqual(['registered', [20, 25, 26]]);
    expect(counts()).toMatchObject({ registered: 1, observations: 1 });
  });

  it('begins as ever where its accounts are others now', async () => {
    const { world, thing, start, counts } = await setUp();
    await using _ = world;
    const kept = await world.during(thing.client.hibernate());
    const again = await start({ lifetime: minutes(20), objects: thing.objects, hibernated: kept?.state as Uint8Array });
    await world.until(() => again.client.phase() === 'registered');
    expect(counts()).toMatchObject({ registered: 2 });
  });

  it('refuses bytes that are none', async () => {
    const { world, thing, start } = await setUp();
    await using _ = world;
    const { state = new Uint8Array(0) } = (await world.during(thing.client.hibernate())) ?? {};
    for (const bytes of [new Uint8Array(0), state.subarray(0, state.length - 1), new Uint8Array(100).fill(0x7b)])
      await expect(start({ objects: thing.objects, hibernated: bytes })).rejects.toThrow(ConfigError);
  });
});

describe('a device stays', () => {
  it('while a notification is not acknowledged, or has to wait', async () => {
    const { world, thing } = await setUp();
    await using _ = world;
    await world.during(world.server.device('a').writeAttributes(path, { pmin: 30 }));
    world.observing('a', path);
    await world.pass(seconds(5));
    thing.warm(21);
    expect(await thing.client.hibernate()).toBeUndefined();
    await world.pass(seconds(25));
    expect(await thing.client.hibernate()).toBeUndefined();
    await world.pass(seconds(5));
    expect(await world.during(thing.client.hibernate())).toBeDefined();
  });

  it('while it registers, and until a lock is released', async () => {
    const world = await World.make();
    await using _ = world;
    const thing = await world.device('a');
    expect(await thing.client.hibernate()).toBeUndefined();
    await world.pass(seconds(5));
    {
      using _lock = thing.client.lock();
      expect(await thing.client.hibernate()).toBeUndefined();
    }
    thing.client.update();
    expect(await thing.client.hibernate()).toBeUndefined();
    await world.pass(seconds(5));
    expect(await world.during(thing.client.hibernate())).toBeDefined();
  });

  it.each(['dtls-cid', 'tcp'] as const)('where there is more to keep than a registration (%s)', async (road) => {
    const world = await World.make({ road });
    await using _ = world;
    const thing = await world.device('a');
    await world.until(() => thing.client.phase() === 'registered');
    await world.pass(minutes(10));
    expect(await thing.client.hibernate()).toBeUndefined();
  });
});

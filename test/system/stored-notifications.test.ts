// What a server must not lose (/1/x/6), while it cannot be reached and while the device is started anew.
import { MemoryNotificationStore, type NotificationStore } from '@lapwing/client';
import { ContentFormat } from '@lapwing/coap';
import { hours, minutes, seconds } from '@lapwing/kernel';
import { expect, it } from 'vitest';
import { type Thing, World } from './world.ts';

async function setUp(keptNotifications: NotificationStore, hqmax?: number) {
  const world = await World.make();
  const options = { lifetime: hours(24), version: '1.2', keptNotifications } as const;
  const thing = await world.device('dev', options);
  await world.pass(seconds(5));
  const device = world.server.device('dev');
  await world.during(device.write('/1/0/6', { type: 'boolean', value: true }));
  if (hqmax !== undefined) await world.during(device.writeAttributes('/3303/0/5700', { hqmax }));
  const got: [unknown, number | undefined][] = [];
  void (async () => {
    for await (const { entries } of device.observe('/3303/0/5700', {
      lasting: true,
      accept: ContentFormat.SenmlCbor,
    }))
      for (const { value, time } of entries) got.push([value?.value, time]);
  })();
  await world.pass(seconds(1));
  return { world, thing, got, options };
}

/** What nobody hears, a second apart. */
async function measure(world: World, thing: Thing, from: number, to: number): Promise<void> {
  for (let value = from; value < to; value += 1) {
    thing.warm(value);
    await world.pass(seconds(1));
  }
}

/** Without power, and back; the server writes again what the device forgets with it. */
async function restart(world: World, thing: Thing, options: object): Promise<void> {
  await world.cut(thing);
  world.network.lighten(thing.host);
  await world.device('dev', options);
  await world.pass(minutes(2));
}

it('D-14: 1,000 values that were stored before the device was started anew all come, in order, with their times', async () => {
  const store = new MemoryNotificationStore();
  const { world, thing, got, options } = await setUp(store, 1000);
  await using _ = world;
  world.network.darken(thing.host);
  const began = world.clock.wall() / 1000;
  await measure(world, thing, 1000, 2000);
  expect((await store.read(1))[0]?.moments).toHaveLength(1000);
  expect(thing.client.stats()?.notifications).toEqual({ dropped: 0, unwritten: 0 });
  got.length = 0;
  await restart(world, thing, options);
  const stored = got.filter(([value]) => Number(value) >= 1000);
  expect(stored.map(([value]) => value)).toEqual(Array.from({ length: 1000 }, (_, i) => 1000 + i));
  expect(stored.map(([, time]) => Math.round((time ?? 0) - began))).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  expect(await store.read(1)).toEqual([]);
});

it('D-14: of those beyond the limit the oldest are dropped, and counted', async () => {
  const store = new MemoryNotificationStore();
  const { world, thing, got, options } = await setUp(store, 100);
  await using _ = world;
  world.network.darken(thing.host);
  await measure(world, thing, 1000, 1150);
  expect(thing.client.stats()?.notifications).toEqual({ dropped: 50, unwritten: 0 });
  got.length = 0;
  await restart(world, thing, options);
  const stored = got.map(([value]) => value).filter((value) => Number(value) >= 1000);
  expect(stored).toEqual(Array.from({ length: 100 }, (_, i) => 1050 + i));
});

it('goes on without a store that fails, and counts that', async () => {
  const failing: NotificationStore = {
    read: () => Promise.reject(new Error('gone')),
    write: () => Promise.reject(new Error('full')),
  };
  const { world, thing, got } = await setUp(failing);
  await using _ = world;
  world.network.darken(thing.host);
  await measure(world, thing, 1000, 1010);
  got.length = 0;
  world.network.lighten(thing.host);
  await world.pass(minutes(30));
  expect(got.map(([value]) => value)).toEqual(expect.arrayContaining([1000, 1005, 1009]));
  expect(thing.client.stats()?.notifications.unwritten).toBeGreaterThan(0);
});

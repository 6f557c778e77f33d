import { hours, minutes, seconds } from '@lapwing/kernel';
import { NotRegisteredError } from '@lapwing/server';
import { describe, expect, it } from 'vitest';
import { DeviceObject, Setting } from './objects.ts';
import { World } from './world.ts';

const weather = { loss: 0.2, duplicate: 0.2, reorder: 0.3, reorderBy: 3000, jitter: 15 };

describe('H9: whatever the network loses, repeats and reorders', () => {
  it.each([1, 2, 3])('an Execute that was answered happened once, and none happened twice (seed %i)', async (seed) => {
    await using world = await World.make({ seed, weather });
    const thing = await world.device('a', { lifetime: hours(24) });
    while (world.server.registration('a') === undefined) await world.pass(seconds(1));
    const device = world.server.device('a');
    let answered = 0;
    const runs = 200;
    for (let i = 1; i <= runs; i += 1) {
      const before = thing.reboots;
      const done = await world.during(
        device.execute(DeviceObject, 0, 'reboot').then(
          () => 1,
          () => 0,
        ),
      );
      answered += done;
      expect(thing.reboots - before).toBeLessThanOrEqual(1);
      if (done === 1) expect(thing.reboots - before).toBe(1);
    }
    await world.pass(minutes(10));
    expect(thing.reboots).toBeLessThanOrEqual(runs);
    // H14: five transmissions each way at 20 % fail about once in a thousand.
    expect(answered).toBeGreaterThan(runs * 0.97);
  });

  it.each([4, 5])('a Create makes one instance (seed %i)', async (seed) => {
    await using world = await World.make({ seed, weather });
    const thing = await world.device('a', { lifetime: hours(24) });
    while (world.server.registration('a') === undefined) await world.pass(seconds(1));
    const device = world.server.device('a');
    let made = 0;
    for (let i = 0; i < 40; i += 1) {
      await world.during(device.create(Setting, { label: `${i}` })).then(
        () => {
          made += 1;
        },
        () => undefined,
      );
    }
    await world.pass(minutes(10));
    const instances = thing.objects.objects.get(Setting.id)?.instances.size ?? 0;
    expect(instances).toBeGreaterThanOrEqual(made);
    expect(instances).toBeLessThanOrEqual(40);
    expect(made).toBeGreaterThan(36);
  });

  it('B-03: an Execute that the device did not live to answer is not repeated to the device that came back', async () => {
    await using world = await World.make();
    const thing = await world.device('a', { lifetime: hours(24) });
    await world.pass(seconds(1));
    // The answer never gets out: the device reboots as it is told.
    world.network.tap = (from, _to, bytes) => (from.host === thing.host ? undefined : bytes);
    const asked = world.server.device('a').execute(DeviceObject, 0, 'reboot');
    const outcome = asked.then(
      () => 'done',
      (error: unknown) => error,
    );
    await world.pass(100);
    expect(thing.reboots).toBe(1);
    world.network.tap = undefined;
    await world.cut(thing);
    const again = await world.device('a', { lifetime: hours(24) });
    await world.pass(minutes(5));
    expect(await outcome).toBeInstanceOf(NotRegisteredError);
    expect([thing.reboots, again.reboots]).toEqual([1, 0]);
  });
});

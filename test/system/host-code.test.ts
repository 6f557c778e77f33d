// What goes wrong in the code of whoever uses the client: a filter that throws, a reader that fails, a check or a batch that gives a promise. Observers
// hear what they can, and nothing is half done.
import { Code } from '@lapwing/coap';
import { seconds } from '@lapwing/kernel';
import { defineObject, makeValue, parsePath } from '@lapwing/lwm2m';
import { describe, expect, it } from 'vitest';
import { Temperature } from './objects.ts';
import { World } from './world.ts';

const Probe = defineObject({
  id: 26299,
  name: 'Probe',
  many: true,
  resources: { level: { id: 0, type: 'integer', access: 'RW', required: true } },
});
const level = '/26299/0/0';
const warmth = '/3303/0/5700';

async function setUp() {
  const world = await World.make();
  const thing = await world.device('a');
  await world.until(() => thing.client.phase() === 'registered');
  return { world, thing, device: world.server.device('a') };
}

describe('a filter of a recording', () => {
  it('that throws keeps the value, is told of, and keeps nobody from hearing', async () => {
    const { world, thing } = await setUp();
    await using _ = world;
    const failures: unknown[] = [];
    thing.client.events.on('listener-failed', (failure) => failures.push(failure));
    const error = new Error('no scale');
    thing.client.record(warmth, {
      size: 5,
      accept: () => {
        throw error;
      },
    });
    const watching = world.observing('a', warmth);
    await world.pass(seconds(1));
    thing.warm(30);
    await world.pass(seconds(2));
    expect(watching.values).toEqual([20, 30]);
    expect(failures).toEqual([{ event: 'accept', error }]);
  });
});

describe('a reader', () => {
  async function withReader() {
    const all = await setUp();
    const { world, thing } = all;
    let now = 1;
    let isBusy = false;
    thing.objects.define(Probe, {
      readers: {
        level: () => {
          if (isBusy) throw new Error('the sensor is busy');
          return now;
        },
      },
    });
    thing.objects.add(Probe, 0, { level: 0 });
    await world.pass(seconds(2));
    await world.during(all.device.writeAttributes(level, { pmax: 10 }));
    return {
      ...all,
      set: (value: number) => {
        now = value;
      },
      fail: (busy: boolean) => {
        isBusy = busy;
      },
    };
  }

  it('that fails for a while ends no observation: what it says afterwards is heard', async () => {
    const { world, set, fail } = await withReader();
    await using _ = world;
    const watching = world.observing('a', level);
    await world.pass(seconds(12));
    fail(true);
    await world.pass(seconds(25));
    const before = watching.values.length;
    fail(false);
    set(7);
    await world.pass(seconds(12));
    expect(watching.values.length).toBeGreaterThan(before);
    expect(watching.values.at(-1)).toBe(7);
  });

  it('that fails takes nothing from what is asked for beside it', async () => {
    const { world, thing, device, fail } = await withReader();
    await using _ = world;
    const watching = world.observingAll('a', [level, warmth]);
    await world.pass(seconds(2));
    fail(true);
    const paths = [parsePath(warmth), parsePath(level)];
    expect(await world.during(device.perform({ op: 'read-composite', paths }))).toMatchObject({
      entries: [{ path: parsePath(warmth) }],
    });
    await expect(world.during(device.read(level))).rejects.toThrow('5.00');
    thing.warm(33);
    await world.pass(seconds(2));
    expect(watching.values.at(-1)).toEqual([`${warmth} 33`]);
  });
});

describe('a promise', () => {
  it('from a check refuses the write, which would be done before it says no', async () => {
    const { world, thing, device } = await setUp();
    await using _ = world;
    let waits = false;
    thing.objects.define(Probe, { check: () => (waits ? Promise.reject(new Error('too high')) : undefined) });
    const probe = thing.objects.add(Probe, 0, { level: 1 });
    await world.pass(seconds(2));
    waits = true;
    const entries = [{ path: parsePath(level), value: makeValue('integer', 9) }];
    const write = device.perform({ op: 'write', mode: 'replace', path: parsePath(level), entries } as never);
    expect(await world.during(write)).toMatchObject({ kind: 'refused', code: Code.InternalServerError });
    expect(probe.get('level')).toBe(1);
  });

  it('from a batch is a TypeError, and nothing has changed', async () => {
    const { world, thing } = await setUp();
    await using _ = world;
    const watching = world.observing('a', warmth);
    await world.pass(seconds(1));
    const temperature = thing.objects.get(Temperature, 0);
    expect(() =>
      thing.client.batch(() => {
        temperature?.set({ sensorValue: 21 });
        return Promise.resolve();
      }),
    ).toThrow(TypeError);
    await world.pass(seconds(2));
    expect(temperature?.get('sensorValue')).toBe(20);
    expect(watching.values).toEqual([20]);
  });
});

// Code of whoever uses the client that needs time: values that have to be found out before they are told, and changes that somebody is to approve.
import { Code, ResponseError } from '@lapwing/coap';
import { delay, minutes, seconds } from '@lapwing/kernel';
import { defineObject, makeValue, parsePath } from '@lapwing/lwm2m';
import { describe, expect, it } from 'vitest';
import { World } from './world.ts';

const Probe = defineObject({
  id: 26299,
  name: 'Probe',
  many: true,
  resources: {
    level: { id: 0, type: 'integer', access: 'RW', required: true },
    heads: { id: 1, type: 'integer', access: 'R', many: true },
    label: { id: 2, type: 'string', access: 'RW' },
  },
});
const level = '/26299/0/0';
const warmth = '/3303/0/5700';
const writing = (path: string, value: number) => {
  const at = parsePath(path);
  return {
    op: 'write',
    mode: 'replace',
    path: at,
    entries: [{ path: at, value: makeValue('integer', value) }],
  } as never;
};

describe('a value that has to be found out', () => {
  /** A sensor that needs two seconds for what it says. */
  async function setUp() {
    const world = await World.make();
    const thing = await world.device('a', { actionTimeout: seconds(10) });
    await world.until(() => thing.client.phase() === 'registered');
    const sensor = { now: 1, takes: seconds(2), asked: 0, fails: undefined as unknown };
    thing.objects.define(Probe, {
      fetchers: {
        level: async () => {
          sensor.asked += 1;
          await delay(world.clock, sensor.takes);
          if (sensor.fails !== undefined) throw sensor.fails;
          return sensor.now;
        },
        heads: async (instance) => new Map([[instance, sensor.now]]),
      },
    });
    const probe = thing.objects.add(Probe, 0, { level: 0, heads: new Map(), label: 'x' });
    await world.pass(seconds(2));
    return { world, thing, probe, sensor, device: world.server.device('a') };
  }

  it('is what servers read, observe and are sent', async () => {
    const { world, thing, probe, sensor, device } = await setUp();
    await using _ = world;
    expect(await world.during(device.read(level))).toMatchObject([{ value: { value: 1 } }]);
    expect(probe.get('level')).toBe(1);
    sensor.now = 2;
    const paths = [parsePath('/26299'), parsePath(warmth)];
    expect(await world.during(device.perform({ op: 'read-composite', paths }))).toMatchObject({
      entries: [
        { path: parsePath(level), value: { value: 2 } },
        { path: parsePath('/26299/0/1/0'), value: { value: 2 } },
        { path: parsePath('/26299/0/2') },
        { path: parsePath(warmth) },
      ],
    });
    sensor.now = 3;
    const watching = world.observing('a', level);
    await world.pass(seconds(3));
    expect(watching.values).toEqual([3]);
    sensor.now = 4;
    const sent: unknown[] = [];
    world.server.events.on('sent', ({ entries }) => sent.push(...entries.map(({ value }) => value?.value)));
    await world.during(thing.client.send([level]));
    expect(sent).toEqual([4]);
    await world.pass(seconds(2));
    // It was set, so whoever observes it hears of it too.
    expect(watching.values).toEqual([3, 4]);
  });

  it('is asked for once where several ask at the same time, and not where nobody reads it', async () => {
    const { world, thing, sensor, device } = await setUp();
    await using _ = world;
    await world.during(device.read('/26299/0/2'));
    await world.during(device.read(warmth));
    expect(sensor.asked).toBe(0);
    await world.during(Promise.all([device.read(level), thing.client.send([level])]));
    expect(sensor.asked).toBe(1);
  });

  it('is asked for when the longest period of an observation is over, and told once', async () => {
    const { world, sensor, device } = await setUp();
    await using _ = world;
    await world.during(device.writeAttributes(level, { pmin: 5, pmax: 20 }));
    const watching = world.observing('a', level);
    await world.pass(seconds(3));
    await world.pass(seconds(23));
    expect(watching.values).toEqual([1, 1]);
    sensor.now = 5;
    await world.pass(seconds(24));
    expect(watching.values).toEqual([1, 1, 5]);
    const { asked } = sensor;
    await world.pass(minutes(10));
    expect(watching.values.slice(3).every((value) => value === 5)).toBe(true);
    expect(watching.values.length - 3).toBeGreaterThan(20);
    expect(sensor.asked - asked).toBe(watching.values.length - 3);
  });

  it('is asked for when it is time to evaluate (epmax), and told where it is worth it', async () => {
    const { world, sensor, device } = await setUp();
    await using _ = world;
    await world.during(device.writeAttributes(level, { epmax: 10, gt: 50 }));
    const watching = world.observing('a', level);
    await world.pass(seconds(30));
    expect(watching.values).toEqual([1]);
    sensor.now = 60;
    await world.pass(seconds(15));
    expect(watching.values).toEqual([1, 60]);
    expect(sensor.asked).toBeGreaterThan(3);
  });

  it('that cannot be found out is an error to whoever reads it, is left out beside others, and ends no observation', async () => {
    const { world, sensor, device, probe } = await setUp();
    await using _ = world;
    await world.during(device.writeAttributes(level, { pmax: 20 }));
    const watching = world.observing('a', level);
    await world.pass(seconds(3));
    sensor.fails = new Error('no sensor');
    await expect(world.during(device.read(level))).rejects.toThrow('5.00');
    const paths = [parsePath(level), parsePath(warmth)];
    expect(await world.during(device.perform({ op: 'read-composite', paths }))).toMatchObject({
      entries: [{ path: parsePath(warmth) }],
    });
    sensor.fails = new ResponseError(Code.ServiceUnavailable);
    await expect(world.during(device.read(level))).rejects.toThrow('5.03');
    await world.pass(minutes(2));
    sensor.fails = undefined;
    sensor.takes = seconds(60);
    await expect(world.during(device.read(level))).rejects.toThrow('5.03');
    // What the application knows is known.
    probe.set({ level: 8 });
    await world.pass(seconds(1));
    expect(watching.values.at(-1)).toBe(8);
    sensor.takes = 0;
    sensor.now = 9;
    await world.pass(seconds(130));
    expect(watching.values.at(-1)).toBe(9);
  });

  it('of what is gone meanwhile is of no account', async () => {
    const { world, thing, device } = await setUp();
    await using _ = world;
    const reading = device.read(level);
    reading.catch(() => undefined);
    await world.pass(seconds(1));
    thing.objects.remove(26299, 0);
    await expect(world.during(reading)).rejects.toThrow('4.04');
  });
});

describe('who is to approve what servers want', () => {
  async function setUp() {
    const world = await World.make();
    const thing = await world.device('a', { actionTimeout: seconds(10) });
    await world.until(() => thing.client.phase() === 'registered');
    const asked: string[] = [];
    let verdict: (level: unknown) => void = () => undefined;
    let takes = seconds(2);
    thing.objects.define(Probe, {
      creatable: {},
      approve: async ({ kind, instance, valueOf, touched }) => {
        const content = valueOf(0);
        asked.push(`${kind} ${instance} ${[...touched]} ${(content as { value?: unknown } | undefined)?.value}`);
        await delay(world.clock, takes);
        verdict((content as { value?: unknown } | undefined)?.value);
      },
    });
    const probe = thing.objects.add(Probe, 0, { level: 1 });
    await world.pass(seconds(2));
    return {
      world,
      thing,
      probe,
      asked,
      device: world.server.device('a'),
      judge: (judge: typeof verdict) => {
        verdict = judge;
      },
      slow: (wait: number) => {
        takes = wait;
      },
    };
  }

  it('hears of it as it would be, and nothing has changed before it resolves', async () => {
    const { world, probe, asked, device, thing } = await setUp();
    await using _ = world;
    const write = device.perform(writing(level, 9));
    await world.pass(seconds(1));
    expect(asked).toEqual(['write 0 0 9']);
    expect(probe.get('level')).toBe(1);
    expect(await world.during(write)).toMatchObject({ kind: 'done', code: Code.Changed });
    expect(probe.get('level')).toBe(9);
    // Of the application nobody asks.
    probe.set({ level: 10 });
    thing.objects.add(Probe, 3, { level: 1 });
    thing.objects.remove(26299, 3);
    expect(asked).toHaveLength(1);
  });

  it('refuses with what it rejects with: a write, a composite, what is created and deleted', async () => {
    const { world, probe, asked, device, judge, thing } = await setUp();
    await using _ = world;
    judge((value) => {
      if (value !== 2) throw new ResponseError(Code.Forbidden);
    });
    const entries = [
      { path: parsePath(level), value: makeValue('integer', 3) },
      { path: parsePath('/26299/0/2'), value: makeValue('string', 'y') },
    ];
    for (const operation of [
      writing(level, 9),
      { op: 'write-composite', entries } as never,
      { op: 'create', path: parsePath('/26299'), entries: [entries[0]] } as never,
      { op: 'delete', path: parsePath('/26299/0') } as never,
    ])
      expect(await world.during(device.perform(operation))).toMatchObject({ kind: 'refused', code: Code.Forbidden });
    expect(probe.get('level')).toBe(1);
    expect(probe.get('label')).toBe(undefined);
    expect([...(thing.objects.objects.get(26299)?.instances.keys() ?? [])]).toEqual([0]);
    expect(asked).toEqual(['write 0 0 9', 'write 0 0,2 3', 'create 1 0 3', 'delete 0  1']);
    expect(await world.during(device.perform(writing(level, 2)))).toMatchObject({ kind: 'done' });
    expect(await world.during(device.perform({ op: 'delete', path: parsePath('/26299/0') } as never))).toMatchObject({
      kind: 'done',
    });
  });

  it('is asked about one request at a time, so that two that create get places of their own', async () => {
    const { world, asked, device, thing } = await setUp();
    await using _ = world;
    const create = (value: number) =>
      device.perform({
        op: 'create',
        path: parsePath('/26299'),
        entries: [{ path: parsePath(level), value: makeValue('integer', value) }],
      } as never);
    await world.during(Promise.all([create(5), create(6)]));
    expect(asked).toEqual(['create 1 0 5', 'create 2 0 6']);
    expect([...(thing.objects.objects.get(26299)?.instances.keys() ?? [])]).toEqual([0, 1, 2]);
  });

  it('that says nothing in time is 5.03, and the next is asked all the same', async () => {
    const { world, probe, device, slow } = await setUp();
    await using _ = world;
    slow(minutes(10));
    expect(await world.during(device.perform(writing(level, 7)))).toMatchObject({ code: Code.ServiceUnavailable });
    expect(probe.get('level')).toBe(1);
    slow(0);
    expect(await world.during(device.perform(writing(level, 8)))).toMatchObject({ kind: 'done' });
    await world.pass(minutes(20));
    expect(probe.get('level')).toBe(8);
  });
});

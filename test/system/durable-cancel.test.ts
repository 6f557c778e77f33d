// The end of a kept observation that is asked for through the durable queue: nobody asks the device again, whatever became of the
// relation meanwhile, and whether or not the device ever hears of it.
import { hours, minutes, seconds } from '@lapwing/kernel';
import { instancePath, type Operation, parsePath } from '@lapwing/lwm2m';
import { describe, expect, it } from 'vitest';
import { setUp } from './durable.ts';
import { Setting, Temperature } from './objects.ts';

const path = parsePath('/3303/0/5700');
const paths = [path, parsePath('/3303/0/5601')] as const;
const observe = { op: 'observe', path } as const;
const cancel = { op: 'cancel-observe', path } as const;

const kinds: readonly (readonly [Operation, Operation])[] = [
  [observe, cancel],
  [
    { op: 'observe-composite', paths },
    { op: 'cancel-observe-composite', paths },
  ],
];

/** A device that sleeps, and is observed. */
async function asleep(operation: Operation, lifetime = hours(1)) {
  const all = await setUp();
  const { world } = all;
  const thing = await world.device('a', { queueMode: true, awakeTime: seconds(10), lifetime });
  await world.pass(seconds(3));
  const observed = await world.server.queue('a', operation, { note: 'n' });
  expect(await world.during(observed.settled())).toMatchObject({ kind: 'answered', result: { kind: 'content' } });
  const sleep = () => world.until(() => !world.server.isAwake('a'));
  await sleep();
  return { ...all, thing, sleep };
}

it.each(kinds)('%o is over by its cancel, also where the device had ended it before', async (operation, end) => {
  const { world, thing, disk, sleep } = await asleep(operation);
  await using _ = world;
  thing.objects.remove(3303, 0);
  await world.pass(minutes(3));
  await sleep();
  const cancelled = await world.server.queue('a', end);
  thing.client.update();
  expect(await world.during(cancelled.settled(), hours(2))).toMatchObject({ kind: 'answered' });
  expect(world.server.stats().kept.wanted).toBe(0);
  expect(await disk.observations.of('a')).toEqual([]);
  thing.objects.add(Temperature, 0, { sensorValue: 7, minMeasured: 7 });
  await world.pass(hours(3));
  expect(world.of('observation-renewed')).toEqual([]);
  expect(world.server.observations('a')).toEqual([]);
});

it.each(kinds)(
  '%o is not wanted from the moment on in which its end is queued, though that is withdrawn',
  async (operation, end) => {
    const { world, disk } = await asleep(operation);
    await using _ = world;
    const cancelled = await world.server.queue('a', end);
    await world.pass(seconds(1));
    expect(await disk.observations.of('a')).toEqual([]);
    expect(cancelled.cancel()).toBe(true);
    await world.cut(world.thing('a'));
    await world.device('a', { lifetime: hours(1) });
    await world.pass(minutes(5));
    expect(world.of('observation-renewed')).toEqual([]);
    expect(world.server.observations('a')).toEqual([]);
  },
);

it('is over when it was asked for in the queue ahead of its end, and the device has ended it in between', async () => {
  const { world, thing } = await asleep(observe);
  await using _ = world;
  thing.objects.add(Setting, 0, { label: 'short-lived' });
  const label = parsePath('/26241/0/0');
  await world.server.queue('a', { op: 'observe', path: label }, { note: 'label' });
  const gone = await world.server.queue('a', { op: 'delete', path: instancePath(26_241, 0) });
  const last = await world.server.queue('a', { op: 'cancel-observe', path: label });
  await world.during(last.settled(), hours(1));
  expect(gone.outcome).toMatchObject({ result: { kind: 'done' } });
  expect(world.of('observation-ended')).toMatchObject([{ cause: 'refused' }]);
  expect(world.server.stats()).toMatchObject({ observations: 1, kept: { wanted: 1 } });
});

it('is wanted again by an observe that is queued behind its end, and a repeated end with an id changes nothing', async () => {
  const { world, thing } = await asleep(observe);
  await using _ = world;
  await world.server.queue('a', cancel, { id: 'c' });
  const again = await world.server.queue('a', observe, { note: 'again' });
  await world.server.queue('a', cancel, { id: 'c' });
  thing.client.update();
  await world.during(again.settled(), minutes(5));
  expect(world.server.stats()).toMatchObject({ observations: 1, kept: { wanted: 1 } });
});

describe('whoever reads an observation that lasts comes to its end by a cancel', () => {
  it('from the queue, though the device registers anew before it hears of it', async () => {
    const { world } = await setUp();
    await using _ = world;
    const thing = await world.device('a', { queueMode: true, awakeTime: seconds(10), lifetime: hours(1) });
    await world.pass(seconds(3));
    const reader = world.observing('a', '/3303/0/5700', { lasting: true });
    await world.until(() => !world.server.isAwake('a'));
    const cancelled = await world.server.queue('a', cancel);
    expect(world.server.observations('a')).toHaveLength(1);
    await world.cut(thing);
    await world.device('a', { lifetime: hours(1) });
    await world.during(cancelled.settled());
    expect(await world.during(reader.ended)).toBeUndefined();
    expect(reader.values).toEqual([20]);
  });

  /** The reader goes on, though the object has gone. */
  const endedByDevice = async () => {
    const { world } = await setUp();
    const { objects } = await world.device('a', { lifetime: hours(1) });
    await world.pass(seconds(3));
    const reader = world.observing('a', '/3303/0/5700', { lasting: true });
    await world.pass(seconds(2));
    objects.remove(3303, 0);
    await world.until(() => world.server.observations('a').length === 0);
    return { world, objects, reader };
  };

  it('where the device had ended it, and nobody had asked anew yet', async () => {
    const { world, reader } = await endedByDevice();
    await using _ = world;
    expect(await world.during(world.server.perform('a', cancel))).toMatchObject({ kind: 'refused' });
    expect(await world.during(reader.ended)).toBeUndefined();
  });

  it('also where somebody else is to hear of it from now on', async () => {
    const { world, objects, reader } = await endedByDevice();
    await using _ = world;
    objects.add(Temperature, 0, { sensorValue: 7, minMeasured: 7 });
    await world.during(world.server.perform('a', observe, { keep: { note: 'n' } }));
    expect(await world.during(reader.ended)).toBeUndefined();
  });
});

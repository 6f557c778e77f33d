// Kept observations of a device that share a relation: one composite when it registers anew, and each hears what concerns it.
import { ObjectStore } from '@lapwing/client';
import { Code } from '@lapwing/coap';
import { hours, minutes, seconds } from '@lapwing/kernel';
import { type Path, parsePath } from '@lapwing/lwm2m';
import { describe, expect, it } from 'vitest';
import { Disk } from './durable.ts';
import { KeptAssociations } from './kept-associations.ts';
import { Setting, Temperature } from './objects.ts';
import { serverHost, type Thing, type ThingOptions, World, type WorldOptions } from './world.ts';

const value = parsePath('/3303/0/5700');
const lowest = parsePath('/3303/0/5601');
const offset = parsePath('/3/0/14');

/** A server that makes kept observations again together, and a device that is observed at some paths and has registered anew since. */
async function setUp(
  paths: readonly Path[],
  { device = {}, ...options }: WorldOptions & { readonly device?: ThingOptions } = {},
) {
  const disk = new Disk();
  const server = { keptObservations: 'together', stores: disk.stores(), ...options.server } as const;
  const world = await World.make({ associations: new KeptAssociations(), ...options, server });
  const asked: number[] = [];
  world.network.tap = (from, _to, bytes) => {
    // Without security the code is the second byte.
    if (from.host === serverHost && bytes[1] !== undefined && bytes[1] > 0 && bytes[1] < 32) asked.push(bytes[1]);
    return bytes;
  };
  const thing = await world.device('dev', { lifetime: hours(1), ...device });
  await world.pass(seconds(5));
  for (const [i, path] of paths.entries())
    await world.during(world.server.perform('dev', { op: 'observe', path }, { keep: { note: `n${i}` } }));
  asked.length = 0;
  const again = await reboot(world, thing, device);
  const restart = async () => {
    await world.stopServer();
    await world.pass(seconds(1));
    await world.startServer({ ...server, stores: disk.stores() });
    await world.pass(seconds(1));
  };
  return { world, thing: again, asked, restart };
}

async function reboot(world: World, thing: Thing, device: ThingOptions = {}): Promise<Thing> {
  await world.cut(thing);
  const again = await world.device('dev', { lifetime: hours(1), ...device });
  await world.pass(seconds(10));
  return again;
}

/** What was told of each path since the last look. */
function told(world: World): readonly string[] {
  const lines = world.of('notify').map(({ observation, result }) => {
    const { path } = observation;
    const ids = path.kind === 'resource' ? `${path.object}/${path.resource}` : path.kind;
    return `${ids} ${result.entries.map((entry) => String(entry.value?.value)).join()}`;
  });
  world.heard.length = 0;
  return lines;
}

describe('kept observations of a device that has registered anew', () => {
  it('are asked for in one request, and each has its value now', async () => {
    const { world, asked } = await setUp([value, lowest, offset]);
    await using _ = world;
    expect(asked).toEqual([Code.Fetch]);
    const renewed = world.of('observation-renewed');
    expect(renewed.map(({ observation, result }) => [observation.path, result.entries])).toMatchObject([
      [value, [{ path: value, value: { value: 20 } }]],
      [lowest, [{ path: lowest, value: { value: 20 } }]],
      [offset, [{ path: offset, value: { value: '+00:00' } }]],
    ]);
    expect(world.server.observations('dev').map(({ path, tag }) => [path, tag])).toEqual([
      [value, 'n0'],
      [lowest, 'n1'],
      [offset, 'n2'],
    ]);
    expect(world.server.stats()).toMatchObject({ observations: 3, endpoints: { 'listener-1': { observations: 1 } } });
  });

  it('hear what concerns them, and all of them what says nothing new', async () => {
    const { world, thing } = await setUp([value, lowest, offset]);
    await using _ = world;
    told(world);
    thing.warm(25);
    await world.pass(seconds(2));
    expect(told(world)).toEqual(['3303/5700 25']);
    thing.measure({ sensorValue: 10, minMeasured: 10 });
    await world.pass(seconds(2));
    expect(told(world)).toEqual(['3303/5700 10', '3303/5601 10']);
    await world.during(world.server.device('dev').writeAttributes('/3303/0/5601', { pmax: 60 }));
    await world.pass(seconds(61));
    expect(told(world)).toEqual(['3303/5700 10', '3303/5601 10', '3/14 +00:00']);
  });

  it('are those of a reader that lasts, too', async () => {
    await using world = await World.make({ server: { keptObservations: 'together' } });
    const thing = await world.device('dev');
    await world.pass(seconds(5));
    const one = world.observing('dev', '/3303/0/5700', { lasting: true });
    const other = world.observing('dev', '/3303/0/5601', { lasting: true });
    await world.pass(seconds(2));
    const again = await reboot(world, thing);
    again.warm(22);
    await world.pass(seconds(2));
    expect([one.values, other.values]).toEqual([
      [20, 20, 22],
      [20, 20],
    ]);
    expect(world.server.stats().endpoints['listener-1']?.observations).toBe(1);
    one.stop();
    await world.pass(seconds(2));
    again.warm(23);
    again.measure({ minMeasured: 5 });
    await world.pass(seconds(2));
    expect([one.values, other.values]).toEqual([
      [20, 20, 22],
      [20, 20, 5],
    ]);
  });

  it('are asked for each by itself by default, and of a device of 1.0', async () => {
    const each = await setUp([value, lowest], { server: { keptObservations: 'each' } });
    expect(each.asked).toEqual([Code.Get, Code.Get]);
    await each.world[Symbol.asyncDispose]();
    const old = await setUp([value, lowest], { device: { version: '1.0' } });
    expect(old.asked).toEqual([Code.Get, Code.Get]);
    await old.world[Symbol.asyncDispose]();
  });

  it('are asked for each by itself when the device does not agree, until it registers anew', async () => {
    const { world, thing, asked } = await setUp([value, lowest]);
    await using _ = world;
    const through = world.network.tap ?? expect.fail('no tap');
    let isRefusing = true;
    world.network.tap = (from, to, bytes) => {
      const seen = through(from, to, bytes);
      if (!isRefusing || from.host !== serverHost || bytes[1] !== Code.Fetch) return seen;
      // A method that nobody knows: 4.05.
      const other = bytes.slice();
      other[1] = 31;
      return other;
    };
    asked.length = 0;
    const again = await reboot(world, thing);
    expect(asked).toEqual([Code.Fetch, Code.Get, Code.Get]);
    expect(world.server.stats()).toMatchObject({ observations: 2, endpoints: { 'listener-1': { observations: 2 } } });
    told(world);
    again.warm(25);
    await world.pass(seconds(2));
    expect(told(world)).toEqual(['3303/5700 25']);
    isRefusing = false;
    asked.length = 0;
    await reboot(world, again);
    expect(asked).toEqual([Code.Fetch]);
    expect(world.server.stats()).toMatchObject({ observations: 2, endpoints: { 'listener-1': { observations: 1 } } });
  });

  it('are asked for by themselves where there is nothing, which says why; the others go on together', async () => {
    const { world, thing, asked } = await setUp([value, lowest, offset]);
    await using _ = world;
    await world.cut(thing);
    asked.length = 0;
    const objects = new ObjectStore();
    objects.add(Temperature, 0, { sensorValue: 19, minMeasured: 19 });
    await world.device('dev', { lifetime: hours(1), objects });
    await world.pass(seconds(10));
    expect(asked).toEqual([Code.Fetch, Code.Get]);
    expect(world.of('observation-not-renewed')).toMatchObject([{ name: 'dev', path: offset, code: Code.NotFound }]);
    expect(world.server.observations('dev').map(({ path }) => path)).toEqual([value, lowest]);
    expect(world.server.stats().endpoints['listener-1']?.observations).toBe(1);
  });

  it('end where what they are of has gone, as the device would have said by itself', async () => {
    const label = parsePath('/26241/0/0');
    const { world, thing } = await setUp([value]);
    await using _ = world;
    const device = world.server.device('dev');
    await world.during(device.create(Setting, { label: 'a' }, { instance: 0 }));
    await world.during(world.server.perform('dev', { op: 'observe', path: label }, { keep: { note: 'label' } }));
    // The server asks for both together once the device has forgotten them.
    thing.transport.rebind({ port: 55_555 });
    await world.pass(hours(2));
    expect(world.server.stats()).toMatchObject({ observations: 2, endpoints: { 'listener-1': { observations: 1 } } });
    told(world);
    await world.during(device.delete('/26241/0'));
    await world.pass(seconds(2));
    const [ended] = world.of('observation-ended');
    expect(ended?.observation.path).toEqual(label);
    expect(ended).toMatchObject({ cause: 'refused', refusal: { code: Code.NotFound } });
    thing.warm(30);
    await world.pass(seconds(2));
    expect(told(world)).toEqual(['3303/5700 30']);
  });

  it('go on after a restart of the server under their one token, and the device hears nothing of it', async () => {
    const { world, thing, asked, restart } = await setUp([value, lowest, offset]);
    await using _ = world;
    asked.length = 0;
    await restart();
    told(world);
    thing.measure({ sensorValue: 8, minMeasured: 8 });
    await world.pass(seconds(2));
    expect(told(world)).toEqual(['3303/5700 8', '3303/5601 8', '3/14 +00:00']);
    thing.warm(9);
    await world.pass(seconds(2));
    expect(told(world)).toEqual(['3303/5700 9']);
    expect(asked).toEqual([]);
    expect(world.server.stats()).toMatchObject({ observations: 3, endpoints: { 'listener-1': { observations: 1 } } });
  });
});

describe('one of several that share a relation', () => {
  it('is cancelled by itself: the device is asked for the others, and the last ends it', async () => {
    const { world, thing, asked } = await setUp([value, lowest, offset]);
    await using _ = world;
    const cancel = (path: Path) => world.during(world.server.perform('dev', { op: 'cancel-observe', path }));
    asked.length = 0;
    expect(await cancel(value)).toMatchObject({ kind: 'content', entries: [{ path: value, value: { value: 20 } }] });
    await world.pass(seconds(2));
    expect(asked).toEqual([Code.Get, Code.Fetch]);
    told(world);
    thing.warm(25);
    await world.pass(seconds(2));
    expect(told(world)).toEqual([]);
    thing.measure({ minMeasured: 4 });
    await world.pass(seconds(2));
    expect(told(world)).toEqual(['3303/5601 4']);
    await cancel(lowest);
    await world.pass(seconds(2));
    expect(await cancel(offset)).toMatchObject({ kind: 'content', entries: [{ path: offset }] });
    expect(thing.client.stats()?.relations).toBe(0);
    expect(world.server.stats()).toMatchObject({ observations: 0, endpoints: { 'listener-1': { observations: 0 } } });
  });

  it('that is asked for again has a relation of its own', async () => {
    const { world, thing, asked } = await setUp([value, lowest, offset]);
    await using _ = world;
    asked.length = 0;
    const observed = await world.during(world.server.perform('dev', { op: 'observe', path: value }, { tag: 'own' }));
    expect(observed).toMatchObject({ kind: 'content', sequence: expect.any(Number) });
    await world.pass(seconds(2));
    expect(asked).toEqual([Code.Get, Code.Fetch]);
    told(world);
    thing.warm(25);
    await world.pass(seconds(2));
    expect(told(world)).toEqual(['3303/5700 25']);
    expect(world.server.stats()).toMatchObject({ observations: 3, endpoints: { 'listener-1': { observations: 2 } } });
  });
});

describe.each(['dtls-cid', 'oscore', 'oscore-dtls'] as const)('a relation that several share, over %s', (road) => {
  it('follows the device to another address', async () => {
    const { world, thing } = await setUp([value, lowest, offset], { road });
    await using _ = world;
    const before = world.server.registration('dev')?.id;
    thing.transport.rebind({ port: 55_555 });
    thing.warm(25);
    await world.pass(seconds(5));
    told(world);
    thing.measure({ minMeasured: 3 });
    await world.pass(seconds(5));
    expect(told(world)).toEqual(['3303/5601 3']);
    expect(world.server.registration('dev')?.id).toBe(before);
    expect(world.server.stats()).toMatchObject({ observations: 3 });
    await world.pass(minutes(40));
    thing.measure({ sensorValue: 1, minMeasured: 1 });
    await world.pass(seconds(5));
    expect([...told(world)].sort()).toEqual(['3303/5601 1', '3303/5700 1']);
  });
});

it.each(['tcp', 'oscore-tcp'] as const)(
  'is asked for anew where the device makes another connection: %s',
  async (road) => {
    const { world, thing } = await setUp([value, lowest], { road });
    await using _ = world;
    world.network.darken(thing.host);
    await world.pass(minutes(10));
    world.network.lighten(thing.host);
    await world.pass(hours(1));
    told(world);
    thing.measure({ sensorValue: 2 });
    await world.pass(seconds(5));
    expect(told(world)).toEqual(['3303/5700 2']);
    expect(world.server.stats()).toMatchObject({ observations: 2, endpoints: { 'listener-1': { observations: 1 } } });
  },
);

import { ContentFormat } from '@lapwing/coap';
import { hours, minutes, seconds } from '@lapwing/kernel';
import { instancePath, type Lwm2mVersion, makeValue, resourcePath } from '@lapwing/lwm2m';
import { describe, expect, it } from 'vitest';
import { Setting, Temperature } from './objects.ts';
import { isOverStream, rows } from './rows.ts';
import { type ThingOptions, World } from './world.ts';

const path = '/3303/0/5700';

async function setUp(options: (typeof rows)[number]['options'] = {}, thingOptions: ThingOptions = {}) {
  const world = await World.make(options);
  const thing = await world.device('a', { lifetime: hours(24), ...thingOptions });
  while (world.server.registration('a') === undefined) await world.pass(seconds(1));
  return { world, thing, device: world.server.device('a') };
}

describe.each(rows)('over $name, a server', ({ options }) => {
  it('observes a value and hears the newest, until it cancels', async () => {
    const { world, thing } = await setUp(options);
    await using _ = world;
    const watching = world.observing('a', path);
    while (watching.values.length === 0) await world.pass(100);
    for (const celsius of [21, 22, 23]) {
      thing.warm(celsius);
      await world.pass(minutes(2));
    }
    const { values } = watching;
    expect(values[0]).toBe(20);
    expect(values.at(-1)).toBe(23);
    expect(values.every((value, i) => i === 0 || (value as number) > (values[i - 1] as number))).toBe(true);
    watching.stop();
    await world.during(watching.ended);
    const before = values.length;
    thing.warm(30);
    await world.pass(minutes(5));
    expect(values).toHaveLength(before);
    expect(world.server.stats().observations).toBe(0);
    expect(thing.client.stats()).toMatchObject({ relations: 0, endpoint: { relations: 0 } });
  });

  it('hears what comes after an observe that it repeats while a notification is on its way', async () => {
    const { world, thing, device } = await setUp(options);
    await using _ = world;
    const heard: unknown[] = [];
    world.server.events.on('notify', ({ result }) => heard.push(result.entries[0]?.value?.value));
    const observe = () => device.perform({ op: 'observe', path: resourcePath(3303, 0, 5700) });
    await world.during(observe());
    for (const celsius of [21, 22, 23]) {
      thing.warm(celsius);
      await world.pass(minutes(2));
    }
    const again = observe();
    thing.warm(40);
    await world.during(again);
    for (const celsius of [50, 51, 52]) {
      await world.pass(seconds(20));
      thing.warm(celsius);
    }
    await world.pass(minutes(5));
    expect(heard.at(-1)).toBe(52);
    expect(world.server.stats().observations).toBe(1);
    expect(thing.client.stats()).toMatchObject({ endpoint: { relations: 1 } });
  });

  it('goes on to hear what it observes when it repeats that with attributes that no request can be made of', async () => {
    const { world, thing, device } = await setUp(options);
    await using _ = world;
    const path = instancePath(3303, 0);
    await world.during(device.perform({ op: 'observe', path }));
    const again = world.during(device.perform({ op: 'observe', path, attributes: { gt: 5 } }));
    await expect(again).rejects.toThrow('gt is for resources');
    expect(world.server.observations('a')).toHaveLength(1);
    thing.warm(33);
    await world.pass(minutes(2));
    expect(world.of('notify')).toHaveLength(1);
  });

  it('D-08: hears the last of a storm of changes', async () => {
    const { world, thing } = await setUp(options);
    await using _ = world;
    const watching = world.observing('a', path);
    while (watching.values.length === 0) await world.pass(100);
    for (let i = 1; i <= 2000; i += 1) {
      thing.warm(20 + i / 100);
      if (i % 10 === 0) await world.pass(1);
    }
    thing.warm(99);
    await world.pass(minutes(2));
    expect(watching.values.at(-1)).toBe(99);
    // A connection with room takes them all; NSTART is for those who do not know how much there is.
    if (!isOverStream(options)) expect(watching.values.length).toBeLessThan(50);
    expect(thing.client.stats()?.endpoint.unacknowledged).toBe(0);
  });
});

describe('notifications', () => {
  it('come no sooner than pmin and no later than pmax', async () => {
    const { world, thing, device } = await setUp();
    await using _ = world;
    await world.during(device.writeAttributes(path, { pmin: 10, pmax: 60 }));
    const watching = world.observing('a', path);
    await world.pass(seconds(1));
    const start = world.clock.now();
    thing.warm(21);
    await world.pass(seconds(8));
    expect(watching.values).toEqual([20]);
    await world.pass(seconds(2));
    expect(watching.values).toEqual([20, 21]);
    await world.pass(seconds(61));
    expect(watching.values).toEqual([20, 21, 21]);
    expect(world.of('notify')).toHaveLength(2);
    expect(world.clock.now() - start).toBeLessThan(seconds(75));
  });

  it('obey gt, lt and st together', async () => {
    const { world, thing, device } = await setUp();
    await using _ = world;
    await world.during(device.writeAttributes(path, { gt: 30, lt: 10, st: 8 }));
    const watching = world.observing('a', path);
    for (const celsius of [20, 25, 27, 28, 29, 31, 24, 17, 9, 9.5, 10.5]) {
      thing.warm(celsius);
      await world.pass(seconds(1));
    }
    expect(watching.values).toEqual([20, 28, 31, 24, 9, 10.5]);
  });

  it('follow attributes that come with the observation itself, from 1.2 on', async () => {
    const { world, thing } = await setUp({}, { version: '1.2' });
    await using _ = world;
    const operation = {
      op: 'observe',
      path: { kind: 'resource', object: 3303, instance: 0, resource: 5700 },
      attributes: { pmin: 30 },
    } as const;
    await world.during(world.server.perform('a', operation));
    thing.warm(21);
    await world.pass(seconds(20));
    expect(world.of('notify')).toHaveLength(0);
    await world.pass(seconds(15));
    expect(world.of('notify')).toHaveLength(1);
    const links = await world.during(world.server.device('a').discover(path));
    expect(links[0]?.attributes.has('pmin')).toBe(false);
  });

  it('pass over all that is written where some come with the observation, but not the defaults of the server', async () => {
    const { world, thing, device } = await setUp({}, { version: '1.2', defaultMinimumPeriod: 5 });
    await using _ = world;
    await world.during(device.writeAttributes('/3303', { pmin: 600 }));
    await world.during(device.writeAttributes(path, { gt: 100 }));
    const operation = { op: 'observe', path: resourcePath(3303, 0, 5700), attributes: { pmax: 3600 } } as const;
    await world.during(world.server.perform('a', operation));
    thing.warm(21);
    await world.pass(seconds(2));
    expect(world.of('notify')).toHaveLength(0);
    await world.pass(seconds(10));
    expect(world.of('notify')).toHaveLength(1);
  });

  it('pass over what is written of periods where some come with several paths, but not over thresholds', async () => {
    const { world, thing, device } = await setUp({}, { version: '1.2' });
    await using _ = world;
    await world.during(device.writeAttributes('/3303', { pmin: 600 }));
    await world.during(device.writeAttributes(path, { gt: 30 }));
    const paths = [resourcePath(3303, 0, 5700), resourcePath(3, 0, 14)];
    await world.during(world.server.perform('a', { op: 'observe-composite', paths, attributes: { pmax: 3600 } }));
    thing.warm(21);
    await world.pass(seconds(10));
    expect(world.of('notify')).toHaveLength(0);
    thing.warm(31);
    await world.pass(seconds(10));
    expect(world.of('notify')).toHaveLength(1);
  });

  it('inherit the periods that the server has written to its own instance', async () => {
    const { world, thing } = await setUp({}, { defaultMinimumPeriod: 20 });
    await using _ = world;
    const watching = world.observing('a', path);
    await world.pass(seconds(1));
    thing.warm(21);
    await world.pass(seconds(15));
    expect(watching.values).toEqual([20]);
    await world.pass(seconds(10));
    expect(watching.values).toEqual([20, 21]);
  });

  it('K-15: end with 4.04 when what is observed was deleted, and leave nothing behind', async () => {
    const { world, thing, device } = await setUp();
    await using _ = world;
    await world.during(device.create(Setting, { label: 'x', level: 1 }));
    const watching = world.observing('a', '/26241/0/1');
    await world.pass(seconds(1));
    expect(watching.values).toEqual([1]);
    await world.during(device.delete('/26241/0'));
    await world.pass(seconds(1));
    expect(await watching.ended).toBeUndefined();
    expect(world.of('observation-ended')).toMatchObject([{ cause: 'refused' }]);
    expect(thing.client.stats()).toMatchObject({ relations: 0, endpoint: { relations: 0 } });
    expect(world.server.stats().endpoints['listener-1']?.observations).toBe(0);
  });

  it('D-06: of an old registration are reset and heard by nobody', async () => {
    const { world, thing } = await setUp({}, { notifications: 'auto' });
    await using _ = world;
    const watching = world.observing('a', path);
    await world.pass(seconds(1));
    expect(world.server.drop('a')).toBe(true);
    expect(await world.during(watching.ended)).toBeUndefined();
    thing.warm(25);
    await world.pass(seconds(10));
    expect(watching.values).toEqual([20]);
    expect(world.of('notify')).toEqual([]);
    expect(world.server.stats().endpoints['listener-1']?.unknownToken).toBe(1);
    expect(thing.client.stats()).toMatchObject({ relations: 0 });
  });

  it('D-06: of a device that registers again and again leave no relation behind', async () => {
    const { world, thing } = await setUp({ server: { limits: { registerRate: { perSecond: 100, burst: 100 } } } });
    await using _ = world;
    for (let i = 0; i < 140; i += 1) {
      const watching = world.observing('a', path);
      await world.pass(100);
      expect(watching.values).toEqual([20]);
      world.server.drop('a');
      thing.client.update();
      await world.pass(200);
      expect(await watching.ended).toBeUndefined();
    }
    expect(thing.client.stats()).toMatchObject({ relations: 0, endpoint: { relations: 0 } });
    expect(world.server.stats()).toMatchObject({ observations: 0, registrations: 1 });
  });

  it('that nobody acknowledges make the device register anew', async () => {
    const { world, thing } = await setUp();
    await using _ = world;
    const watching = world.observing('a', path);
    await world.pass(seconds(1));
    world.darken(thing.host);
    thing.warm(25);
    await world.pass(minutes(3));
    world.lighten(thing.host);
    await world.pass(minutes(10));
    expect(world.of('registered')).toHaveLength(2);
    expect(await watching.ended).toBeUndefined();
    expect(await world.during(world.server.device('a').read(Temperature, 0, 'sensorValue'))).toBe(25);
  });

  it('of one path go to whoever observed it last', async () => {
    const { world, thing } = await setUp();
    await using _ = world;
    const first = world.observing('a', path);
    await world.pass(seconds(1));
    const second = world.observing('a', path);
    await world.pass(seconds(1));
    expect(await first.ended).toBeUndefined();
    thing.warm(21);
    await world.pass(seconds(1));
    expect([first.values, second.values]).toEqual([[20], [20, 21]]);
    expect(thing.client.stats()).toMatchObject({ relations: 1, endpoint: { relations: 1 } });
  });

  it('are refused beyond the limit of one device', async () => {
    const { world, device } = await setUp({ server: { limits: { observations: 2 } } });
    await using _ = world;
    for (const resource of [5700, 5601])
      await world.during(
        device.perform({ op: 'observe', path: { kind: 'resource', object: 3303, instance: 0, resource } }),
      );
    await expect(world.during(device.perform({ op: 'observe', path: { kind: 'object', object: 3 } }))).rejects.toThrow(
      '2 observations already',
    );
    expect(world.server.observations('a').map((each) => each.id)).toEqual([1, 2]);
  });
});

describe('a server that wants nothing lost', () => {
  async function storing(attributes: Parameters<World['observing']>[2] = {}, version: Lwm2mVersion = '1.1') {
    const made = await setUp({}, { version });
    const { world, thing, device } = made;
    await world.during(device.write('/1/0/6', makeValue('boolean', true)));
    const watching = world.observing('a', path, attributes);
    await world.pass(seconds(1));
    const warmUp = async (from: number, to: number, every = seconds(1)) => {
      for (let celsius = from; celsius <= to; celsius += 1) {
        thing.warm(celsius);
        await world.pass(every);
      }
    };
    return { ...made, watching, warmUp };
  }
  const told = (world: World) =>
    world.of('notify').flatMap(({ result }) => result.entries.map(({ value }) => value?.value));

  it('hears every value after a short silence, in order and with its time', async () => {
    const { world, thing, warmUp } = await storing();
    await using _ = world;
    world.darken(thing.host);
    await warmUp(21, 25);
    world.lighten(thing.host);
    await world.pass(minutes(2));
    expect(told(world)).toEqual([21, 22, 23, 24, 25]);
    const times = world.of('notify').flatMap(({ result }) => result.entries.map(({ time }) => time));
    expect(times.slice(1).every((time, i) => i === 0 || (time ?? 0) - (times[i] ?? 0) === 1)).toBe(true);
    expect(world.of('registered')).toHaveLength(1);
  });

  it('hears, once it observes again, what was so while the device was out of reach', async () => {
    const { world, thing, watching, warmUp } = await storing();
    await using _ = world;
    world.darken(thing.host);
    await warmUp(21, 24, minutes(2));
    world.lighten(thing.host);
    await world.pass(minutes(15));
    expect(world.of('registered')).toHaveLength(2);
    expect(await watching.ended).toBeUndefined();
    const again = world.observing('a', path);
    await world.pass(seconds(2));
    expect(again.values[0]).toBe(24);
    expect(told(world)).toEqual([21, 22, 23, 24]);
    thing.warm(30);
    await world.pass(seconds(2));
    expect(again.values.at(-1)).toBe(30);
    expect(thing.client.stats()?.relations).toBe(1);
  });

  it('hears no more of it than hqmax', async () => {
    const { world, thing, warmUp } = await storing({}, '1.2');
    await using _ = world;
    await world.during(world.server.device('a').writeAttributes(path, { hqmax: 3 }));
    world.darken(thing.host);
    await warmUp(21, 29);
    world.lighten(thing.host);
    await world.pass(minutes(2));
    expect(told(world)).toEqual([21, 27, 28, 29]);
  });

  it('hears values one by one in a format without times', async () => {
    const { world, thing, warmUp } = await storing({ accept: ContentFormat.Text });
    await using _ = world;
    world.darken(thing.host);
    await warmUp(21, 24);
    world.lighten(thing.host);
    await world.pass(minutes(2));
    expect(told(world)).toEqual([21, 22, 23, 24]);
    expect(world.of('notify')).toHaveLength(4);
  });
});

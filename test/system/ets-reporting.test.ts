// The enabler test cases on information reporting, by id: a server and a device of ours on every road.
import { Code, ContentFormat, ResponseError } from '@lapwing/coap';
import { hours, minutes, seconds } from '@lapwing/kernel';
import { type Entry, formatPath, makeValue, parsePath } from '@lapwing/lwm2m';
import { describe, expect, it } from 'vitest';
import { DeviceObject, Setting, Temperature } from './objects.ts';
import { isOverStream, rows } from './rows.ts';
import { type ThingOptions, World } from './world.ts';

const { Lwm2mCbor, SenmlCbor, SenmlJson } = ContentFormat;

async function setUp(options: (typeof rows)[number]['options'] = {}, thingOptions: ThingOptions = {}) {
  const world = await World.make(options);
  const thing = await world.device('a', { lifetime: hours(24), version: '1.2', ...thingOptions });
  while (thing.client.phase() !== 'registered') await world.pass(seconds(1));
  return { world, thing, device: world.server.device('a') };
}

const shown = (entries: readonly Entry[]): unknown[] =>
  entries.map(({ path, value, time }) => [formatPath(path), value?.value, ...(time === undefined ? [] : [time])]);

/** Waits until something has been heard, whatever the weather. */
async function until(world: World, condition: () => boolean): Promise<void> {
  for (let i = 0; i < 6000 && !condition(); i += 1) await world.pass(100);
  expect(condition()).toBe(true);
}

describe.each(rows)('information reporting over $name', ({ options }) => {
  it('observes a value and is notified no sooner than pmin and no later than pmax (ETS int-301)', async () => {
    const { world, thing, device } = await setUp(options);
    await using _ = world;
    await world.during(device.writeAttributes('/3303/0/5700', { pmin: 5, pmax: 15 }));
    const watching = world.observing('a', '/3303/0/5700');
    await until(world, () => watching.values.length === 1);
    const times: number[] = [];
    for (const [i, celsius] of [21, 22].entries()) {
      await world.pass(100);
      thing.warm(celsius);
      await until(world, () => watching.values.length >= i + 2);
      times.push(world.clock.now());
    }
    expect(watching.values.slice(0, 3)).toEqual([20, 21, 22]);
    // Where nothing is late for other reasons.
    if (options.weather !== undefined) return;
    await until(world, () => watching.values.length >= 4);
    times.push(world.clock.now());
    expect(watching.values[3]).toBe(22);
    const [first = 0, second = 0, third = 0] = times;
    expect(second - first).toBeGreaterThanOrEqual(seconds(5) - 200);
    expect(second - first).toBeLessThanOrEqual(seconds(5) + 200);
    expect(third - second).toBeGreaterThanOrEqual(seconds(15) - 200);
    expect(third - second).toBeLessThanOrEqual(seconds(15) + 200);
  });

  it('cancels one of two observations by Observe = 1, and the other goes on (ETS int-303)', async () => {
    const { world, thing, device } = await setUp(options);
    await using _ = world;
    const path = parsePath('/3303/0/5700');
    await world.during(device.perform({ op: 'observe', path }));
    const other = world.observing('a', '/3/0/14');
    await until(world, () => other.values.length === 1 && thing.client.stats()?.relations === 2);
    thing.warm(24);
    await until(world, () => world.of('notify').length === 1);
    expect(await world.during(device.perform({ op: 'cancel-observe', path }))).toMatchObject({ code: Code.Content });
    thing.warm(25);
    await world.pass(minutes(2));
    expect(world.of('notify')).toHaveLength(1);
    expect(thing.client.stats()?.relations).toBe(1);
    await world.during(device.write(DeviceObject, 0, { utcOffset: '+05:00' }));
    await until(world, () => other.values.length === 2);
    expect(other.values[1]).toBe('+05:00');
  });

  it('observes several paths under attributes and hears one change for each batch (ETS int-304)', async () => {
    const { world, thing, device } = await setUp(options);
    await using _ = world;
    thing.objects.add(Setting, 0, { label: 'zero', level: 1 });
    // Where a notification may be lost for good, it is to be confirmed, and there are no more of them than it takes.
    const isCalm = options.weather === undefined;
    await world.during(device.writeAttributes('/26241/0/1', isCalm ? { pmin: 30, pmax: 45 } : { con: 1 }));
    const watching = world.observingAll('a', ['/3303/0/5700', '/26241/0/1', '/3/0/11/0']);
    await until(world, () => watching.values.length === 1);
    const start = world.clock.now();
    const set = (index: number): unknown[] => [...(watching.values[index] as string[])].sort();
    expect(set(0)).toEqual(['/26241/0/1 1', '/3/0/11/0 0', '/3303/0/5700 20']);
    if (isCalm) {
      // At pmax, though nothing has changed.
      await until(world, () => watching.values.length === 2);
      expect(watching.values[1]).toEqual(watching.values[0]);
      expect(world.clock.now() - start).toBeGreaterThan(seconds(44));
      expect(world.clock.now() - start).toBeLessThan(seconds(46));
      await world.during(device.writeAttributes('/26241/0/1', { pmin: null, pmax: null }));
    }
    await world.pass(minutes(3));
    const { length } = watching.values;
    thing.objects.batch(() => {
      thing.warm(21);
      thing.objects.get(Setting, 0)?.set({ level: 2 });
    });
    await until(world, () => watching.values.length > length);
    await world.pass(minutes(3));
    expect(watching.values).toHaveLength(length + 1);
    expect(set(length)).toEqual(['/26241/0/1 2', '/3/0/11/0 0', '/3303/0/5700 21']);
  });

  it('cancels what it observes of several paths (ETS int-305)', async () => {
    const { world, thing, device } = await setUp(options);
    await using _ = world;
    const paths = [parsePath('/3303/0/5700'), parsePath('/3/0/15')];
    const first = await world.during(device.perform({ op: 'observe-composite', paths }));
    expect(first).toMatchObject({ kind: 'content', format: Lwm2mCbor });
    expect(world.server.observations('a').map((each) => each.paths.map(formatPath))).toEqual([
      ['/3303/0/5700', '/3/0/15'],
    ]);
    const cancel = { op: 'cancel-observe-composite', paths: [...paths].reverse() } as const;
    expect(await world.during(device.perform(cancel))).toMatchObject({ code: Code.Content });
    thing.warm(22);
    await world.pass(minutes(2));
    expect(world.of('notify')).toEqual([]);
    expect(thing.client.stats()?.relations).toBe(0);
    expect(world.server.observations('a')).toEqual([]);
  });

  it('takes objects (ETS int-306), resources (ETS int-311) and times that a device sends by itself', async () => {
    const { world, thing } = await setUp(options);
    await using _ = world;
    await world.during(thing.client.send(['/1', '/3']));
    await until(world, () => world.of('sent').length === 1);
    expect(shown(world.of('sent')[0]?.entries ?? [])).toEqual(
      expect.arrayContaining([
        ['/1/0/0', 1],
        ['/1/0/1', 86_400],
        ['/3/0/0', 'Lapwing'],
        ['/3/0/11/0', 0],
      ]),
    );
    await world.during(thing.client.send(['/1/0/1', '/3/0/11']));
    await until(world, () => world.of('sent').length === 2);
    expect(shown(world.of('sent')[1]?.entries ?? [])).toEqual([
      ['/1/0/1', 86_400],
      ['/3/0/11/0', 0],
    ]);
    world.heard.length = 0;
    await world.during(thing.client.send(['/3303/0', '/3/0/0', '/999', '/0']));
    await until(world, () => world.of('sent').length === 1);
    expect(world.of('sent').map(({ entries, format }) => [format, shown(entries)])).toEqual([
      [
        Lwm2mCbor,
        expect.arrayContaining([
          ['/3303/0/5700', 20],
          ['/3/0/0', 'Lapwing'],
        ]),
      ],
    ]);
    const path = parsePath('/3303/0/5700');
    const values = [1, 2, 3].map((i) => ({ path, value: makeValue('float', 20 + i), time: 1_700_000_000 + i }));
    await world.during(thing.client.send(values));
    await until(world, () => world.of('sent').length === 2);
    expect(world.of('sent')[1]).toMatchObject({ format: SenmlCbor, entries: values });
  });

  it('mutes a device that sends by itself (ETS int-307)', async () => {
    const { world, thing, device } = await setUp(options);
    await using _ = world;
    await world.during(device.write('/1/0/23', makeValue('boolean', true)));
    await expect(thing.client.send(['/3303/0/5700'])).rejects.toMatchObject({ code: 'LWM2M_SEND', problem: 'muted' });
    await world.during(device.write('/1/0/23', makeValue('boolean', false)));
    await world.during(thing.client.send(['/3303/0/5700']));
    await until(world, () => world.of('sent').length === 1);
  });

  it('hears of instances that come (ETS int-308) and go (ETS int-309) below a composite, when its pmin has passed', async () => {
    const { world, thing, device } = await setUp(options);
    await using _ = world;
    thing.objects.add(Setting, 0, { label: 'zero' });
    await world.during(
      device.writeAttributes('/26241/0', options.weather === undefined ? { pmin: 30, pmax: 45 } : { pmin: 30 }),
    );
    const watching = world.observingAll('a', ['/26241/0', '/26241/1', '/26241/9']);
    await until(world, () => watching.values.length === 1);
    const one = ['/26241/0/0 zero'];
    const both = ['/26241/0/0 zero', '/26241/1/0 made'];
    expect(watching.values).toEqual([one]);
    const change = async (work: Promise<unknown>, content: string[]): Promise<void> => {
      const { length } = watching.values;
      await world.during(work);
      const before = watching.values.at(-1);
      const start = world.clock.now();
      await until(world, () => JSON.stringify(watching.values.at(-1)) === JSON.stringify(content));
      if (options.weather !== undefined) return;
      // One at a time, and none before its time.
      expect([watching.values.length, before]).not.toEqual([length, content]);
      expect(world.clock.now() - start).toBeGreaterThan(seconds(29));
      expect(world.clock.now() - start).toBeLessThan(seconds(46));
    };
    await change(device.create(Setting, { label: 'made' }, { instance: 1 }), both);
    await change(device.delete('/26241/1'), one);
    expect(thing.client.stats()?.relations).toBe(1);
  });

  it('follows attributes that are written while it observes several paths (ETS int-310)', async () => {
    const { world, thing, device } = await setUp(options);
    await using _ = world;
    const watching = world.observingAll('a', ['/3303/0/5700', '/3303/0/5601']);
    await until(world, () => watching.values.length === 1);
    await world.during(device.writeAttributes('/3303/0', { pmax: 20 }));
    const start = world.clock.now();
    await until(world, () => watching.values.length >= 3);
    expect(world.clock.now() - start).toBeGreaterThan(seconds(20));
    await world.during(device.writeAttributes('/3303/0', { pmax: null }));
    await world.pass(minutes(2));
    const { length } = watching.values;
    await world.pass(minutes(5));
    expect(watching.values).toHaveLength(length);
    thing.warm(24);
    await until(world, () => watching.values.length === length + 1);
  });

  it('observes with attributes of the observation itself (ETS int-312)', async () => {
    const { world, thing, device } = await setUp(options);
    await using _ = world;
    const watching = world.observing('a', '/3303/0/5700', { attributes: { pmin: 2, pmax: 30 } });
    await until(world, () => watching.values.length === 1);
    thing.warm(21);
    await until(world, () => watching.values.length === 2);
    const start = world.clock.now();
    await until(world, () => watching.values.length === 3);
    expect(world.clock.now() - start).toBeGreaterThan(seconds(10));
    const [link] = await world.during(device.discover('/3303/0/5700'));
    expect(link?.attributes.size).toBe(0);
  });

  it('lets the attributes of the observation count before those that are written (ETS int-313)', async () => {
    const { world, thing, device } = await setUp(options);
    await using _ = world;
    await world.during(device.writeAttributes('/3303/0/5700', { pmin: 3600, pmax: 7200 }));
    const watching = world.observing('a', '/3303/0/5700', { attributes: { pmin: 1, pmax: 60 } });
    await until(world, () => watching.values.length === 1);
    await world.pass(seconds(2));
    const start = world.clock.now();
    thing.warm(21);
    await until(world, () => watching.values.length === 2);
    // Long before the pmin, and then the pmax, that are written.
    await until(world, () => watching.values.length === 3);
    expect(watching.values).toEqual([20, 21, 21]);
    expect(world.clock.now() - start).toBeLessThan(minutes(10));
  });
});

/** A stream has no resets: there an observation is cancelled by Observe = 1 alone (RFC 8323 §7.1). */
const datagrams = rows.filter(({ options }) => !isOverStream(options));

describe.each(datagrams)('information reporting over $name', ({ options }) => {
  it('cancels one of two observations by a reset, and the other goes on (ETS int-302)', async () => {
    const { world, thing } = await setUp(options);
    await using _ = world;
    const watching = world.observing('a', '/3303/0/5700');
    const other = world.observing('a', '/3/0/14');
    await until(world, () => watching.values.length === 1 && other.values.length === 1);
    // Nobody listens any more, and the request that would say so does not come through: the next notification is reset.
    world.darken(thing.host);
    watching.stop();
    await watching.ended;
    await world.pass(seconds(200));
    world.lighten(thing.host);
    expect(thing.client.stats()?.relations).toBe(2);
    thing.warm(25);
    await until(world, () => thing.client.stats()?.relations === 1);
    expect(watching.values).toEqual([20]);
    thing.objects.get(DeviceObject, 0)?.set({ utcOffset: '+05:00' });
    await until(world, () => other.values.length === 2);
    expect(other.values[1]).toBe('+05:00');
  });
});

describe('what a device sends by itself', () => {
  it('I-20: is refused for keys, for what is not registered, and from whom is not', async () => {
    const { world, thing } = await setUp();
    await using _ = world;
    const send = (path: string) =>
      world
        .during(thing.client.send([{ path: parsePath(path), value: makeValue('integer', 1) }]))
        .catch((error: unknown) => error);
    for (const path of ['/26241/0/1', '/3303/9/5700', '/999/0/0'])
      expect(await send(path)).toMatchObject({ status: Code.NotFound });
    for (const path of ['/0/0/1', '/21/0/0']) expect(await send(path)).toMatchObject({ problem: 'forbidden' });
    world.server.drop('a');
    expect(await send('/3303/0/5700')).toBeInstanceOf(ResponseError);
    await world.pass(seconds(1));
    expect(world.of('sent')).toEqual([]);
    expect(world.server.stats().outcomes).toMatchObject({ sent: 0, 'send-refused': 4 });
  });

  it('tells of times relative to now as the moments that they are', async () => {
    const { world, thing } = await setUp();
    await using _ = world;
    const path = parsePath('/3303/0/5700');
    await world.during(thing.client.send([{ path, value: makeValue('float', 7), time: -30 }], { format: SenmlJson }));
    await world.pass(seconds(1));
    const [{ entries } = expect.fail('nothing was sent')] = world.of('sent');
    expect(entries[0]?.time).toBeGreaterThan(world.clock.wall() / 1000 - 40);
    expect(entries[0]?.time).toBeLessThan(world.clock.wall() / 1000 - 29);
  });

  it('wakes the device for whatever waits for it in queue mode', async () => {
    const { world, thing, device } = await setUp({}, { queueMode: true });
    await using _ = world;
    await world.pass(minutes(2));
    expect(world.server.isAwake('a')).toBe(false);
    const waiting = device.read(Temperature, 0, 'sensorValue');
    await world.during(thing.client.send(['/3303/0']));
    expect(await world.during(waiting)).toBe(20);
    expect(world.server.isAwake('a')).toBe(true);
  });

  it('is believed to be of the device that proves to be it, and of no other, also after it has moved', async () => {
    const { world, thing } = await setUp({ road: 'dtls-cid' });
    await using _ = world;
    const other = await world.device('b', { version: '1.2' });
    await world.pass(seconds(5));
    thing.transport.rebind({ port: 55_555 });
    await world.during(thing.client.send(['/3303/0/5700']));
    await world.during(other.client.send(['/3303/0/5700']));
    await world.pass(seconds(1));
    expect(world.of('sent').map(({ registration }) => registration.name)).toEqual(['a', 'b']);
  });

  it('says so when there is nothing to send, or nobody', async () => {
    const { world, thing } = await setUp();
    await using _ = world;
    await expect(thing.client.send(['/999'])).rejects.toMatchObject({ problem: 'nothing' });
    await expect(thing.client.send(['/3/0'], { server: 9 })).rejects.toMatchObject({ problem: 'not-registered' });
    const old = await world.device('old', { version: '1.0' });
    await world.pass(seconds(1));
    await expect(old.client.send(['/3/0'])).rejects.toMatchObject({ problem: 'unsupported' });
  });
});

describe('notifications of 1.2', () => {
  const observed = async (attributes: Parameters<World['observing']>[2]) => {
    const made = await setUp();
    const flag = made.thing.objects.add(Setting, 0, { label: 'x', level: 0 });
    const watching = made.world.observing('a', '/26241/0/1', attributes);
    await made.world.pass(seconds(1));
    const set = async (level: number) => {
      flag.set({ level });
      await made.world.pass(seconds(1));
    };
    return { ...made, watching, set };
  };

  it('tell of rises only, or of falls only, as edge says', async () => {
    for (const [edge, heard] of [
      [1, [0, 1, 5]],
      [0, [0, 0]],
    ] as const) {
      const { world, watching, set } = await observed({ attributes: { edge } });
      await using _ = world;
      for (const level of [1, 2, 0, 5]) await set(level);
      expect(watching.values).toEqual(heard);
    }
  });

  it('are looked for no more often than epmin', async () => {
    const { world, watching, set } = await observed({ attributes: { epmin: 60 } });
    await using _ = world;
    await set(1);
    await set(0);
    await set(3);
    expect(watching.values).toEqual([0]);
    await world.pass(minutes(1));
    expect(watching.values).toEqual([0, 3]);
    await set(4);
    expect(watching.values).toEqual([0, 3]);
    await world.pass(minutes(1));
    expect(watching.values).toEqual([0, 3, 4]);
  });

  it('are confirmable where con says so', async () => {
    for (const con of [0, 1] as const) {
      const { world, thing } = await setUp({}, { notifications: con === 1 ? 'auto' : 'con' });
      await using _ = world;
      const watching = world.observing('a', '/3303/0/5700', { attributes: { con } });
      await world.pass(seconds(1));
      world.darken(thing.host);
      thing.warm(30);
      await world.pass(seconds(1));
      world.lighten(thing.host);
      await world.pass(seconds(20));
      expect(watching.values).toEqual(con === 1 ? [20, 30] : [20]);
    }
  });
});

describe('typed observations', () => {
  it('give values, and a composite gives entries', async () => {
    const { world, thing, device } = await setUp();
    await using _ = world;
    const seen: number[] = [];
    const stop = new AbortController();
    const over = (async () => {
      for await (const celsius of device.observe(Temperature, 0, 'sensorValue', { signal: stop.signal }))
        seen.push(celsius);
    })().catch(() => undefined);
    await world.pass(seconds(1));
    thing.warm(23);
    await world.pass(seconds(1));
    stop.abort();
    await over;
    expect(seen).toEqual([20, 23]);
  });
});

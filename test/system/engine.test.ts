// What a device does on its own: changes told in one round, values as they were, a past, standing still, sleeping, and what waits.
import { deadlineSignal, hours, minutes, seconds } from '@lapwing/kernel';
import { formatPath, makeValue } from '@lapwing/lwm2m';
import { describe, expect, it } from 'vitest';
import { Temperature } from './objects.ts';
import { type ThingOptions, World, type WorldOptions } from './world.ts';

const path = '/3303/0/5700';

/** Every value of every notification. */
const told = (world: World): unknown[] =>
  world.of('notify').flatMap(({ result }) => result.entries.map(({ value }) => value?.value));

async function setUp(thingOptions: ThingOptions = {}, options: WorldOptions = {}) {
  const world = await World.make(options);
  const thing = await world.device('a', { lifetime: hours(24), ...thingOptions });
  await world.until(() => thing.client.phase() === 'registered');
  const events: string[] = [];
  thing.client.events.on('engine', ({ event }) => events.push(event));
  const watched: string[] = [];
  thing.client.events.on('observation', (event) =>
    watched.push(event.kind === 'notified' ? `${event.outcome} ${event.notifications}` : event.kind),
  );
  const store = () => {
    const at = { kind: 'resource', object: 1, instance: 0, resource: 6 } as const;
    const entries = [{ path: at, value: { type: 'boolean', value: true } }] as const;
    return world.during(world.server.perform('a', { op: 'write', path: at, mode: 'replace', entries }));
  };
  return { world, thing, device: world.server.device('a'), events, watched, store };
}

describe('changes that belong together', () => {
  it('are told to an observer of several values in one notification', async () => {
    const { world, thing } = await setUp();
    await using _ = world;
    const watching = world.observingAll('a', [path, '/3303/0/5601']);
    await world.pass(seconds(1));
    const thermometer = thing.objects.get(Temperature, 0);
    thing.client.batch(() => {
      thermometer?.set({ sensorValue: 21 });
      thermometer?.set({ minMeasured: 19 });
    });
    await world.pass(seconds(1));
    expect(watching.values).toHaveLength(2);
    expect(watching.values[1]).toEqual([`${path} 21`, '/3303/0/5601 19']);
    expect(() =>
      thing.client.batch(() => {
        thermometer?.set({ sensorValue: 99 });
        throw new Error('no');
      }),
    ).toThrow('no');
    await world.pass(seconds(1));
    expect([watching.values.length, thermometer?.get('sensorValue')]).toEqual([2, 21]);
  });

  it('are not told while the registry is locked, which may take its time', async () => {
    const { world, thing } = await setUp();
    await using _ = world;
    const watching = world.observing('a', path);
    await world.pass(seconds(1));
    const locks = [thing.client.lock(), thing.client.lock()];
    thing.warm(21);
    await world.pass(seconds(10));
    locks[0]?.[Symbol.dispose]();
    locks[0]?.[Symbol.dispose]();
    thing.warm(22);
    await world.pass(seconds(10));
    expect(watching.values).toEqual([20]);
    locks[1]?.[Symbol.dispose]();
    await world.pass(seconds(1));
    expect(watching.values).toEqual([20, 22]);
  });
});

describe('notifications', () => {
  it('show the value that was worth telling, also when it is gone before it may be told', async () => {
    const { world, thing, device } = await setUp();
    await using _ = world;
    await world.during(device.writeAttributes(path, { pmin: 10, gt: 30 }));
    const watching = world.observing('a', path);
    await world.pass(seconds(1));
    thing.warm(35);
    await world.pass(seconds(1));
    thing.warm(20);
    await world.pass(seconds(10));
    expect(watching.values).toEqual([20, 35]);
    await world.pass(seconds(10));
    expect(watching.values).toEqual([20, 35, 20]);
  });

  it('say what became of them', async () => {
    const { world, thing, watched } = await setUp();
    await using _ = world;
    const watching = world.observing('a', path);
    await world.pass(seconds(1));
    thing.warm(21);
    await world.pass(seconds(1));
    world.network.darken(thing.host);
    thing.warm(22);
    await world.pass(minutes(3));
    world.network.lighten(thing.host);
    watching.stop();
    await world.pass(minutes(3));
    expect(watched).toEqual(['began', 'telling', 'delivered 1', 'telling', 'ended', 'unacknowledged 1']);
  });

  it.each([
    ['oldest', [25, 26, 27, 28]],
    ['newest', [21, 22, 23, 24]],
  ] as const)(
    'D-14: that nobody could hear are kept to a limit, and the %s beyond it are counted',
    async (drop, kept) => {
      const { world, thing, watched, store } = await setUp(
        { storedNotifications: { limit: 4, drop } },
        { road: 'dtls-cid' },
      );
      await using _ = world;
      await store();
      const watching = world.observing('a', path);
      await world.pass(seconds(1));
      thing.client.goOffline();
      for (let celsius = 21; celsius <= 28; celsius += 1) {
        thing.warm(celsius);
        await world.pass(seconds(1));
      }
      thing.client.resume();
      await world.pass(seconds(5));
      expect(told(world)).toEqual(kept);
      expect(watching.values).toEqual([20, kept[0]]);
      expect(watched.filter((each) => each.startsWith('dropped'))).toEqual(Array(4).fill('dropped 1'));
    },
  );
});

describe('a past that is kept', () => {
  it('is told by Read, Notify and Send, each value once and with its time', async () => {
    const { world, thing, device } = await setUp();
    await using _ = world;
    const series = thing.client.record(path, { size: 50 });
    for (const celsius of [21, 22, 23]) {
      thing.warm(celsius);
      await world.pass(seconds(10));
    }
    const read = await world.during(
      device.perform({
        op: 'read',
        path: { kind: 'resource', object: 3303, instance: 0, resource: 5700 },
        accept: 112,
      }),
    );
    const entries = read.kind === 'content' ? read.entries : [];
    expect(entries.map(({ value }) => value?.value)).toEqual([21, 22, 23]);
    expect(entries.map(({ time }, i) => Math.round((time ?? 0) - (entries[0]?.time ?? 0)) === i * 10)).toEqual([
      true,
      true,
      true,
    ]);
    const watching = world.observing('a', path, { accept: 112 });
    await world.pass(seconds(1));
    const heard: unknown[] = [];
    world.server.events.on('notify', ({ result }) => heard.push(result.entries.map(({ value }) => value?.value)));
    thing.client.batch(() => undefined);
    using lock = thing.client.lock();
    for (const celsius of [24, 25, 26]) {
      thing.warm(celsius);
      await world.pass(seconds(1));
    }
    lock[Symbol.dispose]();
    await world.pass(seconds(1));
    expect(heard).toEqual([[24, 25, 26]]);
    watching.stop();
    await world.pass(seconds(1));
    for (let i = 0; i < 50; i += 1) {
      thing.warm(100 + i);
      await world.pass(seconds(1));
    }
    expect(series.free).toBe(0);
    await world.during(thing.client.send([path]));
    const sent = world.of('sent').flatMap(({ entries: told }) => told);
    expect(sent.map(({ value }) => value?.value)).toEqual(Array.from({ length: 50 }, (_, i) => 100 + i));
    expect(sent.every(({ path: at, time }) => formatPath(at) === path && time !== undefined)).toBe(true);
    expect([world.of('sent').length > 1, series.dropped]).toEqual([true, 0]);
  });
});

describe('a device that stands still', () => {
  it('says and hears nothing, has no timer, and goes on with an Update', async () => {
    const { world, thing, events, device } = await setUp({ lifetime: hours(2) });
    await using _ = world;
    await world.during(device.writeAttributes(path, { pmax: 60 }));
    const watching = world.observing('a', path);
    await world.pass(seconds(1));
    thing.client.pause();
    const { sent } = world.network.counters();
    expect([thing.client.phase(), thing.client.nextWake()]).toEqual(['suspended', undefined]);
    thing.warm(33);
    await world.pass(minutes(50));
    expect([world.network.counters().sent, watching.values]).toEqual([sent, [20]]);
    thing.client.resume();
    await world.pass(seconds(2));
    expect([watching.values, thing.client.phase()]).toEqual([[20, 33], 'registered']);
    expect(events).toEqual(['engine-suspended', 'reg-update', 'reg-update-complete']);
    expect(world.of('registered')).toHaveLength(1);
  });

  it('registers anew when its lifetime has passed', async () => {
    const { world, thing } = await setUp({ lifetime: minutes(10) });
    await using _ = world;
    thing.client.pause();
    await world.pass(minutes(11));
    expect(world.server.registration('a')).toBeUndefined();
    thing.client.resume();
    await world.pass(seconds(2));
    expect(world.of('registered')).toHaveLength(2);
  });
});

describe('a device that stands still while it leaves its server', () => {
  it.each(['pause', 'goOffline'] as const)('stays away until it is to go on (%s)', async (way) => {
    const { world, thing } = await setUp();
    await using _ = world;
    thing.client.disable(minutes(1));
    thing.client[way]();
    await world.pass(seconds(5));
    expect([thing.client.phase(), thing.client.nextWake()]).toEqual(['suspended', undefined]);
    const { sent } = world.network.counters();
    await world.pass(minutes(30));
    expect([thing.client.phase(), world.network.counters().sent]).toEqual(['suspended', sent]);
    thing.client.resume();
    await world.pass(seconds(5));
    expect(thing.client.phase()).toBe('registered');
    const watching = world.observing('a', path);
    await world.pass(seconds(1));
    thing.warm(44);
    await world.pass(seconds(1));
    expect(watching.values).toEqual([20, 44]);
  });

  it('that goes offline after it stood still does not come back before the time that it was sent away for', async () => {
    const { world, thing } = await setUp();
    await using _ = world;
    thing.client.disable(minutes(10));
    await world.pass(seconds(5));
    thing.client.pause();
    thing.client.goOffline();
    await world.pass(minutes(1));
    thing.client.resume();
    await world.pass(seconds(5));
    expect(thing.client.phase()).toBe('disabled');
    await world.pass(minutes(10));
    expect(thing.client.phase()).toBe('registered');
  });

  it('comes back by itself where it was to go on before it had left', async () => {
    const { world, thing } = await setUp();
    await using _ = world;
    thing.client.disable(minutes(1));
    thing.client.pause();
    thing.client.resume();
    await world.pass(seconds(30));
    expect(thing.client.phase()).toBe('disabled');
    await world.pass(minutes(1));
    expect(thing.client.phase()).toBe('registered');
  });
});

describe.each(['udp', 'dtls-cid', 'dtls-psk'] as const)('a device that is offline, over %s', (road) => {
  it('keeps what is worth telling until it is back, and shakes hands anew only where the server knows it by its address', async () => {
    const { world, thing, store, events } = await setUp({}, { road });
    await using _ = world;
    await store();
    let watching = world.observing('a', path);
    await world.pass(seconds(1));
    thing.client.goOffline();
    for (const celsius of [21, 22]) {
      thing.warm(celsius);
      await world.pass(minutes(5));
    }
    expect(watching.values).toEqual([20]);
    thing.client.resume();
    await world.pass(seconds(5));
    // A device that has another address now, and nothing that proves who it is, is taken for another.
    const isNew = road !== 'dtls-cid';
    if (isNew) {
      watching.stop();
      watching = world.observing('a', path);
      await world.pass(seconds(5));
    }
    expect(told(world)).toEqual([21, 22]);
    expect(events.at(-1)).toBe(isNew ? 'registration-complete' : 'reg-update-complete');
    if (road !== 'udp') expect(world.dtls().handshakesDone).toBe(isNew ? 2 : 1);
  });
});

describe('a device in queue mode', () => {
  it.each(['listen', 'deaf', 'close'] as const)(
    'that may %s while it sleeps wakes for what it has to say',
    async (idle) => {
      const options = { queueMode: true, awakeTime: seconds(30), idle };
      const { world, thing, events } = await setUp(options, { road: 'dtls-cid' });
      await using _ = world;
      const watching = world.observing('a', path);
      await world.pass(seconds(1));
      await world.pass(seconds(31));
      expect([events, thing.client.phase()]).toEqual([['queue-mode-rx-off'], 'rx-off']);
      thing.warm(21);
      await world.pass(seconds(2));
      expect([watching.values, thing.client.phase()]).toEqual([[20, 21], 'registered']);
      const wakings = idle === 'listen' ? [] : ['reg-update', 'reg-update-complete'];
      expect(events.slice(1)).toEqual(wakings);
      await world.pass(seconds(31));
      expect(thing.client.phase()).toBe('rx-off');
      await world.during(thing.client.send([path], { queue: true }));
      expect(world.of('sent')).toHaveLength(1);
    },
  );

  it('tells its host how long it may sleep', async () => {
    const { world, thing } = await setUp({ queueMode: true, awakeTime: seconds(30), lifetime: hours(1) });
    await using _ = world;
    await world.pass(seconds(40));
    const wake = thing.client.nextWake() ?? 0;
    expect(Math.round((wake + world.clock.now()) / 1000)).toBe(3600 - 93);
    await world.pass(wake - 1000);
    expect(world.of('updated')).toHaveLength(0);
    await world.pass(seconds(2));
    expect(world.of('updated')).toHaveLength(1);
  });
});

describe('values that are sent by a patient caller', () => {
  it('wait for the registration, with the time at which they were so', async () => {
    const { world, thing } = await setUp();
    await using _ = world;
    thing.client.goOffline();
    await expect(thing.client.send([path])).rejects.toMatchObject({ problem: 'not-registered' });
    const at = world.clock.wall() / 1000;
    const sending = thing.client.send([path], { queue: true });
    await world.pass(minutes(5));
    thing.warm(50);
    thing.client.resume();
    await world.during(sending);
    const [sent] = world.of('sent');
    expect(sent?.entries.map(({ value, time }) => [value?.value, Math.round((time ?? 0) - at)])).toEqual([[20, 0]]);
  });

  it('and fill several messages go on behind the last that the server has acknowledged', async () => {
    const { world, thing } = await setUp();
    await using _ = world;
    thing.client.record(path, { size: 200 });
    for (let i = 0; i < 150; i += 1) {
      thing.warm(100 + i);
      await world.pass(seconds(1));
    }
    const sending = thing.client.send([path], { queue: true });
    await world.until(() => world.of('sent').length >= 1);
    world.darken('10.0.0.1');
    await world.pass(minutes(6));
    world.lighten('10.0.0.1');
    await world.during(sending, hours(1));
    const values = world.of('sent').flatMap(({ entries }) => entries.map(({ value }) => value?.value));
    expect(values).toEqual(Array.from({ length: 150 }, (_, i) => 100 + i));
  });

  it('do not go any more when the device has been muted meanwhile (/1/x/23)', async () => {
    const { world, thing } = await setUp();
    await using _ = world;
    thing.client.goOffline();
    const sending = [1, 2].map(() => thing.client.send([path], { queue: true }));
    const settled = Promise.allSettled(sending);
    await world.pass(seconds(1));
    thing.objects.batch((transaction) => transaction.put(1, 0, 23, makeValue('boolean', true)));
    thing.client.resume();
    const muted = { status: 'rejected', reason: { code: 'LWM2M_SEND', problem: 'muted' } };
    expect(await world.during(settled)).toMatchObject([muted, muted]);
    expect(world.of('sent')).toHaveLength(0);
  });

  it('may be withdrawn because the caller has no time left, and the registration goes on', async () => {
    const { world, thing, events } = await setUp();
    await using _ = world;
    world.darken('10.0.0.1');
    using soon = deadlineSignal(world.clock, seconds(1), 'what the caller waits for');
    const sending = thing.client.send([path], { signal: soon.signal, queue: true });
    await expect(world.during(sending)).rejects.toThrow('no answer within 1000 ms');
    world.lighten('10.0.0.1');
    await world.pass(minutes(5));
    expect([thing.client.phase(), events]).toEqual(['registered', []]);
  });
});

// What outlives the server: registrations, wanted observations and queued commands, over orderly stops, losses of power and full
// disks, on virtual time.
import { Code } from '@lapwing/coap';
import { hours, minutes, nobody, seconds } from '@lapwing/kernel';
import { parsePath } from '@lapwing/lwm2m';
import type { CommandReceiver, Outcome, QueuedCommand, ServerOptions } from '@lapwing/server';
import { describe, expect, it } from 'vitest';
import { setUp } from './durable.ts';
import { KeptAssociations } from './kept-associations.ts';
import { World } from './world.ts';

const temperature = { op: 'observe', path: parsePath('/3303/0/5700') } as const;
const reboot = { op: 'execute', path: { kind: 'resource', object: 3, instance: 0, resource: 4 } } as const;

it('ends at the start what credentials that are gone have registered, and tells of it', async () => {
  const { world, restart } = await setUp({ road: 'dtls-cid', associations: new KeptAssociations() });
  await using _ = world;
  for (const name of ['same', 'gone']) await world.device(name, { lifetime: hours(1) });
  await world.pass(seconds(5));
  const start = await restart('stops');
  await world.security.remove('gone');
  await start();
  await world.pass(seconds(1));
  expect([...world.server.registrations()].map(({ name }) => name)).toEqual(['same']);
  expect(world.of('deregistered').map(({ registration }) => registration.name)).toEqual(['gone']);
});

describe.each(['stops', 'loses its power'] as const)('a server that %s', (how) => {
  it.each(['udp', 'dtls-cid'] as const)(
    'has its registrations again, and devices on %s do not notice',
    async (road) => {
      const { world, restart } = await setUp({ road, associations: new KeptAssociations() });
      await using _ = world;
      for (const name of ['a', 'b', 'c']) await world.device(name, { lifetime: minutes(10) });
      await world.pass(seconds(30));
      const before = world.server.registration('a');
      const start = await restart(how);
      await world.pass(seconds(20));
      await start();
      const after = world.server.registration('a');
      expect(after).toMatchObject({
        id: before?.id,
        lifetime: before?.lifetime,
        objects: before?.objects,
        parameters: before?.parameters,
        version: before?.version,
        registeredAt: before?.registeredAt,
      });
      expect(after?.objects).toBe(world.server.registration('b')?.objects);
      expect(await world.during(world.server.device('b').read('/3/0/0'))).toHaveLength(1);
      world.heard.length = 0;
      await world.pass(minutes(30));
      expect(world.heard.filter(({ kind }) => kind !== 'updated')).toEqual([]);
      expect(world.of('updated').length).toBeGreaterThan(5);
    },
  );

  it('tells the end of those that ended meanwhile, and lets the lifetime of the others run on', async () => {
    const { world, restart } = await setUp();
    await using _ = world;
    const short = await world.device('short', { lifetime: seconds(60) });
    const long = await world.device('long', { lifetime: minutes(10) });
    await world.pass(seconds(5));
    const start = await restart(how);
    for (const { host } of [short, long]) world.network.darken(host);
    await world.pass(minutes(5));
    await start();
    world.heard.length = 0;
    await world.pass(1000);
    expect(world.of('expired')).toMatchObject([{ registration: { name: 'short' } }]);
    expect(world.server.registration('long')).toBeDefined();
    // After a sudden end as if its last Update had come at the end of what was written.
    await world.pass(how === 'stops' ? minutes(6) : minutes(11));
    expect(world.of('expired')).toHaveLength(2);
    for (const { host } of [short, long]) world.network.lighten(host);
  });

  it('hears notifications under their old tokens, and asks for nothing anew (§3.3)', async () => {
    const { world, restart } = await setUp({ server: { tagOfNote: (note) => `tag of ${note}` } });
    await using _ = world;
    const thing = await world.device('a', { lifetime: hours(1) });
    await world.pass(seconds(1));
    await world.during(world.server.perform('a', temperature, { keep: { note: 'x' } }));
    const start = await restart(how);
    await world.pass(seconds(20));
    await start();
    const { sent } = world.network.counters();
    world.heard.length = 0;
    thing.warm(31);
    await world.pass(seconds(1));
    expect(world.of('notify')).toMatchObject([
      { observation: { tag: 'tag of x' }, result: { entries: [{ value: { value: 31 } }] } },
    ]);
    // The notification and its acknowledgement.
    expect(world.network.counters().sent - sent).toBe(2);
    expect(world.server.stats()).toMatchObject({ observations: 1, kept: { wanted: 1 } });
  });

  it('I-21: has its queued commands again, and sends each once, in order, when the device wakes', async () => {
    const told: string[] = [];
    const receiver: CommandReceiver = {
      settled: ({ note }, outcome) => void told.push(`${note} ${outcome.kind}`),
    };
    const { world, restart, disk } = await setUp({ server: { receiver } });
    await using _ = world;
    const thing = await world.device('a', { lifetime: hours(24), queueMode: true });
    await world.pass(minutes(3));
    expect(world.server.isAwake('a')).toBe(false);
    for (let i = 0; i < 1000; i += 1) {
      const value = { type: 'string', value: `${i}` } as const;
      const path = { kind: 'resource', object: 3, instance: 0, resource: 15 } as const;
      const write = { op: 'write', path, mode: 'replace', entries: [{ path, value }] } as const;
      await world.server.device('a').queue(i % 100 === 99 ? reboot : write, { note: `${i}` });
    }
    const start = await restart(how);
    await world.pass(minutes(3));
    await start();
    await world.pass(minutes(3));
    expect(told).toEqual([]);
    expect(world.server.queued('a')).toHaveLength(1000);
    thing.client.update();
    while (told.length < 1000) await world.pass(seconds(1));
    await world.pass(minutes(1));
    expect(told).toEqual(Array.from({ length: 1000 }, (_, i) => `${i} answered`));
    expect(thing.reboots).toBe(10);
    expect(disk.commands.size).toBe(0);
    expect(world.server.stats().kept).toMatchObject({ queued: 0, unwritten: 0 });
  });
});

describe('a registration that is kept', () => {
  it('is there before the device hears that it is registered', async () => {
    const { world, disk } = await setUp();
    await using _ = world;
    disk.full = true;
    await world.device('a', { retry: { initialDelay: seconds(10) } as never });
    await world.pass(seconds(5));
    expect(world.server.registration('a')).toBeUndefined();
    expect(world.server.stats().outcomes['not-kept']).toBeGreaterThan(0);
    disk.full = false;
    await world.pass(minutes(10));
    expect(world.server.registration('a')).toBeDefined();
    expect(await disk.registrations.get('a')).toMatchObject({ id: world.server.registration('a')?.id });
  });

  it('R-09: goes on while the disk is full, and is written when there is room', async () => {
    const { world, disk } = await setUp();
    await using _ = world;
    const thing = await world.device('a', { lifetime: minutes(10) });
    await world.pass(seconds(5));
    disk.full = true;
    const kept = await disk.registrations.get('a');
    thing.client.update();
    await world.pass(seconds(30));
    expect(world.of('updated')).toHaveLength(1);
    expect(await world.during(world.server.device('a').read('/3/0/0'))).toHaveLength(1);
    expect(world.of('store-failed').length).toBeGreaterThan(0);
    expect(await disk.registrations.get('a')).toEqual(kept);
    disk.full = false;
    await world.pass(seconds(10));
    expect((await disk.registrations.get('a'))?.updatedAt).toBeGreaterThan(kept?.updatedAt ?? 0);
    expect(world.server.stats().kept.unwritten).toBe(0);
  });

  it('is gone for good once the device has left', async () => {
    const { world, restart, disk } = await setUp();
    await using _ = world;
    await world.device('a');
    await world.pass(seconds(5));
    world.server.drop('a');
    await world.pass(seconds(1));
    expect(disk.registrations.size).toBe(0);
    await (await restart('loses its power'))();
    expect(world.server.registration('a')).toBeUndefined();
  });

  it('I-26: neither ends at once nor lives for ever when the clock was set meanwhile', async () => {
    const { world, disk, restart } = await setUp();
    await using _ = world;
    await world.device('a', { lifetime: minutes(10) });
    await world.pass(seconds(5));
    const start = await restart('stops');
    const kept = await disk.registrations.get('a');
    if (kept === undefined) throw new Error('nothing kept');
    // Written by a clock that was ten years ahead.
    const ahead = (kept.expiresAt ?? 0) + hours(24 * 3650);
    await disk.registrations.write([{ kind: 'put', registration: { ...kept, expiresAt: ahead } }]);
    world.network.darken(world.thing('a').host);
    await start();
    await world.pass(minutes(9));
    expect(world.server.registration('a')).toBeDefined();
    await world.pass(minutes(2));
    expect(world.server.registration('a')).toBeUndefined();
    world.network.lighten(world.thing('a').host);
  });

  it('R-04: that is damaged is passed over and counted, the others are there', async () => {
    const { world, disk, restart } = await setUp();
    await using _ = world;
    for (const name of ['a', 'b', 'c', 'd']) await world.device(name, { lifetime: hours(1) });
    await world.pass(seconds(5));
    const start = await restart('stops');
    for (const [name, damage] of [
      ['a', { terms: '{}' }],
      ['b', { terms: '[1' }],
      ['c', { objects: '</x' }],
    ] as const) {
      const kept = await disk.registrations.get(name);
      if (kept !== undefined) await disk.registrations.write([{ kind: 'put', registration: { ...kept, ...damage } }]);
    }
    await start();
    expect([...world.server.registrations()].map(({ name }) => name)).toEqual(['d']);
    expect(world.server.stats().kept.unreadable).toBe(3);
  });

  it('is one of ten thousand that are there within seconds, in a few hundred bytes each (H11)', async () => {
    const { world, disk, restart } = await setUp();
    await using _ = world;
    const thing = await world.device('real', { lifetime: minutes(10) });
    await world.pass(seconds(5));
    const start = await restart('loses its power');
    const like = await disk.registrations.get('real');
    if (like === undefined) throw new Error('nothing kept');
    const wall = world.clock.wall();
    await disk.registrations.write(
      Array.from({ length: 10_000 }, (_, i) => ({
        kind: 'put',
        registration: {
          ...like,
          name: `device-${i}`,
          id: `id-${i}`,
          peer: {
            key: `10.9.${i >> 8}.${i & 255}:5683`,
            address: { via: 'udp', host: `10.9.${i >> 8}.${i & 255}`, port: 5683 },
            identity: nobody,
          },
          // One in ten ended meanwhile.
          expiresAt: i % 10 === 0 ? wall - minutes(11) : wall + minutes(10),
        },
      })),
    );
    await start();
    expect(world.server.stats().registrations).toBe(10_001);
    const lists = new Set([...world.server.registrations()].map(({ objects }) => objects));
    expect(lists.size).toBe(1);
    thing.client.update();
    await world.pass(seconds(2));
    expect(world.server.stats().registrations).toBe(9001);
    expect(world.of('expired')).toHaveLength(1000);
    expect(world.of('updated')).toMatchObject([{ registration: { name: 'real' } }]);
  });
});

describe('an observation that is wanted', () => {
  const watched = async (options: Parameters<typeof setUp>[0] = {}) => {
    const all = await setUp(options);
    const thing = await all.world.device('a', { lifetime: hours(1) });
    await all.world.pass(seconds(1));
    await all.world.during(all.world.server.perform('a', temperature, { keep: { note: 'x' } }));
    return { ...all, thing };
  };

  it('is made again when the device registers anew', async () => {
    const { world } = await watched();
    await using _ = world;
    await world.cut(world.thing('a'));
    const again = await world.device('a', { lifetime: hours(1) });
    await world.pass(seconds(5));
    expect(world.of('observation-renewed')).toMatchObject([
      { registration: { name: 'a' }, observation: { tag: 'x' }, result: { entries: [{ value: { value: 20 } }] } },
    ]);
    again.warm(25);
    await world.pass(seconds(1));
    expect(world.of('notify')).toMatchObject([{ observation: { tag: 'x' } }]);
  });

  it('is made again when the device comes back long after its registration ended, over a restart', async () => {
    const { world, restart } = await watched();
    await using _ = world;
    await world.cut(world.thing('a'));
    await world.pass(hours(2));
    expect(world.of('expired')).toHaveLength(1);
    await (await restart('loses its power'))();
    await world.device('a', { lifetime: hours(1) });
    await world.pass(seconds(5));
    expect(world.of('observation-renewed')).toHaveLength(1);
  });

  it('D-04: is asked for once more at once after a reset, then with growing waits, and told of', async () => {
    const { world } = await watched();
    await using _ = world;
    let resets = 0;
    let isDeaf = true;
    await world.cut(world.thing('a'));
    const { host } = world.thing('a');
    world.network.tap = (from, _to, bytes) => {
      // Whatever answers a GET with Observe is a reset.
      const isAnswer = from.host === host && bytes[1] === Code.Content;
      if (!isAnswer || !isDeaf) return bytes;
      resets += 1;
      return Uint8Array.of(0x70, 0, bytes[2] ?? 0, bytes[3] ?? 0);
    };
    await world.device('a', { lifetime: hours(1) });
    await world.pass(seconds(5));
    expect(resets).toBe(2);
    expect(world.of('observation-not-renewed')).toMatchObject([
      { name: 'a', path: temperature.path, error: { code: 'COAP_RESET' }, retryIn: seconds(60) },
    ]);
    await world.pass(seconds(60));
    expect(resets).toBe(3);
    isDeaf = false;
    await world.pass(seconds(125));
    expect(world.of('observation-renewed')).toHaveLength(1);
  });

  it('that was cancelled is gone, also after a restart and a new registration', async () => {
    const { world, restart, disk } = await watched();
    await using _ = world;
    await world.during(world.server.perform('a', { op: 'cancel-observe', path: temperature.path }));
    expect(await disk.observations.of('a')).toEqual([]);
    await (await restart('loses its power'))();
    await world.cut(world.thing('a'));
    await world.device('a', { lifetime: hours(1) });
    await world.pass(minutes(5));
    expect(world.server.observations('a')).toEqual([]);
    expect(world.of('observation-renewed')).toEqual([]);
  });

  it('can be given up while the device is away', async () => {
    const { world, disk } = await watched();
    await using _ = world;
    world.server.drop('a');
    world.server.forgetObservation('a', { op: 'cancel-observe', path: temperature.path });
    await world.pass(seconds(1));
    expect(await disk.observations.of('a')).toEqual([]);
    world.thing('a').client.update();
    await world.pass(seconds(5));
    expect(world.server.observations('a')).toEqual([]);
  });

  it('that another would make again is over with the registration', async () => {
    const { world, disk } = await setUp();
    await using _ = world;
    const thing = await world.device('a', { lifetime: hours(1) });
    await world.pass(seconds(1));
    await world.during(world.server.perform('a', temperature, { keep: { note: 'x', onRegister: 'leave' } }));
    expect(await disk.observations.of('a')).toHaveLength(1);
    world.server.drop('a');
    thing.client.update();
    await world.pass(seconds(5));
    expect(await disk.observations.of('a')).toEqual([]);
    expect(world.server.observations('a')).toEqual([]);
  });
});

describe('a command that is queued', () => {
  const asleep = async (options: Partial<ServerOptions> = {}) => {
    const told: [string | undefined, Outcome][] = [];
    const receiver: CommandReceiver = { settled: ({ note }, outcome) => void told.push([note, outcome]) };
    const all = await setUp({ server: { receiver, ...options } });
    const thing = await all.world.device('a', { lifetime: hours(24), queueMode: true });
    await all.world.pass(minutes(3));
    const queue = (
      note: string,
      more: Parameters<(typeof all.world.server)['queue']>[2] = {},
    ): Promise<QueuedCommand> => all.world.server.queue('a', reboot, { note, ...more });
    return { ...all, thing, told, queue };
  };

  it('ends when its time is over, when it is withdrawn, and else with the answer', async () => {
    const { world, thing, told, queue } = await asleep();
    await using _ = world;
    const [one, two, three] = [await queue('1', { ttl: minutes(5) }), await queue('2'), await queue('3')];
    expect([one.state, one.attempts]).toEqual(['waiting', 0]);
    await world.pass(minutes(6));
    expect(await one.settled()).toMatchObject({ kind: 'failed', failure: { kind: 'sleeping', delivered: 'no' } });
    expect(two.cancel()).toBe(true);
    expect(await two.settled()).toMatchObject({ failure: { kind: 'cancelled', delivered: 'no' } });
    expect(two.cancel()).toBe(false);
    thing.client.update();
    await world.pass(seconds(2));
    expect(three.outcome).toMatchObject({ kind: 'answered', result: { kind: 'done', code: Code.Changed } });
    expect(told.map(([note]) => note)).toEqual(['1', '2', '3']);
    expect(thing.reboots).toBe(1);
    expect(world.of('command-settled')).toHaveLength(3);
  });

  it('is there once for one id', async () => {
    const { world, thing, queue } = await asleep();
    await using _ = world;
    const one = await queue('1', { id: 'same' });
    expect(await queue('2', { id: 'same' })).toBe(one);
    expect(world.server.queuedCommand('same')).toBe(one);
    thing.client.update();
    await world.pass(seconds(2));
    expect(thing.reboots).toBe(1);
  });

  it('H9: that was under way when the power went is told as unknown, once, and not done twice', async () => {
    const { world, thing, told, queue, restart } = await asleep();
    await using _ = world;
    await queue('1');
    await queue('2');
    world.network.tap = (from, _to, bytes) =>
      from.host === thing.host && bytes[1] === Code.Changed ? undefined : bytes;
    thing.client.update();
    await world.pass(seconds(1));
    expect(thing.reboots).toBe(1);
    const start = await restart('loses its power');
    world.network.tap = undefined;
    await start();
    await world.pass(seconds(1));
    expect(told).toMatchObject([['1', { kind: 'failed', failure: { kind: 'interrupted', delivered: 'unsure' } }]]);
    thing.client.update();
    await world.pass(seconds(5));
    expect(told).toMatchObject([
      ['1', {}],
      ['2', { kind: 'answered' }],
    ]);
    expect(thing.reboots).toBe(2);
    await (await restart('loses its power'))();
    await world.pass(seconds(5));
    expect(told).toHaveLength(2);
  });

  it('that nobody acknowledged is not sent again, unless it changes nothing or may be done twice', async () => {
    const { world, thing, told, queue } = await asleep();
    await using _ = world;
    await queue('once');
    await queue('often', { retry: { unless: 'answered', attempts: 2 } });
    await world.server.queue('a', { op: 'read', path: parsePath('/3/0/0') }, { note: 'read' });
    const frames: number[] = [];
    // It wakes, and hears nothing.
    world.network.tap = (from, _to, bytes) => {
      if (from.host === thing.host) return bytes;
      if ((bytes[1] ?? 0) < 32 && bytes[1] !== 0) frames.push(bytes[1] ?? 0);
      return (bytes[1] ?? 0) < 32 ? undefined : bytes;
    };
    thing.client.update();
    await world.pass(minutes(3));
    expect(told).toMatchObject([
      ['once', { kind: 'failed', failure: { kind: 'timeout', phase: 'acknowledgement', delivered: 'unsure' } }],
    ]);
    thing.client.update();
    await world.pass(minutes(3));
    expect(told).toHaveLength(1);
    world.network.tap = undefined;
    thing.client.update();
    await world.pass(seconds(5));
    expect(told).toMatchObject([
      ['once', {}],
      ['often', { kind: 'answered' }],
      ['read', { kind: 'answered' }],
    ]);
    expect(thing.reboots).toBe(1);
  });

  it('waits for a device that is not registered, or fails with its registration, as it was asked for', async () => {
    const { world, thing, told, queue } = await asleep();
    await using _ = world;
    await queue('fails', { unregistered: 'fail' });
    await queue('waits');
    await queue('fails too', { unregistered: 'fail' });
    world.server.drop('a');
    await world.pass(seconds(1));
    expect(told).toMatchObject([
      ['fails', { failure: { kind: 'unreachable', delivered: 'no' } }],
      ['fails too', { failure: { kind: 'unreachable', delivered: 'no' } }],
    ]);
    thing.client.update();
    await world.pass(seconds(5));
    expect(told[2]).toMatchObject(['waits', { kind: 'answered' }]);
    expect(thing.reboots).toBe(1);
  });

  it('fails with its registration also where that is over when it is queued', async () => {
    const { world, told, queue } = await asleep();
    await using _ = world;
    world.server.drop('a');
    await world.pass(seconds(1));
    await queue('waits');
    const failed = await queue('fails', { unregistered: 'fail' });
    expect(await world.during(failed.settled())).toMatchObject({
      failure: { kind: 'unreachable', why: 'unregistered', delivered: 'no' },
    });
    expect(told.map(([note]) => note)).toEqual(['fails']);
    expect(world.server.queued('a')).toHaveLength(1);
  });

  it('takes its place behind the others, and waits for a disk that is full before it is sent', async () => {
    const { world, thing, disk, told, queue } = await asleep();
    await using _ = world;
    await queue('1');
    disk.full = true;
    await expect(queue('refused')).rejects.toThrow('disk full');
    thing.client.update();
    await world.pass(seconds(5));
    // Nobody could write down that it goes out, so it does not.
    expect([thing.reboots, told]).toEqual([0, []]);
    disk.full = false;
    await world.pass(seconds(15));
    expect(thing.reboots).toBe(1);
    expect(told).toMatchObject([['1', { kind: 'answered' }]]);
  });

  it('L19: is refused beyond the limit of one device and of all', async () => {
    const { world, queue } = await asleep({ limits: { queued: 2, queuedInAll: 3 } });
    await using _ = world;
    await queue('1');
    await queue('2');
    await expect(queue('3')).rejects.toThrow('2 commands are queued');
    await world.server.queue('b', reboot);
    await expect(world.server.queue('c', reboot)).rejects.toThrow('3 commands are queued in all');
    await expect(world.server.queue('\u0000', reboot)).rejects.toThrow('is no endpoint name');
  });

  it('is told again when whoever should hear it did not get to it (P-16)', async () => {
    const heard: string[] = [];
    let works = false;
    const receiver: CommandReceiver = {
      settled: ({ note }) => {
        heard.push(`${note}`);
        return works ? undefined : Promise.reject(new Error('not now'));
      },
    };
    const { world, thing, queue, restart } = await asleep({ receiver });
    await using _ = world;
    await queue('1');
    thing.client.update();
    await world.pass(seconds(2));
    expect(heard).toEqual(['1']);
    works = true;
    await (await restart('loses its power'))();
    await world.pass(seconds(2));
    expect([heard, thing.reboots]).toEqual([['1', '1'], 1]);
    await (await restart('loses its power'))();
    await world.pass(seconds(2));
    expect(heard).toHaveLength(2);
  });
});

describe('a reader of an observation that lasts', () => {
  it('hears on over new registrations, and ends when it wants to', async () => {
    const world = await World.make();
    await using _ = world;
    const thing = await world.device('a', { lifetime: hours(1) });
    await world.pass(seconds(1));
    const stop = new AbortController();
    const values: unknown[] = [];
    const reading = (async () => {
      const options = { lasting: true, signal: stop.signal };
      for await (const { entries } of world.server.device('a').observe('/3303/0/5700', options))
        values.push(entries[0]?.value?.value);
    })().catch((error: unknown) => error);
    await world.pass(seconds(1));
    thing.warm(21);
    await world.pass(seconds(1));
    world.server.drop('a');
    thing.client.update();
    await world.pass(seconds(5));
    thing.warm(22);
    await world.pass(seconds(1));
    expect(values).toEqual([20, 21, 21, 22]);
    world.server.drop('a');
    stop.abort(new Error('enough'));
    expect(await world.during(reading)).toMatchObject({ message: 'enough' });
    thing.client.update();
    await world.pass(seconds(5));
    expect(world.server.stats()).toMatchObject({ observations: 0, kept: { wanted: 0 } });
  });
});

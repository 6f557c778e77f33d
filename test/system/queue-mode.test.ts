import { hours, minutes, seconds } from '@lapwing/kernel';
import { failureOf } from '@lapwing/server';
import { describe, expect, it } from 'vitest';
import { DeviceObject } from './objects.ts';
import { World } from './world.ts';

describe.each(['1.0', '1.1', '1.2'] as const)('a device of %s in queue mode', (version) => {
  async function setUp() {
    const world = await World.make();
    const thing = await world.device('a', { lifetime: hours(24), queueMode: true, version });
    await world.pass(seconds(1));
    const log: string[] = [];
    const ask = (what: string, work: Promise<unknown>): void => {
      work.then(
        () => log.push(what),
        (error: Error) => log.push(`${what}: ${error.name}`),
      );
    };
    return { world, thing, device: world.server.device('a'), log, ask };
  }

  it('is awake for a while after it was heard, then asleep', async () => {
    const { world } = await setUp();
    await using _ = world;
    expect(world.server.registration('a')).toMatchObject({ queueMode: true, version });
    expect(world.heard.map(({ kind }) => kind)).toEqual(['registered', 'awake']);
    expect(world.server.isAwake('a')).toBe(true);
    await world.pass(seconds(93));
    expect(world.server.isAwake('a')).toBe(false);
    expect(world.heard.at(-1)?.kind).toBe('asleep');
  });

  it('is awake for as long as devices of its kind are', async () => {
    const awakeWindow = ({ name }: { readonly name: string }) => (name === 'short' ? seconds(10) : seconds(60));
    await using world = await World.make({ server: { awakeWindow } });
    for (const name of ['short', 'long']) await world.device(name, { lifetime: hours(24), queueMode: true, version });
    await world.pass(seconds(15));
    expect([world.server.isAwake('short'), world.server.isAwake('long')]).toEqual([false, true]);
    await world.pass(seconds(50));
    expect(world.server.isAwake('long')).toBe(false);
  });

  it('is not spoken to while it sleeps; at its next Update everything that waited comes in order, after the answer', async () => {
    const { world, thing, device, log, ask } = await setUp();
    await using _ = world;
    await world.pass(seconds(100));
    const { sent } = world.network.counters();
    ask('read', device.read('/3/0'));
    ask('write', device.write(DeviceObject, 0, { timezone: 'UTC' }));
    ask('execute', device.execute(DeviceObject, 0, 'reboot'));
    ask('too old', device.read('/3/0/0', { ttl: minutes(5) }));
    await world.pass(minutes(10));
    expect(world.network.counters().sent).toBe(sent);
    expect(log).toEqual(['too old: TimeoutError']);
    expect(world.server.stats().commands).toBe(3);
    const frames: string[] = [];
    world.network.tap = (from, _to, bytes) => {
      frames.push(`${from.host === thing.host ? 'device' : 'server'} ${bytes[1]?.toString(16)}`);
      return bytes;
    };
    thing.client.update();
    await world.pass(seconds(2));
    expect(log).toEqual(['too old: TimeoutError', 'read', 'write', 'execute']);
    expect(frames.slice(0, 4)).toEqual(['device 2', 'server 44', 'server 1', 'device 45']);
    expect(thing.reboots).toBe(1);
    expect(world.of('awake')).toHaveLength(2);
  });

  it('that goes deaf in the middle is taken for asleep: the next command waits for it', async () => {
    const { world, thing, device, log, ask } = await setUp();
    await using _ = world;
    world.network.darken(thing.host);
    ask('lost', device.read('/3/0'));
    ask('kept', device.read('/3/0/0'));
    await world.pass(minutes(5));
    expect(log).toEqual(['lost: TimeoutError']);
    expect(world.server.isAwake('a')).toBe(false);
    world.network.lighten(thing.host);
    thing.client.update();
    await world.pass(seconds(5));
    expect(log).toEqual(['lost: TimeoutError', 'kept']);
  });

  it('is not taken for asleep because an operation made no sense', async () => {
    const { world, device } = await setUp();
    await using _ = world;
    const path = { kind: 'object', object: 26_241 } as const;
    await expect(world.during(device.perform({ op: 'create', path, entries: [], format: 60 }))).rejects.toThrow(/TLV/);
    expect(world.server.isAwake('a')).toBe(true);
  });

  it('takes its commands along into a new registration', async () => {
    const { world, thing, device, log, ask } = await setUp();
    await using _ = world;
    await world.pass(seconds(100));
    ask('read', device.read('/3/0'));
    await world.cut(thing);
    await world.device('a', { lifetime: hours(24), queueMode: true, version });
    await world.pass(seconds(5));
    expect(log).toEqual(['read']);
    expect(world.of('registered')).toHaveLength(2);
  });
});

describe('a command that fails', () => {
  it('says what it was waiting for', async () => {
    const world = await World.make();
    await using _ = world;
    const thing = await world.device('a', { lifetime: hours(24), queueMode: true });
    await world.device('b', { lifetime: hours(24) });
    await world.pass(seconds(100));
    const kind = async (work: Promise<unknown>, signal?: AbortSignal) =>
      failureOf(await world.during(work).catch((error: unknown) => error), signal);
    const [asleep, awake] = [world.server.device('a'), world.server.device('b')];
    expect(await kind(asleep.read('/3/0', { ttl: seconds(10) }))).toMatchObject({ kind: 'sleeping', delivered: 'no' });
    const { signal } = new AbortController();
    expect(await kind(awake.read('/9/9', { signal }), signal)).toMatchObject({
      kind: 'rejected',
      status: 0x84,
      delivered: 'yes',
    });
    const stop = new AbortController();
    const waiting = kind(asleep.read('/3/0', { signal: stop.signal }), stop.signal);
    stop.abort();
    expect(await waiting).toMatchObject({ kind: 'cancelled' });
    world.network.darken(thing.host);
    expect(await kind(asleep.read('/3/0', { order: 'now' }))).toMatchObject({
      kind: 'timeout',
      phase: 'acknowledgement',
      delivered: 'unsure',
    });
    expect(await kind(world.server.device('nobody').read('/3/0'))).toMatchObject({
      kind: 'unreachable',
      why: 'unregistered',
    });
  });
});

describe('listeners', () => {
  it('are told outside the handling of messages, in the order in which things happened', async () => {
    const world = await World.make();
    await using _ = world;
    await world.device('a', { lifetime: hours(24) });
    const order: string[] = [];
    world.server.events.on('registered', () => order.push('registered'));
    world.server.events.on('deregistered', () => order.push('deregistered'));
    await world.pass(seconds(1));
    world.server.drop('a');
    expect(order).toEqual(['registered']);
    await world.pass(1);
    expect(order).toEqual(['registered', 'deregistered']);
  });
});

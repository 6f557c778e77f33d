// A device that is cut off or stopped and started again goes on where it was: no bootstrap, no handshake, no Register, as long as its
// lifetime is not over.
import { MemoryStateStore, SecurityObject, type StateStore } from '@lapwing/client';
import { decodeUtf8, encodeUtf8, hours, minutes, Secret, seconds } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { type Thing, type ThingOptions, World, type WorldOptions } from './world.ts';

const path = '/3303/0/5700';

/** Every value of every notification. */
const told = (world: World): unknown[] =>
  world.of('notify').flatMap(({ result }) => result.entries.map(({ value }) => value?.value));

async function setUp({ planned, ...options }: WorldOptions & { readonly planned?: true }, more: ThingOptions = {}) {
  const world = await World.make(options);
  if (planned) await world.plan('a');
  let store = new MemoryStateStore();
  const events: string[] = [];
  /** The power fails: what is on disk is what was there at that moment. */
  const crash = async (thing: Thing): Promise<void> => {
    const left = new MemoryStateStore();
    for (const [name, record] of store.load()) if (record !== undefined) left.put(name, record);
    await world.cut(thing);
    store = left;
    events.length = 0;
  };
  const start = async (also: ThingOptions = {}) => {
    const thing = await world.device('a', { lifetime: hours(2), store, ...more, ...also });
    thing.client.events.on('engine', ({ event }) => events.push(event));
    thing.client.events.on('store-failed', ({ error }) => events.push(`store: ${(error as Error).message}`));
    return thing;
  };
  const thing = await start();
  await world.until(() => thing.client.phase() === 'registered', minutes(10));
  await world.pass(seconds(1));
  events.length = 0;
  return { world, start, crash, thing, events };
}

describe('over DTLS with a connection id', () => {
  it.each(['cut off', 'stopped'] as const)('a device that is %s goes on, its observations too', async (how) => {
    const { world, start, crash, thing, events } = await setUp({ road: 'dtls-cid' });
    await using _ = world;
    await world.during(world.server.device('a').writeAttributes(path, { gt: 30 }));
    const watching = world.observing('a', path);
    await world.pass(seconds(6));
    if (how === 'cut off') await crash(thing);
    else await world.during(thing.client.close({ deregister: false }));
    await world.pass(minutes(10));
    const again = await start();
    await world.pass(seconds(10));
    expect(events).toEqual(['registration-complete', 'reg-update', 'reg-update-complete']);
    expect([world.of('registered').length, world.dtls().handshakesDone]).toEqual([1, 1]);
    again.warm(25);
    await world.pass(seconds(10));
    again.warm(35);
    await world.pass(seconds(10));
    expect(watching.values).toEqual([20, 20, 35]);
    const read = world.server.device('a').read(path);
    expect(await world.during(read)).toBeDefined();
    // And once more, with numbers that the server takes for newer.
    await crash(again);
    const third = await start();
    await world.pass(seconds(10));
    third.warm(40);
    await world.pass(seconds(10));
    expect(watching.values.at(-1)).toBe(40);
    expect([world.of('registered').length, world.dtls().handshakesDone]).toEqual([1, 1]);
  });

  it('does not go on after its lifetime, after a Deregister, or when the factory has other accounts', async () => {
    const { world, start, crash, thing, events } = await setUp({ road: 'dtls-cid' }, { lifetime: minutes(10) });
    await using _ = world;
    await crash(thing);
    await world.pass(minutes(11));
    const second = await start();
    await world.until(() => second.client.phase() === 'registered');
    expect(events).not.toContain('reg-update');
    await world.during(second.client.close());
    events.length = 0;
    const third = await start();
    await world.until(() => third.client.phase() === 'registered');
    expect(events).not.toContain('reg-update');
    await crash(third);
    const fourth = await start({ lifetime: minutes(20) });
    await world.until(() => fourth.client.phase() === 'registered');
    expect(world.server.registration('a')?.lifetime).toBe(minutes(20));
  });

  it('D-14: says after a restart everything that nobody has heard, in order and with its times', async () => {
    const { world, start, crash, thing } = await setUp({ road: 'dtls-cid' }, { storedNotifications: { limit: 1000 } });
    await using _ = world;
    const at = { kind: 'resource', object: 1, instance: 0, resource: 6 } as const;
    const entries = [{ path: at, value: { type: 'boolean', value: true } }] as const;
    await world.during(world.server.perform('a', { op: 'write', path: at, mode: 'replace', entries }));
    world.observing('a', path);
    await world.pass(seconds(6));
    thing.client.goOffline();
    // And the state at the restart.
    for (let i = 1; i < 1000; i += 1) {
      thing.warm(100 + i);
      if (i % 100 === 0) await world.pass(seconds(1));
    }
    await world.pass(seconds(2));
    await crash(thing);
    await start();
    await world.until(() => told(world).length >= 1000, minutes(10));
    expect(told(world)).toEqual([...Array.from({ length: 999 }, (_, i) => 101 + i), 20]);
  });
});

describe('a device that was disabled', () => {
  it.each(['cut off', 'stopped'] as const)('and then %s comes back when it was to, not sooner', async (how) => {
    const { world, start, crash, thing, events } = await setUp({ road: 'dtls-cid' });
    await using _ = world;
    const disable = { kind: 'resource', object: 1, instance: 0, resource: 4 } as const;
    await world.during(world.server.perform('a', { op: 'execute', path: disable }));
    await world.until(() => thing.client.phase() === 'disabled');
    const since = world.clock.now();
    await world.pass(minutes(10));
    if (how === 'cut off') await crash(thing);
    else await world.during(thing.client.close({ deregister: false }));
    await world.pass(minutes(10));
    const again = await start();
    await world.pass(seconds(1));
    expect([again.client.phase(), events.at(-1)]).toEqual(['disabled', 'server-disabled']);
    await world.until(() => again.client.phase() === 'registered', hours(25));
    expect(world.clock.now() - since).toBeGreaterThanOrEqual(hours(24));
    expect(world.clock.now() - since).toBeLessThan(hours(24) + seconds(10));
    // And never again.
    await crash(again);
    const third = await start();
    await world.until(() => third.client.phase() === 'registered', seconds(30));
  });

  it('and was cut off before the server had heard stays away all the same', async () => {
    const { world, start, crash, thing } = await setUp({ road: 'dtls-cid' });
    await using _ = world;
    thing.client.disable(hours(1));
    expect(thing.client.phase()).toBe('deregistering');
    await crash(thing);
    const again = await start();
    await world.pass(minutes(59));
    expect(again.client.phase()).toBe('disabled');
    await world.until(() => again.client.phase() === 'registered', minutes(2));
  });

  it('and stands still stays away after a restart, and begins anew at once when the wait was over while it was off', async () => {
    const { world, start, crash, thing } = await setUp({ road: 'dtls-cid' });
    await using _ = world;
    thing.client.disable(hours(1));
    await world.until(() => thing.client.phase() === 'disabled');
    thing.client.pause();
    await crash(thing);
    const again = await start();
    await world.pass(minutes(10));
    expect(again.client.phase()).toBe('disabled');
    await crash(again);
    await world.pass(hours(1));
    const third = await start();
    await world.until(() => third.client.phase() === 'registered', seconds(30));
  });

  it('and then stopped as ever keeps to the rest of the time too, with what waits to be sent', async () => {
    const { world, start, thing } = await setUp({ road: 'dtls-cid' });
    await using _ = world;
    thing.client.disable(hours(1));
    await world.until(() => thing.client.phase() === 'disabled');
    thing.client.send([path], { queue: true }).catch(() => undefined);
    await world.during(thing.client.close());
    await world.pass(minutes(10));
    const again = await start();
    const { sent } = world.network.counters();
    await world.pass(minutes(49));
    expect([again.client.phase(), world.network.counters().sent]).toEqual(['disabled', sent]);
    await world.until(() => world.of('sent').length > 0, minutes(2));
    expect(world.of('registered')).toHaveLength(2);
  });

  it('stays away no longer than it was to, although its clock has been set back', async () => {
    const { world, start, crash, thing } = await setUp({ road: 'dtls-cid' });
    await using _ = world;
    thing.client.disable(hours(1));
    await world.until(() => thing.client.phase() === 'disabled');
    await crash(thing);
    const { clock } = world;
    const behind = { now: () => clock.now(), wall: () => clock.wall() - hours(10_000), at: clock.at.bind(clock) };
    const again = await start({ clock: behind });
    await world.until(() => again.client.phase() === 'registered', minutes(61));
  });
});

it('values that wait to be sent go after a restart', async () => {
  const { world, start, crash, thing } = await setUp({ road: 'dtls-cid' });
  await using _ = world;
  thing.client.goOffline();
  thing.client.send([path], { queue: true }).catch(() => undefined);
  await crash(thing);
  await start();
  await world.until(() => world.of('sent').length > 0);
  expect(world.of('sent').flatMap(({ entries }) => entries.map(({ value }) => value?.value))).toEqual([20]);
});

it('bootstrapped accounts are there after a restart, and no bootstrap follows', async () => {
  const options = { road: 'dtls-cid', bootstrap: {}, planned: true } as const;
  const { world, start, crash, thing, events } = await setUp(options, { knows: 'bootstrap' });
  await using _ = world;
  await world.pass(seconds(10));
  await crash(thing);
  const before = world.bootstraps.length;
  await start();
  await world.pass(seconds(10));
  expect([world.bootstraps.length, world.of('registered').length, world.dtls().handshakesDone]).toEqual([before, 1, 1]);
  expect(events).toEqual(['registration-complete', 'reg-update', 'reg-update-complete']);
});

it('after a bootstrap a device registers anew, whatever it has kept, and goes on with that', async () => {
  const options = { road: 'dtls-cid', bootstrap: {}, planned: true } as const;
  const { world, start, crash, thing } = await setUp(options, { knows: 'bootstrap' });
  await using _ = world;
  thing.client.bootstrap();
  await world.until(() => world.of('registered').length === 2);
  await world.pass(seconds(10));
  await crash(thing);
  await start();
  await world.pass(seconds(10));
  expect([world.of('registered').length, world.of('updated').length]).toEqual([2, 1]);
});

describe('keys that somebody has written in the place of those of the factory', () => {
  /** Who the server takes the device for when it knows nobody any more. */
  async function identity(world: World): Promise<string> {
    await world.stopServer();
    await world.startServer();
    await world.until(() => world.server.registration('a') !== undefined, hours(3));
    const known = world.server.registration('a')?.peer.identity;
    return known?.kind === 'psk' ? decodeUtf8(known.id) : `${known?.kind}`;
  }

  it.each([
    ['in its place', []],
    ['after taking it away', undefined],
  ] as const)('by a bootstrap, %s, are those of the device after a restart', async (_, deletes) => {
    const options = { road: 'dtls-psk', bootstrap: {}, planned: true } as const;
    const { world, start, crash, thing } = await setUp(options, { knows: 'both' });
    await using __ = world;
    const { servers } = await world.plan('a');
    const own = servers.map((server) => ({ ...server, shortServerId: 1 }));
    await world.plans.put('a', deletes === undefined ? { servers: own } : { servers: own, deletes });
    thing.client.bootstrap();
    await world.until(() => world.of('registered').length === 2);
    await world.pass(seconds(10));
    await crash(thing);
    await start();
    expect(await identity(world)).toMatch(/^a\/[0-9a-f]{16}$/);
  });

  it('by the application, are those of the device after a restart', async () => {
    const { world, start, crash, thing } = await setUp({ road: 'dtls-psk' });
    await using _ = world;
    const key = new Secret(encodeUtf8('another key'));
    await world.security.put({ endpoint: 'a', credential: { kind: 'psk', identity: encodeUtf8('other'), key } });
    thing.objects
      .get(SecurityObject, 0)
      ?.set({ publicKeyOrIdentity: encodeUtf8('other'), secretKey: encodeUtf8('another key') });
    await crash(thing);
    await start();
    expect(await identity(world)).toBe('other');
  });
});

it('a device without security that has another address registers anew, at once', async () => {
  const { world, start, crash, thing, events } = await setUp({});
  await using _ = world;
  await crash(thing);
  const again = await start();
  await world.until(() => again.client.phase() === 'registered', seconds(5));
  expect(events.at(-1)).toBe('registration-complete');
});

it('under OSCORE a device goes on with its numbers where it was', async () => {
  const { world, start, crash, thing, events } = await setUp({ road: 'oscore' }, { forgets: true });
  await using _ = world;
  await crash(thing);
  await start();
  await world.pass(seconds(10));
  expect(events).toContain('registration-complete');
  expect(world.server.registration('a')).toBeDefined();
});

it.each(['accounts', 'registration/1', 'queue/1'])(
  'a device whose record %s is damaged says so once it is started, and goes on',
  async (damaged) => {
    const { world, start, crash, thing, events } = await setUp({ road: 'dtls-cid' });
    await using _ = world;
    thing.client.send([path], { queue: true }).catch(() => undefined);
    await crash(thing);
    const records = new MemoryStateStore();
    const store: StateStore = {
      load: () => new Map([...records.load(), [damaged, undefined]]),
      put: (name, record) => records.put(name, record),
      delete: (name) => records.delete(name),
    };
    const again = await start({ store });
    await world.until(() => again.client.phase() === 'registered', seconds(30));
    expect(events.filter((event) => event.startsWith('store:'))).toEqual([`store: the record ${damaged} is damaged`]);
  },
);

it.each([1, 2, 3, 4])('a store that fails at any moment costs a Register at most (seed %i)', async (seed) => {
  const kept = new MemoryStateStore();
  let writes = 0;
  const failing: StateStore = {
    load: () => kept.load(),
    put: (name, record) => {
      writes += 1;
      if (writes % (seed + 1) === 0) throw new Error('the disk is full');
      kept.put(name, record);
    },
    delete: (name) => kept.delete(name),
  };
  const { world, start, thing, events } = await setUp({ seed }, { store: failing });
  await using _ = world;
  const watching = world.observing('a', path);
  await world.pass(seconds(5));
  await world.cut(thing);
  const again = await start();
  await world.until(() => again.client.phase() === 'registered', minutes(5));
  watching.stop();
  expect(writes).toBeGreaterThan(2);
  expect(events.some((event) => event.startsWith('store:')) || seed > 2).toBe(true);
});

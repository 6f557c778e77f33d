// A fleet on virtual time, against a server of ours: devices that rest are no others than those that do not.
import { FirmwareState } from '@lapwing/client';
import { type Duration, hours, minutes, seconds } from '@lapwing/kernel';
import { MemoryNetwork, type MemoryTransport, SeededRandom, VirtualClock } from '@lapwing/kernel/testing';
import type { PathText } from '@lapwing/lwm2m';
import { FirmwareUpdate } from '@lapwing/lwm2m/objects/firmware-update';
import { Server } from '@lapwing/server';
import { describe, expect, it } from 'vitest';
import { Fleet } from './fleet.ts';
import { type Profile, profileNamed, type SensorPlan } from './profile.ts';
import { Report } from './report.ts';

const devices = 12;

const measuring = (object: number, every: Duration): SensorPlan => ({
  object,
  instances: 1,
  every,
  low: 10,
  high: 30,
  noise: 2,
  peak: 15,
  units: 'Cel',
});

const quiet: Profile = {
  ...(profileNamed('sensor') as Profile),
  sensors: [measuring(3303, minutes(7)), measuring(3304, minutes(4))],
  lifetime: minutes(20),
  firmware: undefined,
};

interface Setting {
  readonly profile?: Profile;
  readonly rest?: Duration;
  readonly loss?: number;
  readonly reboot?: number;
  readonly move?: number;
  /** What the server does with each device that registers. */
  readonly greet?: (server: Server, name: string) => Promise<void>;
}

async function run({ profile = quiet, rest, loss = 0, reboot = 0, move = 0, greet }: Setting) {
  const clock = new VirtualClock();
  const random = new SeededRandom(7);
  const network = new MemoryNetwork(clock, random, { latency: 20 });
  const server = await Server.listen({
    listeners: [{ transport: network.transport('10.0.0.1', 5683) }],
    clock,
    random,
  });
  const told = new Map<string, unknown[]>();
  const counts = { registered: 0, updated: 0, notified: 0, sent: 0 };
  const at = new Map<string, number[]>();
  const hear = (name: string, value: unknown): void => {
    told.set(name, [...(told.get(name) ?? []), value]);
    at.set(name, [...(at.get(name) ?? []), clock.now()]);
  };
  server.events.on('registered', ({ registration: { name } }) => {
    counts.registered += 1;
    void greet?.(server, name);
  });
  server.events.on('updated', () => {
    counts.updated += 1;
  });
  server.events.on('notify', ({ registration: { name }, result }) => {
    counts.notified += 1;
    for (const { value } of result.entries) hear(name, value?.value);
  });
  server.events.on('sent', ({ registration: { name }, entries }) => {
    counts.sent += 1;
    for (const { value } of entries) hear(name, value?.value);
  });
  const report = new Report({ devices, profile: profile.name, server: 'memory', seed: 3 });
  const chaos = { loss, reboot, move, off: seconds(20), installFailure: 0 };
  const sockets: MemoryTransport[] = [];
  const fleet = new Fleet({
    plan: { devices, profile, rate: 4, day: hours(24), seed: 3, chaos },
    uri: 'coap://10.0.0.1:5683',
    serverName: undefined,
    nameOf: (device) => `device-${device}`,
    credentialsOf: () => undefined,
    socket: (device) => {
      const socket = network.transport(`10.1.0.${device + 1}`);
      sockets[device] = socket;
      return socket;
    },
    rootPathOf: () => '',
    rest,
    clock,
    random: new SeededRandom(9),
    report,
    cpu: () => 0,
  });
  fleet.begin();
  let rested = 0;
  const pass = async (time: Duration): Promise<void> => {
    for (let left = time; left > 0; left -= seconds(10)) {
      await clock.advance(Math.min(left, seconds(10)));
      rested = Math.max(rested, fleet.standing.resting);
    }
  };
  const during = async <T>(work: Promise<T>): Promise<T> => {
    const over = work.then(
      () => true,
      () => true,
    );
    for (let i = 0; i < 600; i += 1) {
      await clock.advance(100);
      if (await Promise.race([over, Promise.resolve(false)])) break;
    }
    return work;
  };
  return {
    clock,
    network,
    server,
    fleet,
    report,
    sockets,
    told,
    at,
    counts,
    pass,
    during,
    get rested() {
      return rested;
    },
    summary: () => report.summary(fleet.standing, fleet.elapsed, { cpu: 0, rss: 0, heap: 0, external: 0 }),
    end: async () => {
      await during(fleet.leave(seconds(10)));
      await server[Symbol.asyncDispose]();
    },
  };
}

const paths: readonly PathText[] = ['/3303/0/5700', '/3304/0/5700'];

async function watch(server: Server, name: string): Promise<void> {
  for (const path of paths) {
    const observing = server.device(name).observe(path);
    void (async () => {
      for await (const _ of observing);
    })().catch(() => undefined);
  }
}

async function both(setting: Setting, time: Duration) {
  const outcomes = [];
  for (const rest of [undefined, seconds(30)]) {
    const all = await run({ ...setting, ...(rest === undefined ? {} : { rest }) });
    await all.pass(time);
    const { registered, lost, errors, counts } = all.summary();
    outcomes.push({ all, registered, lost, errors, counts });
    await all.end();
  }
  const [awake, resting] = outcomes;
  if (awake === undefined || resting === undefined) throw new Error('two');
  return { awake, resting };
}

describe('devices that rest', () => {
  it('tell the same as devices that do not, and as often, and are registered alike', async () => {
    const { awake, resting } = await both({ greet: watch }, minutes(70));
    expect([awake.all.rested, resting.all.rested > devices / 2]).toEqual([0, true]);
    expect(resting.all.told).toEqual(awake.all.told);
    expect(resting.all.counts).toEqual(awake.all.counts);
    expect({ ...resting.counts }).toEqual({ ...awake.counts });
    expect([resting.registered, resting.lost, resting.errors]).toEqual([devices, 0, {}]);
    // To the millisecond, but for the turns that it takes to wake.
    for (const [name, times] of awake.all.at)
      for (const [i, time] of times.entries())
        expect(Math.abs((resting.all.at.get(name)?.[i] ?? 0) - time)).toBeLessThanOrEqual(100);
  });

  it('keep to periods that a server has written: pmax is told in time, pmin waited for, and steps heeded', async () => {
    const greet = async (server: Server, name: string): Promise<void> => {
      const device = server.device(name);
      await device.writeAttributes('/3303/0/5700', { pmax: 200, pmin: 100 });
      await device.writeAttributes('/3304/0/5700', { st: 2 });
      await watch(server, name);
    };
    const { awake, resting } = await both({ greet }, minutes(45));
    expect(resting.all.rested).toBeGreaterThan(devices / 2);
    expect(resting.all.told).toEqual(awake.all.told);
    expect(resting.all.counts).toEqual(awake.all.counts);
  });

  it.each(['meter', 'tracker'])('send what they measure in their sleep (%s)', async (name) => {
    const own = profileNamed(name) as Profile;
    const sensors = own.sensors.map((each) => ({ ...each, every: minutes(6) }));
    const { awake, resting } = await both({ profile: { ...own, sensors, move: 0 } }, hours(1));
    expect(resting.all.rested).toBeGreaterThan(devices / 2);
    expect(resting.all.told).toEqual(awake.all.told);
    expect(resting.all.counts).toEqual(awake.all.counts);
    // A meter gives up its socket: without keys the server takes it for another one then.
    expect([resting.lost, resting.errors]).toEqual([0, awake.errors]);
  });

  it('come through losses, restarts and changes of the address', async () => {
    const all = await run({ greet: watch, rest: seconds(30), loss: 0.1, reboot: 3, move: 3 });
    await all.pass(hours(1));
    expect(all.rested).toBeGreaterThan(devices / 3);
    const { registered, off, counts } = all.summary();
    expect(counts).toMatchObject({ reboots: expect.any(Number) });
    all.fleet.end();
    await all.pass(minutes(3));
    expect(registered + off).toBeGreaterThanOrEqual(devices - 3);
    await all.end();
  });

  it('answer: what wakes one is served, however much comes at once', async () => {
    const all = await run({ rest: seconds(30) });
    await all.pass(seconds(20));
    await until(all, () => all.fleet.standing.resting > 0);
    const sent = all.network.counters().sent;
    const asleep = [...Array(devices).keys()].map((i) => `device-${i}`);
    const read = await all.during(Promise.all(asleep.map((name) => all.server.device(name).read('/3303/0/5700'))));
    expect(read.map(({ length }) => length)).toEqual(asleep.map(() => 1));
    // Two datagrams each: nothing had to be said twice.
    expect(all.network.counters().sent - sent).toBe(2 * devices);
    const type = '/3303/0/5750';
    const wish = (name: string) => ({ type: 'string', value: `of ${name}` }) as const;
    // Which is still so when they have slept over it.
    for (const act of ['write', 'read'] as const) {
      await all.pass(seconds(30));
      await until(all, () => all.fleet.standing.resting > 0);
      const work = asleep.map((name) => {
        const device = all.server.device(name);
        return act === 'write' ? device.write(type, wish(name)) : device.read(type);
      });
      const answers = await all.during(Promise.all(work));
      if (act === 'read') expect(answers.map((entries) => entries?.[0]?.value)).toEqual(asleep.map(wish));
    }
    expect(all.counts).toMatchObject({ registered: devices });
    await all.end();
  });

  it('are woken once by a flood from strangers, and go to rest again', async () => {
    const all = await run({ rest: seconds(30) });
    await all.pass(seconds(20));
    await until(all, () => all.fleet.standing.resting === devices);
    const stranger = all.network.transport('10.9.9.9', 5683);
    await stranger.open({ receive: () => undefined, lost: () => undefined });
    const [target] = all.sockets;
    if (target === undefined) throw new Error('no socket');
    const device = await stranger.connect(target.address);
    for (let i = 0; i < 1000; i += 1) stranger.send(device, Uint8Array.of(0x40, 1, i >> 8, i & 255));
    await all.clock.advance(seconds(1));
    expect(all.fleet.standing).toMatchObject({ registered: devices, resting: devices - 1 });
    expect(await all.during(all.server.device('device-0').read('/3303/0/5700'))).toHaveLength(1);
    await until(all, () => all.fleet.standing.resting === devices);
    expect(all.counts).toMatchObject({ registered: devices });
    await all.end();
  });

  it('take firmware that comes in their sleep, and keep what has become of it when they sleep again', async () => {
    const profile = { ...quiet, firmware: { install: seconds(30), failure: 0 } };
    const all = await run({ rest: seconds(30), profile });
    const asleep = () => until(all, () => all.fleet.standing.resting === devices);
    const device = all.server.device('device-3');
    const value = async (path: PathText) => (await all.during(device.read(path)))[0]?.value?.value;
    await all.pass(seconds(20));
    // Who has answered once has proved its address, and is sent more than it has said.
    await value('/3/0/3');
    await asleep();
    await all.during(device.write('/5/0/0', { type: 'opaque', value: new Uint8Array(3000).fill(7) }));
    await all.pass(seconds(10));
    expect([await value('/5/0/3'), await value('/3/0/3')]).toEqual([FirmwareState.Downloaded, '1.0']);
    // What has not been installed is not to be kept: this one stays awake.
    await until(all, () => all.fleet.standing.resting === devices - 1);
    await all.pass(minutes(3));
    expect(all.fleet.standing.resting).toBeLessThan(devices);
    await all.during(device.execute(FirmwareUpdate, 0, 'update'));
    await all.pass(minutes(1));
    for (let i = 0; i < 2; i += 1) {
      await asleep();
      expect([await value('/5/0/3'), await value('/5/0/5'), await value('/3/0/3')]).toEqual([0, 1, '1.1']);
      await all.pass(seconds(10));
    }
    expect(all.summary().counts).toMatchObject({ firmwareUpdated: 1, firmwareFailed: 0 });
    await all.end();
  });

  it('deregister when the fleet leaves', async () => {
    const all = await run({ rest: seconds(30) });
    await all.pass(seconds(20));
    await until(all, () => all.fleet.standing.resting > 0);
    await all.during(all.fleet.leave(seconds(10)));
    expect(all.server.stats().registrations).toBe(0);
    expect(all.summary().counts).toMatchObject({ deregistrations: devices });
    await all.server[Symbol.asyncDispose]();
  });
});

async function until(all: Awaited<ReturnType<typeof run>>, isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 600 && !isSo(); i += 1) await all.clock.advance(seconds(1));
  expect(isSo()).toBe(true);
}

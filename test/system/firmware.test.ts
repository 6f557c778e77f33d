// Firmware from end to end: sent or fetched, over good and bad roads, with restarts in between.
import { FirmwareState, MemoryPackageStore, secured, UpdateResult } from '@lapwing/client';
import { blockOf, decodeMessage, Option } from '@lapwing/coap';
import { encodeUtf8, fromHex, hours, minutes, Secret, seconds } from '@lapwing/kernel';
import { makeValue, type PathText } from '@lapwing/lwm2m';
import { FirmwareUpdate as FirmwareObject } from '@lapwing/lwm2m/objects/firmware-update';
import { describe, expect, it } from 'vitest';
import { hostPackages, mebibyte, packageHost, packageOf, updating } from './packages.ts';
import { longBody, rows } from './rows.ts';
import { World, type WorldOptions } from './world.ts';

const uri = `coap://${packageHost}/firmware`;
const { Idle, Downloading, Downloaded } = FirmwareState;
const lossy = { loss: 0.2, duplicate: 0.1, reorder: 0.2, reorderBy: 400, jitter: 10 };

async function setUp(options: WorldOptions = {}, more: Parameters<typeof updating>[2] = {}) {
  const world = await World.make(options);
  const thing = await world.device('a', { lifetime: hours(24), version: '1.1' });
  const own = await updating(world, thing, more);
  while (thing.client.phase() !== 'registered') await world.pass(seconds(1));
  await world.pass(minutes(1));
  const device = world.server.device('a');
  /** At 20 % loss one exchange in 170 fails: who asks tries again. */
  const insist = async <T>(ask: () => Promise<T>, limit = hours(1)): Promise<T> => {
    for (let tries = 1; ; tries += 1) {
      try {
        return await world.during(ask(), limit);
      } catch (error) {
        if (tries === 10) throw error;
      }
    }
  };
  const write = (path: PathText, value: ReturnType<typeof makeValue>) => insist(() => device.write(path, value));
  // A first request may not be larger than what the device has shown itself worth.
  await insist(() => device.read('/3/0/0'));
  return { world, thing, device, own, insist, write };
}

const pushed = (bytes: Uint8Array) => makeValue('opaque', bytes);

describe.each(rows)('firmware over $name', ({ options }) => {
  it('is sent in blocks, verified and installed', async () => {
    const labels: number[] = [];
    const verify = async ({ size }: { readonly size: number }) => {
      labels.push(size);
      return { name: 'lapwing', version: '2.0' };
    };
    const { world, device, own, insist, write } = await setUp(options, { verify });
    await using _ = world;
    const size = longBody(options, 40_000);
    const image = packageOf(size);
    await write('/5/0/0', pushed(image));
    expect(own.update.status).toEqual({ state: Downloaded, result: UpdateResult.Initial });
    expect(labels).toEqual([size]);
    expect(await insist(() => device.read(FirmwareObject, 0))).toMatchObject({
      state: Downloaded,
      pkgName: 'lapwing',
      pkgVersion: '2.0',
    });
    await insist(() => device.execute(FirmwareObject, 0, 'update'));
    await world.until(() => own.update.status.state === Idle);
    expect(own.update.status.result).toBe(UpdateResult.Success);
    expect(own.installed).toEqual([image]);
    expect(await own.store.size()).toBe(0);
  });
});

describe('firmware that is fetched', () => {
  it('comes block by block, never more than one of them in memory, and is installed', async () => {
    const longest: number[] = [];
    class Watched extends MemoryPackageStore {
      override write(offset: number, bytes: Uint8Array): Promise<void> {
        longest.push(bytes.length);
        return super.write(offset, bytes);
      }
    }
    const { world, device, own, insist, write } = await setUp({}, { store: new Watched() });
    await using _ = world;
    const image = packageOf(100_000);
    await using _host = await hostPackages(world, image);
    await write('/5/0/1', makeValue('string', uri));
    await world.until(() => own.update.status.state === Downloaded);
    expect(Math.max(...longest)).toBeLessThanOrEqual(1024);
    expect(await insist(() => device.read(FirmwareObject, 0, 'packageUri'))).toBe(uri);
    await insist(() => device.execute(FirmwareObject, 0, 'update'));
    await world.until(() => own.update.status.result === UpdateResult.Success);
    expect(own.installed).toEqual([image]);
  });

  it('H13: comes whole by resume, a mebibyte at 20 % loss each way, and costs at most 1.35 times its bytes', async () => {
    const { world, device, own, insist, write } = await setUp({ seed: 3, weather: { loss: 0.2 } });
    await using _ = world;
    const image = packageOf(mebibyte);
    await using _host = await hostPackages(world, image);
    let sent = 0;
    /** Of each attempt, which has a port of its own, the first block that it asks for. */
    const attempts = new Map<string, number>();
    // Of what is sent one in five is lost before anybody could look.
    world.network.tap = (from, to, bytes) => {
      const port = JSON.stringify(from);
      if (from.host === packageHost) sent += bytes.length / 0.8;
      else if (to.host === packageHost && !attempts.has(port))
        attempts.set(port, blockOf(decodeMessage(bytes).options, Option.Block2)?.num ?? 0);
      return bytes;
    };
    await write('/5/0/1', makeValue('string', uri));
    while (own.update.status.state === Downloading) await world.pass(minutes(1));
    expect(own.update.status).toEqual({ state: Downloaded, result: UpdateResult.Initial });
    expect(sent).toBeLessThanOrEqual(1.35 * mebibyte);
    // Not in one go: the road was given up many times, and each attempt went on where the one before had come to.
    const [first, ...resumed] = [...attempts.values()];
    expect(first).toBe(0);
    expect(resumed.length).toBeGreaterThan(5);
    expect(resumed).toEqual(resumed.filter((block) => block > 0).sort((a, b) => a - b));
    await insist(() => device.execute(FirmwareObject, 0, 'update'));
    await world.until(() => own.update.status.result === UpdateResult.Success);
    // Said so, and not compared byte by byte: a mebibyte of them would take longer than to fetch them.
    expect(own.installed.map((each) => Buffer.compare(each, image))).toEqual([0]);
  });

  it('goes on where it was after a restart, as long as it is the same', async () => {
    const { world, thing, own, write } = await setUp();
    await using _ = world;
    const image = packageOf(300_000);
    await using host = await hostPackages(world, image);
    await write('/5/0/1', makeValue('string', uri));
    await world.pass(seconds(4));
    expect(own.update.status.state).toBe(Downloading);
    const there = await own.store.size();
    expect(there).toBeGreaterThan(64 * 1024);
    await own.update[Symbol.asyncDispose]();
    const before = host.requests.length;
    const again = await updating(world, thing, { store: own.store });
    await world.until(() => again.update.status.state === Downloaded);
    expect(host.requests.length - before).toBeLessThanOrEqual(Math.ceil((300_000 - there) / 1024) + 33);
    await world.during(world.server.device('a').execute(FirmwareObject, 0, 'update'));
    await world.until(() => again.update.status.state === Idle);
    expect(again.installed).toEqual([image]);
  });

  it('M-06: begins anew where the package has become another one meanwhile', async () => {
    const { world, thing, own, write } = await setUp();
    await using _ = world;
    await using host = await hostPackages(world, packageOf(200_000));
    await write('/5/0/1', makeValue('string', uri));
    await world.pass(seconds(3));
    await own.update[Symbol.asyncDispose]();
    host.bytes = packageOf(150_000, 6);
    host.etag = Uint8Array.of(2);
    const again = await updating(world, thing, { store: own.store });
    await world.until(() => again.update.status.state === Downloaded);
    await world.during(world.server.device('a').execute(FirmwareObject, 0, 'update'));
    await world.until(() => again.update.status.state === Idle);
    expect(again.installed).toEqual([host.bytes]);
  });

  it('resumes within 30 s of light after a blackout of ten minutes', async () => {
    const { world, own, write } = await setUp({}, { patience: { attempts: 100 } });
    await using _ = world;
    await using host = await hostPackages(world, packageOf(200_000));
    await write('/5/0/1', makeValue('string', uri));
    await world.pass(seconds(3));
    world.network.darken(packageHost);
    await world.pass(minutes(10));
    const there = await own.store.size();
    expect(own.update.status.state).toBe(Downloading);
    world.network.lighten(packageHost);
    await world.pass(seconds(30));
    expect(await own.store.size()).toBeGreaterThan(there);
    await world.until(() => own.update.status.state === Downloaded);
    expect(host.requests.length).toBeGreaterThan(1);
  });

  it('comes over DTLS from a host that the device has a key for, at 20 % loss each way, and from no other', async () => {
    const key = new Secret(fromHex('000102030405060708090a0b0c0d0e0f'));
    const world = await World.make({ seed: 5, weather: { loss: 0.2 } });
    await using _ = world;
    const thing = await world.device('a', { lifetime: hours(24) });
    const secure = packageOf(100_000);
    await using _host = await hostPackages(world, secure, { psk: () => key });
    const own = await updating(world, thing, {
      connectors: { coaps: (destination) => secured(world.network.transport(thing.host), destination) },
      credentials: (of) => (of.includes(packageHost) ? { kind: 'psk', identity: encodeUtf8('a'), key } : undefined),
    });
    while (thing.client.phase() !== 'registered') await world.pass(seconds(1));
    const device = world.server.device('a');
    const write = (to: string) => world.during(device.write('/5/0/1', makeValue('string', to)), hours(1));
    await write('coaps://10.0.0.8/firmware');
    expect(own.update.status).toEqual({ state: Idle, result: UpdateResult.InvalidUri });
    await write(`coaps://${packageHost}:5683/firmware`);
    while (own.update.status.state === Downloading) await world.pass(minutes(1));
    expect(own.update.status).toEqual({ state: Downloaded, result: UpdateResult.Initial });
    expect(await own.store.read(0, 200_000)).toEqual(secure);
  });

  it('M-02: does not come from the device itself, whatever name says so, and nobody is asked', async () => {
    const opened: string[] = [];
    const { world, own, write } = await setUp(
      {},
      {
        lookUp: () => Promise.resolve(['127.0.0.1', 'fe80::1']),
        connectors: {
          coap: ({ address }) => {
            const road = world.network.transport('10.1.0.1');
            const { send } = road;
            road.send = (peer, bytes) => {
              opened.push(String(address));
              send.call(road, peer, bytes);
            };
            return road;
          },
        },
      },
    );
    await using _ = world;
    for (const host of ['127.0.0.1', '[::1]', '169.254.169.254', 'packages.example', '2130706433', '0.0.0.0']) {
      await write('/5/0/1', makeValue('string', `coap://${host}/firmware`));
      while (own.update.status.state === Downloading) await world.pass(seconds(1));
      expect(own.update.status, host).toEqual({ state: Idle, result: UpdateResult.InvalidUri });
    }
    expect(opened).toEqual([]);
  });

  it('M-22: does not hold up what servers ask meanwhile', async () => {
    const { world, own, insist, write, device } = await setUp({ weather: lossy });
    await using _ = world;
    await using _host = await hostPackages(world, packageOf(200_000));
    await write('/5/0/1', makeValue('string', uri));
    for (let i = 0; i < 20; i += 1) await insist(() => device.read('/3/0/0'));
    expect(own.update.status.state).toBe(Downloading);
  });
});

// The enabler test cases on the firmware update object, by id: a server and a device of ours on every road.
import { FirmwareState, MemoryPackageStore, PackageError, type PackageProblem, UpdateResult } from '@lapwing/client';
import { Code } from '@lapwing/coap';
import { hours, minutes, seconds } from '@lapwing/kernel';
import { makeValue, type PathText } from '@lapwing/lwm2m';
import { FirmwareUpdate } from '@lapwing/lwm2m/objects/firmware-update';
import { describe, expect, it } from 'vitest';
import { hostPackages, packageHost, packageOf, updating } from './packages.ts';
import { rows } from './rows.ts';
import { World, type WorldOptions } from './world.ts';

const uri = `coap://${packageHost}/firmware`;
const { Idle, Downloading, Downloaded, Updating } = FirmwareState;
const image = packageOf(5000);
const opaque = (bytes: Uint8Array) => makeValue('opaque', bytes);
const text = (value: string) => makeValue('string', value);

async function setUp(options: WorldOptions, more: Parameters<typeof updating>[2] = {}) {
  const world = await World.make(options);
  const thing = await world.device('a', { lifetime: hours(24) });
  const own = await updating(world, thing, { patience: { attempts: 2 }, ...more });
  while (thing.client.phase() !== 'registered') await world.pass(seconds(1));
  await world.pass(seconds(30));
  const device = world.server.device('a');
  /** At 20 % loss one exchange in 170 fails: who asks tries again. */
  const insist = async <T>(ask: () => Promise<T>): Promise<T> => {
    for (let tries = 1; ; tries += 1) {
      try {
        return await world.during(ask(), hours(1));
      } catch (error) {
        if (tries === 5 || (error as { code?: string }).code !== 'TIMEOUT') throw error;
      }
    }
  };
  const write = (path: PathText, value: ReturnType<typeof makeValue>) => insist(() => device.write(path, value));
  const values = () => insist(() => device.read(FirmwareUpdate, 0));
  const status = async () => {
    const { state, updateResult } = await values();
    return [state, updateResult];
  };
  /** That the device has been in, in order. */
  const states: number[] = [];
  thing.objects.events.on('changed', () => {
    const { state } = own.update.status;
    if (states.at(-1) !== state) states.push(state);
  });
  await status();
  return { world, thing, device, own, insist, write, values, status, states };
}

const failing = (problem: PackageProblem) => () => Promise.reject(new PackageError(problem, 'as the test wants it'));

describe.each(rows)('firmware update over $name', ({ options }) => {
  it('reads what the device can do and that it is in its initial state (ETS int-751)', async () => {
    const { world, values } = await setUp(options);
    await using _ = world;
    expect(await values()).toMatchObject({
      packageUri: '',
      state: Idle,
      updateResult: UpdateResult.Initial,
      firmwareUpdateProtocolSupport: new Map([
        [0, 0],
        [1, 2],
        [2, 3],
        [3, 4],
      ]),
      firmwareUpdateDeliveryMethod: 2,
    });
  });

  it('takes a package and takes it back (ETS int-755)', async () => {
    const { world, write, status } = await setUp(options);
    await using _ = world;
    await write('/5/0/0', opaque(Uint8Array.of(0)));
    expect(await status()).toEqual([Idle, UpdateResult.Initial]);
    await write('/5/0/0', opaque(image));
    expect(await status()).toEqual([Downloaded, UpdateResult.Initial]);
    await write('/5/0/0', opaque(Uint8Array.of(0)));
    expect(await status()).toEqual([Idle, UpdateResult.Initial]);
  });

  it('takes the URI of a package, and an empty one (ETS int-756)', async () => {
    const { world, own, write, status } = await setUp(options);
    await using _ = world;
    await using _host = await hostPackages(world, image);
    await write('/5/0/1', text(''));
    expect(await status()).toEqual([Idle, UpdateResult.Initial]);
    await write('/5/0/1', text(uri));
    while (own.update.status.state === Downloading) await world.pass(seconds(5));
    expect(await status()).toEqual([Downloaded, UpdateResult.Initial]);
  });

  it('tells of its state under pmin and pmax (ETS int-760)', async () => {
    const { world, device, insist, write } = await setUp(options);
    await using _ = world;
    await insist(() => device.writeAttributes('/5/0', { pmin: 2, pmax: 10 }));
    const watching = world.observing('a', '/5/0/3');
    while (watching.values.length === 0) await world.pass(seconds(1));
    expect(watching.values[0]).toBe(Idle);
    await write('/5/0/0', opaque(image));
    while (watching.values.at(-1) !== Downloaded) await world.pass(seconds(1));
  });

  it('is updated by a package that is sent to it (ETS int-770)', async () => {
    const { world, own, device, insist, write, status, states } = await setUp(options);
    await using _ = world;
    await write('/5/0/0', opaque(Uint8Array.of(0)));
    await write('/5/0/0', opaque(image));
    expect(await status()).toEqual([Downloaded, UpdateResult.Initial]);
    await insist(() => device.execute(FirmwareUpdate, 0, 'update'));
    while (own.update.status.state !== Idle) await world.pass(seconds(1));
    expect(await status()).toEqual([Idle, UpdateResult.Success]);
    expect(states.slice(-4)).toEqual([Downloading, Downloaded, Updating, Idle]);
    expect(own.installed).toEqual([image]);
  });

  it('is updated by a package that it fetches (ETS int-771)', async () => {
    const { world, own, device, insist, write, status, states } = await setUp(options);
    await using _ = world;
    await using _host = await hostPackages(world, image);
    await write('/5/0/1', text(uri));
    while (own.update.status.state === Downloading) await world.pass(seconds(5));
    await insist(() => device.execute(FirmwareUpdate, 0, 'update'));
    while (own.update.status.state !== Idle) await world.pass(seconds(1));
    expect(await status()).toEqual([Idle, UpdateResult.Success]);
    expect(states.slice(-4)).toEqual([Downloading, Downloaded, Updating, Idle]);
    expect(own.installed).toEqual([image]);
  });

  it('installs nothing where nothing is there, M-14 (ETS int-772)', async () => {
    const { world, own, device, insist, status } = await setUp(options);
    await using _ = world;
    const before = await status();
    await expect(insist(() => device.execute(FirmwareUpdate, 0, 'update'))).rejects.toMatchObject({
      status: Code.MethodNotAllowed,
    });
    expect(await status()).toEqual(before);
    expect(own.installed).toEqual([]);
  });

  it('says that the package does not fit, M-17 (ETS int-773)', async () => {
    const { world, own, write, status, states } = await setUp(options, { store: new MemoryPackageStore(3000) });
    await using _ = world;
    await using _host = await hostPackages(world, image);
    await write('/5/0/1', text(uri));
    while (own.update.status.state === Downloading) await world.pass(seconds(5));
    expect(await status()).toEqual([Idle, UpdateResult.NoStorage]);
    expect(states).toEqual([Downloading, Idle]);
    await expect(write('/5/0/0', opaque(image))).rejects.toMatchObject({ status: Code.RequestEntityTooLarge });
    expect(await status()).toEqual([Idle, UpdateResult.NoStorage]);
  });

  it('says that it has no memory left, M-17 (ETS int-774)', async () => {
    class Small extends MemoryPackageStore {
      override write(offset: number, bytes: Uint8Array): Promise<void> {
        return offset < 2048 ? super.write(offset, bytes) : failing('no-memory')();
      }
    }
    const { world, own, write, status } = await setUp(options, { store: new Small() });
    await using _ = world;
    await using _host = await hostPackages(world, image);
    await write('/5/0/1', text(uri));
    while (own.update.status.state === Downloading) await world.pass(seconds(5));
    expect(await status()).toEqual([Idle, UpdateResult.NoMemory]);
  });

  it('says that the connection is lost for good, M-17 (ETS int-775)', async () => {
    const { world, own, write, status, states } = await setUp(options);
    await using _ = world;
    await using _host = await hostPackages(world, packageOf(200_000));
    await write('/5/0/1', text(uri));
    await world.pass(seconds(2));
    world.network.darken(packageHost);
    while (own.update.status.state === Downloading) await world.pass(minutes(1));
    expect(await status()).toEqual([Idle, UpdateResult.ConnectionLost]);
    expect(states).toEqual([Downloading, Idle]);
  });

  it.each([
    ['says that the package is broken, M-17 (ETS int-776)', 'integrity', UpdateResult.IntegrityFailure],
    [
      'says that the package is not of its kind, M-17 (ETS int-777)',
      'unsupported-type',
      UpdateResult.UnsupportedPackage,
    ],
  ] as const)('%s', async (_title, problem, result) => {
    const { world, own, write, status, states } = await setUp(options, { verify: failing(problem) });
    await using _ = world;
    await using _host = await hostPackages(world, image);
    await write('/5/0/0', opaque(image));
    expect(await status()).toEqual([Idle, result]);
    await write('/5/0/1', text(uri));
    while (own.update.status.state === Downloading) await world.pass(seconds(5));
    expect(await status()).toEqual([Idle, result]);
    expect(states).toEqual([Downloading, Idle, Downloading, Idle]);
    expect(await own.store.size()).toBe(0);
  });

  it('says that nothing is at the URI, M-17 (ETS int-778)', async () => {
    const { world, own, write, status } = await setUp(options);
    await using _ = world;
    await using _host = await hostPackages(world, image);
    await write('/5/0/1', text(`coap://${packageHost}/nothing`));
    while (own.update.status.state === Downloading) await world.pass(seconds(5));
    expect(await status()).toEqual([Idle, UpdateResult.InvalidUri]);
    await write('/5/0/1', text('no URI'));
    expect(await status()).toEqual([Idle, UpdateResult.InvalidUri]);
    await write('/5/0/1', text('ftp://10.0.0.9/firmware'));
    expect(await status()).toEqual([Idle, UpdateResult.UnsupportedProtocol]);
  });

  it('says that the installation has failed, and still has the package, M-17 (ETS int-779)', async () => {
    const { world, own, device, insist, write, status, states } = await setUp(options, { install: failing('failed') });
    await using _ = world;
    await write('/5/0/0', opaque(image));
    await insist(() => device.execute(FirmwareUpdate, 0, 'update'));
    while (own.update.status.result === UpdateResult.Initial) await world.pass(seconds(1));
    expect(await status()).toEqual([Downloaded, UpdateResult.UpdateFailed]);
    expect(states).toEqual([Downloading, Downloaded, Updating, Downloaded]);
    expect(await own.store.size()).toBe(image.length);
  });
});

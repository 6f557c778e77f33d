import { ResponseError } from '@lapwing/coap';
import { minutes, seconds } from '@lapwing/kernel';
import { type Entry, formatPath, instancePath, type Operation, objectPath, resourcePath } from '@lapwing/lwm2m';
import { failureOf, NotRegisteredError } from '@lapwing/server';
import { describe, expect, it } from 'vitest';
import { DeviceObject, Meter, Setting, Temperature } from './objects.ts';
import { rows } from './rows.ts';
import { World } from './world.ts';

describe.each(rows)('over $name, a server', ({ options }) => {
  async function setUp() {
    const world = await World.make(options);
    const thing = await world.device('a', { lifetime: minutes(60) });
    while (world.server.registration('a') === undefined) await world.pass(seconds(1));
    return { world, thing, device: world.server.device('a') };
  }

  it('reads values, objects and resource instances with their types', async () => {
    const { world, device } = await setUp();
    await using _ = world;
    expect(await world.during(device.read(DeviceObject, 0, 'manufacturer'))).toBe('Lapwing');
    expect(await world.during(device.read(Temperature, 0, 'sensorValue'))).toBe(20);
    expect(await world.during(device.read(DeviceObject, 0, 'errorCode'))).toEqual(new Map([[0, 0]]));
    const entries = await world.during(device.read('/3303'));
    expect(entries.map(({ path, value }) => [formatPath(path), value?.value])).toEqual([
      ['/3303/0/5700', 20],
      ['/3303/0/5601', 20],
    ]);
  });

  it('writes, replaces, creates and deletes', async () => {
    const { world, device } = await setUp();
    await using _ = world;
    await world.during(device.write(DeviceObject, 0, { utcOffset: '+02:00', timezone: 'Europe/Berlin' }));
    expect(await world.during(device.read(DeviceObject, 0, 'timezone'))).toBe('Europe/Berlin');
    const at = await world.during(device.create(Setting, { label: 'x', level: -5, tags: new Map([[3, 'blue']]) }));
    expect(at === undefined ? '' : formatPath(at)).toBe('/26241/0');
    expect(await world.during(device.read(Setting, 0, 'level'))).toBe(-5);
    await world.during(device.write(Setting, 0, { count: 2n ** 60n, ratio: 0.5, image: new Uint8Array([0, 255]) }));
    expect(await world.during(device.read(Setting, 0, 'ratio'))).toBe(0.5);
    expect(await world.during(device.read(Setting, 0, 'tags'))).toEqual(new Map([[3, 'blue']]));
    await world.during(device.delete('/26241/0'));
    await expect(world.during(device.read('/26241/0'))).rejects.toMatchObject({ status: 0x84 });
  });

  it('creates instances whose mandatory values only the device can give, and may give them at birth', async () => {
    const { world, thing, device } = await setUp();
    await using _ = world;
    thing.client.objects.define(Meter, { creatable: {} });
    const create = (instance: number, entries: readonly Entry[]) =>
      world.during(device.perform({ op: 'create', path: objectPath(26_260), instance, entries }));
    expect(await create(0, [])).toMatchObject({ kind: 'done', code: 0x41 });
    const reading = { path: resourcePath(26_260, 1, 0), value: { type: 'float', value: 7.5 } } as const;
    expect(await create(1, [reading])).toMatchObject({ kind: 'done', code: 0x41 });
    expect(await world.during(device.read(Meter, 1, 'reading'))).toBe(7.5);
    await expect(world.during(device.read(Meter, 0, 'reading'))).rejects.toMatchObject({ status: 0x84 });
  });

  it('executes exactly once, however often the datagrams come', async () => {
    const { world, thing, device } = await setUp();
    await using _ = world;
    for (let i = 1; i <= 10; i += 1) {
      await world.during(device.execute(DeviceObject, 0, 'reboot')).catch(() => undefined);
      expect(thing.reboots).toBeLessThanOrEqual(i);
    }
    expect(thing.reboots).toBeGreaterThanOrEqual(9);
  });

  it('discovers what is there with its attributes', async () => {
    const { world, device } = await setUp();
    await using _ = world;
    await world.during(device.writeAttributes('/3303/0/5700', { pmin: 5, pmax: 60, gt: 30 }));
    const links = await world.during(device.discover('/3303/0'));
    expect(links.map(({ target }) => target)).toEqual(['/3303/0', '/3303/0/5601', '/3303/0/5700']);
    expect(Object.fromEntries(links[2]?.attributes ?? [])).toEqual({ pmin: '5', pmax: '60', gt: '30' });
  });

  it('is told why it may not do what it asks', async () => {
    const { world, device } = await setUp();
    await using _ = world;
    await expect(world.during(device.read('/99'))).rejects.toThrow(ResponseError);
    await expect(world.during(device.read('/3/0/4'))).rejects.toMatchObject({ status: 0x85 });
    const write = {
      op: 'write',
      path: { kind: 'resource', object: 3, instance: 0, resource: 0 },
      mode: 'replace',
      entries: [],
    } as const;
    expect(
      await world.during(
        device.perform({ ...write, entries: [{ path: write.path, value: { type: 'string', value: 'x' } }] }),
      ),
    ).toMatchObject({
      kind: 'refused',
      code: 0x85,
    });
    await expect(world.during(device.delete('/3/0'))).rejects.toMatchObject({ status: 0x85 });
    await expect(world.during(world.server.device('nobody').read('/3'))).rejects.toThrow(NotRegisteredError);
  });
});

it('says of what no request can be made of that the device has not seen it, of a call and in the queue', async () => {
  await using world = await World.make();
  await world.device('a', { lifetime: minutes(60), version: '1.1' });
  await world.pass(seconds(5));
  const path = resourcePath(3, 0, 15);
  const entry = { path, value: { type: 'string', value: 'x' } } as const;
  const operations: readonly Operation[] = [
    { op: 'write-composite', entries: [entry, entry] },
    { op: 'write-attributes', path: instancePath(3303, 0), attributes: { gt: 5 } },
  ];
  const { sent } = world.network.counters();
  for (const operation of operations) {
    const error: unknown = await world.during(world.server.perform('a', operation)).catch((thrown) => thrown);
    expect(failureOf(error)).toMatchObject({ kind: 'codec', why: 'format', delivered: 'no' });
    const queued = await world.server.queue('a', operation);
    expect(await world.during(queued.settled())).toMatchObject({ failure: { kind: 'codec', delivered: 'no' } });
  }
  expect(world.network.counters().sent).toBe(sent);
});

// A device that is a gateway, the end devices behind it, and a server that manages them (Gateway 1.1.1 §6, §8.2, §8.3, §8.3.3).
import { ObjectStore } from '@lapwing/client';
import { Code, Endpoint, makeRequest, Option, OptionSet } from '@lapwing/coap';
import { encodeUtf8, minutes, seconds } from '@lapwing/kernel';
import { type Entry, formatPath, parsePrefixedPath } from '@lapwing/lwm2m';
import { Gateway } from '@lapwing/lwm2m/objects/gateway';
import { GatewayRouting } from '@lapwing/lwm2m/objects/gateway-routing';
import { describe, expect, it } from 'vitest';
import { Setting, Temperature } from './objects.ts';
import { rows } from './rows.ts';
import { serverHost, type Thing, World } from './world.ts';

/** An end device with a thermometer, and settings that servers may create. */
function sensor(thing: Thing, id: string, prefix: string, celsius = 20) {
  const objects = new ObjectStore();
  objects.define(Setting, { creatable: {} });
  const resets: (string | undefined)[] = [];
  const thermometer = objects.add(Temperature, 0, {
    sensorValue: celsius,
    applicationType: prefix,
    resetMinMax: (args) => void resets.push(args),
  });
  thing.endDevices.add({ id, prefix, objects });
  return { objects, resets, warm: (value: number) => thermometer.set({ sensorValue: value }) };
}

const shown = (entries: readonly Entry[]): string[] =>
  entries.map(({ path, value }) => `${formatPath(path)} ${value?.value}`);

it('has object 26 as any other object: which objects are mapped, and to what, is read, observed and not written', async () => {
  await using world = await World.make();
  const thing = await world.device('gw', { isGateway: true, version: '1.2' });
  sensor(thing, 'urn:dev:1', 'd01');
  const routing = thing.objects.add(GatewayRouting, 0, { lwm2mObjectId: 3303, mappingInfo: '</d01/3303>' });
  await world.pass(seconds(5));
  expect(world.server.registration('gw')?.objects.map(({ target }) => target)).toContain('/26/0');
  const device = world.server.device('gw');
  expect(await world.during(device.read(GatewayRouting, 0))).toEqual({
    lwm2mObjectId: 3303,
    mappingInfo: '</d01/3303>',
  });
  const { values } = world.observing('gw', '/26/0/1');
  await world.pass(seconds(1));
  routing.set({ mappingInfo: '</d01/3303>,</d02/3303>' });
  await world.pass(seconds(1));
  expect(values).toEqual(['</d01/3303>', '</d01/3303>,</d02/3303>']);
  await expect(world.during(device.write('/26/0/1', { type: 'corelnk', value: '</d01/3>' }))).rejects.toMatchObject({
    status: Code.MethodNotAllowed,
  });
});

describe.each(rows)('over $name, a server', ({ options }) => {
  async function setUp() {
    const world = await World.make(options);
    const thing = await world.device('gw', { lifetime: minutes(60), isGateway: true, version: '1.2' });
    const first = sensor(thing, 'urn:dev:1', 'd01', 21);
    const second = sensor(thing, 'urn:dev:2', 'd02', 22);
    while ((world.server.registration('gw')?.objects.length ?? 0) < 6) await world.pass(seconds(1));
    return { world, thing, first, second, device: world.server.device('gw') };
  }

  it('reaches end devices by their prefixes, with the same calls as a device', async () => {
    const { world, device, first, second } = await setUp();
    await using _ = world;
    const d01 = device.endDevice('d01');
    const d02 = device.endDevice('d02');
    expect(await world.during(d01.read(Temperature, 0, 'sensorValue'))).toBe(21);
    expect(await world.during(d02.read(Temperature, 0))).toEqual({ sensorValue: 22, applicationType: 'd02' });
    expect(await world.during(device.read(Temperature, 0, 'sensorValue'))).toBe(20);
    expect(shown(await world.during(d01.read('/3303/0')))).toEqual(['/3303/0/5700 21', '/3303/0/5750 d01']);
    await world.during(d01.write(Temperature, 0, { applicationType: 'hall' }));
    await world.during(d02.write('/3303/0/5750', { type: 'string', value: 'cellar' }));
    expect(await world.during(d01.read(Temperature, 0, 'applicationType'))).toBe('hall');
    expect(await world.during(d02.read(Temperature, 0, 'applicationType'))).toBe('cellar');
    await world.during(d01.execute(Temperature, 0, 'resetMinMax', '3'));
    expect([first.resets, second.resets]).toEqual([['3'], []]);
    const made = await world.during(d02.create(Setting, { label: 'x', level: 4 }));
    expect(made).toEqual({ kind: 'instance', object: 26_241, instance: 0 });
    await world.during(d02.create(Setting, { label: 'y' }, { instance: 7 }));
    expect([...(second.objects.objects.get(26_241)?.instances.keys() ?? [])]).toEqual([0, 7]);
    await world.during(d02.delete('/26241/7'));
    await world.during(d01.writeAttributes('/3303/0/5700', { pmin: 5 }));
    const links = await world.during(d01.discover('/3303/0'));
    expect(links.map(({ target }) => target)).toEqual(['/3303/0', '/3303/0/5605', '/3303/0/5700', '/3303/0/5750']);
    expect(links[2]?.attributes.get('pmin')).toBe('5');
    await expect(world.during(d01.read('/26241/0'))).rejects.toMatchObject({ status: 0x84 });
  });

  it('reads and writes several end devices and the gateway at once', async () => {
    const { world, device } = await setUp();
    await using _ = world;
    const paths = ['/3303/0/5700', '/d01/3303/0/5700', '/d02/3303/0/5700'].map(parsePrefixedPath);
    const read = await world.during(device.perform({ op: 'read-composite', paths }));
    expect(read.kind === 'content' && shown(read.entries).sort()).toEqual([
      '/3303/0/5700 20',
      '/d01/3303/0/5700 21',
      '/d02/3303/0/5700 22',
    ]);
    const label = (text: string): Entry => ({
      path: parsePrefixedPath(text),
      value: { type: 'string', value: 'attic' },
    });
    await expect(world.during(device.endDevice('d03').read('/3303'))).rejects.toMatchObject({ status: 0x84 });
    expect(() => device.endDevice('3303')).toThrow('not a prefix');
    await world.during(device.writeComposite([label('/d01/3303/0/5750'), label('/d02/3303/0/5750')]));
    expect(await world.during(device.endDevice('d02').read(Temperature, 0, 'applicationType'))).toBe('attic');
  });

  it('observes end devices each for itself, and goes on when the gateway registers anew', async () => {
    const { world, device, first, second, thing } = await setUp();
    await using _ = world;
    const heard: Record<string, unknown[]> = { d01: [], d02: [] };
    const stop = new AbortController();
    const over = (['d01', 'd02'] as const).map(async (prefix) => {
      const observed = device.endDevice(prefix).observe('/3303/0/5700', { lasting: true, signal: stop.signal });
      for await (const { entries } of observed) heard[prefix]?.push(...shown(entries));
    });
    await world.until(() => heard['d01']?.length === 1 && heard['d02']?.length === 1);
    first.warm(30);
    await world.until(() => heard['d01']?.length === 2);
    second.warm(31);
    await world.until(() => heard['d02']?.length === 2);
    expect(heard).toEqual({
      d01: ['/3303/0/5700 21', '/3303/0/5700 30'],
      d02: ['/3303/0/5700 22', '/3303/0/5700 31'],
    });
    // Where a notification may be lost for good, what it said may have come with the answer to another registration.
    const told = world.of('notify').map(({ observation }) => formatPath(observation.path));
    if (options.weather === undefined)
      expect(told).toEqual(expect.arrayContaining(['/d01/3303/0/5700', '/d02/3303/0/5700']));
    expect(world.server.drop('gw')).toBe(true);
    thing.client.update();
    await world.until(() => heard['d01']?.length === 3 && heard['d02']?.length === 3);
    first.warm(40);
    await world.until(() => heard['d01']?.at(-1) === '/3303/0/5700 40');
    stop.abort(new Error('stopped'));
    await Promise.allSettled(over);
  });

  it('is told when an end device comes, changes and goes', async () => {
    const { world, device, first, thing } = await setUp();
    await using _ = world;
    const known = () => world.server.endDevices('gw').map(({ prefix }) => prefix);
    await world.until(() => known().length === 2);
    expect(world.of('end-device-added').map(({ endDevice }) => `${endDevice.id} ${endDevice.prefix}`)).toEqual([
      'urn:dev:1 d01',
      'urn:dev:2 d02',
    ]);
    sensor(thing, 'urn:dev:3', 'd03');
    await world.until(() => known().length === 3);
    first.objects.add(Temperature, 5, { sensorValue: 1 });
    await world.until(() => world.of('end-device-changed').length === 1);
    const [changed] = world.of('end-device-changed');
    const targets = (links: readonly { target: string }[] = []) => links.map(({ target }) => target);
    expect(targets(changed?.previous.objects)).not.toContain('/3303/5');
    expect(targets(changed?.endDevice.objects)).toContain('/3303/5');
    thing.endDevices.remove('d02');
    await world.until(() => known().length === 2);
    expect(world.of('end-device-removed').map(({ endDevice }) => endDevice.id)).toEqual(['urn:dev:2']);
    expect((await world.during(device.endDevices())).map(({ id }) => id)).toEqual(['urn:dev:1', 'urn:dev:3']);
    expect(world.server.registration('gw')?.objects.some(({ target }) => target === '/3303/5')).toBe(false);
    expect(world.server.stats().endDevices).toEqual({ known: 2, refused: 0, failed: 0 });
    await world.during(thing.client[Symbol.asyncDispose]());
    await world.until(() => world.of('end-device-removed').length === 3);
    expect(known()).toEqual([]);
  });

  it('takes what end devices send, each for itself', async () => {
    const { world, thing } = await setUp();
    await using _ = world;
    // The server may know that it is registered before it does.
    await world.until(() => thing.client.phase() === 'registered');
    await world.during(thing.client.send(['/3303/0/5700'], { prefix: 'd02' }));
    const time = 1_700_000_000;
    const values = ['/3303/0/5700', '/d01/3303/0/5700', '/d02/3303/0/5700'].map(
      (path, i): Entry => ({ path: parsePrefixedPath(path), value: { type: 'float', value: i }, time: time + i }),
    );
    await world.during(thing.client.send(values));
    await expect(world.during(thing.client.send(['/3303'], { prefix: 'd09' }))).rejects.toMatchObject({
      problem: 'nothing',
    });
    await world.until(() => world.of('sent').length === 4);
    expect(world.of('sent').map(({ prefix, entries }) => [prefix, ...shown(entries)])).toEqual([
      ['d02', '/d02/3303/0/5700 22', '/d02/3303/0/5750 d02'].slice(0, 2),
      [undefined, '/3303/0/5700 0'],
      ['d01', '/d01/3303/0/5700 1'],
      ['d02', '/d02/3303/0/5700 2'],
    ]);
  });
});

describe('a gateway that means harm, or is large', () => {
  const shownBy = async (fill: (objects: ObjectStore) => void, options: Parameters<typeof World.make>[0] = {}) => {
    const world = await World.make(options);
    const objects = new ObjectStore();
    objects.define(Gateway);
    fill(objects);
    const client = await world.device('gw', { version: '1.2', isGateway: true });
    for (const [instance, { contents }] of objects.objects.get(25)?.instances ?? []) {
      const text = (id: number) => (contents.get(id) as { value: string }).value;
      client.objects.add(Gateway, instance, { deviceId: text(0), prefix: text(1), ioTDeviceObjects: text(3) });
    }
    return world;
  };

  it('cannot take a prefix that is taken, no prefix, or the number of an object', async () => {
    await using world = await shownBy((objects) => {
      for (const [i, prefix] of ['d01', 'd01', '..', '3', 'a/b', '%2e%2e', '', 'd02'].entries())
        objects.add(Gateway, i, { deviceId: `urn:dev:${i}`, prefix, ioTDeviceObjects: '</3/0>' });
    });
    await world.until(() => world.server.endDevices('gw').length === 2);
    expect(world.server.endDevices('gw').map(({ id, prefix }) => `${id} ${prefix}`)).toEqual([
      'urn:dev:0 d01',
      'urn:dev:7 d02',
    ]);
    const last = world.of('end-devices-refused').at(-1);
    expect(last).toMatchObject({ refused: 6 });
    expect(last?.problems.map(({ problem }) => problem)).toEqual([
      'prefix-taken',
      'prefix',
      'prefix',
      'prefix',
      'prefix',
      'prefix',
    ]);
    expect(world.server.stats().endDevices.refused).toBeGreaterThanOrEqual(6);
  });

  it('cannot fill the memory of the server with one object list or with many end devices', async () => {
    await using world = await shownBy(
      (objects) => {
        objects.add(Gateway, 0, {
          deviceId: 'urn:dev:0',
          prefix: 'd0',
          ioTDeviceObjects: `</3/0>,${'</3303/0>,'.repeat(1_000_000)}</3/0>`,
        });
        for (let i = 1; i <= 60; i += 1)
          objects.add(Gateway, i, { deviceId: `urn:dev:${i}`, prefix: `d${i}`, ioTDeviceObjects: '</3/0>' });
      },
      { server: { limits: { endDevices: 40 } } },
    );
    // The list of 10 MB fits into no answer: neither the object nor that instance is read.
    await world.until(() => world.of('end-devices-failed').length > 0, minutes(30));
    expect(world.of('end-devices-failed').at(-1)?.error).toMatchObject({ code: 'LIMIT' });
    expect(world.server.endDevices('gw')).toEqual([]);
  });

  it('is read instance by instance when it is too large for one answer', async () => {
    await using world = await shownBy((objects) => {
      const links = Array.from({ length: 20 }, (_, i) => `</${3300 + i}/0>`).join();
      for (let i = 0; i < 500; i += 1)
        objects.add(Gateway, i, { deviceId: `urn:dev:${i}`, prefix: `d${i}`, ioTDeviceObjects: links });
    });
    await world.until(() => world.server.endDevices('gw').length === 500, minutes(30));
    expect(world.server.stats().endDevices).toEqual({ known: 500, refused: 0, failed: 0 });
    const thing = world.thing('gw');
    thing.objects.remove(25, 7);
    await world.until(() => world.of('end-device-removed').length === 1, minutes(30));
    expect(world.server.endDevices('gw')).toHaveLength(499);
  });

  it('is answered 4.04 for values of end devices where it is no gateway, and 4.00 for what is no path', async () => {
    await using world = await World.make();
    await using raw = await Endpoint.open({
      transport: world.network.transport('10.2.0.1'),
      clock: world.clock,
      random: world.random,
    });
    const peer = await raw.connect({ via: 'udp', host: serverHost, port: 5683 });
    const post = async (path: string, query: readonly string[], format: number, payload: string) => {
      const options = OptionSet.of(
        [Option.UriPath, path],
        [Option.ContentFormat, format],
        ...query.map((part): [number, string] => [Option.UriQuery, part]),
      );
      return (await world.during(raw.request(peer, makeRequest(Code.Post, options, encodeUtf8(payload))))).code;
    };
    const register = (objects: string) => post('rd', ['ep=raw', 'lwm2m=1.1', 'lt=600', 'b=U'], 40, objects);
    const send = (name: string) => post('dp', [], 110, `[{"n":"${name}","v":1}]`);
    expect(await register('</3/0>')).toBe(Code.Created);
    expect(await send('/d01/3303/0/5700')).toBe(Code.NotFound);
    expect(await register('</3/0>,</25/0>')).toBe(Code.Created);
    expect(await send('/d01/3303/0/5700')).toBe(Code.Changed);
    for (const name of ['/../3303/0/5700', '/%2e/3303/0/5700', '/d01/d02/3/0', '/d01/0/0/5', '/d01/3303'])
      expect(await send(name), name).toBe(Code.BadRequest);
    await world.until(() => world.of('end-devices-failed').length === 1);
    expect(world.server.stats().endDevices).toEqual({ known: 0, refused: 0, failed: 1 });
    expect(world.of('sent').map(({ prefix }) => prefix)).toEqual(['d01']);
  });

  it('may send nothing for end devices where it has registered none', async () => {
    await using world = await World.make();
    const thing = await world.device('plain');
    await world.until(() => world.server.registration('plain') !== undefined);
    const entry: Entry = { path: parsePrefixedPath('/d01/3303/0/5700'), value: { type: 'float', value: 1 } };
    await expect(world.during(thing.client.send([entry]))).rejects.toMatchObject({ problem: 'forbidden' });
    expect(world.server.stats().endDevices.known).toBe(0);
    expect(await world.during(world.server.device('plain').endDevices())).toEqual([]);
  });
});

// A device on Leshan's client library, registered at a Lapwing server: the registration interface and every
// operation of device management, in each format that Leshan speaks.
import { Code, ContentFormat, type ResponseError } from '@lapwing/coap';
import { DefinitionLibrary, instancePath, makeValue, type Path, parsePath, resourcePath } from '@lapwing/lwm2m';
import { type Device as DeviceHandle, Server } from '@lapwing/server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LeshanDevice, leshan } from './parts/leshan.ts';
import { Device, Temperature, TestObject } from './parts/objects.ts';
import { describeWith } from './parts/part.ts';

const hour = 3600;
/** Of /3442/0/130. */
const initialFloat = Number('3.14159');

async function listen(): Promise<Server> {
  const library = new DefinitionLibrary();
  library.add(TestObject);
  return Server.listen({ listeners: [{ via: 'udp', port: 0 }], library });
}

function uriOf(server: Server): string {
  const [address] = server.addresses;
  return address?.via === 'udp' ? `coap://127.0.0.1:${address.port}` : 'none';
}

/** Starts a Leshan device and waits until both sides know of its registration. */
async function join(
  server: Server,
  name: string,
  options: { lifetime?: number; queue?: true } = {},
): Promise<LeshanDevice> {
  const registered = server.events.once('registered');
  const device = await LeshanDevice.start({ server: uriOf(server), name, lifetime: hour, ...options });
  await registered;
  await device.next('registered');
  return device;
}

await describeWith([leshan], 'a Leshan device registers at a Lapwing server', () => {
  let server: Server;
  beforeAll(async () => {
    server = await listen();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test('with its name, version, lifetime, formats and objects', async () => {
    await using device = await LeshanDevice.start({ server: uriOf(server), name: 'reg-1', lifetime: 600 });
    const location = (await device.next('registered')).location;
    const registration = server.registration('reg-1');
    expect(registration).toMatchObject({
      name: 'reg-1',
      version: '1.1',
      lifetime: 600_000,
      binding: 'U',
      queueMode: false,
      rootPath: '',
    });
    expect(location).toBe(`/rd/${registration?.id}`);
    expect(registration?.objects.map(({ target }) => target)).toEqual(
      expect.arrayContaining(['/1/0', '/3/0', '/5/0', '/3303/0', '/3442/0']),
    );
    expect(registration?.formats).toEqual(expect.arrayContaining([60, 110, 112, 11542, 11543]));
  });

  test('updates its registration, and leaves it when it goes', async () => {
    await using device = await join(server, 'reg-2');
    const updated = server.events.once('updated');
    device.update();
    expect((await updated).registration.name).toBe('reg-2');
    const left = server.events.once('deregistered');
    await device.leave();
    expect((await left).registration.name).toBe('reg-2');
    expect(server.registration('reg-2')).toBeUndefined();
  });

  test('takes the place of its own older registration when it comes back after a crash', async () => {
    const first = await join(server, 'reg-3');
    const before = server.registration('reg-3')?.id;
    await first.stop();
    await using _second = await join(server, 'reg-3');
    expect(server.registration('reg-3')?.id).not.toBe(before);
    expect([...server.registrations()].filter(({ name }) => name === 'reg-3')).toHaveLength(1);
  });

  test('in queue mode is spoken to while it is awake', async () => {
    await using _device = await join(server, 'reg-4', { queue: true });
    expect(server.registration('reg-4')?.queueMode).toBe(true);
    expect(server.isAwake('reg-4')).toBe(true);
    expect(await server.device('reg-4').read(Device, 0, 'manufacturer')).toBe('Lapwing');
  });
});

await describeWith([leshan], 'a Lapwing server manages a Leshan device', () => {
  let server: Server;
  let leshanDevice: LeshanDevice;
  let device: DeviceHandle;
  beforeAll(async () => {
    server = await listen();
    leshanDevice = await join(server, 'dev-1');
    device = server.device('dev-1');
  });
  afterAll(async () => {
    await leshanDevice.stop();
    await server[Symbol.asyncDispose]();
  });

  test('reads a resource, a multiple resource, an instance and an object', async () => {
    expect(await device.read(Device, 0, 'manufacturer')).toBe('Lapwing');
    expect(await device.read(Device, 0, 'availablePowerSources')).toEqual(
      new Map([
        [0, 1],
        [1, 5],
      ]),
    );
    const instance = await device.read('/3303/0');
    expect(instance).toContainEqual({ path: resourcePath(3303, 0, 5700), value: { type: 'float', value: 21.5 } });
    expect(await device.read('/3303')).toEqual(instance);
  });

  const readable = [ContentFormat.Tlv, ContentFormat.SenmlJson, ContentFormat.SenmlCbor, ContentFormat.Lwm2mJson];
  test.each(readable)('reads every type of value in format %i', async (accept) => {
    const result = await device.perform({ op: 'read', path: instancePath(3442, 0), accept });
    expect(result).toMatchObject({ kind: 'content', format: accept });
    const values = result.kind === 'content' ? result.entries : [];
    const at = (id: number) =>
      values.find(({ path }) => path.kind === 'resource' && path.resource === id)?.value?.value;
    expect(at(110)).toBe('initial value');
    expect(at(120)).toBe(1024);
    expect(at(125)).toBe(9_223_372_036_854_775_808n);
    expect(at(130)).toBe(initialFloat);
    expect(at(140)).toBe(true);
    expect(Buffer.from(at(150) as Uint8Array).toString('hex')).toBe('0123456789abcdef');
    expect(at(160)).toBe(946_684_800);
    expect(at(170)).toEqual({ object: 3, instance: 0 });
    expect(at(180)).toBe('</3442>');
  });

  const single: [string, number, Path, unknown][] = [
    ['text', ContentFormat.Text, resourcePath(3442, 0, 130), initialFloat],
    ['CBOR', ContentFormat.Cbor, resourcePath(3442, 0, 120), 1024],
    ['opaque', ContentFormat.OctetStream, resourcePath(3442, 0, 150), Buffer.from('0123456789abcdef', 'hex')],
  ];
  test.each(single)('reads a single value as %s', async (_name, accept, path, expected) => {
    const result = await device.perform({ op: 'read', path, accept });
    expect(result).toMatchObject({ kind: 'content', format: accept });
    const value = result.kind === 'content' ? result.entries[0]?.value?.value : undefined;
    expect(value instanceof Uint8Array ? Buffer.from(value) : value).toEqual(expected);
  });

  const written = {
    string: 'Grüße',
    integer: -7,
    unsigned: 2n ** 64n - 1n,
    float: -0.25,
    boolean: false,
    opaque: Buffer.from([0, 255]),
    time: 1_700_000_000,
    objectLink: { object: 3303, instance: 1 },
  };
  const writable = [ContentFormat.Tlv, ContentFormat.SenmlJson, ContentFormat.SenmlCbor, ContentFormat.Lwm2mJson];
  test.each(writable)('writes every type of value in format %i', async (format) => {
    await device.execute(TestObject, 0, 'clearValues');
    const entries = Object.entries(written).map(([key, value]) => {
      const { id, type } = TestObject.resources[key as keyof typeof written];
      return { path: resourcePath(3442, 0, id), value: { type, value } as never };
    });
    const result = await device.perform({ op: 'write', path: instancePath(3442, 0), mode: 'update', entries, format });
    expect(result).toEqual({ kind: 'done', code: Code.Changed });
    for (const [key, value] of Object.entries(written)) {
      const read = await device.read(TestObject, 0, key as keyof typeof written);
      expect(read instanceof Uint8Array ? Buffer.from(read) : read).toEqual(value);
    }
  });

  test('writes a multiple resource, adding to it and replacing it', async () => {
    await device.execute(TestObject, 0, 'resetValues');
    await device.write(TestObject, 0, {
      integers: new Map([
        [3, 33],
        [9, 99],
      ]),
    });
    expect(await device.read(TestObject, 0, 'integers')).toEqual(
      new Map([
        [0, 1024],
        [3, 33],
        [9, 99],
      ]),
    );
    const path = resourcePath(3442, 0, 1120);
    const entries = [
      {
        path: { ...path, kind: 'resource-instance', resourceInstance: 1 } as const,
        value: { type: 'integer', value: 1 } as const,
      },
    ];
    expect((await device.perform({ op: 'write', path, mode: 'replace', entries })).kind).toBe('done');
    expect(await device.read(TestObject, 0, 'integers')).toEqual(new Map([[1, 1]]));
  });

  test('writes and reads a text and a binary of many blocks', async () => {
    const text = 'many blocks of text '.repeat(500);
    await device.write(TestObject, 0, { string: text });
    expect(await device.read(TestObject, 0, 'string')).toBe(text);
    const image = Buffer.from(Array.from({ length: 20_000 }, (_, i) => (i * 31) % 256));
    await device.write(TestObject, 0, { opaque: image });
    expect(Buffer.from(await device.read(TestObject, 0, 'opaque')).equals(image)).toBe(true);
  });

  test('executes with and without arguments', async () => {
    await device.execute(Temperature, 0, 'resetMinMax');
    expect(await leshanDevice.next('executed')).toMatchObject({ path: '/3303/0/5605' });
    await device.execute(TestObject, 0, 'storeArguments', "0='a-b',7,9='c'");
    expect(await device.read(TestObject, 0, 'storedArguments')).toEqual(
      new Map([
        [0, 'a-b'],
        [7, ''],
        [9, 'c'],
      ]),
    );
  });

  test('creates an instance, finds it in the object list, and deletes it', async () => {
    const listed = () => server.registration('dev-1')?.objects.some(({ target }) => target === '/3303/7');
    const created = server.events.once('updated');
    await device.create(Temperature, { applicationType: 'attic' }, { instance: 7 });
    await created;
    expect(listed()).toBe(true);
    expect(await device.read(Temperature, 7, 'applicationType')).toBe('attic');
    const deleted = server.events.once('updated');
    await device.delete('/3303/7');
    await deleted;
    expect(listed()).toBe(false);
  });

  test('discovers an object, an instance and a resource', async () => {
    const targets = async (path: '/3303' | '/3303/0' | '/3303/0/5700') =>
      (await device.discover(path)).map(({ target }) => target);
    expect(await targets('/3303')).toEqual(expect.arrayContaining(['/3303', '/3303/0', '/3303/0/5700']));
    expect(await targets('/3303/0')).toEqual(expect.arrayContaining(['/3303/0', '/3303/0/5700']));
    expect(await targets('/3303/0/5700')).toEqual(['/3303/0/5700']);
  });

  test('writes attributes and discovers them', async () => {
    await device.writeAttributes('/3303/0/5700', { pmin: 1, pmax: 60, gt: 30.5 });
    const [link] = await device.discover('/3303/0/5700');
    expect(Object.fromEntries(link?.attributes ?? [])).toMatchObject({ pmin: '1', pmax: '60', gt: '30.5' });
    await device.writeAttributes('/3303/0/5700', { pmin: null, pmax: null, gt: null });
  });

  test('observes a resource and is told of each change until it lets go', async () => {
    const seen: unknown[] = [];
    for await (const { entries } of device.observe('/3303/0/5700')) {
      seen.push(entries[0]?.value?.value);
      if (seen.length === 3) break;
      leshanDevice.set({ '/3303/0/5700': 21.5 + seen.length });
    }
    expect(seen).toEqual([21.5, 22.5, 23.5]);
    expect(server.observations('dev-1')).toEqual([]);
  });

  test('observes an instance in SenML', async () => {
    const path = instancePath(3303, 0);
    const first = await device.perform({ op: 'observe', path, accept: ContentFormat.SenmlJson });
    expect(first).toMatchObject({ kind: 'content', format: ContentFormat.SenmlJson });
    const notified = server.events.once('notify');
    leshanDevice.set({ '/3303/0/5700': 40 });
    expect((await notified).result.entries).toContainEqual({
      path: resourcePath(3303, 0, 5700),
      value: { type: 'float', value: 40 },
    });
    expect((await device.perform({ op: 'cancel-observe', path })).code).toBe(Code.Content);
  });

  test('is refused with the code of the reason', async () => {
    const refusals = [
      device.read('/9999/0'),
      device.read('/3303/9'),
      device.read('/3303/0/5605'),
      device.execute(Temperature, 9, 'resetMinMax'),
    ].map((outcome) =>
      outcome.then(
        () => undefined,
        (error: unknown) => (error as ResponseError).status,
      ),
    );
    expect(await Promise.all(refusals)).toEqual([Code.NotFound, Code.NotFound, Code.MethodNotAllowed, Code.NotFound]);
  });

  const composite = [ContentFormat.SenmlJson, ContentFormat.SenmlCbor];
  test.each(composite)(
    'reads and writes several objects at once in format %i (ETS int-229) (ETS int-230)',
    async (format) => {
      const options = { format, accept: format };
      const entries = [
        { path: parsePath('/3/0/15'), value: makeValue('string', `zone ${format}`) },
        { path: parsePath('/3303/0/5750'), value: makeValue('string', `room ${format}`) },
      ];
      await device.writeComposite(entries, { format });
      const read = await device.readComposite(['/3/0/15', '/3303/0/5750', '/3/0/6'], options);
      expect(read).toEqual(
        expect.arrayContaining([...entries, { path: parsePath('/3/0/6/1'), value: makeValue('integer', 5) }]),
      );
      expect(read).toHaveLength(4);
    },
  );

  test('reads what is there of several paths (ETS int-281)', async () => {
    const read = await device.readComposite(['/3303/0/5701', '/3303/77/5701']);
    expect(read.filter(({ value }) => value !== undefined)).toEqual([
      { path: parsePath('/3303/0/5701'), value: makeValue('string', 'Cel') },
    ]);
  });

  test('observes several paths and cancels that (ETS int-304) (ETS int-305)', async () => {
    const seen: unknown[] = [];
    for await (const { entries } of device.observeComposite(['/3303/0/5700', '/3303/0/5701'])) {
      seen.push(entries.find(({ path }) => path.kind === 'resource' && path.resource === 5700)?.value?.value);
      expect(entries).toHaveLength(2);
      if (seen.length === 2) break;
      leshanDevice.set({ '/3303/0/5700': -3.5 });
    }
    expect(seen.at(-1)).toBe(-3.5);
    expect(server.observations('dev-1')).toEqual([]);
  });

  test.each(composite)('takes what the device sends by itself in format %i (ETS int-306)', async (format) => {
    leshanDevice.set({ '/3303/0/5700': 12.25 });
    const sent = server.events.once('sent');
    leshanDevice.send(['/3303/0/5700', '/3/0/0'], format);
    const { registration, entries } = await sent;
    expect(registration.name).toBe('dev-1');
    expect(entries).toEqual(
      expect.arrayContaining([
        { path: parsePath('/3303/0/5700'), value: makeValue('float', 12.25) },
        { path: parsePath('/3/0/0'), value: makeValue('string', 'Lapwing') },
      ]),
    );
    expect(await leshanDevice.next('sent')).toMatchObject({ code: 'CHANGED(204)' });
  });

  test('takes values with the times at which the device collected them', async () => {
    const before = Date.now() / 1000 - 2;
    for (const celsius of [1.5, 2.5]) {
      leshanDevice.set({ '/3303/0/5700': celsius });
      leshanDevice.collect(['/3303/0/5700']);
    }
    const sent = server.events.once('sent');
    leshanDevice.sendCollected(ContentFormat.SenmlCbor);
    const { entries } = await sent;
    expect(entries.map(({ value }) => value?.value).sort()).toEqual([1.5, 2.5]);
    for (const { time } of entries) expect(time).toBeGreaterThan(before);
  });
});

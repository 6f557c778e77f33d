// A Lapwing client at a server on Leshan's library, which reads, writes, executes, creates, deletes, discovers and
// observes it: the mirror image of leshan-client.test.ts.

import { Client, type Instance, ObjectStore } from '@lapwing/client';
import { ContentFormat } from '@lapwing/coap';
import { hours, seconds } from '@lapwing/kernel';
import { makeValue, resourcePath } from '@lapwing/lwm2m';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LeshanServer, leshan, type Values } from './parts/leshan.ts';
import { Device, Temperature, TestObject } from './parts/objects.ts';
import { describeWith } from './parts/part.ts';

const done = 'CHANGED(204)';
const content = 'CONTENT(205)';

interface Things {
  readonly objects: ObjectStore;
  readonly temperature: Instance<typeof Temperature>;
  readonly values: Instance<typeof TestObject>;
  /** Arguments of each execution. */
  readonly executed: unknown[];
}

function things(): Things {
  const objects = new ObjectStore();
  const executed: unknown[] = [];
  const note = (args?: unknown): void => {
    executed.push(args);
  };
  objects.add(Device, 0, {
    manufacturer: 'Lapwing',
    modelNumber: 'client',
    availablePowerSources: new Map([
      [0, 1],
      [1, 5],
    ]),
    errorCode: new Map([[0, 0]]),
    timezone: 'Etc/UTC',
    bindings: 'U',
    reboot: note,
  });
  const actions = { resetValues: note, clearValues: note, storeArguments: note };
  objects.define(TestObject, { creatable: actions });
  const temperature = objects.add(Temperature, 0, { sensorValue: 21.5, applicationType: 'kitchen', resetMinMax: note });
  const values = objects.add(TestObject, 0, {
    string: 'initial value',
    integer: 1024,
    unsigned: 2n ** 63n,
    float: 0.5,
    boolean: true,
    opaque: Buffer.from('0123456789abcdef', 'hex'),
    time: 946_684_800,
    objectLink: { object: 3, instance: 0 },
    coreLink: '</3442>',
    integers: new Map([[0, 1024]]),
    ...actions,
  });
  return { objects, temperature, values, executed };
}

await describeWith([leshan], 'a Lapwing client registers at a Leshan server', () => {
  let server: LeshanServer;
  beforeAll(async () => {
    server = await LeshanServer.start();
  });
  afterAll(() => server.stop());

  test('with its name, version, lifetime and objects, updates, and leaves', async () => {
    const client = await Client.start({
      name: 'reg-1',
      servers: [{ uri: server.uri, lifetime: hours(1) }],
      objects: things().objects,
    });
    const registered = await server.next('registered');
    expect(registered).toMatchObject({ name: 'reg-1', lifetime: 3600, version: '1.1', queue: false, root: '/' });
    for (const link of ['</1/0>', '</3/0>', '</3303>;ver=1.1', '</3303/0>', '</3442/0>'])
      expect(registered.links).toContain(link);
    expect(registered.links).not.toContain('</0');

    const updated = client.events.once('updated');
    client.update();
    expect(await server.next('updated')).toMatchObject({ name: 'reg-1', lifetime: 3600 });
    await updated;

    await client[Symbol.asyncDispose]();
    expect(await server.next('deregistered')).toMatchObject({ name: 'reg-1' });
  });

  test('tells of objects that come and go', async () => {
    const { objects } = things();
    await using client = await Client.start({
      name: 'reg-2',
      servers: [{ uri: server.uri, lifetime: hours(1) }],
      objects,
    });
    await server.next('registered');
    const registered = client.events.once('updated');
    objects.add(Temperature, 5, { sensorValue: 0, resetMinMax: () => {} });
    const updated = await server.next('updated', ({ name }) => name === 'reg-2');
    expect(updated.links).toContain('</3303/5>');
    await registered;
  });

  test('in queue mode, with an alternate root path', async () => {
    await using _client = await Client.start({
      name: 'reg-3',
      servers: [{ uri: server.uri, lifetime: hours(1), queueMode: true }],
      objects: things().objects,
      rootPath: '/lwm2m',
    });
    expect(await server.next('registered', ({ name }) => name === 'reg-3')).toMatchObject({
      queue: true,
      root: '/lwm2m/',
    });
    expect(await server.ask('reg-3', { op: 'read', path: '/3/0/0' })).toEqual({
      code: content,
      values: { '/3/0/0': 'Lapwing' },
    });
  });

  test('renews a short lifetime before it ends', async () => {
    await using _client = await Client.start({
      name: 'reg-4',
      servers: [{ uri: server.uri, lifetime: seconds(4) }],
      objects: things().objects,
    });
    await server.next('updated', ({ name }) => name === 'reg-4');
    await server.next('updated', ({ name }) => name === 'reg-4');
  });
});

await describeWith([leshan], 'a Leshan server manages a Lapwing client', () => {
  let server: LeshanServer;
  let client: Client;
  let device: Things;
  const ask = (command: Parameters<LeshanServer['ask']>[1]) => server.ask('dev-1', command);
  beforeAll(async () => {
    server = await LeshanServer.start();
    device = things();
    client = await Client.start({
      name: 'dev-1',
      servers: [{ uri: server.uri, lifetime: hours(1) }],
      objects: device.objects,
    });
    await server.next('registered');
  });
  afterAll(async () => {
    await client[Symbol.asyncDispose]();
    await server.stop();
  });

  test('reads a resource, a multiple resource, an instance and an object', async () => {
    expect(await ask({ op: 'read', path: '/3/0/0' })).toEqual({ code: content, values: { '/3/0/0': 'Lapwing' } });
    expect((await ask({ op: 'read', path: '/3/0/6' })).values).toEqual({ '/3/0/6/0': 1, '/3/0/6/1': 5 });
    expect((await ask({ op: 'read', path: '/3/0/6/1' })).values).toEqual({ '/3/0/6/1': 5 });
    const temperature = { '/3303/0/5700': 21.5, '/3303/0/5750': 'kitchen' };
    expect((await ask({ op: 'read', path: '/3303/0' })).values).toEqual(temperature);
    expect((await ask({ op: 'read', path: '/3303' })).values).toEqual(temperature);
  });

  const formats = [ContentFormat.Tlv, ContentFormat.SenmlJson, ContentFormat.SenmlCbor, ContentFormat.Lwm2mJson];
  test.each(formats)('reads every type of value in format %i', async (format) => {
    expect((await ask({ op: 'read', path: '/3442/0', format })).values).toMatchObject({
      '/3442/0/110': 'initial value',
      '/3442/0/120': 1024,
      '/3442/0/125': '9223372036854775808',
      '/3442/0/130': 0.5,
      '/3442/0/140': true,
      '/3442/0/150': { hex: '0123456789abcdef' },
      '/3442/0/160': '2000-01-01T00:00:00Z',
      '/3442/0/170': '3:0',
      '/3442/0/180': '</3442>',
      '/3442/0/1120/0': 1024,
    });
  });

  const single: [string, number, string, unknown][] = [
    ['text', ContentFormat.Text, '/3442/0/130', 0.5],
    ['CBOR', ContentFormat.Cbor, '/3442/0/120', 1024],
    ['opaque', ContentFormat.OctetStream, '/3442/0/150', { hex: '0123456789abcdef' }],
  ];
  test.each(single)('reads a single value as %s', async (_name, format, path, value) => {
    expect(await ask({ op: 'read', path, format })).toEqual({ code: content, values: { [path]: value } });
  });

  test.each(formats)('writes every type of value in format %i', async (format) => {
    const before = ['string', 'integer', 'unsigned', 'float', 'boolean', 'opaque', 'time', 'objectLink'] as const;
    const kept = Object.fromEntries(before.map((key) => [key, device.values.get(key)]));
    const values: Values = {
      110: 'Grüße',
      120: -7,
      125: '9223372036854775809',
      130: -0.25,
      140: false,
      150: { hex: '00ff' },
      160: '2023-11-14T22:13:20Z',
      170: '3303:1',
    };
    expect(await ask({ op: 'write', path: '/3442/0', values, replace: false, format })).toEqual({ code: done });
    const opaque = device.values.get('opaque');
    expect(Buffer.from(opaque ?? []).toString('hex')).toBe('00ff');
    const now = Object.fromEntries(before.map((key) => [key, device.values.get(key)]));
    expect({ ...now, opaque: undefined }).toEqual({
      string: 'Grüße',
      integer: -7,
      unsigned: 2n ** 63n + 1n,
      float: -0.25,
      boolean: false,
      opaque: undefined,
      time: 1_700_000_000,
      objectLink: { object: 3303, instance: 1 },
    });
    device.values.set(kept);
  });

  test('writes a multiple resource and replaces an instance', async () => {
    const integers = '/3442/0/1120';
    expect((await ask({ op: 'write', path: integers, value: { 3: 33, 9: 99 } })).code).toBe(done);
    expect(device.values.get('integers')).toEqual(
      new Map([
        [3, 33],
        [9, 99],
      ]),
    );
    expect((await ask({ op: 'write', path: '/3442/0', values: { 110: 'alone' }, replace: true })).code).toBe(done);
    expect([device.values.get('string'), device.values.get('integer')]).toEqual(['alone', undefined]);
  });

  test('writes and reads a text and a binary of many blocks', async () => {
    const text = 'many blocks of text '.repeat(500);
    expect((await ask({ op: 'write', path: '/3442/0/110', value: text })).code).toBe(done);
    expect(device.values.get('string')).toBe(text);
    expect((await ask({ op: 'read', path: '/3442/0/110' })).values).toEqual({ '/3442/0/110': text });
    const image = Buffer.from(Array.from({ length: 20_000 }, (_, i) => (i * 31) % 256)).toString('hex');
    expect((await ask({ op: 'write', path: '/3442/0/150', value: { hex: image } })).code).toBe(done);
    expect((await ask({ op: 'read', path: '/3442/0/150' })).values).toEqual({ '/3442/0/150': { hex: image } });
  });

  test('executes with and without arguments', async () => {
    device.executed.length = 0;
    expect((await ask({ op: 'execute', path: '/3303/0/5605' })).code).toBe(done);
    expect((await ask({ op: 'execute', path: '/3442/0/3', arguments: "0='a-b',7" })).code).toBe(done);
    expect(device.executed).toHaveLength(2);
  });

  test('creates instances and deletes them', async () => {
    const { code } = await ask({ op: 'create', path: '/3442', instance: 7, values: { 110: 'attic' } });
    expect(code).toBe('CREATED(201)');
    const updated = await server.next('updated', ({ links }) => links?.includes('</3442/7>') === true);
    expect(updated.name).toBe('dev-1');
    expect((await ask({ op: 'read', path: '/3442/7' })).values).toEqual({ '/3442/7/110': 'attic' });
    expect(await ask({ op: 'create', path: '/3442', values: { 120: 2 } })).toMatchObject({ location: '3442/1' });
    for (const path of ['/3442/7', '/3442/1']) expect((await ask({ op: 'delete', path })).code).toBe('DELETED(202)');
    await server.next('updated', ({ links }) => links?.includes('</3442/7>') === false);
  });

  test('discovers, with the attributes that it has written', async () => {
    expect((await ask({ op: 'attributes', path: '/3303/0/5700', query: 'pmin=1&pmax=60&gt=30.5' })).code).toBe(done);
    const { links = '' } = await ask({ op: 'discover', path: '/3303/0' });
    expect(links).toContain('</3303/0/5750>');
    expect(links).toMatch(/<\/3303\/0\/5700>(?=[^,]*;pmin=1)(?=[^,]*;pmax=60)(?=[^,]*;gt=30\.5)/);
    expect((await ask({ op: 'discover', path: '/3303' })).links).toContain('</3303>');
    expect((await ask({ op: 'attributes', path: '/3303/0/5700', query: 'pmin&pmax&gt' })).code).toBe(done);
    expect((await ask({ op: 'discover', path: '/3303/0/5700' })).links).toBe('</3303/0/5700>');
  });

  test.each(['cancel', 'forget'] as const)('observes, and ends the observation by %s', async (op) => {
    const path = '/3303/0/5700';
    device.temperature.set({ sensorValue: 20 });
    expect((await ask({ op: 'observe', path })).values).toEqual({ [path]: 20 });
    for (const sensorValue of [22.5, 23.5]) {
      device.temperature.set({ sensorValue });
      expect((await server.next('notified')).values).toEqual({ [path]: sensorValue });
    }
    expect((await ask({ op, path })).error).toBeUndefined();
    device.temperature.set({ sensorValue: 99 });
    await expect(server.next('notified', undefined, { within: 1 })).rejects.toThrow(/took longer/);
  });

  test('observes an instance in SenML-CBOR', async () => {
    device.temperature.set({ sensorValue: 30 });
    const observed = await ask({ op: 'observe', path: '/3303/0', format: ContentFormat.SenmlCbor });
    expect(observed.values).toMatchObject({ '/3303/0/5700': 30 });
    device.temperature.set({ sensorValue: 31, applicationType: 'hall' });
    expect((await server.next('notified')).values).toEqual({ '/3303/0/5700': 31, '/3303/0/5750': 'hall' });
    expect((await ask({ op: 'cancel', path: '/3303/0' })).error).toBeUndefined();
  });

  test('is refused with the code of the reason', async () => {
    const codes = [
      await ask({ op: 'read', path: '/3303/9' }),
      await ask({ op: 'read', path: '/3442/0/1110' }),
      await ask({ op: 'read', path: '/3303/0/5605' }),
      await ask({ op: 'execute', path: '/3303/0/5700' }),
      await ask({ op: 'write', path: '/3303/0/5700', value: 1 }),
      await ask({ op: 'delete', path: '/3/0' }),
    ].map(({ code }) => code);
    expect(codes).toEqual(['NOT_FOUND(404)', 'NOT_FOUND(404)', ...Array<string>(4).fill('METHOD_NOT_ALLOWED(405)')]);
  });

  test.each([ContentFormat.SenmlJson, ContentFormat.SenmlCbor])(
    'reads and writes several objects at once in format %i (ETS int-229) (ETS int-230)',
    async (format) => {
      const values = { '/3/0/15': `zone ${format}`, '/3303/0/5750': `room ${format}` };
      expect(await ask({ op: 'write-composite', values, format })).toEqual({ code: done });
      expect(device.temperature.get('applicationType')).toBe(`room ${format}`);
      const paths = ['/3/0/15', '/3303/0/5750', '/3/0/6', '/3303/9', '/0/0'];
      expect(await ask({ op: 'read-composite', paths, format })).toMatchObject({
        code: content,
        values: { ...values, '/3/0/6/0': 1, '/3/0/6/1': 5 },
      });
    },
  );

  test('writes nothing of a composite with one wrong part (K-03)', async () => {
    const before = device.temperature.get('applicationType');
    const values = { '/3303/0/5750': 'nowhere', '/3/0/0': 'somebody' };
    const { code } = await ask({ op: 'write-composite', values, format: ContentFormat.SenmlCbor });
    expect(code).toBe('METHOD_NOT_ALLOWED(405)');
    expect(device.temperature.get('applicationType')).toBe(before);
  });

  test('observes several paths and cancels that (ETS int-304) (ETS int-305)', async () => {
    device.temperature.set({ sensorValue: 1 });
    const format = ContentFormat.SenmlCbor;
    const paths = ['/3303/0/5700', '/3/0/0'];
    expect((await ask({ op: 'observe-composite', paths, format })).values).toEqual({
      '/3303/0/5700': 1,
      '/3/0/0': 'Lapwing',
    });
    device.temperature.set({ sensorValue: 2 });
    expect((await server.next('notified')).values).toEqual({ '/3303/0/5700': 2, '/3/0/0': 'Lapwing' });
    expect((await ask({ op: 'cancel-composite' })).error).toBeUndefined();
    device.temperature.set({ sensorValue: 3 });
    await expect(server.next('notified', undefined, { within: 1 })).rejects.toThrow(/took longer/);
  });

  test('takes what the device sends by itself, with times and without (ETS int-306)', async () => {
    device.temperature.set({ sensorValue: 7.5 });
    for (const format of [ContentFormat.SenmlJson, ContentFormat.SenmlCbor]) {
      await client.send(['/3303/0/5700', '/3/0/0'], { format });
      expect(await server.next('sent')).toMatchObject({
        name: 'dev-1',
        moments: { null: { '/3303/0/5700': 7.5, '/3/0/0': 'Lapwing' } },
      });
    }
    const path = resourcePath(3303, 0, 5700);
    const entries = [1, 2].map((i) => ({ path, value: makeValue('float', i), time: 1_700_000_000 + i }));
    await client.send(entries);
    expect((await server.next('sent')).moments).toEqual({
      '2023-11-14T22:13:21Z': { '/3303/0/5700': 1 },
      '2023-11-14T22:13:22Z': { '/3303/0/5700': 2 },
    });
  });

  test('is refused when the device may not send (ETS int-307)', async () => {
    expect((await ask({ op: 'write', path: '/1/0/23', value: true })).code).toBe(done);
    await expect(client.send(['/3303/0/5700'])).rejects.toMatchObject({ problem: 'muted' });
    expect((await ask({ op: 'write', path: '/1/0/23', value: false })).code).toBe(done);
  });
});

await describeWith([leshan], 'a Lapwing client of LwM2M 1.2 at a Leshan server of 1.1', () => {
  test('is refused with 4.12, falls back and is managed', async () => {
    await using server = await LeshanServer.start();
    await using client = await Client.start({
      name: 'new-1',
      version: '1.2',
      servers: [{ uri: server.uri, lifetime: hours(1) }],
      objects: things().objects,
    });
    expect(await server.next('registered')).toMatchObject({ name: 'new-1', version: '1.1' });
    expect(client.version()).toBe('1.1');
    const read = { op: 'read-composite', paths: ['/3/0/0'], format: ContentFormat.SenmlCbor } as const;
    expect((await server.ask('new-1', read)).values).toEqual({ '/3/0/0': 'Lapwing' });
  });
});

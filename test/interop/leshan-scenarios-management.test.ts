// The enabler test cases on device management that Zephyr's client is put through by Leshan's server, with ours in its place, over DTLS
// with a pre-shared key. Leshan reads, writes, discovers, executes and creates in each format that it speaks.
import type { Client } from '@lapwing/client';
import { ContentFormat } from '@lapwing/coap';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type LeshanAnswer, type LeshanCommand, LeshanServer, leshan, type Values } from './parts/leshan.ts';
import {
  account,
  credentialOf,
  identities,
  join,
  keyFor,
  linksOf,
  type Things,
  things,
} from './parts/leshan-scenario.ts';
import { describeWith } from './parts/part.ts';

const { Text, Cbor, Tlv, Lwm2mJson, SenmlJson, SenmlCbor } = ContentFormat;
const name = 'management';
const done = { code: 'CHANGED(204)' };

await describeWith([leshan], 'a Leshan server manages a Lapwing client over dtls-psk', () => {
  let server: LeshanServer;
  let device: Things;
  let client: Client;
  const keys = keyFor(name, '3');
  const start = (): Promise<Client> =>
    join({
      name,
      servers: [{ uri: server.secureUri, credentials: credentialOf(keys), ...account }],
      objects: device.objects,
    });
  beforeAll(async () => {
    server = await LeshanServer.startBoth();
    await server.admit(name, keys);
    device = things();
    client = await start();
    expect(await server.next('registered')).toMatchObject({ name, secure: true, version: '1.1' });
    expect((await ask({ op: 'write', path: '/1/0/5', value: 86_400 })).code).toBe(done.code);
  });
  afterAll(async () => {
    await client[Symbol.asyncDispose]();
    await server.stop();
  });

  const ask = (command: LeshanCommand): Promise<LeshanAnswer> => server.ask(name, command);
  /** The values at a path; undefined where the answer is another one. */
  const read = async (path: string, format?: number): Promise<Values | undefined> => {
    const { code, values } = await ask({ op: 'read', path, ...(format === undefined ? {} : { format }) });
    return code === 'CONTENT(205)' ? values : undefined;
  };
  const one = async (path: string, format?: number): Promise<unknown> => (await read(path, format))?.[path];
  const write = (path: string, value: LeshanCommand['value'] & {}, format?: number): Promise<LeshanAnswer> =>
    ask({ op: 'write', path, value, ...(format === undefined ? {} : { format }) });
  const composite = async (paths: readonly string[], format: number): Promise<Values | undefined> => {
    const { code, values } = await ask({ op: 'read-composite', paths, format });
    return code === 'CONTENT(205)' ? values : undefined;
  };

  const serverObject = {
    '/1/0/0': 1,
    '/1/0/1': 86_400,
    '/1/0/2': 1,
    '/1/0/3': 10,
    '/1/0/5': 86_400,
    '/1/0/6': false,
    '/1/0/7': 'U',
  };
  const deviceObject = {
    '/3/0/0': 'Lapwing',
    '/3/0/1': 'client-1',
    '/3/0/2': 'serial-1',
    '/3/0/3': '1.2.3',
    '/3/0/6/0': 1,
    '/3/0/6/1': 5,
    '/3/0/7/0': 3800,
    '/3/0/7/1': 5000,
    '/3/0/8/0': 125,
    '/3/0/8/1': 900,
    '/3/0/9': 95,
    '/3/0/10': 15,
    '/3/0/11/0': 0,
    '/3/0/13': expect.any(String),
    '/3/0/14': '+01:00',
    '/3/0/15': 'Europe/Berlin',
    '/3/0/16': 'U',
  };

  test('LightweightM2M-1.1-int-201 queries basic information in plain text', async () => {
    expect(await one('/3/0/0', Text)).toBe('Lapwing');
    expect(await one('/3/0/1', Text)).toBe('client-1');
    expect(await one('/3/0/2', Text)).toBe('serial-1');
  });

  test.each([
    ['LightweightM2M-1.1-int-203 queries basic information in TLV', Tlv],
    ['LightweightM2M-1.1-int-204 queries basic information in JSON', Lwm2mJson],
  ])('%s', async (_, format) => {
    expect(await read('/3/0', format)).toEqual(deviceObject);
  });

  test('LightweightM2M-1.1-int-205 sets basic information in plain text', async () => {
    for (const [path, value, before] of [
      ['/1/0/2', 101, 1],
      ['/1/0/3', 1010, 10],
      ['/1/0/5', 2000, 86_400],
    ] as const) {
      for (const each of [value, before]) {
        expect(await write(path, each, Text)).toEqual(done);
        expect(await one(path, Text)).toBe(each);
      }
    }
  });

  test('LightweightM2M-1.1-int-211 queries basic information in CBOR', async () => {
    expect(await one('/1/0/0', Cbor)).toBe(1);
    expect(await one('/1/0/6', Cbor)).toBe(false);
    expect(await one('/1/0/7', Cbor)).toBe('U');
  });

  test('LightweightM2M-1.1-int-212 sets basic information in CBOR', async () => {
    for (const [path, value, before] of [
      ['/1/0/2', 101, 1],
      ['/1/0/3', 1010, 10],
      ['/1/0/6', true, false],
    ] as const) {
      for (const each of [value, before]) {
        expect(await write(path, each, Cbor)).toEqual(done);
        expect(await one(path, Cbor)).toBe(each);
      }
    }
  });

  test.each([
    ['LightweightM2M-1.1-int-215 sets basic information in TLV', Tlv],
    ['LightweightM2M-1.1-int-220 sets basic information in JSON', Lwm2mJson],
  ])('%s', async (_, format) => {
    const before = await read('/1/0', format);
    expect(before).toMatchObject(serverObject);
    const values = { 2: 101, 3: 1010, 5: 2000, 6: true, 7: 'U' };
    expect(await ask({ op: 'write', path: '/1/0', values, replace: false, format })).toEqual(done);
    const settings = { '/1/0/2': 101, '/1/0/3': 1010, '/1/0/5': 2000, '/1/0/6': true, '/1/0/7': 'U' };
    expect(await read('/1/0', format)).toEqual({ ...before, ...settings });
    const { '/1/0/0': _id, ...writable } = serverObject;
    const original = Object.fromEntries(Object.entries(writable).map(([path, value]) => [path.slice(5), value]));
    expect(await ask({ op: 'write', path: '/1/0', values: original, replace: true, format })).toEqual(done);
    expect(await read('/1/0', format)).toMatchObject(serverObject);
  });

  test('LightweightM2M-1.1-int-221 is refused whatever it tries on the Security object', async () => {
    for (const attempt of [
      { op: 'read', path: '/0/0' },
      { op: 'read', path: '/0/0/0' },
      { op: 'write', path: '/0/0/0', value: 'coap://localhost' },
      { op: 'attributes', path: '/0', query: 'pmin=10' },
      { op: 'discover', path: '/0' },
      { op: 'delete', path: '/0/0' },
    ] as const)
      expect((await ask(attempt)).code, `${attempt.op} ${attempt.path}`).toBe('UNAUTHORIZED(401)');
  });

  test('LightweightM2M-1.1-int-222 reads an object', async () => {
    expect(await read('/1')).toMatchObject(serverObject);
    expect(await read('/3')).toEqual(deviceObject);
  });

  test('LightweightM2M-1.1-int-223 reads an object instance', async () => {
    expect(await read('/1/0')).toMatchObject(serverObject);
    expect(await read('/3/0')).toEqual(deviceObject);
  });

  test('LightweightM2M-1.1-int-224 reads a resource', async () => {
    expect(await one('/1/0/0')).toBe(1);
    expect(await one('/1/0/1')).toBe(86_400);
    expect(await one('/1/0/6')).toBe(false);
    expect(await one('/1/0/7')).toBe('U');
  });

  test('LightweightM2M-1.1-int-225 reads a resource instance', async () => {
    expect(await read('/3/0/11/0')).toEqual({ '/3/0/11/0': 0 });
  });

  test('LightweightM2M-1.1-int-226 writes part of an object instance', async () => {
    const before = await read('/1/0');
    const update = (values: Values): Promise<LeshanAnswer> =>
      ask({ op: 'write', path: '/1/0', values, replace: false });
    expect(await update({ 1: 60, 6: true })).toEqual(done);
    expect(await read('/1/0')).toEqual({ ...before, '/1/0/1': 60, '/1/0/6': true });
    expect(await server.next('updated')).toMatchObject({ name, lifetime: 60 });
    expect(await update({ 1: 86_400, 6: false })).toEqual(done);
    expect(await server.next('updated')).toMatchObject({ name, lifetime: 86_400 });
  });

  test('LightweightM2M-1.1-int-227 replaces a resource', async () => {
    expect(await write('/1/0/1', 63)).toEqual(done);
    expect(await server.next('updated')).toMatchObject({ name, lifetime: 63 });
    expect(await one('/1/0/1')).toBe(63);
    expect(await write('/1/0/1', 86_400)).toEqual(done);
    expect(await server.next('updated')).toMatchObject({ name, lifetime: 86_400 });
  });

  test('LightweightM2M-1.1-int-228 writes a resource instance', async () => {
    const create = { op: 'create', path: '/16', instance: 0, values: { 0: { 0: 'a', 1: 'b' } } } as const;
    expect((await ask(create)).code).toBe('CREATED(201)');
    expect((await server.next('updated')).links).toContain('</16/0>');
    expect(await write('/16/0/0/0', 'test')).toEqual(done);
    expect(await read('/16/0/0/0')).toEqual({ '/16/0/0/0': 'test' });
    expect(await read('/16/0')).toEqual({ '/16/0/0/0': 'test', '/16/0/0/1': 'b' });
  });

  const senml = [SenmlJson, SenmlCbor];

  test.each(senml)('LightweightM2M-1.1-int-229 reads several things at once in format %i', async (format) => {
    const whole = await composite(['/3', '/1/0'], format);
    expect(whole).toMatchObject({ ...deviceObject, ...serverObject });
    expect(Object.keys(whole ?? {}).sort()).toEqual(
      [...Object.keys((await read('/3')) ?? {}), ...Object.keys((await read('/1/0')) ?? {})].sort(),
    );
    expect(await composite(['/1/0/1', '/3/0/11/0'], format)).toEqual({ '/1/0/1': 86_400, '/3/0/11/0': 0 });
  });

  test.each(senml)('LightweightM2M-1.1-int-230 writes several things at once in format %i', async (format) => {
    const portfolio = { '/16/0/0/0': 'aa', '/16/0/0/1': 'bb', '/16/0/0/2': 'cc', '/16/0/0/3': 'dd' };
    const values = { '/1/0/1': 60, '/1/0/6': true, ...portfolio };
    expect(await ask({ op: 'write-composite', values, format })).toEqual(done);
    expect(await read('/1/0')).toMatchObject({ '/1/0/1': 60, '/1/0/6': true });
    expect(await read('/16/0/0')).toEqual(portfolio);
    expect(await server.next('updated')).toMatchObject({ name, lifetime: 60 });
    const before = { '/1/0/1': 86_400, '/1/0/6': false };
    expect(await ask({ op: 'write-composite', values: before, format })).toEqual(done);
    expect(await server.next('updated')).toMatchObject({ name, lifetime: 86_400 });
  });

  test.each([
    ['LightweightM2M-1.1-int-231 queries basic information in SenML JSON', SenmlJson],
    ['LightweightM2M-1.1-int-232 queries basic information in SenML CBOR', SenmlCbor],
  ])('%s', async (_, format) => {
    expect(await read('/1', format)).toMatchObject(serverObject);
    expect(await read('/3/0', format)).toEqual(deviceObject);
    expect(await one('/3/0/16', format)).toBe('U');
    expect(await one('/3/0/11/0', format)).toBe(0);
  });

  test.each([
    ['LightweightM2M-1.1-int-233 sets basic information in SenML CBOR', SenmlCbor],
    ['LightweightM2M-1.1-int-234 sets basic information in SenML JSON', SenmlJson],
  ])('%s', async (_, format) => {
    const update = { op: 'write', path: '/1/0', values: { 1: 61, 6: true }, replace: false, format } as const;
    expect(await ask(update)).toEqual(done);
    expect(await read('/1/0', format)).toMatchObject({ '/1/0/1': 61, '/1/0/6': true });
    expect(await write('/16/0/0/0', `value ${format}`, format)).toEqual(done);
    expect(await read('/16', format)).toMatchObject({ '/16/0/0/0': `value ${format}` });
    expect(await write('/1/0/1', 63, format)).toEqual(done);
    expect(await one('/1/0/1', format)).toBe(63);
    expect(await ask({ ...update, values: { 1: 86_400, 6: false } })).toEqual(done);
    await server.next('updated', ({ lifetime }) => lifetime === 86_400);
  });

  test.each(senml)(
    'LightweightM2M-1.1-int-235 reads everything but keys from the root in format %i',
    async (format) => {
      const everything = await composite(['/'], format);
      expect(everything).toMatchObject({ ...serverObject, ...deviceObject, '/16/0/0/1': expect.any(String) });
      const objects = new Set(Object.keys(everything ?? {}).map((path) => path.split('/')[1]));
      expect([...objects].sort()).toEqual(['1', '16', '3']);
    },
  );

  test('LightweightM2M-1.1-int-236 reads what is there of several things', async () => {
    const values = await composite(['/1/0', '/3/0/11/0', '/3303/0/5700', '/16/7'], SenmlCbor);
    expect(values).toMatchObject({ ...serverObject, '/3/0/11/0': 0 });
    expect(Object.keys(values ?? {}).filter((path) => !path.startsWith('/1/0/'))).toEqual(['/3/0/11/0']);
  });

  test('LightweightM2M-1.1-int-237 reads objects without saying in which format', async () => {
    expect(await read('/1')).toMatchObject(serverObject);
    expect(await read('/3')).toEqual(deviceObject);
  });

  test('LightweightM2M-1.1-int-241 reboots the device, which comes back', async () => {
    const { registration } = await ask({ op: 'client' });
    expect(await ask({ op: 'execute', path: '/3/0/4' })).toEqual(done);
    await expect.poll(() => device.reboots).toBe(1);
    await client.close({ deregister: false });
    client = await start();
    await write('/1/0/5', 86_400);
    const again = await server.next('registered', (event) => event.registration !== registration);
    expect(again).toMatchObject({ name, secure: true, lifetime: 86_400 });
    expect(await one('/3/0/0')).toBe('Lapwing');
  });

  test('LightweightM2M-1.1-int-256 may not write what can only be read', async () => {
    expect((await write('/1/0/0', 123)).code).toBe('METHOD_NOT_ALLOWED(405)');
    expect(await one('/1/0/0')).toBe(1);
  });

  test.each(senml)('LightweightM2M-1.1-int-257 writes to Server and Device at once in format %i', async (format) => {
    const values = { '/1/0/2': 102, '/1/0/6': true, '/3/0/13': '2001-02-03T04:05:06Z' };
    expect(await ask({ op: 'write-composite', values, format })).toEqual(done);
    expect(await one('/1/0/2')).toBe(102);
    expect(await one('/1/0/6')).toBe(true);
    // The clock of the device goes on from there.
    expect(await one('/3/0/13')).toMatch(/^2001-02-03T04:05:(0[6-9]|[1-5]\d)Z$/);
    const before = { '/1/0/2': 1, '/1/0/6': false, '/3/0/13': new Date().toISOString() };
    expect(await ask({ op: 'write-composite', values: before, format })).toEqual(done);
  });

  const attributes = async (path: string, query: string): Promise<void> =>
    expect(await ask({ op: 'attributes', path, query })).toEqual(done);
  const discover = async (path: string): Promise<ReturnType<typeof linksOf>> => {
    const { code, links } = await ask({ op: 'discover', path });
    expect(code).toBe('CONTENT(205)');
    return linksOf(links);
  };

  test('LightweightM2M-1.1-int-260 discovers resources, dimensions and attributes', async () => {
    const resources = [...Array(14).keys(), 14, 15, 16].filter((id) => id !== 12).map((id) => `/3/0/${id}`);
    expect(Object.keys(await discover('/3')).sort()).toEqual(
      expect.arrayContaining(['/3', '/3/0', ...resources].sort()),
    );
    await attributes('/3', 'pmin=10');
    await attributes('/3', 'pmax=200');
    expect(await discover('/3')).toMatchObject({ '/3': { pmin: '10', pmax: '200' } });
    const many = { '/3/0/6': { dim: '2' }, '/3/0/7': { dim: '2' }, '/3/0/8': { dim: '2' }, '/3/0/11': { dim: '1' } };
    expect(await discover('/3/0')).toMatchObject(many);
    await attributes('/3/0/7', 'lt=1');
    await attributes('/3/0/7', 'gt=6');
    await attributes('/3/0/7', 'st=1');
    const instance = await discover('/3/0');
    expect(instance).toMatchObject({ ...many, '/3/0/7': { dim: '2', lt: '1', gt: '6', st: '1' } });
    expect(Object.keys(instance)).toEqual(expect.arrayContaining(['/3/0', ...resources]));
    expect(await discover('/3/0/7')).toEqual({
      '/3/0/7': { dim: '2', pmin: '10', pmax: '200', lt: '1', gt: '6', st: '1' },
      '/3/0/7/0': {},
      '/3/0/7/1': {},
    });
    await attributes('/3', 'pmin&pmax');
    await attributes('/3/0/7', 'lt&gt&st');
    expect((await discover('/3/0'))['/3/0/7']).toEqual({ dim: '2' });
  });

  test('LightweightM2M-1.1-int-261 writes attributes of a multiple resource and of one of its instances', async () => {
    expect(await discover('/3/0/11')).toEqual({ '/3/0/11': { dim: '1' }, '/3/0/11/0': {} });
    await attributes('/3', 'pmin=10&pmax=200');
    await attributes('/3/0', 'pmax=320');
    await attributes('/3/0/11/0', 'pmax=100&epmin=1&epmax=20');
    expect(await discover('/3/0/11')).toEqual({
      '/3/0/11': { dim: '1', pmin: '10', pmax: '320' },
      '/3/0/11/0': { pmax: '100', epmin: '1', epmax: '20' },
    });
    await attributes('/3', 'pmin&pmax');
    await attributes('/3/0', 'pmax');
    await attributes('/3/0/11/0', 'pmax&epmin&epmax');
    expect(await discover('/3/0/11')).toEqual({ '/3/0/11': { dim: '1' }, '/3/0/11/0': {} });
  });

  test.each(senml)('LightweightM2M-1.1-int-280 reads all that it asks for, in format %i', async (format) => {
    const values = await composite(['/3/0/16', '/3/0/11/0', '/1/0'], format);
    expect(values).toMatchObject({ '/3/0/16': 'U', '/3/0/11/0': 0, ...serverObject });
    expect(values).toEqual({ '/3/0/16': 'U', '/3/0/11/0': 0, ...(await read('/1/0')) });
  });

  test.each(senml)(
    'LightweightM2M-1.1-int-281 reads what can be read of what it asks for, in format %i',
    async (format) => {
      expect(await composite(['/1/0/1', '/1/0/7', '/1/0/8'], format)).toEqual({ '/1/0/1': 86_400, '/1/0/7': 'U' });
    },
  );

  test('LightweightM2M-1.1-int-1630 creates an instance of the Portfolio object', async () => {
    await ask({ op: 'delete', path: '/16/0' });
    device.portfolio.add(0, new Map(identities.entries()));
    expect(await discover('/16/0')).toEqual({ '/16/0': {}, '/16/0/0': { dim: '4' } });
    const values = { 0: { 0: 'Host Device ID #2', 1: 'Host Device Model #2' } };
    expect((await ask({ op: 'create', path: '/16', instance: 1, values })).code).toBe('CREATED(201)');
    expect(await discover('/16/1')).toEqual({ '/16/1': {}, '/16/1/0': { dim: '2' } });
    const first = Object.fromEntries(identities.map((each, i) => [`/16/0/0/${i}`, each]));
    const second = { '/16/1/0/0': 'Host Device ID #2', '/16/1/0/1': 'Host Device Model #2' };
    expect(await read('/16')).toEqual({ ...first, ...second });
  });

  test('LightweightM2M-1.1-int-1635 deletes the instances of the Portfolio object', async () => {
    expect(Object.keys(await discover('/16'))).toEqual(expect.arrayContaining(['/16/0', '/16/0/0']));
    for (const path of ['/16/0', '/16/1']) expect((await ask({ op: 'delete', path })).code).toBe('DELETED(202)');
    expect(await discover('/16')).toEqual({ '/16': {} });
    await server.next('updated', ({ links = '' }) => links.includes('</16>') && !links.includes('</16/'));
  });
});

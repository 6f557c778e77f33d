// The enabler test cases on device management, by id: a server and a device of ours on every road.
import { Code, ContentFormat, decodeMessage, Option } from '@lapwing/coap';
import { hours, minutes, seconds, TimeoutError } from '@lapwing/kernel';
import {
  type Entry,
  formatPath,
  makeValue,
  type Operation,
  type Path,
  type PathText,
  parsePath,
  type Result,
} from '@lapwing/lwm2m';
import type { Device } from '@lapwing/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DeviceObject, Setting } from './objects.ts';
import { listenIn } from './overheard.ts';
import { bindingOf, rows } from './rows.ts';
import { type Thing, World } from './world.ts';

const { Text, Cbor, Tlv, Lwm2mJson, SenmlJson, SenmlCbor, Lwm2mCbor, SenmlEtchCbor, SenmlEtchJson } = ContentFormat;

const shown = (entries: readonly Entry[]): Record<string, unknown> =>
  Object.fromEntries(entries.map(({ path, value }) => [formatPath(path), value?.value]));
const integer = (path: PathText, value: number): Entry => ({
  path: parsePath(path),
  value: makeValue('integer', value),
});
const changed = { kind: 'done', code: Code.Changed };
const contentOf = (result: Result): Record<string, unknown> =>
  result.kind === 'content' ? shown(result.entries) : { refused: result.code };

describe.each(rows)('device management over $name', ({ options }) => {
  const letter = bindingOf(options);
  let world: World;
  let thing: Thing;
  let device: Device;
  beforeAll(async () => {
    world = await World.make(options);
    thing = await world.device('a', { lifetime: hours(24), version: '1.2' });
    await world.device('old', { lifetime: hours(24), version: '1.0' });
    for (const name of ['a', 'old']) while (world.server.registration(name) === undefined) await world.pass(seconds(1));
    device = world.server.device('a');
    thing.objects.add(Setting, 0, { label: 'zero', level: 1, tags: new Map([[0, 'red']]) });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  /** Again when the weather has swallowed every repetition: one in two hundred requests where a fifth is lost. */
  async function ask<T>(work: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await world.during(work());
      } catch (error) {
        if (!(error instanceof TimeoutError) || tries === 5) throw error;
      }
    }
  }

  const perform = (operation: Operation): Promise<Result> => ask(() => device.perform(operation));
  const read = (path: Path, accept: number) => perform({ op: 'read', path, accept });
  const write = (path: Path, value: Entry['value'], format: number): Promise<Result> =>
    perform({ op: 'write', path, mode: 'replace', entries: [{ path, value }], format } as Operation);
  const until = (isSo: () => boolean): Promise<void> => world.until(isSo, minutes(10));
  const timezone = () => ask(() => device.read(DeviceObject, 0, 'timezone'));

  it('reads basic information as plain text (ETS int-201)', async () => {
    for (const [path, value] of [
      ['/3/0/0', 'Lapwing'],
      ['/3/0/1', 'World'],
      ['/3/0/2', 'serial-1'],
    ] as const) {
      const result = await read(parsePath(path), Text);
      expect(result).toMatchObject({ kind: 'content', code: Code.Content, format: Text });
      expect(contentOf(result)).toEqual({ [path]: value });
    }
  });

  it('reads basic information as CBOR (ETS int-211)', async () => {
    for (const [path, value] of [
      ['/1/0/0', 1],
      ['/1/0/6', false],
      ['/1/0/7', letter],
      ['/3/0/0', 'Lapwing'],
    ] as const) {
      const result = await read(parsePath(path), Cbor);
      expect(result).toMatchObject({ kind: 'content', code: Code.Content, format: Cbor });
      expect(contentOf(result)).toEqual({ [path]: value });
    }
  });

  it.each([
    ['TLV (ETS int-203)', Tlv],
    ['JSON (ETS int-204)', Lwm2mJson],
    ['SenML JSON (ETS int-231)', SenmlJson],
    ['SenML CBOR (ETS int-232)', SenmlCbor],
    ['LwM2M CBOR', Lwm2mCbor],
  ])(
    'reads basic information of an object, an instance, a resource and one of its instances as %s',
    async (_, format) => {
      for (const [path, content] of [
        ['/1', { '/1/0/0': 1, '/1/0/1': 86_400, '/1/0/6': false, '/1/0/7': letter }],
        ['/3/0', { '/3/0/0': 'Lapwing', '/3/0/1': 'World', '/3/0/2': 'serial-1', '/3/0/11/0': 0, '/3/0/16': 'U' }],
        ['/3/0/16', { '/3/0/16': 'U' }],
        ['/3/0/11', { '/3/0/11/0': 0 }],
        ['/3/0/11/0', { '/3/0/11/0': 0 }],
      ] as const) {
        const result = await read(parsePath(path), format);
        expect(result, path).toMatchObject({ kind: 'content', format });
        expect(contentOf(result), path).toMatchObject(content);
      }
    },
  );

  it.each([
    ['plain text (ETS int-205)', Text],
    ['CBOR (ETS int-212)', Cbor],
  ])('sets numbers, flags and texts one by one in %s', async (_, format) => {
    for (const [path, type, ...values] of [
      ['/1/0/2', 'integer', 101, 1],
      ['/1/0/3', 'integer', 1010, 10],
      ['/1/0/5', 'integer', 2000, 86_400],
      ['/1/0/6', 'boolean', true, false],
      ['/3/0/15', 'string', `zone ${format}`],
    ] as const)
      for (const value of values) {
        expect(await write(parsePath(path), makeValue(type, value), format)).toEqual(changed);
        expect(contentOf(await read(parsePath(path), format))).toEqual({ [path]: value });
      }
  });

  it.each([
    ['TLV (ETS int-215)', Tlv],
    ['JSON (ETS int-220)', Lwm2mJson],
    ['SenML CBOR (ETS int-233)', SenmlCbor],
    ['SenML JSON (ETS int-234)', SenmlJson],
    ['LwM2M CBOR', Lwm2mCbor],
  ])('sets an instance in part and as a whole, a resource, and one of its instances in %s', async (_, format) => {
    const path = parsePath('/1/0') as Extract<Path, { kind: 'instance' }>;
    const set = (mode: 'update' | 'replace', values: { readonly [id: number]: number | boolean | string }) => {
      const entries = Object.entries(values).map(([id, value]) => ({
        path: { kind: 'resource', object: 1, instance: 0, resource: Number(id) } as const,
        value: makeValue(
          typeof value === 'number' ? 'integer' : typeof value === 'boolean' ? 'boolean' : 'string',
          value,
        ),
      }));
      return perform({ op: 'write', path, mode, entries, format });
    };
    const before = contentOf(await read(path, format));
    expect(await set('update', { 2: 101, 3: 1010, 5: 2000, 6: true })).toEqual(changed);
    const settings = { '/1/0/2': 101, '/1/0/3': 1010, '/1/0/5': 2000, '/1/0/6': true };
    expect(contentOf(await read(path, format))).toEqual({ ...before, ...settings });
    expect(await set('replace', { 1: 86_400, 2: 1, 3: 10, 5: 86_400, 6: false, 7: letter })).toEqual(changed);
    const restored = { '/1/0/1': 86_400, '/1/0/2': 1, '/1/0/3': 10, '/1/0/5': 86_400, '/1/0/6': false };
    expect(contentOf(await read(path, format))).toMatchObject(restored);
    for (const [text, value] of [
      ['/3/0/15', `zone ${format}`],
      ['/26241/0/4/0', `tag ${format}`],
    ] as const) {
      expect(await write(parsePath(text), makeValue('string', value), format)).toEqual(changed);
      expect(contentOf(await read(parsePath(text), format))).toEqual({ [text]: value });
    }
  });

  it('is refused whatever it tries on the Security object, K-04 (ETS int-221)', async () => {
    const path = parsePath('/0/0') as Extract<Path, { kind: 'instance' }>;
    const resource = parsePath('/0/0/0') as Extract<Path, { kind: 'resource' }>;
    const attempts: Operation[] = [
      { op: 'read', path },
      { op: 'read', path: resource },
      { op: 'discover', path },
      { op: 'write', path, mode: 'replace', entries: [{ path: resource, value: makeValue('string', 'x') }] },
      { op: 'write-attributes', path: resource, attributes: { pmin: 1 } },
      { op: 'execute', path: resource },
      { op: 'create', path: { kind: 'object', object: 0 }, entries: [] },
      { op: 'delete', path },
      { op: 'observe', path },
      { op: 'write-composite', entries: [{ path: resource, value: makeValue('string', 'x') }] },
    ];
    for (const attempt of attempts)
      expect(await perform(attempt), attempt.op).toMatchObject({ kind: 'refused', code: Code.Unauthorized });
  });

  it('reads an object (ETS int-222), an instance (ETS int-223) and a resource (ETS int-224)', async () => {
    const server = { '/1/0/0': 1, '/1/0/1': 86_400, '/1/0/6': false, '/1/0/7': letter };
    const ofDevice = { '/3/0/0': 'Lapwing', '/3/0/11/0': 0, '/3/0/16': 'U' };
    for (const [path, content] of [
      ['/1', server],
      ['/3', ofDevice],
      ['/1/0', server],
      ['/3/0', ofDevice],
    ] as const)
      expect(shown(await ask(() => device.read(path))), path).toMatchObject(content);
    for (const [path, value] of Object.entries(server))
      expect(shown(await ask(() => device.read(path as keyof typeof server)))).toEqual({ [path]: value });
  });

  it('reads a resource instance (ETS int-225)', async () => {
    expect(shown(await ask(() => device.read('/3/0/11/0')))).toEqual({ '/3/0/11/0': 0 });
  });

  it('writes a part of an instance and leaves the rest (ETS int-226)', async () => {
    await ask(() => device.write(DeviceObject, 0, { utcOffset: '+01:00', timezone: 'part' }));
    expect(await ask(() => device.read(DeviceObject, 0))).toMatchObject({
      manufacturer: 'Lapwing',
      utcOffset: '+01:00',
      timezone: 'part',
    });
    const before = shown(await ask(() => device.read('/1/0')));
    const update = (lifetime: number, storing: boolean): Promise<Result> =>
      perform({
        op: 'write',
        path: parsePath('/1/0') as Extract<Path, { kind: 'instance' }>,
        mode: 'update',
        entries: [integer('/1/0/1', lifetime), { path: parsePath('/1/0/6'), value: makeValue('boolean', storing) }],
      });
    expect(await update(3600, true)).toEqual(changed);
    expect(shown(await ask(() => device.read('/1/0')))).toEqual({ ...before, '/1/0/1': 3600, '/1/0/6': true });
    await until(() => world.server.registration('a')?.lifetime === hours(1));
    expect(await update(86_400, false)).toEqual(changed);
  });

  it('replaces a resource, and a lifetime takes effect (ETS int-227)', async () => {
    await ask(() => device.write('/1/0/1', makeValue('integer', 7200)));
    await until(() => world.server.registration('a')?.lifetime === hours(2));
    await ask(() => device.write('/1/0/1', makeValue('integer', 86_400)));
    await until(() => world.server.registration('a')?.lifetime === hours(24));
    await ask(() =>
      device.write('/26241/0/4', [
        { path: parsePath('/26241/0/4/5'), value: makeValue('string', 'blue') },
        { path: parsePath('/26241/0/4/7'), value: makeValue('string', 'green') },
      ]),
    );
    expect(shown(await ask(() => device.read('/26241/0/4')))).toEqual({
      '/26241/0/4/5': 'blue',
      '/26241/0/4/7': 'green',
    });
  });

  it('writes one resource instance and leaves its sisters (ETS int-228)', async () => {
    await ask(() => device.write('/26241/0/4/5', makeValue('string', 'violet')));
    expect(shown(await ask(() => device.read('/26241/0/4')))).toEqual({
      '/26241/0/4/5': 'violet',
      '/26241/0/4/7': 'green',
    });
  });

  it('reads an object, an instance, a resource and an instance of one at once (ETS int-229) (ETS int-280)', async () => {
    for (const format of [SenmlJson, SenmlCbor, Lwm2mCbor]) {
      const whole = shown(await ask(() => device.readComposite(['/3', '/1/0'], { accept: format, format })));
      const server = shown(await ask(() => device.read('/1/0')));
      expect(whole).toEqual({ ...shown(await ask(() => device.read('/3'))), ...server });
      const parts = ['/3/0/16', '/3/0/11/0', '/1/0'] as const;
      expect(shown(await ask(() => device.readComposite(parts, { accept: format, format })))).toEqual({
        '/3/0/16': 'U',
        '/3/0/11/0': 0,
        ...server,
      });
    }
    for (const accept of [Lwm2mCbor, SenmlCbor, SenmlJson]) {
      for (const format of [Lwm2mCbor, SenmlCbor, SenmlJson, SenmlEtchCbor, SenmlEtchJson]) {
        const paths = ['/3/0/0', '/1/0/1', '/26241/0'] as const;
        expect(shown(await ask(() => device.readComposite(paths, { accept, format })))).toEqual({
          '/3/0/0': 'Lapwing',
          '/1/0/1': 86_400,
          '/26241/0/0': 'zero',
          '/26241/0/1': 1,
          '/26241/0/4/5': 'violet',
          '/26241/0/4/7': 'green',
        });
      }
    }
  });

  it('writes several objects at once (ETS int-230) (ETS int-257)', async () => {
    for (const [i, format] of [Lwm2mCbor, SenmlCbor, SenmlJson, SenmlEtchCbor, SenmlEtchJson].entries()) {
      const entries = [
        integer('/1/0/2', i),
        { path: parsePath('/1/0/6'), value: makeValue('boolean', i % 2 === 0) },
        { path: parsePath('/3/0/14'), value: makeValue('string', `+0${i}:00`) },
        { path: parsePath('/26241/0/4/9'), value: makeValue('string', `tag ${i}`) },
      ];
      await ask(() => device.writeComposite(entries, { format }));
      expect(shown(await ask(() => device.readComposite(['/1/0/2', '/1/0/6', '/3/0/14', '/26241/0/4'])))).toEqual({
        '/1/0/2': i,
        '/1/0/6': i % 2 === 0,
        '/3/0/14': `+0${i}:00`,
        '/26241/0/4/5': 'violet',
        '/26241/0/4/7': 'green',
        '/26241/0/4/9': `tag ${i}`,
      });
    }
    await ask(() => device.writeComposite([{ path: parsePath('/26241/0/4/9') }]));
    expect(shown(await ask(() => device.read('/26241/0/4')))).not.toHaveProperty(['/26241/0/4/9']);
  });

  it('reads everything but keys from the root, K-04 (ETS int-235)', async () => {
    const everything = shown(await ask(() => device.readComposite(['/'])));
    const objects = new Set(Object.keys(everything).map((path) => path.split('/')[1]));
    expect([...objects].sort()).toEqual(['1', '26241', '3', '3303']);
    expect(everything).toMatchObject({ '/3/0/0': 'Lapwing', '/3303/0/5700': 20 });
  });

  it('reads what is there of what it asks for, K-02 (ETS int-236) (ETS int-281)', async () => {
    const paths = ['/3/0/0', '/3/0/3', '/0/0', '/21', '/999', '/3303/7', '/3/0/4', '/3303/0/5700'] as const;
    expect(shown(await ask(() => device.readComposite(paths)))).toEqual({ '/3/0/0': 'Lapwing', '/3303/0/5700': 20 });
    // What can only be executed is not among what is read (ETS int-281), nor what is not there (ETS int-236).
    expect(shown(await ask(() => device.readComposite(['/1/0/1', '/1/0/7', '/1/0/8'])))).toEqual({
      '/1/0/1': 86_400,
      '/1/0/7': letter,
    });
    await expect(ask(() => device.readComposite(['/999', '/0/0']))).rejects.toMatchObject({ status: Code.NotFound });
  });

  it('reads an object without saying in which format (ETS int-237)', async () => {
    const old = world.server.device('old');
    expect(world.server.registration('old')?.formats).toEqual([]);
    const heard = listenIn(world);
    for (const [path, content] of [
      ['/1', { '/1/0/1': 86_400 }],
      ['/3', { '/3/0/0': 'Lapwing' }],
    ] as const) {
      const result = await ask(() => old.perform({ op: 'read', path: parsePath(path) }));
      expect(result).toMatchObject({ kind: 'content', format: Tlv });
      expect(contentOf(result)).toMatchObject(content);
    }
    // Where it can be seen on the way.
    if (options.road !== 'udp') return;
    const asked = heard.map(({ bytes }) => decodeMessage(bytes)).filter(({ code }) => code === Code.Get);
    expect(asked.length).toBeGreaterThanOrEqual(2);
    expect(asked.some((request) => request.options.has(Option.Accept))).toBe(false);
  });

  it('reboots the device, which comes back (ETS int-241)', async () => {
    const name = 'rebooting';
    const one = await world.device(name, { lifetime: hours(24), version: '1.2' });
    await until(() => world.server.registration(name) !== undefined);
    const before = world.server.registration(name)?.id;
    await ask(() => world.server.device(name).execute(DeviceObject, 0, 'reboot'));
    expect(one.reboots).toBeGreaterThan(0);
    await world.cut(one);
    await world.device(name, { lifetime: hours(24), version: '1.2' });
    await until(() => world.server.registration(name)?.id !== before);
    expect(await ask(() => world.server.device(name).read(DeviceObject, 0, 'manufacturer'))).toBe('Lapwing');
  });

  it('is told that it may not write what can only be read, K-05 (ETS int-256)', async () => {
    const failed = await write(parsePath('/3/0/0'), makeValue('string', 'x'), Text);
    expect(failed).toMatchObject({ kind: 'refused', code: Code.MethodNotAllowed });
    expect(await write(parsePath('/1/0/0'), makeValue('integer', 2), Text)).toMatchObject({
      code: Code.MethodNotAllowed,
    });
    expect(shown(await ask(() => device.readComposite(['/1/0/0', '/3/0/0'])))).toEqual({
      '/1/0/0': 1,
      '/3/0/0': 'Lapwing',
    });
    expect(
      await perform({ op: 'execute', path: { kind: 'resource', object: 3, instance: 0, resource: 15 } }),
    ).toMatchObject({ code: Code.MethodNotAllowed });
    expect(await read(parsePath('/3/0/4'), Text)).toMatchObject({ code: Code.MethodNotAllowed });
  });

  it('K-03: writes nothing of a composite with one wrong part', async () => {
    const before = await timezone();
    for (const wrong of [
      { path: parsePath('/3/0/0'), value: makeValue('string', 'x') },
      { path: parsePath('/0/0/0'), value: makeValue('string', 'x') },
      { path: parsePath('/999/0/0'), value: makeValue('string', 'x') },
      { path: parsePath('/26241/9/0'), value: makeValue('string', 'x') },
      // A road that no device here has.
      { path: parsePath('/1/0/7'), value: makeValue('string', 'N') },
    ]) {
      const entries = [{ path: parsePath('/3/0/15'), value: makeValue('string', 'changed') }, wrong];
      await expect(ask(() => device.writeComposite(entries))).rejects.toThrow();
      expect(await timezone()).toBe(before);
    }
  });

  const targets = async (path: '/3' | '/3303' | '/3303/0' | '/3/0/11', depth?: number) =>
    (await ask(() => device.discover(path, depth === undefined ? {} : { depth }))).map(({ target }) => target);

  /** Attributes by path. */
  const discovered = async (
    path: Parameters<Device['discover']>[0],
  ): Promise<Record<string, Record<string, string | true>>> => {
    const links = await ask(() => device.discover(path));
    return Object.fromEntries(links.map((each) => [each.target, Object.fromEntries(each.attributes)]));
  };

  it('discovers what is there, with dimensions and attributes (ETS int-260)', async () => {
    expect(await targets('/3303')).toEqual(['/3303', '/3303/0', '/3303/0/5601', '/3303/0/5700']);
    expect(await targets('/3303/0')).toEqual(['/3303/0', '/3303/0/5601', '/3303/0/5700']);
    const [link] = await ask(() => device.discover('/3303'));
    expect(link?.attributes.get('ver')).toBe('1.1');
    const all = ['/3', '/3/0', '/3/0/0', '/3/0/1', '/3/0/2', '/3/0/4', '/3/0/11', '/3/0/14', '/3/0/15', '/3/0/16'];
    expect(await targets('/3')).toEqual(all);
    await ask(() => device.writeAttributes('/3', { pmin: 10, pmax: 200 }));
    expect(await discovered('/3')).toMatchObject({ '/3': { pmin: '10', pmax: '200' }, '/3/0/11': { dim: '1' } });
    await ask(() => device.writeAttributes('/3303/0/5700', { lt: 1, gt: 6, st: 1 }));
    expect(await discovered('/3303/0')).toMatchObject({ '/3303/0/5700': { lt: '1', gt: '6', st: '1' } });
    expect(await discovered('/3/0/11')).toMatchObject({ '/3/0/11': { dim: '1' }, '/3/0/11/0': {} });
    await ask(() => device.writeAttributes('/3', { pmin: null, pmax: null }));
    await ask(() => device.writeAttributes('/3303/0/5700', { lt: null, gt: null, st: null }));
  });

  it('writes attributes of a multiple resource and of one of its instances, and finds what is inherited (ETS int-261)', async () => {
    expect(await targets('/3/0/11')).toEqual(['/3/0/11', '/3/0/11/0']);
    const before = await discovered('/3/0/11');
    await ask(() => device.writeAttributes('/3', { pmin: 10, pmax: 200 }));
    await ask(() => device.writeAttributes('/3/0', { pmax: 320 }));
    await ask(() => device.writeAttributes('/3/0/11/0', { pmax: 100, epmin: 1, epmax: 20 }));
    expect(await discovered('/3/0/11')).toEqual({
      '/3/0/11': { dim: '1', pmin: '10', pmax: '320' },
      '/3/0/11/0': { pmax: '100', epmin: '1', epmax: '20' },
    });
    await ask(() => device.writeAttributes('/3', { pmin: null, pmax: null }));
    await ask(() => device.writeAttributes('/3/0', { pmax: null }));
    await ask(() => device.writeAttributes('/3/0/11/0', { pmax: null, epmin: null, epmax: null }));
    expect(await discovered('/3/0/11')).toEqual(before);
  });

  it('writes attributes at every level and finds them where they were written, K-10', async () => {
    await ask(() => device.writeAttributes('/3303', { pmin: 10 }));
    await ask(() => device.writeAttributes('/3303/0', { pmax: 60 }));
    await ask(() => device.writeAttributes('/3303/0/5700', { pmin: 5, gt: 30, st: 0.5, epmin: 1, con: 1, hqmax: 7 }));
    const attributes = await discovered('/3303');
    expect(attributes).toMatchObject({
      '/3303': { pmin: '10' },
      '/3303/0': { pmax: '60' },
      '/3303/0/5601': {},
      '/3303/0/5700': { pmin: '5', gt: '30', st: '0.5', epmin: '1', con: '1', hqmax: '7' },
    });
    expect(attributes['/3303/0/5601']).toEqual({});
    const [own] = await ask(() => device.discover('/3303/0/5700'));
    expect(Object.fromEntries(own?.attributes ?? [])).toMatchObject({ pmin: '5', pmax: '60' });
    await ask(() =>
      device.writeAttributes('/3303/0/5700', { gt: null, st: null, epmin: null, con: null, hqmax: null }),
    );
    await expect(ask(() => device.writeAttributes('/3303/0/5601', { gt: 1, lt: 5 }))).rejects.toMatchObject({
      status: Code.BadRequest,
    });
  });

  it('discovers one level (ETS int-264) and three levels (ETS int-266)', async () => {
    expect(await targets('/3303', 0)).toEqual(['/3303']);
    expect(await targets('/3303', 1)).toEqual(['/3303', '/3303/0']);
    const links = await ask(() => device.discover('/3', { depth: 3 }));
    expect(links.map(({ target }) => target)).toEqual(expect.arrayContaining(['/3', '/3/0', '/3/0/11', '/3/0/11/0']));
    expect(await targets('/3/0/11', 1)).toEqual(['/3/0/11', '/3/0/11/0']);
  });

  it('creates an instance (ETS int-270) and deletes it (ETS int-290)', async () => {
    const at = await ask(() => device.create(Setting, { label: 'made' }, { instance: 5 }));
    expect(at === undefined ? '/26241/5' : formatPath(at)).toBe('/26241/5');
    expect(await ask(() => device.read(Setting, 5, 'label'))).toBe('made');
    await ask(() => device.delete('/26241/5'));
    await expect(ask(() => device.read('/26241/5'))).rejects.toMatchObject({ status: Code.NotFound });
  });

  it('speaks LwM2M CBOR with a device of 1.2 from end to end', async () => {
    expect(world.server.registration('a')?.formats[0]).toBe(Lwm2mCbor);
    for (const path of ['/3', '/3/0', '/3/0/0'] as const)
      expect(await perform({ op: 'read', path: parsePath(path) })).toMatchObject({ format: Lwm2mCbor });
    const composite = await perform({ op: 'read-composite', paths: [parsePath('/3/0/0')] });
    expect(composite).toMatchObject({ kind: 'content', format: Lwm2mCbor });
  });
});

// The enabler test cases on device management, by id: a server and a device of ours on every road.
import { Code, ContentFormat } from '@lapwing/coap';
import { hours, seconds, TimeoutError } from '@lapwing/kernel';
import { type Entry, formatPath, makeValue, type Operation, type Path, parsePath, type Result } from '@lapwing/lwm2m';
import type { Device } from '@lapwing/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DeviceObject, Setting } from './objects.ts';
import { isOverStream, rows, type Thing, World } from './world.ts';

const { Text, Cbor, Tlv, Lwm2mJson, SenmlJson, SenmlCbor, Lwm2mCbor, SenmlEtchCbor, SenmlEtchJson } = ContentFormat;

const shown = (entries: readonly Entry[]): Record<string, unknown> =>
  Object.fromEntries(entries.map(({ path, value }) => [formatPath(path), value?.value]));
const contentOf = (result: Result): Record<string, unknown> =>
  result.kind === 'content' ? shown(result.entries) : { refused: result.code };

describe.each(rows)('device management over $name', ({ options }) => {
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
  const timezone = () => ask(() => device.read(DeviceObject, 0, 'timezone'));

  it.each([
    ['plain text (ETS int-201)', Text],
    ['CBOR (ETS int-211)', Cbor],
  ])('reads basic information as %s', async (_, format) => {
    for (const [path, value] of [
      ['/3/0/0', 'Lapwing'],
      ['/3/0/1', 'World'],
      ['/3/0/16', 'U'],
    ] as const) {
      const result = await read(parsePath(path), format);
      expect(result).toMatchObject({ kind: 'content', code: Code.Content, format });
      expect(contentOf(result)).toEqual({ [path]: value });
    }
  });

  it.each([
    ['TLV (ETS int-203)', Tlv],
    ['JSON (ETS int-204)', Lwm2mJson],
    ['SenML JSON (ETS int-231)', SenmlJson],
    ['SenML CBOR (ETS int-232)', SenmlCbor],
    ['LwM2M CBOR', Lwm2mCbor],
  ])('reads basic information of an instance as %s', async (_, format) => {
    const result = await read(parsePath('/3/0'), format);
    expect(result).toMatchObject({ kind: 'content', format });
    expect(contentOf(result)).toMatchObject({ '/3/0/0': 'Lapwing', '/3/0/11/0': 0, '/3/0/16': 'U' });
  });

  it.each([
    ['plain text (ETS int-205)', Text],
    ['CBOR (ETS int-212)', Cbor],
    ['TLV (ETS int-215)', Tlv],
    ['JSON (ETS int-220)', Lwm2mJson],
    ['SenML CBOR (ETS int-233)', SenmlCbor],
    ['SenML JSON (ETS int-234)', SenmlJson],
    ['LwM2M CBOR', Lwm2mCbor],
  ])('sets basic information in %s', async (_, format) => {
    const path = parsePath('/3/0/15');
    const value = makeValue('string', `zone ${format}`);
    expect(await write(path, value, format)).toEqual({ kind: 'done', code: Code.Changed });
    expect(await timezone()).toBe(`zone ${format}`);
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
    expect(shown(await ask(() => device.read('/1')))).toMatchObject({
      '/1/0/0': 1,
      '/1/0/1': 86_400,
      '/1/0/7': isOverStream(options) ? 'T' : 'U',
    });
    expect(shown(await ask(() => device.read('/1/0')))).toMatchObject({ '/1/0/0': 1 });
    expect(shown(await ask(() => device.read('/1/0/0')))).toEqual({ '/1/0/0': 1 });
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
  });

  it('replaces a resource (ETS int-227)', async () => {
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

  it('reads several objects at once (ETS int-229) (ETS int-280)', async () => {
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
        { path: parsePath('/1/0/2'), value: makeValue('integer', i) },
        { path: parsePath('/3/0/14'), value: makeValue('string', `+0${i}:00`) },
        { path: parsePath('/26241/0/4/9'), value: makeValue('string', `tag ${i}`) },
      ];
      await ask(() => device.writeComposite(entries, { format }));
      expect(shown(await ask(() => device.readComposite(['/1/0/2', '/3/0/14', '/26241/0/4'])))).toEqual({
        '/1/0/2': i,
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
    await expect(ask(() => device.readComposite(['/999', '/0/0']))).rejects.toMatchObject({ status: Code.NotFound });
  });

  it('reads an object without saying in which format (ETS int-237)', async () => {
    const old = world.server.device('old');
    expect(world.server.registration('old')?.formats).toEqual([]);
    const result = await ask(() => old.perform({ op: 'read', path: parsePath('/3') }));
    expect(result).toMatchObject({ kind: 'content', format: Tlv });
    expect(contentOf(result)).toMatchObject({ '/3/0/0': 'Lapwing' });
  });

  it('reboots the device (ETS int-241)', async () => {
    const before = thing.reboots;
    await ask(() => device.execute(DeviceObject, 0, 'reboot'));
    expect(thing.reboots).toBeGreaterThan(before);
  });

  it('is told that it may not write what can only be read, K-05 (ETS int-256)', async () => {
    const failed = await write(parsePath('/3/0/0'), makeValue('string', 'x'), Text);
    expect(failed).toMatchObject({ kind: 'refused', code: Code.MethodNotAllowed });
    expect(await write(parsePath('/1/0/0'), makeValue('integer', 2), Text)).toMatchObject({
      code: Code.MethodNotAllowed,
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
      { path: parsePath('/1/0/7'), value: makeValue('string', 'S') },
    ]) {
      const entries = [{ path: parsePath('/3/0/15'), value: makeValue('string', 'changed') }, wrong];
      await expect(ask(() => device.writeComposite(entries))).rejects.toThrow();
      expect(await timezone()).toBe(before);
    }
  });

  const targets = async (path: '/3303' | '/3303/0' | '/3/0/11', depth?: number) =>
    (await ask(() => device.discover(path, depth === undefined ? {} : { depth }))).map(({ target }) => target);

  it('discovers what is there (ETS int-260)', async () => {
    expect(await targets('/3303')).toEqual(['/3303', '/3303/0', '/3303/0/5601', '/3303/0/5700']);
    expect(await targets('/3303/0')).toEqual(['/3303/0', '/3303/0/5601', '/3303/0/5700']);
    const [link] = await ask(() => device.discover('/3303'));
    expect(link?.attributes.get('ver')).toBe('1.1');
  });

  it('writes attributes at every level and finds them where they were written, K-10 (ETS int-261)', async () => {
    await ask(() => device.writeAttributes('/3303', { pmin: 10 }));
    await ask(() => device.writeAttributes('/3303/0', { pmax: 60 }));
    await ask(() => device.writeAttributes('/3303/0/5700', { pmin: 5, gt: 30, st: 0.5, epmin: 1, con: 1, hqmax: 7 }));
    await ask(() => device.writeAttributes('/3/0/11/0', { pmax: 200 }));
    const links = await ask(() => device.discover('/3303'));
    const attributes = Object.fromEntries(links.map((each) => [each.target, Object.fromEntries(each.attributes)]));
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

import { Code, type Notify, Option, type Response } from '@lapwing/coap';
import { decodeUtf8, hours, noBytes, seconds, TimeoutError } from '@lapwing/kernel';
import { settle, VirtualClock } from '@lapwing/kernel/testing';
import { type Attributes, defineObject, type Lwm2mVersion, resourcePath, writeRequest } from '@lapwing/lwm2m';
import { describe, expect, it } from 'vitest';
import { AttributeTable } from '../notify/attribute-table.ts';
import { Relations } from '../notify/relations.ts';
import { ObjectStore } from '../objects/store.ts';
import { askerOf, type More, request, unwatched } from '../testing/asked.ts';
import { serveOperations } from './serve.ts';

const Gadget = defineObject({
  id: 1000,
  name: 'Gadget',
  many: true,
  resources: {
    label: { id: 0, type: 'string', access: 'RW', required: true },
    level: { id: 1, type: 'integer', access: 'RW' },
    serial: { id: 2, type: 'string', access: 'R' },
    secret: { id: 3, type: 'string', access: 'W' },
    tags: { id: 4, type: 'string', access: 'RW', many: true },
    act: { id: 5, access: 'E' },
    idle: { id: 6, access: 'E' },
    ratio: { id: 7, type: 'float', access: 'RW' },
    big: { id: 8, type: 'integer64', access: 'RW' },
    link: { id: 9, type: 'objlnk', access: 'RW' },
    flag: { id: 10, type: 'boolean', access: 'RW' },
    at: { id: 11, type: 'time', access: 'RW' },
  },
});
const Fixed = defineObject({
  id: 1001,
  name: 'Fixed',
  resources: { value: { id: 0, type: 'integer', access: 'R', required: true } },
});

function setUp(
  act: (args?: string) => void | Promise<void> = () => undefined,
  defaults: Attributes = {},
  version: Lwm2mVersion = '1.2',
) {
  const clock = new VirtualClock();
  const store = new ObjectStore({ instances: 5 });
  store.define(Gadget, { creatable: { act } });
  const gadget = store.add(Gadget, 0, {
    label: 'first',
    level: 1,
    serial: 's',
    tags: new Map([
      [0, 'a'],
      [7, 'b'],
    ]),
    act,
  });
  store.add(Fixed, 0, { value: 5 });
  const relations = new Relations();
  const attributes = new AttributeTable(() => defaults);
  store.events.on('changed', ({ paths }) => relations.changed(paths));
  let unheard = 0;
  const serve = serveOperations({
    store,
    relations,
    attributes,
    clock,
    version,
    rootPath: '',
    notifications: () => 'con',
    storing: () => false,
    caller: { id: 1, isAlone: true },
    actionTimeout: seconds(30),
    ...unwatched(clock),
    watched: (event) => {
      if (event.kind === 'notified' && event.outcome === 'unacknowledged') unheard += 1;
    },
  });
  const ask = askerOf(serve);
  return { clock, store, gadget, relations, attributes, ask, unheard: () => unheard };
}

const get = (path: string, more?: More) => request(Code.Get, path, more);
const put = (path: string, payload: string, format = 0) => request(Code.Put, path, { payload, format });
const textOf = ({ payload }: Response): string => decodeUtf8(payload);

describe('K-05: what may not be done', () => {
  it.each([
    ['a write to what is read only', put('/1000/0/2', 'x')],
    ['a read of what can only be written', get('/1000/0/3')],
    ['a read of an executable', get('/1000/0/5')],
    ['an Execute on a value', request(Code.Post, '/1000/0/1')],
    ['a Create on an object that has one instance', request(Code.Post, '/1001', { format: 11_542, payload: noBytes })],
    ['a Delete of an instance that servers may not delete', request(Code.Delete, '/1001/0')],
    ['a Delete of an object', request(Code.Delete, '/1000')],
    ['a read of the root', get('/')],
    ['a Discover of the root', get('/', { accept: 40 })],
    ['attributes at the root', request(Code.Put, '/', { query: ['pmin=1'] })],
  ])('%s is 4.05', async (_what, what) => {
    expect((await setUp().ask(what)).code).toBe(Code.MethodNotAllowed);
  });
});

describe('K-13: what is not there', () => {
  it.each([
    '/9',
    '/1000/9',
    '/1000/0/99',
    '/1000/0/4/3',
    '/65535',
    '/1000/65535',
    '/1000/0/0/0/0',
    '/03/0',
    '/x',
    '/1000/-1',
  ])('%s is 4.04 for every method', async (path) => {
    const { ask } = setUp();
    for (const what of [
      get(path),
      get(path, { accept: 40 }),
      get(path, { observe: 0 }),
      put(path, 'x'),
      request(Code.Put, path, { query: ['pmin=1'] }),
      request(Code.Delete, path),
    ])
      expect([Code.NotFound, Code.MethodNotAllowed, Code.UnsupportedContentFormat]).toContain((await ask(what)).code);
    expect((await ask(get(path))).code).toBe(Code.NotFound);
  });
});

describe('attributes', () => {
  it.each([
    ['/1000', 'gt=1'],
    ['/1000/0', 'lt=1'],
    ['/1000/0', 'st=1'],
    ['/1000/0', 'edge=1'],
    ['/1000/0/0', 'gt=1'],
    ['/1000/0/4/0', 'st=1'],
    ['/1000/0/7', 'edge=1'],
    ['/1000/0/3', 'pmin=1'],
    ['/1000/0/5', 'pmax=60'],
    ['/1000/0/5', 'con=1'],
  ])('at %s, %s is 4.00, and is not kept', async (path, query) => {
    const { ask, attributes } = setUp();
    expect((await ask(request(Code.Put, path, { query: [query] }))).code).toBe(Code.BadRequest);
    expect(attributes.all()).toEqual([]);
  });

  it('are taken where they belong', async () => {
    const { ask } = setUp();
    for (const [path, query] of [
      ['/1000', 'pmin=1'],
      ['/1000/0', 'con=1'],
      ['/1000/0/1', 'gt=1'],
      ['/1000/0/8', 'st=1'],
      ['/1000/0/11', 'lt=1'],
      ['/1000/0/10', 'edge=1'],
      ['/1000/0/4', 'hqmax=1'],
      ['/1000/0/4/0', 'epmin=1'],
      ['/1000/0/5', 'pmin'],
    ] as const)
      expect([path, (await ask(request(Code.Put, path, { query: [query] }))).code]).toEqual([path, Code.Changed]);
  });
});

describe('values', () => {
  it.each([
    ['/1000/0/1', '9007199254740991', Code.Changed],
    ['/1000/0/1', '9007199254740992', Code.BadRequest],
    ['/1000/0/1', '1.5', Code.BadRequest],
    ['/1000/0/1', '', Code.BadRequest],
    ['/1000/0/8', '9223372036854775807', Code.Changed],
    ['/1000/0/8', '-9223372036854775808', Code.Changed],
    ['/1000/0/8', '9223372036854775808', Code.BadRequest],
    ['/1000/0/9', '65535:65535', Code.Changed],
    ['/1000/0/9', '65535:65536', Code.BadRequest],
    ['/1000/0/10', '1', Code.Changed],
    ['/1000/0/10', '2', Code.BadRequest],
    ['/1000/0/11', '-1', Code.Changed],
    ['/1000/0/7', '-0.25', Code.Changed],
    ['/1000/0/7', '5e-324', Code.BadRequest],
    ['/1000/0/7', 'x', Code.BadRequest],
  ])('K-06: %s = %j is answered as it should be, and reads back exactly', async (path, value, code) => {
    const { ask } = setUp();
    expect((await ask(put(path, value))).code).toBe(code);
    if (code !== Code.Changed) return;
    const { payload } = await ask(get(path, { accept: 0 }));
    expect(Number(decodeUtf8(payload)) === Number(value) || decodeUtf8(payload) === value).toBe(true);
  });

  it('K-06: a text of 64 KiB is kept whole, one that is no text is 4.00', async () => {
    const { ask, gadget } = setUp();
    const long = 'é'.repeat(32_000);
    expect((await ask(put('/1000/0/0', long))).code).toBe(Code.Changed);
    expect(gadget.get('label')).toBe(long);
    const bad = request(Code.Put, '/1000/0/0', { format: 0, payload: Uint8Array.of(0xc3, 0x28) });
    expect((await ask(bad)).code).toBe(Code.BadRequest);
    expect(gadget.get('label')).toBe(long);
  });

  it('L-28: in a format that they are not in, or in none, are 4.00 or 4.15', async () => {
    const { ask, gadget } = setUp();
    for (const [format, payload] of [
      [11_542, '[{"n":"/1000/0/0","vs":"x"}]'],
      [110, 'rubbish'],
      [112, 'x'],
      [65_000, 'x'],
      [undefined, 'x'],
    ] as const) {
      const { code } = await ask(
        request(Code.Put, '/1000/0/0', format === undefined ? { payload } : { format, payload }),
      );
      expect([Code.BadRequest, Code.UnsupportedContentFormat]).toContain(code);
    }
    expect((await ask(get('/1000/0/0', { accept: 65_000 }))).code).toBe(Code.NotAcceptable);
    expect(gadget.get('label')).toBe('first');
  });

  it('L-20: named like a prototype are only names', async () => {
    const { ask, gadget } = setUp();
    for (const name of ['__proto__', 'constructor', 'toString']) {
      const payload = `[{"bn":"/1000/0/","n":"${name}","vs":"x"},{"${name}":{"x":1},"n":"0","vs":"y"}]`;
      expect((await ask(request(Code.Put, '/1000/0', { format: 110, payload }))).code).toBeGreaterThanOrEqual(0x80);
    }
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
    expect(gadget.get('label')).toBe('first');
  });
});

describe('Write', () => {
  const write = (mode: number, records: string) => request(mode, '/1000/0', { format: 110, payload: records });

  it('replaces an instance: what servers can write and was not named goes, the rest stays', async () => {
    const { ask, gadget } = setUp();
    expect((await ask(write(Code.Put, '[{"bn":"/1000/0/","n":"0","vs":"new"}]'))).code).toBe(Code.Changed);
    expect([gadget.get('label'), gadget.get('level'), gadget.get('serial')]).toEqual(['new', undefined, 's']);
  });

  it('updates an instance: what was not named stays', async () => {
    const { ask, gadget } = setUp();
    const records = '[{"bn":"/1000/0/","n":"1","v":5},{"n":"4/7","vs":"z"},{"n":"4/9","vs":"new"}]';
    expect((await ask(write(Code.Post, records))).code).toBe(Code.Changed);
    expect([gadget.get('label'), gadget.get('level')]).toEqual(['first', 5]);
    expect(gadget.get('tags')).toEqual(
      new Map([
        [0, 'a'],
        [7, 'z'],
        [9, 'new'],
      ]),
    );
  });

  it('K-08: gives all old values back when the last part is wrong', async () => {
    const { ask, gadget } = setUp();
    for (const [mode, records, code] of [
      [Code.Put, '[{"bn":"/1000/0/","n":"0","vs":"new"},{"n":"1","v":7},{"n":"2","vs":"no"}]', Code.MethodNotAllowed],
      [Code.Post, '[{"bn":"/1000/0/","n":"0","vs":"new"},{"n":"1","v":1.5}]', Code.BadRequest],
      [Code.Put, '[{"bn":"/1000/0/","n":"1","v":7}]', Code.BadRequest],
      [Code.Post, '[{"bn":"/1000/0/","n":"0","vs":"new"},{"n":"99","v":7}]', Code.NotFound],
    ] as const) {
      const answer = await ask(write(mode, records));
      expect([records, answer.code === Code.BadRequest || answer.code === code]).toEqual([records, true]);
    }
    expect([gadget.get('label'), gadget.get('level'), gadget.get('tags')?.size]).toEqual(['first', 1, 2]);
  });

  it('reaches one resource instance that is there', async () => {
    const { ask, gadget } = setUp();
    expect((await ask(put('/1000/0/4/7', 'c'))).code).toBe(Code.Changed);
    expect(gadget.get('tags')?.get(7)).toBe('c');
    expect((await ask(put('/1000/0/4/3', 'c'))).code).toBe(Code.NotFound);
    expect((await ask(request(Code.Delete, '/1000/0/4/7'))).code).toBe(Code.Deleted);
    expect(gadget.get('tags')).toEqual(new Map([[0, 'a']]));
    expect((await ask(request(Code.Delete, '/1000/0/4/7'))).code).toBe(Code.NotFound);
  });

  it('takes several instances of one resource away in a composite, each once', async () => {
    const { ask, gadget } = setUp();
    const remove = (payload: string) => ask(request(Code.Ipatch, '/', { format: 320, payload }));
    expect((await remove('[{"n":"/1000/0/4/0"},{"n":"/1000/0/4/9"}]')).code).toBe(Code.NotFound);
    expect(gadget.get('tags')?.size).toBe(2);
    expect((await remove('[{"n":"/1000/0/4/0"},{"n":"/1000/0/4/7"}]')).code).toBe(Code.Changed);
    expect(gadget.get('tags')).toEqual(new Map());
  });
});

describe('K-11: reads while others write', () => {
  it('show one state, never half of a change', async () => {
    const { ask, gadget, store } = setUp();
    const torn: string[] = [];
    store.events.on('changed', () => {
      if (gadget.get('level') !== Number(gadget.get('label'))) torn.push(`${gadget.get('label')}`);
    });
    gadget.set({ label: '1', level: 1 });
    const reads = Array.from({ length: 500 }, async (_, i) => {
      gadget.set({ label: `${i}`, level: i });
      const { payload } = await ask(get('/1000/0', { accept: 110 }));
      const records = JSON.parse(decodeUtf8(payload)) as { n: string; vs?: string; v?: number }[];
      const of = (name: string) => records.find(({ n }) => n.endsWith(name));
      if (of('0')?.vs !== String(of('1')?.v)) torn.push('read');
    });
    await Promise.all(reads);
    expect(torn).toEqual([]);
  });
});

describe('Create and Delete', () => {
  const create = (records: string) => request(Code.Post, '/1000', { format: 110, payload: records });

  it('make the instance named, or the lowest free one, and take it away', async () => {
    const { ask, store } = setUp();
    const named = await ask(create('[{"bn":"/1000/3/","n":"0","vs":"x"}]'));
    expect([named.code, named.options.texts(Option.LocationPath)]).toEqual([Code.Created, ['1000', '3']]);
    expect((await ask(create('[{"bn":"/1000/3/","n":"0","vs":"x"}]'))).code).toBe(Code.BadRequest);
    const tlv = request(Code.Post, '/1000', { format: 11_542, payload: Uint8Array.of(0xc1, 0, 0x78) });
    expect((await ask(tlv)).options.texts(Option.LocationPath)).toEqual(['1000', '1']);
    expect((await ask(request(Code.Post, '/1000/3/5'))).code).toBe(Code.Changed);
    expect((await ask(request(Code.Delete, '/1000/3'))).code).toBe(Code.Deleted);
    expect((await ask(request(Code.Delete, '/1000/3'))).code).toBe(Code.NotFound);
    expect([...(store.objects.get(1000)?.instances.keys() ?? [])]).toEqual([0, 1]);
  });

  it('are refused for a missing mandatory resource and beyond the limit', async () => {
    const { ask, store } = setUp();
    expect((await ask(create('[{"bn":"/1000/3/","n":"1","v":1}]'))).code).toBe(Code.BadRequest);
    expect(store.objects.get(1000)?.instances.size).toBe(1);
    for (let id = 1; id < 5; id += 1)
      expect((await ask(create(`[{"bn":"/1000/${id}/","n":"0","vs":"x"}]`))).code).toBe(Code.Created);
    expect((await ask(create('[{"bn":"/1000/5/","n":"0","vs":"x"}]'))).code).toBe(Code.BadRequest);
  });
});

describe('Execute', () => {
  it('hands over the arguments, or none', async () => {
    const heard: unknown[] = [];
    const { ask } = setUp((args) => void heard.push(args));
    await ask(request(Code.Post, '/1000/0/5'));
    await ask(request(Code.Post, '/1000/0/5', { payload: "0='x',1", format: 0 }));
    expect(heard).toEqual([undefined, "0='x',1"]);
    expect((await ask(request(Code.Post, '/1000/0/6'))).code).toBe(Code.NotFound);
    expect((await ask(request(Code.Post, '/1000/0/5', { payload: 'no grammar', format: 0 }))).code).toBe(
      Code.BadRequest,
    );
    expect(heard).toHaveLength(2);
  });

  it('K-12: an action that throws goes up, and the next request works', async () => {
    const { ask } = setUp(() => Promise.reject(new Error('mine')));
    await expect(ask(request(Code.Post, '/1000/0/5'))).rejects.toThrow('mine');
    expect(textOf(await ask(get('/1000/0/0')))).toBe('first');
  });

  it('K-12: an action that never ends is answered with 5.03 within 30 s, and others meanwhile', async () => {
    const { ask, clock } = setUp(() => new Promise(() => undefined));
    const asked = ask(request(Code.Post, '/1000/0/5'));
    expect(textOf(await ask(get('/1000/0/0')))).toBe('first');
    await clock.advance(seconds(30));
    expect((await asked).code).toBe(Code.ServiceUnavailable);
    expect(clock.pending).toBe(0);
  });
});

describe('Discover', () => {
  const discover = async (path: string, ...query: string[]) => {
    const { ask } = setUp();
    await ask(request(Code.Put, '/1000', { query: ['pmin=5'] }));
    await ask(request(Code.Put, '/1000/0/1', { query: ['gt=3'] }));
    return textOf(await ask(get(path, { accept: 40, query })));
  };

  it('lists what is there, with the attributes of each place', async () => {
    expect(await discover('/1000')).toBe(
      '</1000>;pmin=5,</1000/0>,</1000/0/0>,</1000/0/1>;gt=3,</1000/0/2>,</1000/0/4>;dim=2,</1000/0/5>',
    );
    expect(await discover('/1000/0')).toBe(
      '</1000/0>,</1000/0/0>,</1000/0/1>;gt=3,</1000/0/2>,</1000/0/4>;dim=2,</1000/0/5>',
    );
  });

  it('tells of a resource what is written there and above, and of its instances', async () => {
    expect(await discover('/1000/0/1')).toBe('</1000/0/1>;pmin=5;gt=3');
    expect(await discover('/1000/0/4')).toBe('</1000/0/4>;dim=2;pmin=5,</1000/0/4/0>,</1000/0/4/7>');
    expect(await discover('/1000/0/4/7')).toBe('</1000/0/4/7>');
  });

  it('does not take the default periods of a server for attributes that somebody has written', async () => {
    const { ask } = setUp(undefined, { pmin: 1, pmax: 10 });
    expect(textOf(await ask(get('/1000/0/1', { accept: 40 })))).toBe('</1000/0/1>');
    await ask(request(Code.Put, '/1000', { query: ['pmax=60'] }));
    expect(textOf(await ask(get('/1000/0/1', { accept: 40 })))).toBe('</1000/0/1>;pmax=60');
  });

  it('looks as deep as it is told', async () => {
    expect(await discover('/1000', 'depth=0')).toBe('</1000>;pmin=5');
    expect(await discover('/1000', 'depth=1')).toBe('</1000>;pmin=5,</1000/0>');
    expect(await discover('/1000', 'depth=3')).toContain('</1000/0/4/7>');
    expect(await discover('/1000/0/4', 'depth=0')).toBe('</1000/0/4>;dim=2;pmin=5');
  });
});

describe('Write-Attributes', () => {
  it.each(['pmin=0.1', 'pmax=0', 'pmin=-1', 'pmax=1e308', 'gt=NaN', 'st=0', 'st=-1', 'epmax=0', 'x=1', 'hqmax=0'])(
    'D-09: refuses %s and leaves what there was',
    async (attribute) => {
      const { ask } = setUp();
      await ask(request(Code.Put, '/1000/0/1', { query: ['pmin=5', 'gt=9', 'lt=3'] }));
      expect((await ask(request(Code.Put, '/1000/0/1', { query: [attribute] }))).code).toBe(Code.BadRequest);
      expect(textOf(await ask(get('/1000/0/1', { accept: 40 })))).toBe('</1000/0/1>;pmin=5;gt=9;lt=3');
    },
  );

  it('D-09: refuses gt below lt, takes an attribute away without a value, and forgets what is deleted', async () => {
    const { ask, attributes, store } = setUp();
    expect((await ask(request(Code.Put, '/1000/0/1', { query: ['gt=1', 'lt=5'] }))).code).toBe(Code.BadRequest);
    await ask(request(Code.Put, '/1000/0/1', { query: ['pmin=5', 'pmax=50'] }));
    await ask(request(Code.Put, '/1000/0/1', { query: ['pmin'] }));
    expect(textOf(await ask(get('/1000/0/1', { accept: 40 })))).toBe('</1000/0/1>;pmax=50');
    store.remove(1000, 0);
    attributes.retain((path) => path.kind !== 'resource');
    expect(attributes.effective({ kind: 'resource', object: 1000, instance: 0, resource: 1 })).toEqual({});
  });
});

describe('Observe', () => {
  function observing(outcome: () => ReturnType<Notify> = () => Promise.resolve('delivered'), version?: Lwm2mVersion) {
    const all = setUp(undefined, {}, version);
    const stop = new AbortController();
    const told: [number, string, string | undefined][] = [];
    const notify: Notify = (response, options) => {
      told.push([response.code, decodeUtf8(response.payload), options?.type]);
      return outcome();
    };
    const observe = (path: string, more: More = {}) =>
      all.ask(get(path, { observe: 0, ...more }), { notify, signal: stop.signal });
    return { ...all, stop, told, observe };
  }

  it('accepts with the value, then notifies of changes, confirmably', async () => {
    const { observe, gadget, told, relations } = observing();
    const first = await observe('/1000/0/1');
    expect([first.code, textOf(first), first.options.has(Option.Observe)]).toEqual([Code.Content, '1', true]);
    gadget.set({ level: 2 });
    gadget.set({ level: 2 });
    gadget.set({ label: 'other' });
    expect(told).toEqual([[Code.Content, '2', 'con']]);
    expect(relations.size).toBe(1);
  });

  it('is refused with attributes that have no meaning there', async () => {
    const { observe, ask, relations } = observing();
    for (const [path, query] of [
      ['/1000/0', 'gt=5'],
      ['/1000/0/0', 'gt=5'],
    ] as const)
      expect([path, (await observe(path, { query: [query] })).code]).toEqual([path, Code.BadRequest]);
    const payload = '[{"n":"/1000/0/1"},{"n":"/1000/0/0"}]';
    const several = request(Code.Fetch, '/', { observe: 0, format: 110, accept: 110, query: ['gt=5'], payload });
    expect((await ask(several, { notify: () => Promise.resolve('delivered') })).code).toBe(Code.BadRequest);
    expect(relations.size).toBe(0);
    expect((await observe('/1000/0/1', { query: ['gt=5'] })).code).toBe(Code.Content);
  });

  it('is a plain Read where there is no room for an observation', async () => {
    const { ask, relations } = setUp();
    const answer = await ask(get('/1000/0/1', { observe: 0 }));
    expect([textOf(answer), answer.options.has(Option.Observe), relations.size]).toEqual(['1', false, 0]);
  });

  it('ends with its signal, and tells the coap side when it ends here', async () => {
    const { observe, gadget, told, relations, stop, clock } = observing();
    await observe('/1000/0/1', { query: ['pmax=60'] });
    stop.abort();
    gadget.set({ level: 2 });
    await clock.advance(hours(1));
    expect([relations.size, clock.pending]).toEqual([0, 0]);
    expect(told).toEqual([[Code.Empty, '', undefined]]);
  });

  it('follows attributes given with it, before those that are written', async () => {
    const { observe, gadget, told, clock, ask } = observing();
    await ask(request(Code.Put, '/1000/0/1', { query: ['pmin=1'] }));
    await observe('/1000/0/1', { query: ['pmin=10', 'con=0'] });
    gadget.set({ level: 2 });
    await clock.advance(seconds(9));
    expect(told).toEqual([]);
    await clock.advance(seconds(1));
    expect(told).toEqual([[Code.Content, '2', 'auto']]);
    expect(textOf(await ask(get('/1000/0/1', { accept: 40 })))).toBe('</1000/0/1>;pmin=1');
    expect((await observe('/1000/0/1', { query: ['gt=1', 'lt=5'] })).code).toBe(Code.BadRequest);
  });

  it.each([
    ['1.1', [[Code.Content, 'con']]],
    ['1.2', []],
  ] as const)(
    'of %s follows attributes of the observation of one path and of several only from 1.2 on',
    async (version, expected) => {
      const paths = [resourcePath(1000, 0, 1)];
      const attributes = { pmin: 10 };
      for (const composite of [false, true]) {
        const { ask, gadget, told, stop } = observing(undefined, version);
        const operation = composite
          ? ({ op: 'observe-composite', paths, attributes, format: 112 } as const)
          : ({ op: 'observe', path: resourcePath(1000, 0, 1), attributes } as const);
        const asked = writeRequest(operation, { version: '1.2', rootPath: '' });
        const notify: Notify = (response, options) => {
          told.push([response.code, '', options?.type]);
          return Promise.resolve('delivered');
        };
        expect((await ask(asked, { notify, signal: stop.signal })).code).toBe(Code.Content);
        gadget.set({ level: 2 });
        expect(told.map(([code, , type]) => [code, type])).toEqual(expected);
      }
    },
  );

  it('K-15: says 4.04 when its instance has gone', async () => {
    const { observe, store, told } = observing();
    await observe('/1000/0/1');
    store.remove(1000, 0);
    expect(told).toEqual([[Code.NotFound, '', 'con']]);
  });

  it('says 4.06 when a new value does not fit the format asked for', async () => {
    const { observe, gadget, told } = observing();
    await observe('/1000/0/0', { accept: 0 });
    gadget.set({ label: 'x' });
    expect(told).toEqual([[Code.Content, 'x', 'con']]);
  });

  it('knows from a notification that was lost that the server may have lost it too', async () => {
    const { observe, gadget, unheard } = observing(() => Promise.reject(new TimeoutError('no', 1)));
    await observe('/1000/0/1');
    gadget.set({ level: 2 });
    await settle();
    expect(unheard()).toBe(1);
  });

  it('compares 64-bit integers with thresholds too', async () => {
    const { observe, gadget, told, ask } = observing();
    gadget.set({ big: 5n });
    await ask(request(Code.Put, '/1000/0/8', { query: ['gt=10'] }));
    await observe('/1000/0/8');
    gadget.set({ big: 7n });
    gadget.set({ big: 11n });
    expect(told.map(([, text]) => text)).toEqual(['11']);
  });
});

import { Code, Option, type Request, type Response, ResponseError } from '@lapwing/coap';
import { decodeUtf8, seconds } from '@lapwing/kernel';
import { settle, VirtualClock } from '@lapwing/kernel/testing';
import { defineObject, formatPath } from '@lapwing/lwm2m';
import { AccessControl } from '@lapwing/lwm2m/objects/access-control';
import { describe, expect, it } from 'vitest';
import { EndDeviceError } from '../errors.ts';
import { AttributeTable } from '../notify/attribute-table.ts';
import { Relations } from '../notify/relations.ts';
import { ObjectStore } from '../objects/store.ts';
import { serveOperations } from '../operations/serve.ts';
import { askerOf, type More, request as requestAt, unwatched } from '../testing/asked.ts';
import { EndDevices } from './end-devices.ts';

const Lamp = defineObject({
  id: 3311,
  name: 'Lamp',
  many: true,
  resources: {
    on: { id: 5850, type: 'boolean', access: 'RW', required: true },
    dimmer: { id: 5851, type: 'integer', access: 'RW' },
    blink: { id: 5852, access: 'E' },
  },
});

function setUp() {
  const clock = new VirtualClock();
  const store = new ObjectStore();
  const endDevices = new EndDevices(store, { limit: 3 });
  const blinks: (string | undefined)[] = [];
  const lampAt = (instance: number) => {
    const objects = new ObjectStore();
    objects.define(Lamp, { creatable: {} });
    const lamp = objects.add(Lamp, 0, { on: false, dimmer: instance, blink: (args) => void blinks.push(args) });
    return { objects, lamp };
  };
  const first = lampAt(1);
  const second = lampAt(2);
  endDevices.add({ id: 'urn:dev:lamp-1', prefix: 'd01', objects: first.objects });
  endDevices.add({ id: 'urn:dev:lamp-2', objects: second.objects });
  const relations = new Relations();
  const attributes = new AttributeTable(() => ({}));
  store.events.on('changed', ({ paths }) => relations.changed(paths));
  endDevices.events.on('changed', ({ paths }) => relations.changed(paths));
  const serve = serveOperations({
    store,
    endDevices,
    relations,
    attributes,
    clock,
    version: '1.2',
    rootPath: '/lwm2m',
    notifications: () => 'con',
    storing: () => false,
    caller: { id: 2, isAlone: false },
    actionTimeout: seconds(30),
    ...unwatched(clock),
  });
  const ask = askerOf(serve);
  return { clock, store, endDevices, first, second, blinks, ask, relations, attributes };
}

/** Below the root path. */
const request = (code: number, path: string, more?: More): Request => requestAt(code, `/lwm2m${path}`, more);
const textOf = ({ payload }: Response): string => decodeUtf8(payload);

describe('object 25', () => {
  it.each([
    [110, '"vs":"</3311/0>"'],
    [112, '</3311/0>'],
    [11_542, '</3311/0>'],
    [11_543, '"sv":"</3311/0>"'],
    [11_544, '</3311/0>'],
  ])('tells id, prefix and object list of each end device in format %i', async (accept, part) => {
    const { ask } = setUp();
    const response = await ask(request(Code.Get, '/25/0', { accept }));
    const text = new TextDecoder('latin1').decode(response.payload);
    expect(response.code).toBe(Code.Content);
    for (const each of ['urn:dev:lamp-1', 'd01', part]) expect(text).toContain(each);
  });

  it('tells one resource as text, and the list of an end device as it changes', async () => {
    const { ask, first } = setUp();
    expect(textOf(await ask(request(Code.Get, '/25/1/1')))).toBe('d1');
    expect(textOf(await ask(request(Code.Get, '/25/0/3')))).toBe('</3311/0>');
    const told: string[] = [];
    const notify = (response: Response): Promise<'delivered'> => {
      told.push(textOf(response));
      return Promise.resolve('delivered');
    };
    await ask(request(Code.Get, '/25/0/3', { observe: 0 }), { notify });
    first.objects.add(Lamp, 7, { on: true });
    await settle();
    expect(told).toEqual(['</3311/0>,</3311/7>']);
  });

  it('comes back when a bootstrap has emptied the device', () => {
    const { store, endDevices } = setUp();
    store.remove(25, 0);
    expect([...(store.objects.get(25)?.instances.keys() ?? [])].sort()).toEqual([0, 1]);
    endDevices.remove('d01');
    expect([...(store.objects.get(25)?.instances.keys() ?? [])]).toEqual([1]);
  });
});

describe('an end device', () => {
  it('of which a value has to be found out, or a change to be approved, is asked like the device itself', async () => {
    const { endDevices, ask } = setUp();
    const objects = new ObjectStore();
    let level = 1;
    objects.define(Lamp, {
      fetchers: { dimmer: async () => level },
      approve: ({ touched }) =>
        touched.has(5850) ? Promise.reject(new ResponseError(Code.Forbidden)) : Promise.resolve(),
    });
    const lamp = objects.add(Lamp, 0, { on: true, dimmer: 0 });
    endDevices.add({ id: 'urn:dev:lamp-3', prefix: 'd03', objects });
    expect(textOf(await ask(request(Code.Get, '/d03/3311/0/5851')))).toBe('1');
    level = 2;
    const composite = await ask(
      request(Code.Fetch, '', { format: 110, accept: 110, payload: '[{"n":"/d03/3311/0/5851"}]' }),
    );
    expect(textOf(composite)).toContain('"v":2');
    const write = (resource: number, payload: string) =>
      ask(request(Code.Put, `/d03/3311/0/${resource}`, { format: 0, payload }));
    expect((await write(5850, '0')).code).toBe(Code.Forbidden);
    expect((await write(5851, '9')).code).toBe(Code.Changed);
    expect([lamp.get('on'), lamp.get('dimmer')]).toEqual([true, 9]);
  });

  it('is refused with what is wrong with it', () => {
    const { endDevices, store, first } = setUp();
    const objects = new ObjectStore();
    const problemOf = (fields: Partial<Parameters<EndDevices['add']>[0]>): string => {
      try {
        endDevices.add({ id: 'new', objects, ...fields });
        return 'none';
      } catch (error) {
        expect(error).toBeInstanceOf(EndDeviceError);
        return (error as EndDeviceError).problem;
      }
    };
    for (const prefix of ['', '3311', '..', 'a/b', 'a%2fb', 'bs', 'ü', 'x'.repeat(65)])
      expect(problemOf({ prefix }), prefix).toBe('prefix');
    expect(problemOf({ prefix: 'd01' })).toBe('prefix-taken');
    expect(problemOf({ id: 'urn:dev:lamp-1' })).toBe('id-taken');
    expect(problemOf({ id: '' })).toBe('id');
    expect(problemOf({ instance: 0, prefix: 'd9' })).toBe('instance');
    expect(problemOf({ objects: store })).toBe('objects');
    expect(problemOf({ objects: first.objects })).toBe('objects');
    expect(problemOf({})).toBe('none');
    expect(problemOf({ id: 'one more', objects: new ObjectStore() })).toBe('full');
    expect(endDevices.size).toBe(3);
  });

  it('is read, written, executed, created in, deleted from and discovered under its prefix', async () => {
    const { ask, first, second, blinks } = setUp();
    expect(textOf(await ask(request(Code.Get, '/d01/3311/0/5851')))).toBe('1');
    expect(textOf(await ask(request(Code.Get, '/d1/3311/0/5851')))).toBe('2');
    expect(textOf(await ask(request(Code.Get, '/d01/3311/0', { accept: 110 })))).toBe(
      '[{"bn":"/lwm2m/d01/3311/0/","n":"5850","vb":false},{"n":"5851","v":1}]',
    );
    expect((await ask(request(Code.Put, '/d01/3311/0/5851', { format: 0, payload: '50' }))).code).toBe(Code.Changed);
    const written = '[{"bn":"/d1/3311/0/","n":"5851","v":60}]';
    expect((await ask(request(Code.Post, '/d1/3311/0', { format: 110, payload: written }))).code).toBe(Code.Changed);
    expect([first.lamp.get('dimmer'), second.lamp.get('dimmer')]).toEqual([50, 60]);
    const foreign = await ask(request(Code.Post, '/d01/3311/0', { format: 110, payload: written }));
    expect(foreign.code).toBe(Code.BadRequest);
    expect((await ask(request(Code.Post, '/d01/3311/0/5852', { format: 0, payload: '1' }))).code).toBe(Code.Changed);
    expect(blinks).toEqual(['1']);
    const made = await ask(
      request(Code.Post, '/d01/3311', { format: 110, payload: '[{"n":"/d01/3311/4/5850","vb":true}]' }),
    );
    expect([made.code, made.options.texts(Option.LocationPath)]).toEqual([Code.Created, ['lwm2m', 'd01', '3311', '4']]);
    expect((await ask(request(Code.Delete, '/d01/3311/4'))).code).toBe(Code.Deleted);
    expect([...(first.objects.objects.get(3311)?.instances.keys() ?? [])]).toEqual([0]);
    expect((await ask(request(Code.Put, '/d01/3311/0', { query: ['pmin=5'] }))).code).toBe(Code.Changed);
    // Gateway 1.1.1 §8.3.1: without the prefix.
    expect(textOf(await ask(request(Code.Get, '/d01/3311/0', { accept: 40 })))).toBe(
      '</lwm2m/3311/0>;pmin=5,</lwm2m/3311/0/5850>,</lwm2m/3311/0/5851>,</lwm2m/3311/0/5852>',
    );
    expect(textOf(await ask(request(Code.Get, '/d1/3311/0', { accept: 40 })))).not.toContain('pmin');
  });

  it.each([
    ['/d02/3311/0', Code.NotFound],
    ['/..', Code.NotFound],
    ['/d01/x', Code.NotFound],
    ['/d01/3311/0/5850/0/0', Code.NotFound],
    ['/d01/3', Code.NotFound],
    ['/d01/0/0', Code.Unauthorized],
    ['/d01', Code.MethodNotAllowed],
  ])('is not where it is not: %s', async (path, code) => {
    const { ask } = setUp();
    expect((await ask(request(Code.Get, path))).code).toBe(code);
  });

  // Gateway 1.1.1 §7.
  it('is nothing that access control of the gateway is about', async () => {
    const { ask, store } = setUp();
    store.add(AccessControl, 0, { objectId: 25, objectInstanceId: 0, acl: new Map([[2, 0]]), accessControlOwner: 1 });
    expect((await ask(request(Code.Get, '/25/0'))).code).toBe(Code.Unauthorized);
    expect((await ask(request(Code.Get, '/d01/3311/0/5851'))).code).toBe(Code.Content);
    expect((await ask(request(Code.Put, '/d01/3311/0/5851', { format: 0, payload: '7' }))).code).toBe(Code.Changed);
  });

  it('does not appear in the tree of the gateway', async () => {
    const { ask } = setUp();
    expect((await ask(request(Code.Get, '/3311'))).code).toBe(Code.NotFound);
    const all = await ask(request(Code.Fetch, '/', { format: 110, payload: '[{"n":"/"}]' }));
    expect(new TextDecoder('latin1').decode(all.payload)).not.toContain('5851');
  });

  it('is observed by itself, steered by its own attributes, and ends its observations when it goes', async () => {
    const { ask, clock, first, second, endDevices, relations } = setUp();
    const told: string[] = [];
    const notify = (response: Response): Promise<'delivered'> => {
      told.push(response.code === Code.Content ? textOf(response) : `code ${response.code}`);
      return Promise.resolve('delivered');
    };
    await ask(request(Code.Put, '/d01/3311/0/5851', { query: ['pmin=10'] }));
    await ask(request(Code.Get, '/d01/3311/0/5851', { observe: 0 }), { notify });
    second.lamp.set({ dimmer: 99 });
    first.lamp.set({ dimmer: 3 });
    await clock.advance(seconds(9));
    expect(told).toEqual([]);
    await clock.advance(seconds(2));
    expect(told).toEqual(['3']);
    endDevices.remove('d01');
    await clock.advance(seconds(11));
    expect(told).toEqual(['3', `code ${Code.NotFound}`]);
    expect((await ask(request(Code.Get, '/d01/3311/0/5851'))).code).toBe(Code.NotFound);
    expect(relations.size).toBeLessThanOrEqual(1);
  });
});

describe('a composite operation', () => {
  it('reads several end devices and the gateway at once, and leaves out what is not there', async () => {
    const { ask } = setUp();
    const payload = '[{"n":"/25/0/0"},{"n":"/d01/3311/0/5851"},{"n":"/d1/3311"},{"n":"/d9/3311"}]';
    const response = await ask(request(Code.Fetch, '/', { format: 110, accept: 110, payload }));
    expect(textOf(response)).toBe(
      '[{"n":"/lwm2m/25/0/0","vs":"urn:dev:lamp-1"},{"n":"/lwm2m/d01/3311/0/5851","v":1},' +
        '{"n":"/lwm2m/d1/3311/0/5850","vb":false},{"n":"/lwm2m/d1/3311/0/5851","v":2}]',
    );
  });

  it('writes all or nothing, whatever the order', async () => {
    const { ask, first, second } = setUp();
    const write = async (...records: string[]) =>
      (await ask(request(Code.Ipatch, '/', { format: 110, payload: `[${records.join()}]` }))).code;
    const good = '{"n":"/d01/3311/0/5851","v":70}';
    expect(await write(good, '{"n":"/d1/3311/0/5851","v":71}')).toBe(Code.Changed);
    expect([first.lamp.get('dimmer'), second.lamp.get('dimmer')]).toEqual([70, 71]);
    const better = '{"n":"/d01/3311/0/5851","v":80}';
    for (const bad of ['{"n":"/d1/3311/9/5851","v":1}', '{"n":"/d9/3311/0/5851","v":1}', '{"n":"/25/0/1","vs":"x"}']) {
      expect(await write(better, bad)).not.toBe(Code.Changed);
      expect(await write(bad, better)).not.toBe(Code.Changed);
    }
    expect([first.lamp.get('dimmer'), second.lamp.get('dimmer')]).toEqual([70, 71]);
  });

  it('is observed as one', async () => {
    const { ask, clock, second } = setUp();
    const told: string[] = [];
    const notify = (response: Response): Promise<'delivered'> => {
      told.push(textOf(response));
      return Promise.resolve('delivered');
    };
    const payload = '[{"n":"/d01/3311/0/5851"},{"n":"/d1/3311/0/5851"}]';
    await ask(request(Code.Fetch, '/', { format: 110, accept: 110, payload, observe: 0 }), { notify });
    second.lamp.set({ dimmer: 5 });
    await clock.advance(seconds(1));
    expect(told).toEqual(['[{"n":"/lwm2m/d01/3311/0/5851","v":1},{"n":"/lwm2m/d1/3311/0/5851","v":5}]']);
  });
});

it('what changes in end devices is told with their prefixes', () => {
  const { endDevices, first } = setUp();
  const paths: string[] = [];
  endDevices.events.on('changed', (change) => paths.push(...change.paths.map(formatPath)));
  first.lamp.set({ dimmer: 9 });
  endDevices.remove('d1');
  expect(paths).toEqual(['/d01/3311/0/5851', '/d1']);
});

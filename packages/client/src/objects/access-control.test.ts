import { Code, ContentFormat, makeRequest, ResponseError } from '@lapwing/coap';
import { nobody, seconds } from '@lapwing/kernel';
import { VirtualClock } from '@lapwing/kernel/testing';
import {
  defineObject,
  formatPath,
  makeValue,
  type Operation,
  type Path,
  parsePath,
  writeRequest,
} from '@lapwing/lwm2m';
import { describe, expect, it } from 'vitest';
import { AttributeTable } from '../notify/attribute-table.ts';
import { Relations } from '../notify/relations.ts';
import { serveOperations } from '../operations/serve.ts';
import { unwatched } from '../testing/asked.ts';
import { ObjectStore } from './store.ts';

const Access = defineObject({
  id: 2,
  name: 'LwM2M Access Control',
  many: true,
  resources: {
    object: { id: 0, type: 'integer', access: 'R', required: true },
    instance: { id: 1, type: 'integer', access: 'R', required: true },
    list: { id: 2, type: 'integer', access: 'RW', many: true },
    owner: { id: 3, type: 'integer', access: 'RW', required: true },
  },
});
const Gadget = defineObject({
  id: 1000,
  name: 'Gadget',
  many: true,
  resources: { level: { id: 0, type: 'integer', access: 'RW' }, act: { id: 1, access: 'E' } },
});
const Account = defineObject({
  id: 1,
  name: 'LwM2M Server',
  many: true,
  resources: { id: { id: 0, type: 'integer', access: 'R' }, lifetime: { id: 1, type: 'integer', access: 'RW' } },
});

const [own, other] = [7, 8];

/** Of one instance: who owns it, and what its list says by short server id. Undefined for an instance without. */
type Said = { readonly owner: number; readonly list?: readonly (readonly [number, number])[] } | undefined;

function setUp(said: Said, { create, isAlone = false }: { readonly create?: number; readonly isAlone?: boolean } = {}) {
  const store = new ObjectStore();
  store.define(Gadget, { creatable: { act: () => undefined } });
  store.add(Gadget, 0, { level: 1, act: () => undefined });
  store.define(Access);
  store.define(Account);
  store.add(Account, 0, { id: own, lifetime: 60 });
  store.add(Account, 1, { id: other, lifetime: 60 });
  let id = 0;
  const put = (instance: number, { owner, list }: NonNullable<Said>): void => {
    store.add(Access, id, { object: 1000, instance, owner, ...(list === undefined ? {} : { list: new Map(list) }) });
    id += 1;
  };
  if (said !== undefined) put(0, said);
  if (create !== undefined) put(65_535, { owner: 0, list: [[own, create]] });
  const clock = new VirtualClock();
  const serve = serveOperations({
    store,
    relations: new Relations(),
    attributes: new AttributeTable(() => ({})),
    clock,
    version: '1.2',
    rootPath: '',
    caller: { id: own, isAlone },
    notifications: () => 'con',
    storing: () => false,
    actionTimeout: seconds(30),
    ...unwatched(clock),
  });
  const peer = { key: 'server', address: { via: 'udp', host: '192.0.2.1', port: 5683 }, identity: nobody } as const;
  const context = { peer, signal: new AbortController().signal };
  const ask = async (operation: Operation) => {
    try {
      const request = writeRequest(operation, { version: '1.2', rootPath: '' });
      const { code, payload } = await serve(makeRequest(request.code, request.options, request.payload), context);
      return { code, text: Buffer.from(payload).toString('latin1') };
    } catch (error) {
      if (error instanceof ResponseError) return { code: error.status, text: '' };
      throw error;
    }
  };
  return { store, ask };
}

const at = (text: Parameters<typeof parsePath>[0]) => parsePath(text);
const instance = at('/1000/0') as Extract<Path, { kind: 'instance' }>;
const level = at('/1000/0/0') as Extract<Path, { kind: 'resource' }>;
const act = at('/1000/0/1') as Extract<Path, { kind: 'resource' }>;
const entries = [{ path: level, value: makeValue('integer', 2) }];

/** Each with the right that it needs, and the code without it. */
const operations: readonly (readonly [name: string, right: number, Operation, refused: number])[] = [
  ['Read', 1, { op: 'read', path: instance }, Code.Unauthorized],
  ['Read of a resource', 1, { op: 'read', path: level }, Code.Unauthorized],
  ['Observe', 1, { op: 'observe', path: level }, Code.Unauthorized],
  ['Write-Attributes', 1, { op: 'write-attributes', path: level, attributes: { pmin: 1 } }, Code.Unauthorized],
  ['Write', 2, { op: 'write', path: instance, mode: 'update', entries }, Code.Unauthorized],
  ['Write-Composite', 2, { op: 'write-composite', entries }, Code.Unauthorized],
  ['Execute', 4, { op: 'execute', path: act }, Code.Unauthorized],
  ['Delete', 8, { op: 'delete', path: instance }, Code.Unauthorized],
  ['Read-Composite', 1, { op: 'read-composite', paths: [level] }, Code.NotFound],
];

/** What the lists may say, and which rights follow (Core 1.2.1 §8.2). */
const tables: readonly (readonly [name: string, said: (bits: number) => Said, rights: (bits: number) => number])[] = [
  ['its own entry', (bits) => ({ owner: other, list: [[own, bits]] }), (bits) => bits],
  ['its own entry, though it is the owner,', (bits) => ({ owner: own, list: [[own, bits]] }), (bits) => bits],
  ['the default entry', (bits) => ({ owner: other, list: [[0, bits]] }), (bits) => bits],
  ['the entry of another', (bits) => ({ owner: other, list: [[other, bits]] }), () => 0],
];

describe('object 2', () => {
  it.each(tables)('K-01: lets a server do what %s says, and nothing else', async (_, said, rights) => {
    for (let bits = 0; bits < 32; bits += 1) {
      for (const [name, right, operation, refused] of operations) {
        const { ask } = setUp(said(bits));
        const { code } = await ask(operation);
        const expected = (rights(bits) & right) !== 0;
        expect(code < 0x80, `${name} with ${bits}`).toBe(expected);
        if (!expected) expect(code, `${name} with ${bits}`).toBe(refused);
      }
      const { ask } = setUp(undefined, { create: bits });
      const { code } = await ask({ op: 'create', path: { kind: 'object', object: 1000 }, instance: 5, entries: [] });
      expect(code).toBe((bits & 16) === 0 ? Code.Unauthorized : Code.Created);
    }
  });

  it('K-01: lets the owner do everything where no entry is its own, and nobody anything without a list', async () => {
    for (const [, , operation] of operations) {
      expect((await setUp({ owner: own }).ask(operation)).code).toBeLessThan(0x80);
      expect((await setUp({ owner: own, list: [[other, 31]] }).ask(operation)).code).toBeLessThan(0x80);
      expect((await setUp({ owner: other }).ask(operation)).code).toBeGreaterThanOrEqual(0x80);
      expect((await setUp(undefined, { create: 0 }).ask(operation)).code).toBeGreaterThanOrEqual(0x80);
    }
  });

  it('says nothing to the only server', async () => {
    for (const [, , operation] of operations)
      expect((await setUp({ owner: other }, { isAlone: true }).ask(operation)).code).toBeLessThan(0x80);
  });

  it('says nothing as long as it has no instance, and gets none by a Create', async () => {
    for (const [, , operation] of operations) expect((await setUp(undefined).ask(operation)).code).toBeLessThan(0x80);
    const { store, ask } = setUp(undefined);
    const made = { op: 'create', path: { kind: 'object', object: 1000 }, instance: 5, entries: [] } as const;
    expect((await ask(made)).code).toBe(Code.Created);
    expect(store.objects.get(2)?.instances.size).toBe(0);
  });

  it('K-01: still lets nobody do anything when a server has deleted the last list with what it was about', async () => {
    const { store, ask } = setUp({ owner: own });
    expect((await ask({ op: 'delete', path: instance })).code).toBe(Code.Deleted);
    expect(store.objects.get(2)?.instances.size).toBe(0);
    store.add(Gadget, 0, { level: 5, act: () => undefined });
    for (const [, , operation, refused] of operations) expect((await ask(operation)).code).toBe(refused);
    const made = { op: 'create', path: { kind: 'object', object: 1000 }, instance: 5, entries: [] } as const;
    expect((await ask(made)).code).toBe(Code.Unauthorized);
  });

  it('K-02: leaves forbidden instances out of what is read of an object or of several paths, without a hint', async () => {
    const { store, ask } = setUp({ owner: other, list: [[own, 1]] });
    store.add(Gadget, 1, { level: 5, act: () => undefined });
    store.add(Access, 9, { object: 1000, instance: 1, owner: other });
    const read = async (operation: Operation) => (await ask(operation)).text;
    const accept = ContentFormat.SenmlJson;
    const object = await read({ op: 'read', path: { kind: 'object', object: 1000 }, accept });
    expect(object).toContain('"0/0"');
    expect(object).not.toContain('"1/0"');
    const several = await read({ op: 'read-composite', paths: [at('/1000'), at('/1000/1/0')], accept });
    expect(several).toContain('/1000/0/0');
    expect(several).not.toContain('/1000/1');
    expect((await ask({ op: 'read', path: at('/1000/1') })).code).toBe(Code.Unauthorized);
    expect((await ask({ op: 'read', path: at('/1000/2') })).code).toBe(Code.NotFound);
  });

  it('is made for what a server creates, and goes with it', async () => {
    const { store, ask } = setUp(undefined, { create: 16 });
    const made = { op: 'create', path: { kind: 'object', object: 1000 }, instance: 5, entries: [] } as const;
    expect((await ask(made)).code).toBe(Code.Created);
    const lists = () =>
      [...(store.objects.get(2)?.instances.values() ?? [])].map(({ contents }) =>
        [0, 1, 3].map((id) => (contents.get(id) as { value: number }).value),
      );
    expect(lists()).toContainEqual([1000, 5, own]);
    expect((await ask({ op: 'delete', path: at('/1000/5') as typeof instance })).code).toBe(Code.Deleted);
    expect(lists()).toEqual([[1000, 65_535, 0]]);
  });

  it('leaves a server its own account, and to the owner what is said of an instance', async () => {
    const { store, ask } = setUp({ owner: own });
    store.add(Access, 9, { object: 1000, instance: 3, owner: other });
    const lifetime = (text: '/1/0/1' | '/1/1/1'): Operation => {
      const path = at(text) as typeof level;
      return { op: 'write', path, mode: 'replace', entries: [{ path, value: makeValue('integer', 90) }] };
    };
    expect((await ask(lifetime('/1/0/1'))).code).toBe(Code.Changed);
    expect((await ask(lifetime('/1/1/1'))).code).toBe(Code.Unauthorized);
    for (const [text, code] of [
      ['/2/0/3', Code.Changed],
      ['/2/9/3', Code.Unauthorized],
    ] as const) {
      const path = at(text) as typeof level;
      const give = { op: 'write', path, mode: 'replace', entries: [{ path, value: makeValue('integer', 7) }] } as const;
      expect((await ask(give)).code, formatPath(path)).toBe(code);
      expect((await ask({ op: 'read', path })).code).toBe(Code.Content);
    }
  });
});

// Whatever object 2 says: composites show a server nothing that it may not read by itself, and change nothing that it may not write by
// itself (Core 1.2.1 §6.3.8, §6.3.9, §8.2).
import { makeResponse } from '@lapwing/coap';
import { seconds } from '@lapwing/kernel';
import { VirtualClock } from '@lapwing/kernel/testing';
import {
  defineObject,
  type Entry,
  formatPath,
  instancePath,
  makeValue,
  type Operation,
  type Path,
  type PathText,
  parsePath,
  readResponse,
  resourceInstancePath,
  resourcePath,
  writeRequest,
} from '@lapwing/lwm2m';
import { AccessControl } from '@lapwing/lwm2m/objects/access-control';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SecurityObject } from '../builtin/security.ts';
import { ServerObject } from '../builtin/server.ts';
import { AttributeTable } from '../notify/attribute-table.ts';
import { Relations } from '../notify/relations.ts';
import { ObjectStore } from '../objects/store.ts';
import { askerOf, unwatched } from '../testing/asked.ts';
import { serveOperations } from './serve.ts';

const Gadget = defineObject({
  id: 1000,
  name: 'Gadget',
  many: true,
  resources: {
    level: { id: 0, type: 'integer', access: 'RW' },
    secret: { id: 1, type: 'string', access: 'W' },
    tags: { id: 2, type: 'string', access: 'RW', many: true },
    serial: { id: 3, type: 'string', access: 'R' },
  },
});

const [own, other] = [7, 8];
/** What is said of each instance of the gadget: who owns it, and the rights of the server, of the other and of everybody else. */
type Said = { readonly owner: number; readonly rights: readonly (number | undefined)[] } | undefined;

function deviceWith(said: readonly Said[]) {
  const objects = new ObjectStore();
  const idle = { registrationUpdateTrigger: () => undefined };
  for (const [i, id] of [own, other].entries()) {
    objects.add(SecurityObject, i, {
      ...{ lwm2mServerUri: `coap://h${i}`, bootstrapServer: false, securityMode: 3, shortServerId: id },
    });
    const terms = { shortServerId: id, lifetime: 60, notificationStoringWhenDisabledOrOffline: false, binding: 'U' };
    objects.add(ServerObject, i, { ...idle, ...terms });
  }
  for (const [i, each] of said.entries()) {
    const tags = new Map([
      [0, `tag ${i}`],
      [5, 'five'],
    ]);
    objects.add(Gadget, i, { level: i, secret: 'hush', tags, serial: `${i}` });
    if (each === undefined) continue;
    const entries = [own, other, 0].flatMap((id, at) => {
      const rights = each.rights[at];
      return rights === undefined ? [] : [[id, rights] as const];
    });
    const list = { objectId: Gadget.id, objectInstanceId: i, accessControlOwner: each.owner };
    objects.add(AccessControl, i, { ...list, ...(entries.length === 0 ? {} : { acl: new Map(entries) }) });
  }
  const clock = new VirtualClock();
  const service = serveOperations({
    store: objects,
    relations: new Relations(),
    attributes: new AttributeTable(() => ({})),
    clock,
    version: '1.2',
    rootPath: '',
    caller: { id: own, isAlone: false },
    notifications: () => 'con',
    storing: () => false,
    actionTimeout: seconds(30),
    ...unwatched(clock),
  });
  const serve = askerOf(service);
  const ask = async (operation: Operation) => {
    const answer = await serve(writeRequest(operation, { version: '1.2', rootPath: '' }));
    const { code, options, payload } = answer;
    return readResponse(operation, { ...makeResponse(code), options, payload }, objects.typeOf);
  };
  const shown = async (operation: Operation): Promise<readonly string[]> => {
    const result = await ask(operation);
    return result.kind === 'content' ? result.entries.flatMap(textOf) : [];
  };
  const may = async (operation: Operation): Promise<boolean> => (await ask(operation)).kind === 'done';
  /** Everything that there is, whoever may see it. */
  const all = (): string =>
    JSON.stringify(
      [...objects.objects.values()].map(({ definition, instances }) => [
        definition.id,
        [...instances.values()].map(({ contents }) =>
          [...contents].map(([id, content]) => [id, textOfContent(content)]),
        ),
      ]),
    );
  return { shown, may, all };
}

const textOf = ({ path, value }: Entry): readonly string[] =>
  value === undefined ? [] : [`${formatPath(path)} ${String(value.value)}`];
const textOfContent = (content: unknown): string =>
  content instanceof Map ? JSON.stringify([...content]) : JSON.stringify(content);

const said = fc.array(
  fc.option(
    fc.record({
      owner: fc.constantFrom(own, other, 0xffff),
      rights: fc.tuple(...[0, 1, 2].map(() => fc.option(fc.integer({ min: 0, max: 31 }), { nil: undefined }))),
    }),
    { nil: undefined },
  ),
  { minLength: 2, maxLength: 3 },
);

const places: readonly PathText[] = [
  ...([
    '/1000',
    '/1000/0',
    '/1000/1',
    '/1000/1/0',
    '/1000/1/1',
    '/1000/0/2',
    '/1000/0/2/5',
    '/1000/0/3',
    '/1000/9',
  ] as const),
  ...(['/0', '/0/0', '/0/1/0', '/1', '/1/0', '/1/1', '/1/1/1', '/1/0/1', '/2', '/2/0', '/2/1/2', '/77'] as const),
];
const paths = fc
  .uniqueArray(fc.constantFrom(...places), { minLength: 1, maxLength: 4 })
  .map((all) => all.map((each) => parsePath(each)));

const entry: fc.Arbitrary<Entry> = fc.constantFrom<Entry>(
  ...[0, 1, 2].flatMap((id): Entry[] => [
    { path: resourcePath(Gadget.id, id, 0), value: makeValue('integer', 99) },
    { path: resourcePath(Gadget.id, id, 1), value: makeValue('string', 'louder') },
    { path: resourceInstancePath(Gadget.id, id, 2, 1), value: makeValue('string', 'one') },
    { path: resourcePath(Gadget.id, id, 3), value: makeValue('string', 'forged') },
    { path: resourceInstancePath(AccessControl.id, id, 2, own), value: makeValue('integer', 31) },
    { path: resourcePath(AccessControl.id, id, 3), value: makeValue('integer', own) },
  ]),
  ...[0, 1].flatMap((id): Entry[] => [
    { path: resourcePath(ServerObject.id, id, 1), value: makeValue('integer', 3600) },
    { path: resourcePath(SecurityObject.id, id, 0), value: makeValue('string', 'coap://evil') },
  ]),
);

it('K-02: a Read-Composite shows what is shown of each path by itself', async () => {
  await fc.assert(
    fc.asyncProperty(said, paths, async (lists, wanted) => {
      const { shown } = deviceWith(lists);
      const single = new Set<string>();
      for (const path of wanted as Exclude<Path, { kind: 'root' }>[])
        for (const each of await shown({ op: 'read', path })) single.add(each);
      expect(new Set(await shown({ op: 'read-composite', paths: wanted }))).toEqual(single);
    }),
    { numRuns: 300 },
  );
});

it('K-02: a Write-Composite does all that each Write may do by itself, and otherwise nothing', async () => {
  await fc.assert(
    fc.asyncProperty(
      said,
      fc.uniqueArray(entry, { minLength: 1, maxLength: 4, selector: ({ path }) => formatPath(path) }),
      async (lists, entries) => {
        const { may, all } = deviceWith(lists);
        const before = all();
        const isDone = await may({ op: 'write-composite', entries });
        if (!isDone) expect(all()).toBe(before);
        let isEach = true;
        for (const each of entries) {
          const { path } = each;
          if (path.kind !== 'resource' && path.kind !== 'resource-instance') continue;
          const at = instancePath(path.object, path.instance);
          const alone = deviceWith(lists);
          isEach &&= await alone.may({ op: 'write', path: at, mode: 'update', entries: [each] });
        }
        expect(isDone).toBe(isEach);
      },
    ),
    { numRuns: 300 },
  );
});

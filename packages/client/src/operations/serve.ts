// What a server asks becomes an operation, is done, and its answer becomes a response: one exhaustive switch.
import { Code, type Context, Option, type Request, type Response, ResponseError, type Service } from '@lapwing/coap';
import {
  type Answer,
  type Entry,
  isHiddenObject,
  type Lwm2mVersion,
  lackingFor,
  type Operation,
  operationUnder,
  type Path,
  readRequest,
  resultUnder,
  writeResponse,
} from '@lapwing/lwm2m';
import type { EndDevices } from '../gateway/end-devices.ts';
import type { AttributeTable } from '../notify/attribute-table.ts';
import { type Caller, mayDo, Right } from '../objects/access-control.ts';
import type { ObjectStore } from '../objects/store.ts';
import { type Approving, whenApproved } from './approval.ts';
import { create } from './create.ts';
import { deleteAt } from './delete.ts';
import { discover } from './discover.ts';
import { execute } from './execute.ts';
import type { Patience } from './in-time.ts';
import { type Observing, observe, tellsTimes } from './observe.ts';
import type { Visible } from './read.ts';
import { writeTaking } from './taking.ts';
import { Trees } from './trees.ts';
import { writeAttributes } from './write-attributes.ts';

export interface Operated extends Observing, Patience {
  readonly store: ObjectStore;
  readonly rootPath: string;
  readonly caller: Caller;
  /** Behind this device, where it is a gateway. */
  readonly endDevices?: EndDevices | undefined;
}

/** Where an operation is done: at the device itself, or at an end device behind it. */
interface Place {
  readonly trees: Trees;
  readonly store: ObjectStore;
  /** Of what is discovered. */
  readonly attributes: Pick<AttributeTable, 'at' | 'inherited'>;
  readonly caller: Caller;
  readonly approving: Approving;
}

/** Rejects with the ResponseError to answer. */
export function serveOperations(operated: Operated): Service {
  const { store, caller } = operated;
  const visible: Visible = (object, instance) => mayDo(store, caller, Right.Read, object, instance);
  const trees = new Trees({ store, endDevices: operated.endDevices, visible, patience: operated });
  const { typeOf, isBehind } = trees;
  const reading = isBehind === undefined ? { typeOf } : { typeOf, isBehind };
  const { clock, actionTimeout, attributes } = operated;
  const here: Place = {
    trees,
    store,
    attributes,
    caller,
    approving: { clock, actionTimeout, approvals: store.approvals },
  };
  return async (request: Request, context: Context): Promise<Response> => {
    const operation = spokenIn(operated.version, readRequest(request, { ...reading, rootPath: operated.rootPath }));
    const answer = await answerTo(operation, context, operated, here);
    const response = writeResponse(operation, answer, operated);
    // Observe in the answer accepts the observation (RFC 7641 §4.1).
    return isObserve(operation) && context.notify !== undefined
      ? { ...response, options: response.options.with(Option.Observe, 0) }
      : response;
  };
}

/** What object 2 says to an operation on one instance, or on what is to come; several are looked at one by one. */
function isAllowed(operation: Operation, { store, caller }: Place): boolean {
  if (!('path' in operation) || operation.path.kind === 'root') return true;
  const { path } = operation;
  if (operation.op === 'create') return mayDo(store, caller, Right.Create, path.object, undefined);
  if (path.kind === 'object') return true;
  const right = rightFor(operation);
  return right === undefined || mayDo(store, caller, right, path.object, path.instance);
}

function rightFor({ op, path }: Extract<Operation, { path: Path }>): Right | undefined {
  switch (op) {
    case 'read':
    case 'observe':
    case 'cancel-observe':
    case 'write-attributes':
      return Right.Read;
    case 'write':
      return Right.Write;
    case 'execute':
      return Right.Execute;
    case 'delete':
      return path.kind === 'instance' ? Right.Delete : Right.Write;
    case 'create':
      return Right.Create;
    // Whoever is registered may see what there is (Core 1.2.1 §8.3).
    case 'discover':
      return undefined;
  }
}

/** Queries that a version does not know are passed over; methods that it does not know are refused. */
function spokenIn(version: Lwm2mVersion, operation: Operation): Operation {
  switch (lackingFor(operation, version)) {
    case undefined:
      return operation;
    case 'observe-attributes':
    case 'discover-depth': {
      if (operation.op === 'observe' || operation.op === 'observe-composite') {
        const { attributes: _, ...plain } = operation;
        return plain;
      }
      return operation.op === 'discover' ? { op: 'discover', path: operation.path } : operation;
    }
    case 'composite':
    case 'send':
      throw new ResponseError(Code.MethodNotAllowed);
  }
}

const isObserve = ({ op }: Operation): boolean => op === 'observe' || op === 'observe-composite';

/** What is asked of an end device is done in its tree, and told as seen from the gateway (Gateway 1.1.1 §8.3.1). */
async function answerTo(operation: Operation, context: Context, operated: Operated, here: Place): Promise<Answer> {
  const prefix = 'path' in operation ? operation.path.prefix : undefined;
  if (prefix === undefined || !('path' in operation)) return perform(operation, context, operated, here);
  // Relations and attributes of a server are kept with the prefix, and read through the trees.
  const isSteering = isObserve(operation) || operation.op === 'write-attributes';
  const answer = await perform(
    isSteering || isReading(operation) ? operation : operationUnder(undefined, operation),
    context,
    operated,
    behind(prefix, here, operated.attributes),
  );
  return resultUnder(prefix, answer);
}

const behind = (prefix: string, { trees, caller, approving }: Place, attributes: AttributeTable): Place => ({
  trees,
  approving,
  store: trees.behind(prefix),
  attributes: attributes.behind(prefix),
  // Gateway 1.1.1 §7: access control is about the gateway's own objects.
  caller: { id: caller.id, isAlone: true },
});

/** What has been since the server was told last, where a past is kept and the answer has room for times. */
function withPast(operation: Operation, entries: readonly Entry[], { past, version }: Operated): readonly Entry[] {
  return tellsTimes('accept' in operation ? operation.accept : undefined, version)
    ? past.take(entries).entries
    : entries;
}

const readsNothing: readonly Path[] = [];

/** What the answer shows. */
function pathsRead(operation: Operation): readonly Path[] {
  switch (operation.op) {
    case 'read':
    case 'observe':
    case 'cancel-observe':
      return [operation.path];
    case 'read-composite':
    case 'observe-composite':
    case 'cancel-observe-composite':
      return operation.paths;
    default:
      return readsNothing;
  }
}

function deleteApproved(
  store: ObjectStore,
  path: Parameters<typeof deleteAt>[1],
  approving: Approving,
): void | Promise<void> {
  const change = (): void => deleteAt(store, path);
  return whenApproved([{ store, change }], approving, change);
}

const isReading = ({ op }: Operation): boolean => op === 'read' || op === 'cancel-observe';

async function perform(operation: Operation, context: Context, operated: Operated, place: Place): Promise<Answer> {
  const { store, trees, caller, approving } = place;
  // Core 1.2.1 Appendix E.1: keys are nobody's but the bootstrap server's.
  if ('path' in operation && operation.path.kind !== 'root' && isHiddenObject(operation.path.object))
    throw new ResponseError(Code.Unauthorized);
  if (!isAllowed(operation, place)) throw new ResponseError(Code.Unauthorized);
  const fetched = trees.fetch(pathsRead(operation));
  if (fetched !== undefined) await fetched;
  switch (operation.op) {
    case 'read':
    case 'cancel-observe':
      return {
        kind: 'content',
        code: Code.Content,
        entries: withPast(operation, trees.read(operation.path), operated),
      };
    case 'observe':
    case 'observe-composite': {
      const entries = observe(operation, context, trees, operated, (current) =>
        writeResponse(operation, { kind: 'content', code: Code.Content, entries: current }, operated),
      );
      return { kind: 'content', code: Code.Content, entries };
    }
    case 'read-composite':
    case 'cancel-observe-composite': {
      const entries = trees.present(operation.paths);
      if (entries.length === 0 && operation.op === 'read-composite') throw new ResponseError(Code.NotFound);
      return { kind: 'content', code: Code.Content, entries: withPast(operation, entries, operated) };
    }
    case 'write-composite':
      await trees.write(
        operation,
        (object, instance) => mayDo(store, caller, Right.Write, object, instance),
        approving,
      );
      return { kind: 'done', code: Code.Changed };
    case 'send':
      throw new ResponseError(Code.NotFound);
    case 'discover':
      return {
        kind: 'links',
        code: Code.Content,
        links: discover(store, place.attributes, operation, operated.version),
      };
    case 'write':
      await writeTaking(store, operation, context.body, approving);
      return { kind: 'done', code: Code.Changed };
    case 'write-attributes':
      writeAttributes(store, operation, operated);
      return { kind: 'done', code: Code.Changed };
    case 'execute':
      await execute(store, operation, operated);
      return { kind: 'done', code: Code.Changed };
    case 'create':
      return { kind: 'done', code: Code.Created, location: await create(store, operation, caller, approving) };
    case 'delete':
      await deleteApproved(store, operation.path, approving);
      return { kind: 'done', code: Code.Deleted };
  }
}

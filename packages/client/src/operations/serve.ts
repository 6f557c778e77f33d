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
import { create } from './create.ts';
import { deleteAt } from './delete.ts';
import { discover } from './discover.ts';
import { type Executing, execute } from './execute.ts';
import { type Observing, observe, tellsTimes } from './observe.ts';
import type { Visible } from './read.ts';
import { writeTaking } from './taking.ts';
import { Trees } from './trees.ts';
import { writeAttributes } from './write-attributes.ts';

export interface Operated extends Omit<Observing, 'trees'>, Executing {
  readonly version: Lwm2mVersion;
  readonly rootPath: string;
  readonly caller: Caller;
  /** Behind this device, where it is a gateway. */
  readonly endDevices?: EndDevices | undefined;
}

/** What stands in for the device's own, where an end device is spoken to. */
interface Stead {
  readonly store: ObjectStore;
  readonly seen: Pick<AttributeTable, 'at' | 'inherited'>;
  readonly caller: Caller;
}

/** A class, and no spread: each device of a fleet has one, and what is spoken changes with each registration. */
class Serving implements Operated {
  readonly trees: Trees;
  private readonly operated: Operated;
  private readonly stead: Stead | undefined;

  constructor(operated: Operated, trees: Trees, stead?: Stead) {
    this.operated = operated;
    this.trees = trees;
    this.stead = stead;
  }

  get store() {
    return this.stead?.store ?? this.operated.store;
  }
  get caller() {
    return this.stead?.caller ?? this.operated.caller;
  }
  /** The attributes of what is discovered. */
  get seen() {
    return this.stead?.seen ?? this.operated.attributes;
  }
  get version() {
    return this.operated.version;
  }
  get rootPath() {
    return this.operated.rootPath;
  }
  get relations() {
    return this.operated.relations;
  }
  get attributes() {
    return this.operated.attributes;
  }
  get clock() {
    return this.operated.clock;
  }
  get actionTimeout() {
    return this.operated.actionTimeout;
  }
  get notifications() {
    return this.operated.notifications;
  }
  get storing() {
    return this.operated.storing;
  }
  get storage() {
    return this.operated.storage;
  }
  get past() {
    return this.operated.past;
  }
  get stirred() {
    return this.operated.stirred;
  }
  get wanted() {
    return this.operated.wanted;
  }
  get held() {
    return this.operated.held;
  }
  get watched() {
    return this.operated.watched;
  }

  behind(prefix: string): Serving {
    return new Serving(this.operated, this.trees, {
      store: this.trees.behind(prefix),
      seen: this.attributes.behind(prefix),
      // Gateway 1.1.1 §7: access control is about the gateway's own objects.
      caller: { id: this.caller.id, isAlone: true },
    });
  }
}

/** Rejects with the ResponseError to answer. */
export function serveOperations(operated: Operated): Service {
  const { store, caller } = operated;
  const visible: Visible = (object, instance) => mayDo(store, caller, Right.Read, object, instance);
  const trees = new Trees({ store, endDevices: operated.endDevices, visible });
  const { typeOf, isBehind } = trees;
  const reading = isBehind === undefined ? { typeOf } : { typeOf, isBehind };
  const device = new Serving(operated, trees);
  return async (request: Request, context: Context): Promise<Response> => {
    const operation = spokenIn(device.version, readRequest(request, { ...reading, rootPath: device.rootPath }));
    const answer = await answerTo(operation, context, device);
    const response = writeResponse(operation, answer, device);
    // Observe in the answer accepts the observation (RFC 7641 §4.1).
    return isObserve(operation) && context.notify !== undefined
      ? { ...response, options: response.options.with(Option.Observe, 0) }
      : response;
  };
}

/** What object 2 says to an operation on one instance, or on what is to come; several are looked at one by one. */
function isAllowed(operation: Operation, { store, caller }: Serving): boolean {
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
async function answerTo(operation: Operation, context: Context, device: Serving): Promise<Answer> {
  const prefix = 'path' in operation ? operation.path.prefix : undefined;
  if (prefix === undefined || !('path' in operation)) return perform(operation, context, device);
  const behind = device.behind(prefix);
  // Relations and attributes of a server are kept with the prefix, and read through the trees.
  const isSteering = isObserve(operation) || operation.op === 'write-attributes';
  const answer = await perform(
    isSteering || isReading(operation) ? operation : operationUnder(undefined, operation),
    context,
    behind,
  );
  return resultUnder(prefix, answer);
}

/** What has been since the server was told last, where a past is kept and the answer has room for times. */
function withPast(operation: Operation, entries: readonly Entry[], { past, version }: Serving): readonly Entry[] {
  return tellsTimes('accept' in operation ? operation.accept : undefined, version)
    ? past.take(entries).entries
    : entries;
}

const isReading = ({ op }: Operation): boolean => op === 'read' || op === 'cancel-observe';

async function perform(operation: Operation, context: Context, device: Serving): Promise<Answer> {
  const { store, trees, caller } = device;
  // Core 1.2.1 Appendix E.1: keys are nobody's but the bootstrap server's.
  if ('path' in operation && operation.path.kind !== 'root' && isHiddenObject(operation.path.object))
    throw new ResponseError(Code.Unauthorized);
  if (!isAllowed(operation, device)) throw new ResponseError(Code.Unauthorized);
  switch (operation.op) {
    case 'read':
    case 'cancel-observe':
      return { kind: 'content', code: Code.Content, entries: withPast(operation, trees.read(operation.path), device) };
    case 'observe':
    case 'observe-composite': {
      const entries = observe(operation, context, device, (current) =>
        writeResponse(operation, { kind: 'content', code: Code.Content, entries: current }, device),
      );
      return { kind: 'content', code: Code.Content, entries };
    }
    case 'read-composite':
    case 'cancel-observe-composite': {
      const entries = trees.present(operation.paths);
      if (entries.length === 0 && operation.op === 'read-composite') throw new ResponseError(Code.NotFound);
      return { kind: 'content', code: Code.Content, entries: withPast(operation, entries, device) };
    }
    case 'write-composite':
      trees.write(operation, (object, instance) => mayDo(store, caller, Right.Write, object, instance));
      return { kind: 'done', code: Code.Changed };
    case 'send':
      throw new ResponseError(Code.NotFound);
    case 'discover':
      return {
        kind: 'links',
        code: Code.Content,
        links: discover(store, device.seen, operation, device.version),
      };
    case 'write':
      await writeTaking(store, operation, context.body);
      return { kind: 'done', code: Code.Changed };
    case 'write-attributes':
      writeAttributes(operation, device);
      return { kind: 'done', code: Code.Changed };
    case 'execute':
      await execute(operation, device);
      return { kind: 'done', code: Code.Changed };
    case 'create':
      return { kind: 'done', code: Code.Created, location: await create(store, operation, caller) };
    case 'delete':
      deleteAt(store, operation);
      return { kind: 'done', code: Code.Deleted };
  }
}

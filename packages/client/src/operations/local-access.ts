// What somebody at the device does with its objects by path: no server asks, so access control and what servers may not read or write
// mean nothing here. Objects act on what is written as if a server had written it, or as if they had measured it.
import { Code, ResponseError } from '@lapwing/coap';
import { type Clock, type Duration, noBytes, seconds, systemClock } from '@lapwing/kernel';
import {
  type Entry,
  type InstancePath,
  nullLink,
  objectPath,
  type Path,
  type ResourceDefinition,
  type ResourceInstancePath,
  type ResourcePath,
  resourcesOf,
  type Value,
  type ValueType,
} from '@lapwing/lwm2m';
import { isExecutable } from '../objects/access.ts';
import { actionsOf } from '../objects/instance.ts';
import type { ObjectStore } from '../objects/store.ts';
import type { Transaction } from '../objects/transaction.ts';
import { isMany, type Measuring, type ObjectNode } from '../objects/tree.ts';
import { deleteAt } from './delete.ts';
import { execute } from './execute.ts';
import { everything, readEntries } from './read.ts';
import { splitTaken } from './taking.ts';

export interface LocalAccessOptions {
  readonly objects: ObjectStore;
  /** Longest wait for an executable's action, in ms; default 30 s. */
  readonly actionTimeout?: Duration;
  readonly clock?: Clock;
}

export class LocalAccess {
  private readonly objects: ObjectStore;
  private readonly actionTimeout: Duration;
  private readonly clock: Clock;

  constructor({ objects, actionTimeout = seconds(30), clock = systemClock }: LocalAccessOptions) {
    this.objects = objects;
    this.actionTimeout = actionTimeout;
    this.clock = clock;
  }

  /** What the device's own definition says of a resource; undefined where it has none. */
  declared(path: Path): ResourceDefinition | undefined {
    const node = this.nodeAt(path);
    if (node === undefined || (path.kind !== 'resource' && path.kind !== 'resource-instance')) return undefined;
    return resourcesOf(node.definition).get(path.resource)?.resource;
  }

  /** Every value at a path, also those that no server may read. Throws ResponseError 4.04 for what is not there. */
  read(path: Path): readonly Entry[] {
    if (path.kind !== 'root') return readEntries(this.objects, path, everything, () => true);
    return [...this.objects.objects.keys()].flatMap((object) => this.read(objectPath(object)));
  }

  /**
   * Sets one value, of whatever access; a resource instance that is not there comes to be, and what an object measures it takes for
   * measured. Rejects with ResponseError: 4.04 for what is not there, 4.05 for what holds no value, 4.00 for what does not fit, and as
   * whoever takes what servers write there.
   */
  async write(path: ResourcePath | ResourceInstancePath, value: Value): Promise<void> {
    const node = this.nodeAt(path);
    const declared = this.declared(path);
    if (node?.instances.has(path.instance) !== true || declared === undefined) throw new ResponseError(Code.NotFound);
    if (isExecutable(declared)) throw new ResponseError(Code.MethodNotAllowed);
    if (declared.type !== value.type) throw ResponseError.badRequest(`a value of type ${declared.type} is wanted`);
    if (path.kind === 'resource' && isMeasured(node.instances.get(path.instance)?.measuring, path.resource, value))
      return;
    const entry: Entry = { path, value };
    const { taken } = splitTaken(node, [entry]);
    for (const handOver of taken) await handOver(path.instance);
    if (taken.length === 0) this.objects.batch((transaction) => put(transaction, path, value), { written: [entry] });
  }

  /** As a server does it, without one. Rejects with ResponseError as `execute` of a server, and as the action does. */
  execute(path: ResourcePath, args?: string): Promise<void> {
    const operation = { op: 'execute', path, ...(args === undefined ? {} : { args }) } as const;
    const { objects, clock, actionTimeout } = this;
    return execute(objects, operation, { clock, actionTimeout });
  }

  /**
   * An instance with nothing but what is mandatory, each value zero or empty, or a resource instance like that. Throws ResponseError:
   * 4.04 for an object that the device does not know, 4.00 for what is there already or cannot be.
   */
  create(path: InstancePath | ResourceInstancePath): void {
    if (path.kind === 'resource-instance') this.createValue(path);
    else this.createInstance(path);
  }

  /** Throws ResponseError: 4.04 for what is not there, 4.05 where one must be. */
  delete(path: InstancePath | ResourceInstancePath): void {
    deleteAt(this.objects, path, () => true);
  }

  private createInstance({ object, instance }: InstancePath): void {
    const node = this.objects.objects.get(object);
    if (node === undefined) throw new ResponseError(Code.NotFound);
    const { definition } = node;
    const required = Object.entries(definition.resources).filter(([, resource]) => resource.required === true);
    const idle = Object.fromEntries(required.map(([key]) => [key, () => undefined]));
    const actions = new Map([...actionsOf(definition, idle), ...(node.creates?.(instance) ?? [])]);
    this.objects.batch(
      (transaction) => {
        transaction.create(node, instance, actions, 'application');
        for (const [, { id, type, many }] of required) {
          if (type === undefined) continue;
          const zero = zeroOf(type);
          transaction.put(object, instance, id, many === true ? new Map([[0, zero]]) : zero);
        }
      },
      { written: [] },
    );
  }

  private createValue(path: ResourceInstancePath): void {
    const declared = this.declared(path);
    if (this.nodeAt(path)?.instances.has(path.instance) !== true || declared?.type === undefined)
      throw new ResponseError(Code.NotFound);
    const value = zeroOf(declared.type);
    this.objects.batch(
      (transaction) => {
        const content = transaction.read(path.object, path.instance, path.resource);
        if (content !== undefined && isMany(content) && content.has(path.resourceInstance))
          throw ResponseError.badRequest('it is there already');
        put(transaction, path, value);
      },
      { written: [{ path, value }] },
    );
  }

  private nodeAt(path: Path): ObjectNode | undefined {
    return path.kind === 'root' ? undefined : this.objects.objects.get(path.object);
  }
}

/** Whether it has been taken for a measurement. */
function isMeasured(measuring: Measuring | undefined, resource: number, value: Value): boolean {
  try {
    return measuring?.take(resource, value) === true;
  } catch (error) {
    if (error instanceof RangeError) throw ResponseError.badRequest(error.message);
    throw error;
  }
}

function put(transaction: Transaction, path: ResourcePath | ResourceInstancePath, value: Value): void {
  const { object, instance, resource } = path;
  if (path.kind === 'resource') {
    transaction.put(object, instance, resource, value);
    return;
  }
  const before = transaction.read(object, instance, resource);
  const others = before !== undefined && isMany(before) ? before : [];
  transaction.put(object, instance, resource, new Map([...others, [path.resourceInstance, value]]));
}

function zeroOf(type: ValueType): Value {
  switch (type) {
    case 'string':
    case 'corelnk':
      return { type, value: '' };
    case 'integer':
    case 'unsigned':
    case 'float':
    case 'time':
      return { type, value: 0 };
    case 'integer64':
    case 'unsigned64':
      return { type, value: 0n };
    case 'boolean':
      return { type, value: false };
    case 'opaque':
      return { type, value: noBytes };
    case 'objlnk':
      return { type, value: nullLink };
  }
}

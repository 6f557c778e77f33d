// Write: replace (PUT) and partial update (POST) of an instance, a resource or a resource instance, all or nothing
// (Core 1.2.1 §6.3.3).
import { Code, ResponseError } from '@lapwing/coap';
import {
  contains,
  type Entry,
  formatPath,
  type Operation,
  type ResourceDefinition,
  resourcesOf,
  type Value,
} from '@lapwing/lwm2m';
import { isWritable } from '../objects/access.ts';
import type { ObjectStore } from '../objects/store.ts';
import type { Transaction } from '../objects/transaction.ts';
import { type Content, isMany, type ObjectNode } from '../objects/tree.ts';

type WriteOperation = Extract<Operation, { op: 'write' }>;

/** Throws ResponseError: 4.04 for what is not there, 4.05 for what cannot be written, 4.00 for what does not fit. */
export function write(store: ObjectStore, operation: WriteOperation): void {
  const { path, mode, entries } = operation;
  const object = store.objects.get(path.object);
  if (object === undefined || !object.instances.has(path.instance)) throw new ResponseError(Code.NotFound);
  for (const entry of entries) {
    if (!contains(path, entry.path))
      throw ResponseError.badRequest(`${formatPath(entry.path)} is outside ${formatPath(path)}`);
  }
  store.batch(
    (transaction) => {
      if (path.kind === 'resource-instance') {
        writeOne(transaction, object, path.instance, path.resource, path.resourceInstance, entries);
        return;
      }
      const contents = contentsOf(object, entries);
      if (path.kind === 'resource' && !contents.has(path.resource)) contents.set(path.resource, new Map());
      if (path.kind === 'instance' && mode === 'replace') clear(transaction, object, path.instance, contents);
      for (const [resource, content] of contents) put(transaction, object, path.instance, resource, content, mode);
    },
    { written: entries },
  );
}

/** The written entries as contents by resource id. Throws 4.04 and 4.05 as above, 4.00 for entries that contradict each other. */
export function contentsOf(
  object: Pick<ObjectNode, 'definition'>,
  entries: readonly Entry[],
  mayTake: (resource: ResourceDefinition) => boolean = isWritable,
): Map<number, Content> {
  const contents = new Map<number, Content>();
  for (const { path, value } of entries) {
    if (path.kind !== 'resource' && path.kind !== 'resource-instance') continue;
    const many = checkWritable(object, path.resource, mayTake);
    if (path.kind === 'resource' && !many) {
      if (value === undefined) throw ResponseError.badRequest(`${formatPath(path)} has no value`);
      if (contents.has(path.resource)) throw ResponseError.badRequest(`${formatPath(path)} is there twice`);
      contents.set(path.resource, value);
      continue;
    }
    if (!many) throw ResponseError.badRequest(`/${path.object}/${path.instance}/${path.resource} has no instances`);
    if (path.kind === 'resource' && value !== undefined)
      throw ResponseError.badRequest(`${formatPath(path)} has instances`);
    const instances = (contents.get(path.resource) ?? new Map()) as Map<number, Value>;
    if (path.kind === 'resource-instance') {
      if (value === undefined) throw ResponseError.badRequest(`${formatPath(path)} has no value`);
      instances.set(path.resourceInstance, value);
    }
    contents.set(path.resource, instances);
  }
  return contents;
}

function checkWritable(object: Pick<ObjectNode, 'definition'>, id: number, mayTake = isWritable): boolean {
  const resource = resourcesOf(object.definition).get(id)?.resource;
  if (resource === undefined) throw new ResponseError(Code.NotFound);
  if (!mayTake(resource)) throw new ResponseError(Code.MethodNotAllowed);
  return resource.many === true;
}

function put(
  transaction: Transaction,
  object: ObjectNode,
  instance: number,
  resource: number,
  content: Content,
  mode: WriteOperation['mode'],
): void {
  const { id } = object.definition;
  // What has a taker gets here only in a composite, which is all or nothing: a taker cannot promise that.
  if (object.takers.has(resource)) throw new ResponseError(Code.MethodNotAllowed);
  if (!checkWritable(object, resource) && isMany(content))
    throw ResponseError.badRequest(`/${id}/${instance}/${resource} has no value`);
  const before = transaction.read(id, instance, resource);
  const merged =
    mode === 'update' && isMany(content) && before !== undefined && isMany(before)
      ? new Map([...before, ...content])
      : content;
  transaction.put(id, instance, resource, merged);
}

function writeOne(
  transaction: Transaction,
  object: ObjectNode,
  instance: number,
  resource: number,
  resourceInstance: number,
  entries: readonly Entry[],
): void {
  const { id } = object.definition;
  if (!checkWritable(object, resource))
    throw ResponseError.badRequest(`/${id}/${instance}/${resource} has no instances`);
  const value = entries[0]?.value;
  if (entries.length !== 1 || value === undefined) throw ResponseError.badRequest('one value wanted');
  const before = transaction.read(id, instance, resource);
  if (before === undefined || !isMany(before) || !before.has(resourceInstance)) throw new ResponseError(Code.NotFound);
  transaction.put(id, instance, resource, new Map([...before, [resourceInstance, value]]));
}

/** Replacing an instance takes away what servers can write and did not; what they cannot write stays. */
function clear(
  transaction: Transaction,
  object: ObjectNode,
  instance: number,
  written: ReadonlyMap<number, Content>,
): void {
  for (const { resource } of resourcesOf(object.definition).values()) {
    if (isWritable(resource) && !written.has(resource.id))
      transaction.remove(object.definition.id, instance, resource.id);
  }
}

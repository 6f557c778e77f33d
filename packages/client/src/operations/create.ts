// Create: a new instance with the values sent, at the id sent or the lowest free one (Core 1.2.1 §6.3.6).
import { Code, ResponseError } from '@lapwing/coap';
import {
  type Action,
  type InstancePath,
  instancePath,
  maxId,
  type Operation,
  type ResourceDefinition,
} from '@lapwing/lwm2m';
import { isExecutable } from '../objects/access.ts';
import { type Caller, own } from '../objects/access-control.ts';
import type { ObjectStore } from '../objects/store.ts';
import type { ObjectNode } from '../objects/tree.ts';
import { type Approving, whenApproved } from './approval.ts';
import { splitTaken } from './taking.ts';
import { contentsOf } from './write.ts';

/**
 * Rejects with ResponseError: 4.04 for an unknown object, 4.05 where servers may not create, 4.00 for what does not fit, and as whoever is to
 * approve it.
 */
export async function create(
  store: ObjectStore,
  operation: Extract<Operation, { op: 'create' }>,
  caller: Caller,
  approving: Approving,
): Promise<InstancePath> {
  const { path } = operation;
  const object = store.objects.get(path.object);
  if (object === undefined) throw new ResponseError(Code.NotFound);
  const { creates } = object;
  if (creates === undefined || object.definition.many !== true) throw new ResponseError(Code.MethodNotAllowed);
  const { taken, rest: entries } = splitTaken(object, operation.entries);
  let chosen: { readonly id: number; readonly actions: ReadonlyMap<number, Action> } | undefined;
  const choose = (id: number) => ({ id, actions: creates(id) });
  const change = (): number => {
    if (object.instances.size >= store.mostInstances) throw ResponseError.badRequest(`/${path.object} is full`);
    // What is approved is made there, with nothing asked for twice.
    chosen ??= choose(operation.instance ?? lowestFree(object));
    const { id, actions } = chosen;
    store.batch(
      (transaction) => {
        transaction.create(object, id, actions, 'server');
        for (const [resource, content] of contentsOf(object, entries, isGivable))
          transaction.put(path.object, id, resource, content);
        own(store, transaction, caller, path.object, id);
      },
      { written: entries },
    );
    return id;
  };
  const id = await whenApproved([{ store, change }], approving, change);
  for (const handOver of taken) await handOver(id);
  return instancePath(path.object, id);
}

function lowestFree(object: ObjectNode): number {
  for (let id = 0; id <= maxId; id += 1) if (!object.instances.has(id)) return id;
  throw ResponseError.badRequest(`/${object.definition.id} is full`);
}

/** A new instance may be given every value, also those that nobody can write later. */
export const isGivable = (resource: ResourceDefinition): boolean => !isExecutable(resource);

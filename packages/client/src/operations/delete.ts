// Delete: an instance that servers may delete, or from 1.1 on a resource instance (Core 1.2.1 §6.3.7).
import { Code, ResponseError } from '@lapwing/coap';
import { type Operation, resourcesOf } from '@lapwing/lwm2m';
import { isWritable } from '../objects/access.ts';
import { disown } from '../objects/access-control.ts';
import type { ObjectStore } from '../objects/store.ts';
import { isMany, type ObjectNode } from '../objects/tree.ts';

type Deleted = Extract<Operation, { op: 'delete' }>['path'];
/** What whoever asks may delete. */
type MayDelete = (object: ObjectNode, path: Deleted) => boolean;

const asServer: MayDelete = (object, path) => {
  if (path.kind === 'instance') return object.creates !== undefined;
  const declared = resourcesOf(object.definition).get(path.resource)?.resource;
  return declared !== undefined && isWritable(declared);
};

/** Throws ResponseError: 4.04 for what is not there, 4.05 for what may not be deleted and where one must be. */
export function deleteAt(store: ObjectStore, path: Deleted, mayDelete: MayDelete = asServer): void {
  const object = store.objects.get(path.object);
  if (object?.instances.has(path.instance) !== true) throw new ResponseError(Code.NotFound);
  if (path.kind === 'instance' && !mayDelete(object, path)) throw new ResponseError(Code.MethodNotAllowed);
  store.batch(
    (transaction) => {
      if (path.kind === 'instance') {
        transaction.delete(object, path.instance);
        disown(store, transaction, path.object, path.instance);
        return;
      }
      // In a composite, others of the resource may be gone by now.
      const content = transaction.read(path.object, path.instance, path.resource);
      if (content === undefined || !isMany(content) || !content.has(path.resourceInstance))
        throw new ResponseError(Code.NotFound);
      if (!mayDelete(object, path)) throw new ResponseError(Code.MethodNotAllowed);
      const left = new Map(content);
      left.delete(path.resourceInstance);
      transaction.put(path.object, path.instance, path.resource, left);
    },
    { written: [] },
  );
}

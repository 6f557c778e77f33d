// Delete: an instance that servers may delete, or from 1.1 on a resource instance (Core 1.2.1 §6.3.7).
import { Code, ResponseError } from '@lapwing/coap';
import { type Operation, resourcesOf } from '@lapwing/lwm2m';
import { isWritable } from '../objects/access.ts';
import { disown } from '../objects/access-control.ts';
import type { ObjectStore } from '../objects/store.ts';
import { isMany } from '../objects/tree.ts';

/** Throws ResponseError: 4.04 for what is not there, 4.05 where servers may not delete. */
export function deleteAt(store: ObjectStore, operation: Extract<Operation, { op: 'delete' }>): void {
  const { path } = operation;
  const object = store.objects.get(path.object);
  const instance = object?.instances.get(path.instance);
  if (object === undefined || instance === undefined) throw new ResponseError(Code.NotFound);
  if (path.kind === 'instance') {
    if (object.creates === undefined) throw new ResponseError(Code.MethodNotAllowed);
    store.batch(
      (transaction) => {
        transaction.delete(object, path.instance);
        disown(store, transaction, path.object, path.instance);
      },
      { written: [] },
    );
    return;
  }
  const declared = resourcesOf(object.definition).get(path.resource)?.resource;
  store.batch(
    (transaction) => {
      // In a composite, others of the resource may be gone by now.
      const content = transaction.read(path.object, path.instance, path.resource);
      if (content === undefined || !isMany(content) || !content.has(path.resourceInstance))
        throw new ResponseError(Code.NotFound);
      if (declared === undefined || !isWritable(declared)) throw new ResponseError(Code.MethodNotAllowed);
      const left = new Map(content);
      left.delete(path.resourceInstance);
      transaction.put(path.object, path.instance, path.resource, left);
    },
    { written: [] },
  );
}

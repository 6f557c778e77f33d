// Write-Attributes: what steers the notifications of this server at a path that is there (Core 1.2.1 §6.3.4).
import { Code, ResponseError } from '@lapwing/coap';
import { misplacedAttribute, type Operation, resourcesOf, unknownAttribute } from '@lapwing/lwm2m';
import type { ObjectStore } from '../objects/store.ts';
import { isMany } from '../objects/tree.ts';
import type { Observing } from './observe.ts';

/**
 * Throws ResponseError: 4.04 for what is not there, 4.05 for the root, 4.00 for attributes that contradict each other, that the version
 * does not have or that have no meaning there.
 */
export function writeAttributes(
  store: ObjectStore,
  { path, attributes: patch }: Extract<Operation, { op: 'write-attributes' }>,
  { attributes, relations, version }: Pick<Observing, 'attributes' | 'relations' | 'version'>,
): void {
  if (path.kind === 'root') throw new ResponseError(Code.MethodNotAllowed);
  const unknown = unknownAttribute(patch, version);
  if (unknown !== undefined) throw ResponseError.badRequest(`no ${unknown} in LwM2M ${version}`);
  const object = store.objects.get(path.object);
  if (object === undefined) throw new ResponseError(Code.NotFound);
  if (path.kind !== 'object') {
    const instance = object.instances.get(path.instance);
    if (instance === undefined) throw new ResponseError(Code.NotFound);
    if (path.kind !== 'instance') {
      if (!resourcesOf(object.definition).has(path.resource)) throw new ResponseError(Code.NotFound);
      const content = instance.contents.get(path.resource);
      const there =
        path.kind === 'resource' || (content !== undefined && isMany(content) && content.has(path.resourceInstance));
      if (!there) throw new ResponseError(Code.NotFound);
    }
  }
  const resource = 'resource' in path ? resourcesOf(object.definition).get(path.resource)?.resource : undefined;
  const misplaced = misplacedAttribute(patch, path, resource);
  if (misplaced !== undefined) throw ResponseError.badRequest(misplaced);
  attributes.patch(path, patch);
  relations.steered(path);
}

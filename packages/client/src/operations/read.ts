// Read: the entries at a path, as they are now (Core 1.2.1 §6.3.1).
import { Code, ResponseError } from '@lapwing/coap';
import {
  type Entry,
  instancePath,
  type Path,
  type ResourceDefinition,
  resourceInstancePath,
  resourcePath,
  resourcesOf,
} from '@lapwing/lwm2m';
import { isReadable } from '../objects/access.ts';
import type { ObjectStore } from '../objects/store.ts';
import { type Content, contentAt, type InstanceNode, isMany, type ObjectNode } from '../objects/tree.ts';

/** Which instances whoever asks may see. */
export type Visible = (object: number, instance: number) => boolean;
export const everything: Visible = () => true;
/** Which resources whoever asks may read. */
type MayRead = (resource: ResourceDefinition) => boolean;

/**
 * Throws ResponseError: 4.04 for what is not there, 4.01 for what is not visible, 4.05 for a resource that cannot be read. Of an object
 * what is visible.
 */
export function readEntries(
  store: ObjectStore,
  path: Path,
  visible = everything,
  mayRead: MayRead = isReadable,
): readonly Entry[] {
  if (path.kind === 'root') throw new ResponseError(Code.MethodNotAllowed);
  const object = store.objects.get(path.object);
  if (object === undefined) throw new ResponseError(Code.NotFound);
  if (path.kind === 'object') {
    return [...object.instances.values()].flatMap((instance) =>
      visible(path.object, instance.id) ? instanceEntries(object, instance, mayRead) : [],
    );
  }
  const instance = object.instances.get(path.instance);
  if (instance === undefined) throw new ResponseError(Code.NotFound);
  if (!visible(path.object, path.instance)) throw new ResponseError(Code.Unauthorized);
  if (path.kind === 'instance') return instanceEntries(object, instance, mayRead);
  const declared = resourcesOf(object.definition).get(path.resource)?.resource;
  if (declared === undefined) throw new ResponseError(Code.NotFound);
  if (!mayRead(declared)) throw new ResponseError(Code.MethodNotAllowed);
  const content = contentAt(object, instance, path.resource);
  if (content === undefined) throw new ResponseError(Code.NotFound);
  if (path.kind === 'resource') return contentEntries(path.object, path.instance, path.resource, content);
  const value = isMany(content) ? content.get(path.resourceInstance) : undefined;
  if (value === undefined) throw new ResponseError(Code.NotFound);
  return [{ path, value }];
}

function instanceEntries(object: ObjectNode, instance: InstanceNode, mayRead: MayRead): Entry[] {
  const entries: Entry[] = [];
  const { id } = object.definition;
  for (const { resource } of resourcesOf(object.definition).values()) {
    const content = contentAt(object, instance, resource.id);
    if (content !== undefined && mayRead(resource))
      entries.push(...contentEntries(id, instance.id, resource.id, content));
  }
  return entries.length > 0 ? entries : [{ path: instancePath(id, instance.id) }];
}

function contentEntries(object: number, instance: number, resource: number, content: Content): Entry[] {
  if (!isMany(content)) return [{ path: resourcePath(object, instance, resource), value: content }];
  if (content.size === 0) return [{ path: resourcePath(object, instance, resource) }];
  return [...content].map(([id, value]) => ({ path: resourceInstancePath(object, instance, resource, id), value }));
}

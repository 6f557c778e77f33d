// Discover: what is there below a path, with the attributes written to it (Core 1.2.1 §6.3.2).
import { Code, type Link, makeLink, ResponseError } from '@lapwing/coap';
import {
  attributeParameters,
  formatPath,
  instancePath,
  objectPath,
  type Path,
  resourceInstancePath,
  resourcePath,
  resourcesOf,
} from '@lapwing/lwm2m';
import type { AttributeTable } from '../notify/attribute-table.ts';
import type { ObjectStore } from '../objects/store.ts';
import { type InstanceNode, isMany, type ObjectNode } from '../objects/tree.ts';

/** Throws ResponseError 4.04 for what is not there, 4.05 for the root. */
export function discover(store: ObjectStore, attributes: AttributeTable, path: Path): readonly Link[] {
  if (path.kind === 'root') throw new ResponseError(Code.MethodNotAllowed);
  const object = store.objects.get(path.object);
  if (object === undefined) throw new ResponseError(Code.NotFound);
  const links: Link[] = [];
  const add = (at: Path, ...own: readonly (readonly [string, string])[]): void => {
    links.push(makeLink(formatPath(at), [...own, ...attributeParameters(attributes.at(at))]));
  };
  const { version = '1.0' } = object.definition;
  if (path.kind === 'object') {
    add(path, ...(version === '1.0' ? [] : [['ver', version] as const]));
    for (const instance of object.instances.values()) {
      add(instancePath(path.object, instance.id));
      for (const id of resourceIds(object, instance))
        add(resourcePath(path.object, instance.id, id), ...dimension(instance, id));
    }
    return links;
  }
  const instance = object.instances.get(path.instance);
  if (instance === undefined) throw new ResponseError(Code.NotFound);
  if (path.kind === 'instance') {
    add(path);
    for (const id of resourceIds(object, instance))
      add(resourcePath(path.object, path.instance, id), ...dimension(instance, id));
    return links;
  }
  if (!resourceIds(object, instance).includes(path.resource)) throw new ResponseError(Code.NotFound);
  const content = instance.contents.get(path.resource);
  if (path.kind === 'resource') {
    // At a resource the attributes in force are told, inherited ones included.
    const inForce = attributeParameters(attributes.effective(path));
    links.push(makeLink(formatPath(path), [...dimension(instance, path.resource), ...inForce]));
    if (content !== undefined && isMany(content)) {
      for (const id of content.keys()) add(resourceInstancePath(path.object, path.instance, path.resource, id));
    }
    return links;
  }
  if (content === undefined || !isMany(content) || !content.has(path.resourceInstance))
    throw new ResponseError(Code.NotFound);
  add(path);
  return links;
}

/** What Register and Update tell of the device: objects whose version is not 1.0, and instances (Core 1.2.1 §6.2.1). */
export function objectList(store: ObjectStore): readonly Link[] {
  return [...store.objects.values()].flatMap(({ definition: { id, version = '1.0' }, instances }) => {
    const links = [...instances.keys()].map((instance) => makeLink(formatPath(instancePath(id, instance))));
    if (version !== '1.0') return [makeLink(formatPath(objectPath(id)), [['ver', version]]), ...links];
    return links.length > 0 ? links : [makeLink(formatPath(objectPath(id)))];
  });
}

function resourceIds(object: ObjectNode, instance: InstanceNode): readonly number[] {
  return [...resourcesOf(object.definition).keys()]
    .filter((id) => instance.contents.has(id) || instance.actions.has(id))
    .sort((a, b) => a - b);
}

function dimension(instance: InstanceNode, resource: number): readonly (readonly [string, string])[] {
  const content = instance.contents.get(resource);
  return content !== undefined && isMany(content) ? [['dim', String(content.size)]] : [];
}

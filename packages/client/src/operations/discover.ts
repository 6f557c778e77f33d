// Discover: what is there below a path, with the attributes written to it (Core 1.2.1 §6.3.2).
import { Code, type Link, makeLink, ResponseError } from '@lapwing/coap';
import {
  attributeParameters,
  contains,
  formatPath,
  idsOf,
  instancePath,
  isHiddenObject,
  type Lwm2mVersion,
  type ObjectDefinition,
  type Operation,
  objectPath,
  type Path,
  resourceInstancePath,
  resourcePath,
  resourcesOf,
  versionTraits,
} from '@lapwing/lwm2m';
import type { AttributeTable } from '../notify/attribute-table.ts';
import type { ObjectStore } from '../objects/store.ts';
import { type InstanceNode, isMany, type ObjectNode } from '../objects/tree.ts';

/** Throws ResponseError 4.04 for what is not there, 4.05 for the root. */
export function discover(
  store: ObjectStore,
  attributes: Pick<AttributeTable, 'at' | 'inherited'>,
  { path, depth }: Extract<Operation, { op: 'discover' }>,
  enabler: Lwm2mVersion,
): readonly Link[] {
  if (path.kind === 'root') throw new ResponseError(Code.MethodNotAllowed);
  const all = below(store, path, enabler);
  // Where nothing is said: down to the resources, and at a resource to its instances (Core 1.2.1 §6.3.2).
  const levels = idsOf(path).length + (depth ?? (path.kind === 'object' ? 2 : 1));
  return all
    .filter(({ at }) => idsOf(at).length <= levels)
    .map(({ at, own }) => {
      // At a resource, with what is inherited from object and instance; the periods of /1 are written nowhere here.
      const told = at === path && path.kind === 'resource' ? attributes.inherited(at) : attributes.at(at);
      return makeLink(formatPath(at), [...own, ...attributeParameters(told)]);
    });
}

interface Place {
  readonly at: Path;
  readonly own: readonly (readonly [string, string])[];
}

/** The path itself and everything that is there below it. */
function below(store: ObjectStore, path: Exclude<Path, { kind: 'root' }>, enabler: Lwm2mVersion): readonly Place[] {
  const object = store.objects.get(path.object);
  if (object === undefined) throw new ResponseError(Code.NotFound);
  if (path.kind === 'object') {
    const version = versionToTell(object.definition, enabler);
    const own = version === undefined ? [] : [['ver', version] as const];
    return [{ at: path, own }, ...[...object.instances.values()].flatMap((instance) => ofInstance(object, instance))];
  }
  const instance = object.instances.get(path.instance);
  if (instance === undefined) throw new ResponseError(Code.NotFound);
  if (path.kind === 'instance') return ofInstance(object, instance);
  const there = ofInstance(object, instance).filter(({ at }) => contains(path, at));
  const [first, ...rest] = there;
  if (first === undefined) throw new ResponseError(Code.NotFound);
  return [{ at: path, own: first.own }, ...rest];
}

function ofInstance(object: ObjectNode, instance: InstanceNode): Place[] {
  const { id } = object.definition;
  const places: Place[] = [{ at: instancePath(id, instance.id), own: [] }];
  for (const resource of resourceIds(object, instance)) {
    const content = instance.contents.get(resource);
    const many = content !== undefined && isMany(content) ? content : undefined;
    places.push({
      at: resourcePath(id, instance.id, resource),
      own: many === undefined ? [] : [['dim', String(many.size)]],
    });
    for (const each of many?.keys() ?? [])
      places.push({ at: resourceInstancePath(id, instance.id, resource, each), own: [] });
  }
  return places;
}

/** Undefined where the server knows it by the version of the enabler (Core 1.2.1 §7.2.3). */
function versionToTell({ id, version }: ObjectDefinition, enabler: Lwm2mVersion): string | undefined {
  const implied = versionTraits[enabler].objectVersions.get(id) ?? '1.0';
  return version === implied ? undefined : version;
}

/** What Register and Update tell of the device: objects whose version is not the implied one, and instances (Core 1.2.1 §6.2.1). */
export function objectList(store: ObjectStore, enabler: Lwm2mVersion): readonly Link[] {
  return [...store.objects.values()].flatMap(({ definition, instances }) => {
    const { id } = definition;
    if (isHiddenObject(id)) return [];
    const version = versionToTell(definition, enabler);
    const links = [...instances.keys()].map((instance) => makeLink(formatPath(instancePath(id, instance))));
    if (version !== undefined) return [makeLink(formatPath(objectPath(id)), [['ver', version]]), ...links];
    return links.length > 0 ? links : [makeLink(formatPath(objectPath(id)))];
  });
}

function resourceIds(object: ObjectNode, instance: InstanceNode): readonly number[] {
  return [...resourcesOf(object.definition).keys()]
    .filter((id) => instance.contents.has(id) || instance.actions.has(id))
    .sort((a, b) => a - b);
}

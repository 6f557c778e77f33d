// Typed calls become operations and results become values: what a definition says about names, types and multiplicity
// is used here and nowhere else on this side.
import { isSuccess, ResponseError } from '@lapwing/coap';
import { encodeUtf8, FormatError } from '@lapwing/kernel';
import {
  type Entry,
  makeValue,
  type ObjectDefinition,
  type ResourceDefinition,
  type Result,
  resourceInstancePath,
  resourcePath,
  resourcesOf,
  type TypeLookup,
} from '@lapwing/lwm2m';

/** Throws what a result says that is not the one that was hoped for. */
export function refuse(result: Result): never {
  const reason = result.kind === 'refused' ? result.reason : undefined;
  if (isSuccess(result.code)) throw new ResponseError(result.code, 'not an answer to what was asked');
  throw new ResponseError(result.code, reason, reason === undefined ? {} : { payload: encodeUtf8(reason) });
}

export function resourceNamed(definition: ObjectDefinition, key: string): ResourceDefinition {
  const resource = Object.hasOwn(definition.resources, key) ? definition.resources[key] : undefined;
  if (resource === undefined) throw new RangeError(`${definition.name} has no resource '${key}'`);
  return resource;
}

/** What a read of one resource gives: its value, or its values by instance; of several moments the newest. */
export function valueOf(resource: ResourceDefinition, given: readonly Entry[]): unknown {
  const entries = inOrder(given);
  if (resource.many !== true) {
    const value = entries.at(-1)?.value;
    if (value === undefined) throw new FormatError('the answer holds no value');
    return value.value;
  }
  const values = entries.flatMap(({ path, value }): [number, unknown][] =>
    path.kind === 'resource-instance' && value !== undefined ? [[path.resourceInstance, value.value]] : [],
  );
  return new Map(values);
}

/** By their times, as far as they have any: without one it is of now. */
function inOrder(entries: readonly Entry[]): readonly Entry[] {
  if (entries.every(({ time }) => time === undefined)) return entries;
  const timeOf = ({ time }: Entry): number => time ?? Number.POSITIVE_INFINITY;
  // The difference of two infinities is no number.
  return [...entries].sort((a, b) => (timeOf(a) === timeOf(b) ? 0 : timeOf(a) - timeOf(b)));
}

/** The values of an instance by key, as far as the definition knows them. */
export function instanceValues(definition: ObjectDefinition, entries: readonly Entry[]): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const { key, resource } of resourcesOf(definition).values()) {
    const own = entries.filter(({ path }) => 'resource' in path && path.resource === resource.id);
    if (own.length > 0) values[key] = valueOf(resource, own);
  }
  return values;
}

/** The types that a definition gives to its own resources. */
export function typesOf(definition: ObjectDefinition): TypeLookup {
  return (object, id) => (object === definition.id ? resourcesOf(definition).get(id)?.resource.type : undefined);
}

/** What a write of some values says. */
export function entriesOf(definition: ObjectDefinition, instance: number, values: object): Entry[] {
  return Object.entries(values).flatMap(([key, given]): Entry[] => {
    const resource = resourceNamed(definition, key);
    const { type } = resource;
    if (type === undefined) throw new RangeError(`'${key}' has no type and so no value`);
    if (resource.many !== true) {
      return [{ path: resourcePath(definition.id, instance, resource.id), value: makeValue(type, given) }];
    }
    return [...(given as ReadonlyMap<number, unknown>)].map(([id, each]) => ({
      path: resourceInstancePath(definition.id, instance, resource.id, id),
      value: makeValue(type, each),
    }));
  });
}

// What the project keeps of a definition: facts, no prose. A range that is a sentence or a list of meanings goes.
import type { ObjectDefinition, ResourceDefinition } from '@lapwing/lwm2m';

const longestRange = 32;

export function factsOf(definition: ObjectDefinition): ObjectDefinition {
  const resources = Object.entries(definition.resources).map(([key, resource]) => [key, withoutProse(resource)]);
  return { ...definition, name: plain(definition.name), resources: Object.fromEntries(resources) };
}

function withoutProse(resource: ResourceDefinition): ResourceDefinition {
  const { range, unit, name, ...rest } = resource;
  const keepsRange = range !== undefined && range.length <= longestRange && !/[|;:]/.test(range);
  return {
    ...rest,
    ...(keepsRange ? { range } : {}),
    ...(unit === undefined ? {} : { unit }),
    ...(name === undefined ? {} : { name: plain(name) }),
  };
}

/** Rows have no room for their own separators. */
const plain = (name: string): string => name.replaceAll(/\s*[|;]\s*/g, ', ');

// Values of an instance by resource id, for the engine that acts on them; undefined for what is not there.
import type { ObjectLink, Value } from '@lapwing/lwm2m';
import { type Contents, isMany } from './tree.ts';

export function textAt(contents: Contents, resource: number): string | undefined {
  const value = valueAt(contents, resource);
  return value?.type === 'string' ? value.value : undefined;
}

export function flagAt(contents: Contents, resource: number): boolean | undefined {
  const value = valueAt(contents, resource);
  return value?.type === 'boolean' ? value.value : undefined;
}

export function linkAt(contents: Contents, resource: number): ObjectLink | undefined {
  const value = valueAt(contents, resource);
  return value?.type === 'objlnk' ? value.value : undefined;
}

export function bytesAt(contents: Contents, resource: number): Uint8Array | undefined {
  const value = valueAt(contents, resource);
  return value?.type === 'opaque' ? value.value : undefined;
}

export function numberAt(contents: Contents, resource: number): number | undefined {
  const value = valueAt(contents, resource);
  return value?.type === 'integer' || value?.type === 'unsigned' ? value.value : undefined;
}

/** Of a resource with instances, in their order. */
export function numbersAt(contents: Contents, resource: number): readonly number[] {
  const content = contents.get(resource);
  if (content === undefined || !isMany(content)) return [];
  return [...content.values()].flatMap(({ value }) => (typeof value === 'number' ? [value] : []));
}

/** Likewise. */
export function textsAt(contents: Contents, resource: number): readonly string[] {
  const content = contents.get(resource);
  if (content === undefined || !isMany(content)) return [];
  return [...content.values()].flatMap(({ value }) => (typeof value === 'string' ? [value] : []));
}

export function linksAt(contents: Contents, resource: number): readonly ObjectLink[] {
  const content = contents.get(resource);
  if (content === undefined || !isMany(content)) return [];
  return [...content.values()].flatMap((each) => (each.type === 'objlnk' ? [each.value] : []));
}

function valueAt(contents: Contents, resource: number): Value | undefined {
  const content = contents.get(resource);
  return content === undefined || isMany(content) ? undefined : content;
}

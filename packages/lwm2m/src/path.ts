// LwM2M paths: what a request names, from the root to a resource instance (Core 1.2.1 §7.2, §7.3).
// Ids are 0 to 65 534; 65 535 is reserved (Core 1.2.1 §7.2).
import { FormatError } from '@lapwing/kernel';

export interface RootPath {
  readonly kind: 'root';
}
export interface ObjectPath {
  readonly kind: 'object';
  readonly object: number;
}
export interface InstancePath {
  readonly kind: 'instance';
  readonly object: number;
  readonly instance: number;
}
export interface ResourcePath {
  readonly kind: 'resource';
  readonly object: number;
  readonly instance: number;
  readonly resource: number;
}
export interface ResourceInstancePath {
  readonly kind: 'resource-instance';
  readonly object: number;
  readonly instance: number;
  readonly resource: number;
  readonly resourceInstance: number;
}

export type Path = RootPath | ObjectPath | InstancePath | ResourcePath | ResourceInstancePath;

/** What the compiler lets pass as a path: at most four numbers. */
export type PathText =
  | '/'
  | `/${number}`
  | `/${number}/${number}`
  | `/${number}/${number}/${number}`
  | `/${number}/${number}/${number}/${number}`;

export const maxId = 65_534;
export const rootPath: RootPath = Object.freeze({ kind: 'root' });

export const objectPath = (object: number): ObjectPath => ({ kind: 'object', object });
export const instancePath = (object: number, instance: number): InstancePath => ({ kind: 'instance', object, instance });
export const resourcePath = (object: number, instance: number, resource: number): ResourcePath => ({
  kind: 'resource',
  object,
  instance,
  resource,
});
export const resourceInstancePath = (
  object: number,
  instance: number,
  resource: number,
  resourceInstance: number,
): ResourceInstancePath => ({ kind: 'resource-instance', object, instance, resource, resourceInstance });

/** From 0 to 4 ids. Throws FormatError for more, or for an id outside 0 to 65 534. */
export function pathOf(ids: readonly number[]): Path {
  for (const id of ids) {
    if (!Number.isInteger(id) || id < 0 || id > maxId) throw new FormatError(`not an id: ${id}`);
  }
  const [object, instance, resource, resourceInstance] = ids;
  if (ids.length > 4) throw new FormatError(`a path has at most 4 ids, not ${ids.length}`);
  if (object === undefined) return rootPath;
  if (instance === undefined) return objectPath(object);
  if (resource === undefined) return instancePath(object, instance);
  if (resourceInstance === undefined) return resourcePath(object, instance, resource);
  return resourceInstancePath(object, instance, resource, resourceInstance);
}

/** The ids, 0 to 4 of them. */
export function idsOf(path: Path): readonly number[] {
  switch (path.kind) {
    case 'root':
      return [];
    case 'object':
      return [path.object];
    case 'instance':
      return [path.object, path.instance];
    case 'resource':
      return [path.object, path.instance, path.resource];
    case 'resource-instance':
      return [path.object, path.instance, path.resource, path.resourceInstance];
  }
}

/** `/`, `/3`, `/3/0`, … exactly as a device writes it: no leading zeros, no empty segments. Throws FormatError. */
export function parsePath(text: string): Path {
  if (text === '/') return rootPath;
  if (!text.startsWith('/')) throw new FormatError(`a path starts with '/': ${JSON.stringify(text.slice(0, 64))}`, 0);
  if (text.length > 24) throw new FormatError(`too long for a path: ${JSON.stringify(text.slice(0, 64))}`, 24);
  const ids: number[] = [];
  let at = 1;
  for (const segment of text.slice(1).split('/')) {
    if (!/^(0|[1-9]\d{0,4})$/.test(segment)) throw new FormatError(`not an id: ${JSON.stringify(segment)}`, at);
    ids.push(Number(segment));
    at += segment.length + 1;
  }
  return pathOf(ids);
}

export function formatPath(path: Path): PathText {
  switch (path.kind) {
    case 'root':
      return '/';
    case 'object':
      return `/${path.object}`;
    case 'instance':
      return `/${path.object}/${path.instance}`;
    case 'resource':
      return `/${path.object}/${path.instance}/${path.resource}`;
    case 'resource-instance':
      return `/${path.object}/${path.instance}/${path.resource}/${path.resourceInstance}`;
  }
}

/** True when `inner` is `outer` or below it. */
export function contains(outer: Path, inner: Path): boolean {
  const below = idsOf(inner);
  return idsOf(outer).every((id, i) => below[i] === id);
}

export function equalPaths(a: Path, b: Path): boolean {
  return a.kind === b.kind && contains(a, b);
}

/** Numeric order, shorter first. */
export function comparePaths(a: Path, b: Path): number {
  const left = idsOf(a);
  const right = idsOf(b);
  for (let i = 0; i < Math.min(left.length, right.length); i += 1) {
    const difference = (left[i] as number) - (right[i] as number);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

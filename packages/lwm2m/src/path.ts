// LwM2M paths: what a request names, from the root to a resource instance (Core 1.2.1 §7.2, §7.3).
// Ids are 0 to 65 534; 65 535 is reserved (Core 1.2.1 §7.2).
import { FormatError } from '@lapwing/kernel';

/** Whose tree it is in: that of the device itself, or of an end device behind it (Gateway 1.1.1 §8.3.1); `prefix.ts` makes them. */
export interface Placed {
  readonly prefix?: string;
}

export interface RootPath extends Placed {
  readonly kind: 'root';
}
export interface ObjectPath extends Placed {
  readonly kind: 'object';
  readonly object: number;
}
export interface InstancePath extends Placed {
  readonly kind: 'instance';
  readonly object: number;
  readonly instance: number;
}
export interface ResourcePath extends Placed {
  readonly kind: 'resource';
  readonly object: number;
  readonly instance: number;
  readonly resource: number;
}
export interface ResourceInstancePath extends Placed {
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
export const instancePath = (object: number, instance: number): InstancePath => ({
  kind: 'instance',
  object,
  instance,
});
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
  if (ids.length > 4) throw new FormatError(`a path has at most 4 ids, not ${ids.length}`);
  for (const id of ids) {
    if (!Number.isInteger(id) || id < 0 || id > maxId) throw new FormatError(`not an id: ${id}`);
  }
  const [object, instance, resource, resourceInstance] = ids;
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
  return pathOfSegments(text.slice(1).split('/'));
}

/** From the segments of a CoAP path, 0 to 4 of them. Throws FormatError. */
export function pathOfSegments(segments: readonly string[]): Path {
  if (segments.length > 4) throw new FormatError(`a path has at most 4 ids, not ${segments.length}`);
  const ids: number[] = [];
  for (const segment of segments) {
    if (!/^(0|[1-9]\d{0,4})$/.test(segment))
      throw new FormatError(`not an id: ${JSON.stringify(segment.slice(0, 64))}`);
    ids.push(Number(segment));
  }
  return pathOf(ids);
}

/** `/3/0`, and for an end device `/d01/3303/0`, which `parsePrefixedPath` reads. */
export function formatPath(path: Path): PathText {
  const { prefix } = path;
  if (prefix === undefined) return formatIds(path);
  return (path.kind === 'root' ? `/${prefix}` : `/${prefix}${formatIds(path)}`) as PathText;
}

function formatIds(path: Path): PathText {
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

const objectOf = (path: Path): number => (path.kind === 'root' ? -1 : path.object);
const instanceOf = (path: Path): number => (path.kind === 'root' || path.kind === 'object' ? -1 : path.instance);
const resourceOf = (path: Path): number =>
  path.kind === 'resource' || path.kind === 'resource-instance' ? path.resource : -1;
const resourceInstanceOf = (path: Path): number => (path.kind === 'resource-instance' ? path.resourceInstance : -1);

/** True when `inner` is `outer` or below it, in the tree of the same device. */
export function contains(outer: Path, inner: Path): boolean {
  return containsIds(outer, inner) && outer.prefix === inner.prefix;
}

function containsIds(outer: Path, inner: Path): boolean {
  switch (outer.kind) {
    case 'root':
      return true;
    case 'object':
      return objectOf(inner) === outer.object;
    case 'instance':
      return objectOf(inner) === outer.object && instanceOf(inner) === outer.instance;
    case 'resource':
      return (
        resourceOf(inner) === outer.resource && objectOf(inner) === outer.object && instanceOf(inner) === outer.instance
      );
    case 'resource-instance':
      return compareIds(outer, inner) === 0;
  }
}

export function equalPaths(a: Path, b: Path): boolean {
  return compareIds(a, b) === 0 && a.prefix === b.prefix;
}

/** Numeric order, and a path before those below it; of end devices after those of the device itself. */
export function comparePaths(a: Path, b: Path): number {
  return comparePrefixes(a.prefix, b.prefix) || compareIds(a, b);
}

function comparePrefixes(a = '', b = ''): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function compareIds(a: Path, b: Path): number {
  return (
    objectOf(a) - objectOf(b) ||
    instanceOf(a) - instanceOf(b) ||
    resourceOf(a) - resourceOf(b) ||
    resourceInstanceOf(a) - resourceInstanceOf(b)
  );
}

/** One level up; the root's is the root. */
export function parentOf(path: Path): Path {
  const parent = parentIds(path);
  return path.prefix === undefined ? parent : { ...parent, prefix: path.prefix };
}

function parentIds(path: Path): Path {
  switch (path.kind) {
    case 'root':
    case 'object':
      return rootPath;
    case 'instance':
      return objectPath(path.object);
    case 'resource':
      return instancePath(path.object, path.instance);
    case 'resource-instance':
      return resourcePath(path.object, path.instance, path.resource);
  }
}

/** One level down. Throws FormatError below a resource instance and for an id outside 0 to 65 534. */
export function childOf(path: Path, id: number): Path {
  const child = pathOf([...idsOf(path), id]);
  return path.prefix === undefined ? child : { ...child, prefix: path.prefix };
}

// Where entries may stand: at or below the path of the request, values on resources only, no path said twice.
// All codecs keep these rules the same way (Core 1.2.1 §7.2, §7.5); nothing here allocates per entry.
import { FormatError } from '@lapwing/kernel';
import type { Entry } from '../entry.ts';
import { formatPath, type Path } from '../path.ts';
import { entriesByPrefix } from '../prefix.ts';

/** Most records that any one payload may hold. */
export const maxRecords = 10_000;
/** Deepest nesting of JSON and CBOR that is looked into. */
export const maxDepth = 16;

const objectOf = (path: Path): number => (path.kind === 'root' ? -1 : path.object);
const instanceOf = (path: Path): number => (path.kind === 'root' || path.kind === 'object' ? -1 : path.instance);
const resourceOf = (path: Path): number =>
  path.kind === 'resource' || path.kind === 'resource-instance' ? path.resource : -1;
const resourceInstanceOf = (path: Path): number => (path.kind === 'resource-instance' ? path.resourceInstance : -1);

/** The ids of a path as a fixed row, -1 for those it has not: lets a codec look at level n. */
export const idAt: readonly ((path: Path) => number)[] = [objectOf, instanceOf, resourceOf, resourceInstanceOf];

/** True when the ids of `path` are at or below those of `base`; whose tree they are in is for the caller to know. */
export function isWithin(base: Path, path: Path): boolean {
  switch (base.kind) {
    case 'root':
      return true;
    case 'object':
      return objectOf(path) === base.object;
    case 'instance':
      return objectOf(path) === base.object && instanceOf(path) === base.instance;
    case 'resource':
      return objectOf(path) === base.object && instanceOf(path) === base.instance && resourceOf(path) === base.resource;
    case 'resource-instance':
      return (
        path.kind === 'resource-instance' &&
        path.object === base.object &&
        path.instance === base.instance &&
        path.resource === base.resource &&
        path.resourceInstance === base.resourceInstance
      );
  }
}

const mayHoldValue = (path: Path): boolean => path.kind === 'resource' || path.kind === 'resource-instance';

/** Throws FormatError unless the entry may stand in a payload for `base`. */
export function checkPlace(base: Path, entry: Entry): void {
  if (!isWithin(base, entry.path)) throw new FormatError(`${formatPath(entry.path)} is outside ${formatPath(base)}`);
  if (entry.value !== undefined && !mayHoldValue(entry.path)) {
    throw new FormatError(`${formatPath(entry.path)} cannot hold a value`);
  }
}

function compare(a: Path, b: Path): number {
  return (
    objectOf(a) - objectOf(b) ||
    instanceOf(a) - instanceOf(b) ||
    resourceOf(a) - resourceOf(b) ||
    resourceInstanceOf(a) - resourceInstanceOf(b)
  );
}

/** Path first, then time, those without a time first. */
export function compareEntries(a: Entry, b: Entry): number {
  const byPath = compare(a.path, b.path);
  if (byPath !== 0) return byPath;
  if (a.time === b.time) return 0;
  return (a.time ?? Number.NEGATIVE_INFINITY) < (b.time ?? Number.NEGATIVE_INFINITY) ? -1 : 1;
}

/** The entries in the order of their paths; the same array when they are in order already. */
export function inOrder(entries: readonly Entry[]): readonly Entry[] {
  for (let i = 1; i < entries.length; i += 1) {
    if (compareEntries(entries[i - 1] as Entry, entries[i] as Entry) > 0) return [...entries].sort(compareEntries);
  }
  return entries;
}

/**
 * Throws FormatError when a path stands twice (with the same time), or when a resource has both a value and instances.
 * In order, whatever lies below a path follows it directly: looking at neighbours is enough.
 */
export function refuseRepeats(entries: readonly Entry[]): void {
  for (let i = 1; i < entries.length; i += 1) {
    const before = entries[i - 1] as Entry;
    const entry = entries[i] as Entry;
    const order = compareEntries(before, entry);
    if (order > 0) {
      refuseRepeats([...entries].sort(compareEntries));
      return;
    }
    if (order === 0) {
      if (before.path.prefix === entry.path.prefix) throw new FormatError(`${formatPath(entry.path)} stands twice`);
      refuseRepeatsInEachTree(entries);
      return;
    }
    if (before.value !== undefined && entry.path.kind === 'resource-instance' && before.path.kind === 'resource') {
      if (isWithin(before.path, entry.path)) {
        if (before.path.prefix === entry.path.prefix)
          throw new FormatError(`${formatPath(before.path)} has a value and instances`);
        refuseRepeatsInEachTree(entries);
        return;
      }
    }
  }
}

/** The same ids in the trees of several devices are not the same path. */
function refuseRepeatsInEachTree(entries: readonly Entry[]): void {
  for (const tree of entriesByPrefix(entries).values()) refuseRepeats(tree);
}

// Paths of end devices: a gateway gives each a prefix, which stands before the ids as a root path would (Gateway 1.1.1 §8.3.1).
// The prefix is part of every name in SenML and LwM2M-CBOR (Gateway 1.1.1 §9), so it is made of what a SenML name may have.
import { FormatError } from '@lapwing/kernel';
import type { Entry } from './entry.ts';
import { type Path, parsePath, pathOfSegments } from './path.ts';

/** Characters. A segment of a CoAP path has room for 255 bytes; nobody needs them, and each name repeats them. */
export const longestPrefix = 64;

/** Characters of the longest path with a prefix: four ids of five digits, and slashes. */
export const longestPrefixedPath = longestPrefix + 25;

/**
 * Letters, digits and `- : . _`, a letter or digit first (RFC 8428 §4.5.1); no number, which would be an object, and not `bs`,
 * which is the bootstrap's. 1 to 64 characters.
 */
export function isPrefix(text: string): boolean {
  if (text.length > longestPrefix || !/^[A-Za-z0-9][A-Za-z0-9:._-]*$/.test(text)) return false;
  return text !== 'bs' && !/^\d+$/.test(text);
}

/** Throws FormatError for what is no prefix. */
export function checkPrefix(text: string): void {
  if (!isPrefix(text)) throw new FormatError(`not a prefix: ${JSON.stringify(text.slice(0, longestPrefix))}`);
}

/** The same place in the tree of the end device, or without a prefix in that of the device itself. */
export function under<P extends Path>(prefix: string | undefined, path: P): P {
  if (path.prefix === prefix) return path;
  if (prefix !== undefined) return { ...path, prefix };
  const { prefix: _, ...bare } = path;
  return bare as P;
}

/** Each entry at the same place under the prefix; the same array where there is nothing to do. */
export function entriesUnder(prefix: string | undefined, entries: readonly Entry[]): readonly Entry[] {
  if (entries.every(({ path }) => path.prefix === prefix)) return entries;
  return entries.map((entry) => ({ ...entry, path: under(prefix, entry.path) }));
}

/** The items of each tree, in order of first appearance; undefined is the device itself. */
export function groupByPrefix<T>(
  items: readonly T[],
  pathOf: (item: T) => Path,
): ReadonlyMap<string | undefined, readonly T[]> {
  const groups = new Map<string | undefined, T[]>();
  for (const item of items) {
    const { prefix } = pathOf(item);
    const group = groups.get(prefix);
    if (group === undefined) groups.set(prefix, [item]);
    else group.push(item);
  }
  return groups;
}

const pathOfEntry = ({ path }: Entry): Path => path;

/** As `groupByPrefix`. */
export const entriesByPrefix = (entries: readonly Entry[]): ReadonlyMap<string | undefined, readonly Entry[]> =>
  groupByPrefix(entries, pathOfEntry);

/** `/3/0`, or `/d01/3303/0` of an end device; `/d01` alone is its root. Throws FormatError. */
export function parsePrefixedPath(text: string): Path {
  if (!text.startsWith('/') || /^\/\d*(?:\/|$)/.test(text)) return parsePath(text);
  if (text.length > longestPrefixedPath)
    throw new FormatError(`too long for a path: ${JSON.stringify(text.slice(0, 64))}`, longestPrefixedPath);
  return prefixedPathOfSegments(text.slice(1).split('/'));
}

/** As `pathOfSegments`, where a first segment that is no number is a prefix. Throws FormatError. */
export function prefixedPathOfSegments(segments: readonly string[]): Path {
  const [first, ...rest] = segments;
  if (first === undefined || /^\d+$/.test(first)) return pathOfSegments(segments);
  checkPrefix(first);
  return under(first, pathOfSegments(rest));
}

// An LwM2M path as the segments of a CoAP path, below the root path of the device (Core 1.2.1 §6.2.1, §7.2).
// A root path is `/a/b`, or '' for none; it may have several segments.
import { idsOf, type Path, pathOfSegments } from '../path.ts';
import { checkPrefix, prefixedPathOfSegments } from '../prefix.ts';

/** Where a server takes what devices send by themselves (Core 1.2.1 §6.4.5). */
export const dataPath = 'dp';

/** The prefix of an end device follows the root path (Gateway 1.1.1 §8.3.1). Throws FormatError for one that is none. */
export function segmentsOf(rootPath: string, path: Path): readonly string[] {
  const root = rootSegments(rootPath);
  const { prefix } = path;
  if (prefix === undefined) return [...root, ...idsOf(path).map(String)];
  checkPrefix(prefix);
  return [...root, prefix, ...idsOf(path).map(String)];
}

/** Undefined for segments that are not below the root path; throws FormatError for ids that are none. */
export function pathBelow(rootPath: string, segments: readonly string[]): Path | undefined {
  const root = rootSegments(rootPath);
  if (!root.every((segment, i) => segments[i] === segment)) return undefined;
  return pathOfSegments(segments.slice(root.length));
}

/** As `pathBelow`, also for the tree of an end device. */
export function prefixedPathBelow(rootPath: string, segments: readonly string[]): Path | undefined {
  const root = rootSegments(rootPath);
  if (!root.every((segment, i) => segments[i] === segment)) return undefined;
  return prefixedPathOfSegments(segments.slice(root.length));
}

const rootSegments = (rootPath: string): readonly string[] => (rootPath === '' ? [] : rootPath.slice(1).split('/'));

// What the two notations of SenML share: base names and times, and how a pack is laid out (RFC 8428, Core 1.2.1 §7.4.4).
// Used of SenML: bver, bn, bt, n, t, v, vs, vb, vd and LwM2M's vlo; units are skipped; base values and sums refused.
// A record without value is an entry without value, which is how a composite read names its paths; a record that
// only sets bases and is not the last one is none. A time below 2^28 is relative to now (RFC 8428 §4.5.3): a codec
// knows no now, it hands the number on and the caller resolves it.
import { FormatError } from '@lapwing/kernel';
import type { Entry, Trees } from '../entry.ts';
import {
  formatPath,
  instancePath,
  objectPath,
  type Path,
  resourceInstancePath,
  resourcePath,
  rootPath,
} from '../path.ts';
import { longestPrefixedPath, parsePrefixedPath } from '../prefix.ts';
import { checkPlace, refuseRepeats } from './placing.ts';
import { checkValue } from './typing.ts';

/** Newest version of SenML that is understood. RFC 8428 §4.4. */
export const senmlVersion = 10;

/** Plain SenML, or SenML for FETCH and PATCH (RFC 8790), where a null value takes a path away. */
export type SenmlDialect = 'senml' | 'etch';

/** Throws FormatError for a pack of a version that is not understood. */
export function checkVersion(version: unknown): void {
  const known = typeof version === 'number' && Number.isInteger(version) && version >= 1 && version <= senmlVersion;
  if (!known) throw new FormatError(`SenML of another version than ${senmlVersion}`);
}

const slash = 0x2f;
const zero = 0x30;
// Ids that are none yet.
const nothing = -2;
const opened = -1;
const broken = -3;

/**
 * Reads a path from the characters of a base name and a name, which need not meet at a slash, without joining them.
 * After `mark`, `rewind` goes back to the end of the base name.
 */
export class NameReader {
  private readonly ids: number[] = [0, 0, 0, 0];
  private depth = 0;
  private id = nothing;
  private markDepth = 0;
  private markId = nothing;

  start(): void {
    this.depth = 0;
    this.id = nothing;
  }

  mark(): void {
    this.markDepth = this.depth;
    this.markId = this.id;
  }

  rewind(): void {
    this.depth = this.markDepth;
    this.id = this.markId;
  }

  feed(code: number): void {
    const id = this.id;
    if (code === slash) {
      if (id >= 0 && this.depth < 3) {
        this.ids[this.depth] = id;
        this.depth += 1;
        this.id = opened;
      } else this.id = id === nothing ? opened : broken;
      return;
    }
    const digit = code - zero;
    if (digit < 0 || digit > 9) this.id = broken;
    else if (id === opened) this.id = digit;
    else if (id > 0) {
      const next = id * 10 + digit;
      this.id = next < 0xffff ? next : broken;
    } else this.id = broken;
  }

  feedText(text: string): void {
    // Nothing longer is a path, however often it comes.
    if (text.length > 24) this.id = broken;
    else for (let i = 0; i < text.length; i += 1) this.feed(text.charCodeAt(i));
  }

  feedBytes(bytes: Uint8Array, from: number, to: number): void {
    if (to - from > 24) this.id = broken;
    else for (let i = from; i < to; i += 1) this.feed(bytes[i] as number);
  }

  /** Undefined when what was fed is no path. */
  path(): Path | undefined {
    const { id, depth } = this;
    const [a = 0, b = 0, c = 0] = this.ids;
    if (id < 0) return id === opened && depth === 0 ? rootPath : undefined;
    switch (depth) {
      case 0:
        return objectPath(id);
      case 1:
        return instancePath(a, id);
      case 2:
        return resourcePath(a, b, id);
      default:
        return resourceInstancePath(a, b, c, id);
    }
  }

  /** As `path`, but `/3/0/` is `/3/0`: what a base name alone means. */
  pathOfBase(): Path | undefined {
    if (this.id !== opened || this.depth === 0) return this.path();
    this.depth -= 1;
    this.id = this.ids[this.depth] as number;
    return this.path();
  }
}

/**
 * The path of a name that `NameReader` could not read: of an end device, `/d01/3303/0/5700`, or below the root path of the device. A
 * base name alone, `isBase`, may end with a slash. Undefined for what is no path, and for what is in no tree that `base` and `trees`
 * are about.
 */
export function prefixedPathOf(
  name: string,
  base: Path,
  { trees, root, isBase }: { readonly trees: Trees; readonly root: string; readonly isBase: boolean },
): Path | undefined {
  // Long names come back with every record: they are not looked into.
  if (name.length > longestPrefixedPath + root.length) return undefined;
  const isBelow = root !== '' && name.startsWith(root) && (name.length === root.length || name[root.length] === '/');
  if (!isBelow && trees !== 'any' && base.prefix === undefined) return undefined;
  const ends = isBase && name.length > 1 && name.endsWith('/');
  const below = name.slice(isBelow ? root.length : 0, ends ? -1 : undefined);
  try {
    const path = parsePrefixedPath(below === '' ? '/' : below);
    return trees === 'any' || path.prefix === base.prefix ? path : undefined;
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

const furthestTime = 2 ** 53;

/** Base time plus time; undefined when neither was given. Throws FormatError for what is no time. */
export function timeOf(baseTime: number | undefined, time: number | undefined): number | undefined {
  if (baseTime === undefined && time === undefined) return undefined;
  const sum = (baseTime ?? 0) + (time ?? 0);
  if (!(Math.abs(sum) <= furthestTime)) throw new FormatError('a SenML time that is none');
  return sum;
}

export interface Layout {
  /** The base name, '' for none; each name is what remains of the path. */
  readonly baseName: string;
  /** Given once when all entries have times and lose nothing by it. */
  readonly baseTime: number | undefined;
}

/** Checks the entries and finds what the first record says for all. */
export function layOut(entries: readonly Entry[], base: Path): Layout {
  let bare = false;
  for (const entry of entries) {
    checkPlace(base, entry);
    if (entry.value !== undefined) checkValue(entry.path, entry.value);
    if (entry.time !== undefined) timeOf(undefined, entry.time);
    if (entry.path.kind === base.kind) bare = true;
  }
  refuseRepeats(entries);
  return { baseName: baseNameOf(base, bare), baseTime: baseTimeOf(entries) };
}

function baseNameOf(base: Path, bare: boolean): string {
  if (base.kind === 'root') return '';
  return bare ? formatPath(base) : `${formatPath(base)}/`;
}

function baseTimeOf(entries: readonly Entry[]): number | undefined {
  const first = entries[0]?.time;
  if (first === undefined) return undefined;
  for (const { time } of entries) {
    if (time === undefined || first + (time - first) !== time) return undefined;
  }
  return first;
}

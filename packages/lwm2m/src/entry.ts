// The neutral form of all data: a flat list of paths with perhaps a value and a time. Single, composite and
// time-stamped contents are the same list; an entry without a value says that the path exists and is empty.
import { equalPaths, type Path } from './path.ts';
import { equalValues, type Value, type ValueType } from './value.ts';

export interface Entry {
  readonly path: Path;
  readonly value?: Value;
  /** Unix time in seconds, with fraction, of the measurement. */
  readonly time?: number;
}

/**
 * The declared type of a resource, of an end device where there is a prefix; undefined when it is not known. Codecs then fall back
 * as their header says.
 */
export type TypeLookup = (object: number, resource: number, prefix?: string) => ValueType | undefined;

/** What a content may be about besides the tree of its base: with `any` also the trees of end devices (Gateway 1.1.1 §9). */
export type Trees = 'any' | undefined;

export interface Codec {
  /** CoAP Content-Format. */
  readonly format: number;
  /** `base` is the path of the request. Throws FormatError for what the format cannot say. */
  encode(entries: readonly Entry[], base: Path): Uint8Array;
  /**
   * Throws FormatError for anything else than a valid content at or below `base`. `root` may stand before the names of SenML, the root
   * path of the device.
   */
  decode(bytes: Uint8Array, base: Path, typeOf: TypeLookup, trees?: Trees, root?: string): Entry[];
}

/** RFC 8428 §4.5.3: smaller numbers are relative to now, a week and a month from 1978 are not. */
const firstAbsolute = 2 ** 28;

/** Times that were said relative to now made absolute by a clock in ms. The same list when there are none. */
export function withAbsoluteTimes(entries: readonly Entry[], clock: { wall(): number }): readonly Entry[] {
  for (let i = 0; i < entries.length; i += 1) {
    const time = entries[i]?.time;
    if (time !== undefined && time < firstAbsolute) {
      const now = clock.wall() / 1000;
      return entries.map((entry) => absolute(entry, now));
    }
  }
  return entries;
}

function absolute(entry: Entry, now: number): Entry {
  const { time } = entry;
  return time === undefined || time >= firstAbsolute ? entry : { ...entry, time: now + time };
}

/** Same path, value and time; an entry without a value equals only another without. */
export function equalEntries(a: Entry, b: Entry): boolean {
  if (!equalPaths(a.path, b.path) || a.time !== b.time) return false;
  return a.value === undefined || b.value === undefined ? a.value === b.value : equalValues(a.value, b.value);
}

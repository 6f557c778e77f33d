// The options of a message in the form they have on the wire: sorted by number, delta-encoded (RFC 7252 §3.1, §5.4).
// A received set is a view over its datagram, a built one over bytes of its own; values are found by walking the
// few bytes there are, and neither strings nor slices exist before somebody asks for them.
// Immutable; `with`, `adding` and `without` give a new set.
import { encodeUtf8, FormatError, noBytes, textAt } from '@lapwing/kernel';
import { Option } from './options.ts';

export type OptionValue = Uint8Array | string | number;

/** What the extended length field can express (RFC 7252 §3.1). */
const LONGEST_VALUE = 65_535 + 269;

/** Walks encoded options that were checked before. */
class OptionCursor {
  number = 0;
  start = 0;
  length = 0;
  private bytes: Uint8Array = noBytes;
  private at = 0;
  private end = 0;

  over(bytes: Uint8Array, from: number, end: number): this {
    this.bytes = bytes;
    this.at = from;
    this.end = end;
    this.number = 0;
    return this;
  }

  next(): boolean {
    const { bytes } = this;
    let { at } = this;
    if (at >= this.end) return false;
    const head = bytes[at] as number;
    at += 1;
    let delta = head >> 4;
    let length = head & 15;
    if (delta === 13) {
      delta = (bytes[at] as number) + 13;
      at += 1;
    } else if (delta === 14) {
      delta = (((bytes[at] as number) << 8) | (bytes[at + 1] as number)) + 269;
      at += 2;
    }
    if (length === 13) {
      length = (bytes[at] as number) + 13;
      at += 1;
    } else if (length === 14) {
      length = (((bytes[at] as number) << 8) | (bytes[at + 1] as number)) + 269;
      at += 2;
    }
    this.number += delta;
    this.start = at;
    this.length = length;
    this.at = at + length;
    return true;
  }

  /** Moves to the first option of that number. */
  seek(number: number): boolean {
    while (this.next()) {
      if (this.number === number) return true;
      if (this.number > number) return false;
    }
    return false;
  }
}

const noTexts: readonly string[] = [];

/** For reads that end before anything else can run. */
const cursor = new OptionCursor();

export class OptionSet implements Iterable<readonly [number, Uint8Array]> {
  static readonly empty: OptionSet = new OptionSet(noBytes, 0, 0);
  private readonly bytesIn: Uint8Array;
  private readonly from: number;
  private readonly to: number;

  private constructor(bytes: Uint8Array, from: number, to: number) {
    this.bytesIn = bytes;
    this.from = from;
    this.to = to;
  }

  /** In any order; equal numbers keep theirs. Throws FormatError for a number or a value that no message can carry. */
  static of(...options: readonly (readonly [number, OptionValue])[]): OptionSet {
    return options.length === 0
      ? OptionSet.empty
      : encode(options, (bytes, from, to) => new OptionSet(bytes, from, to));
  }

  /** Over options as they are on the wire, which the caller has checked: a view, not a copy. */
  static view(bytes: Uint8Array, from: number, to: number): OptionSet {
    return from === to ? OptionSet.empty : new OptionSet(bytes, from, to);
  }

  /** Number of options. */
  get size(): number {
    let n = 0;
    const c = cursor.over(this.bytesIn, this.from, this.to);
    while (c.next()) n += 1;
    return n;
  }

  /** Bytes on the wire. */
  get length(): number {
    return this.to - this.from;
  }

  /** As on the wire; a view. */
  get encoded(): Uint8Array {
    return this.bytesIn.subarray(this.from, this.to);
  }

  /** Writes the set as on the wire to `target` from `at`; returns where it ends. */
  copyTo(target: Uint8Array, at: number): number {
    const { bytesIn, to } = this;
    let out = at;
    for (let i = this.from; i < to; i += 1) {
      target[out] = bytesIn[i] as number;
      out += 1;
    }
    return out;
  }

  has(number: number): boolean {
    return cursor.over(this.bytesIn, this.from, this.to).seek(number);
  }

  /** Whether there is an option from `lowest` to `highest`, both included. */
  hasWithin(lowest: number, highest: number): boolean {
    const c = cursor.over(this.bytesIn, this.from, this.to);
    while (c.next()) if (c.number >= lowest) return c.number <= highest;
    return false;
  }

  /** The first value; a view. */
  bytes(number: number): Uint8Array | undefined {
    const c = cursor.over(this.bytesIn, this.from, this.to);
    return c.seek(number) ? this.bytesIn.subarray(c.start, c.start + c.length) : undefined;
  }

  all(number: number): readonly Uint8Array[] {
    const values: Uint8Array[] = [];
    const c = cursor.over(this.bytesIn, this.from, this.to);
    while (c.next() && c.number <= number) {
      if (c.number === number) values.push(this.bytesIn.subarray(c.start, c.start + c.length));
    }
    return values;
  }

  /** The first value as an unsigned integer of at most 6 bytes; longer ones throw FormatError. */
  uint(number: number): number | undefined {
    const c = cursor.over(this.bytesIn, this.from, this.to);
    if (!c.seek(number)) return undefined;
    if (c.length > 6) throw new FormatError(`option ${number} is too long for an integer`, c.start);
    let n = 0;
    for (let i = c.start; i < c.start + c.length; i += 1) n = n * 256 + (this.bytesIn[i] as number);
    return n;
  }

  /** The first value as UTF-8; throws FormatError where it is not. */
  text(number: number): string | undefined {
    const c = cursor.over(this.bytesIn, this.from, this.to);
    return c.seek(number) ? textAt(this.bytesIn, c.start, c.length) : undefined;
  }

  texts(number: number): readonly string[] {
    const c = cursor.over(this.bytesIn, this.from, this.to);
    if (!c.seek(number)) return noTexts;
    const values = [textAt(this.bytesIn, c.start, c.length)];
    while (c.next() && c.number === number) values.push(textAt(this.bytesIn, c.start, c.length));
    return values;
  }

  /** Segments of Uri-Path. */
  get path(): readonly string[] {
    return this.texts(Option.UriPath);
  }

  /** Entries of Uri-Query. */
  get query(): readonly string[] {
    return this.texts(Option.UriQuery);
  }

  get contentFormat(): number | undefined {
    return this.uint(Option.ContentFormat);
  }

  get accept(): number | undefined {
    return this.uint(Option.Accept);
  }

  get observe(): number | undefined {
    return this.uint(Option.Observe);
  }

  /** Replaces every option of that number by one. */
  with(number: number, value: OptionValue): OptionSet {
    const kept: (readonly [number, OptionValue])[] = [];
    for (const option of this) if (option[0] !== number) kept.push(option);
    kept.push([number, value]);
    return OptionSet.of(...kept);
  }

  /** Adds one behind those of the same number. */
  adding(number: number, value: OptionValue): OptionSet {
    return OptionSet.of(...this, [number, value]);
  }

  without(number: number): OptionSet {
    return this.has(number) ? OptionSet.of(...[...this].filter(([each]) => each !== number)) : this;
  }

  *[Symbol.iterator](): IterableIterator<readonly [number, Uint8Array]> {
    const own = new OptionCursor().over(this.bytesIn, this.from, this.to);
    while (own.next()) yield [own.number, this.bytesIn.subarray(own.start, own.start + own.length)];
  }
}

// Building: each set lies behind the one before in a slab that is replaced when it is full, and is a view of it. A set that is
// kept for long holds its slab: small enough that this does not matter, large enough that its price is shared by many.

const SLAB = 1024;
let slab = new Uint8Array(SLAB);
/** Where the set that is being built starts, and where its next byte goes. */
let start = 0;
let used = 0;

function encode<Set>(
  options: readonly (readonly [number, OptionValue])[],
  make: (bytes: Uint8Array, from: number, to: number) => Set,
): Set {
  const sorted = isSorted(options) ? options : [...options].sort((a, b) => a[0] - b[0]);
  // What a set that threw has left is written over.
  used = start;
  let previous = 0;
  for (let i = 0; i < sorted.length; i += 1) {
    // By index: to take a pair apart goes through an iterator.
    const option = sorted[i] as readonly [number, OptionValue];
    const number = option[0];
    const value = option[1];
    if (!Number.isInteger(number) || number < 0 || number > 65_535)
      throw new FormatError(`no option number: ${number}`);
    if (typeof value === 'number') writeInteger(number, number - previous, value);
    else if (typeof value === 'string') writeText(number, number - previous, value);
    else writeBytes(number, number - previous, value);
    previous = number;
  }
  const from = start;
  start = used;
  return make(slab, from, used);
}

function isSorted(options: readonly (readonly [number, OptionValue])[]): boolean {
  for (let i = 1; i < options.length; i += 1) {
    if ((options[i] as readonly [number, OptionValue])[0] < (options[i - 1] as readonly [number, OptionValue])[0]) {
      return false;
    }
  }
  return true;
}

/** A slab with room for `most` bytes behind what is there of this set. */
function moveToNewSlab(most: number): void {
  const begun = slab.subarray(start, used);
  slab = new Uint8Array(Math.max(SLAB, 2 * begun.length + most));
  slab.set(begun);
  start = 0;
  used = begun.length;
}

function writeHead(number: number, delta: number, length: number): number {
  if (length > LONGEST_VALUE) throw new FormatError(`value of option ${number} is ${length} bytes long`);
  if (used + 5 + length > slab.length) moveToNewSlab(5 + length);
  const head = used;
  let at = head + 1;
  let nibbles: number;
  if (delta < 13) nibbles = delta << 4;
  else if (delta < 269) {
    nibbles = 13 << 4;
    slab[at] = delta - 13;
    at += 1;
  } else {
    nibbles = 14 << 4;
    slab[at] = (delta - 269) >> 8;
    slab[at + 1] = (delta - 269) & 0xff;
    at += 2;
  }
  if (length < 13) nibbles |= length;
  else if (length < 269) {
    nibbles |= 13;
    slab[at] = length - 13;
    at += 1;
  } else {
    nibbles |= 14;
    slab[at] = (length - 269) >> 8;
    slab[at + 1] = (length - 269) & 0xff;
    at += 2;
  }
  slab[head] = nibbles;
  used = at + length;
  return at;
}

function writeInteger(number: number, delta: number, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new FormatError(`value of option ${number} is no unsigned integer: ${value}`);
  let length = 0;
  for (let limit = 1; value >= limit; limit *= 256) length += 1;
  const at = writeHead(number, delta, length);
  let n = value;
  for (let i = at + length - 1; i >= at; i -= 1) {
    slab[i] = n;
    // Shifts are several times as fast, and do for all but a few values.
    n = n <= 0x7fff_ffff ? n >> 8 : Math.floor(n / 256);
  }
}

function writeText(number: number, delta: number, value: string): void {
  const { length } = value;
  if (length <= 64) {
    // Counted from where the set begins, which the next line may move.
    const before = used - start;
    const at = writeHead(number, delta, length);
    let bits = 0;
    for (let i = 0; i < length; i += 1) {
      const code = value.charCodeAt(i);
      bits |= code;
      slab[at + i] = code;
    }
    if (bits < 0x80) return;
    used = start + before;
  }
  writeBytes(number, delta, encodeUtf8(value));
}

function writeBytes(number: number, delta: number, value: Uint8Array): void {
  const at = writeHead(number, delta, value.length);
  slab.set(value, at);
}

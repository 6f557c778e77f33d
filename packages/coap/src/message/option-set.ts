// The options of a message: sorted by number, read lazily from the bytes they came in (RFC 7252 §3.1, §5.4).
// Immutable; `with`, `adding` and `without` give a new set.
import { decodeUtf8, encodeUtf8, FormatError, noBytes } from '@lapwing/kernel';
import { Option } from './options.ts';

export type OptionValue = Uint8Array | string | number;

export class OptionSet implements Iterable<readonly [number, Uint8Array]> {
  static readonly empty: OptionSet = new OptionSet([], []);
  private readonly numbers: readonly number[];
  private readonly values: readonly Uint8Array[];

  private constructor(numbers: readonly number[], values: readonly Uint8Array[]) {
    this.numbers = numbers;
    this.values = values;
  }

  /** In any order; equal numbers keep theirs. */
  static of(...options: readonly (readonly [number, OptionValue])[]): OptionSet {
    const sorted = [...options].sort((a, b) => a[0] - b[0]);
    return new OptionSet(
      sorted.map(([number]) => number),
      sorted.map(([, value]) => toBytes(value)),
    );
  }

  get size(): number {
    return this.numbers.length;
  }

  has(number: number): boolean {
    return this.numbers.includes(number);
  }

  /** The first value. */
  bytes(number: number): Uint8Array | undefined {
    return this.values[this.numbers.indexOf(number)];
  }

  all(number: number): readonly Uint8Array[] {
    return this.values.filter((_, i) => this.numbers[i] === number);
  }

  /** The first value as an unsigned integer of at most 6 bytes; longer ones throw FormatError. */
  uint(number: number): number | undefined {
    const value = this.bytes(number);
    if (value === undefined) return undefined;
    if (value.length > 6) throw new FormatError(`option ${number} is too long for an integer`);
    let n = 0;
    for (const byte of value) n = n * 256 + byte;
    return n;
  }

  /** The first value as UTF-8; throws FormatError where it is not. */
  text(number: number): string | undefined {
    const value = this.bytes(number);
    return value === undefined ? undefined : decodeUtf8(value);
  }

  texts(number: number): readonly string[] {
    return this.all(number).map(decodeUtf8);
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
    return this.without(number).adding(number, value);
  }

  /** Adds one behind those of the same number. */
  adding(number: number, value: OptionValue): OptionSet {
    return OptionSet.of(...this, [number, value]);
  }

  without(number: number): OptionSet {
    return this.has(number) ? OptionSet.of(...[...this].filter(([each]) => each !== number)) : this;
  }

  *[Symbol.iterator](): IterableIterator<readonly [number, Uint8Array]> {
    for (let i = 0; i < this.numbers.length; i += 1) yield [this.numbers[i] as number, this.values[i] as Uint8Array];
  }
}

function toBytes(value: OptionValue): Uint8Array {
  if (typeof value === 'string') return encodeUtf8(value);
  if (typeof value !== 'number') return value;
  if (value === 0) return noBytes;
  const bytes: number[] = [];
  for (let n = value; n > 0; n = Math.floor(n / 256)) bytes.unshift(n % 256);
  return Uint8Array.from(bytes);
}

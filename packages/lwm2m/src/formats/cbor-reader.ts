// Reads CBOR item by item, straight from the bytes (RFC 8949 §3). Strict where it matters: no allocation follows a
// declared length, no reserved heads, UTF-8 checked, strings of definite length only; arrays and maps may be
// indefinite. After `head` the fields say what was found. Throws FormatError and nothing else.
import { FormatError, textAt } from '@lapwing/kernel';
import { maxDepth } from './placing.ts';

export const Major = {
  Unsigned: 0,
  Negative: 1,
  Bytes: 2,
  Text: 3,
  Array: 4,
  Map: 5,
  Tag: 6,
  Other: 7,
} as const;

/** Additional information: of an item without end, and of the simple values that are understood. */
export const Info = { False: 20, True: 21, Null: 22, Half: 25, Single: 26, Double: 27, Indefinite: 31 } as const;

const breakByte = 0xff;

export class CborReader {
  readonly bytes: Uint8Array;
  at = 0;
  major = 0;
  info = 0;
  /** The argument of the head; for one beyond 2^53-1 only `wide` is exact. Not meant for indefinite items and floats. */
  argument = 0;
  wide: bigint | undefined;
  private readonly view: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  head(): void {
    const at = this.at;
    if (at >= this.bytes.length) throw new FormatError('CBOR ends too early', at);
    const first = this.bytes[at] as number;
    const info = first & 31;
    this.major = first >> 5;
    this.info = info;
    this.wide = undefined;
    this.at = at + 1;
    if (info < 24) this.argument = info;
    else this.longHead(info);
  }

  private longHead(info: number): void {
    const at = this.at;
    switch (info) {
      case 24:
        this.need(1);
        this.argument = this.view.getUint8(at);
        this.at = at + 1;
        return;
      case 25:
        this.need(2);
        this.argument = this.view.getUint16(at);
        this.at = at + 2;
        return;
      case 26:
        this.need(4);
        this.argument = this.view.getUint32(at);
        this.at = at + 4;
        return;
      case 27:
        this.need(8);
        this.argument = this.view.getUint32(at) * 2 ** 32 + this.view.getUint32(at + 4);
        if (!Number.isSafeInteger(this.argument)) this.wide = this.view.getBigUint64(at);
        this.at = at + 8;
        return;
      case Info.Indefinite:
        if (this.major === Major.Array || this.major === Major.Map) return;
        throw new FormatError('CBOR of indefinite length where none can be', at - 1);
      default:
        throw new FormatError('a reserved CBOR head', at - 1);
    }
  }

  private need(length: number): void {
    if (length > this.bytes.length - this.at) throw new FormatError('CBOR ends too early', this.bytes.length);
  }

  /** The integer whose head was read; `bigint` only beyond ±(2^53-1). */
  integer(): number | bigint {
    if (this.major === Major.Unsigned) return this.wide ?? this.argument;
    if (this.wide !== undefined) return -1n - this.wide;
    const number = -1 - this.argument;
    return Number.isSafeInteger(number) ? number : BigInt(number);
  }

  isFloat(): boolean {
    return this.major === Major.Other && this.info >= Info.Half && this.info <= Info.Double;
  }

  /** The float whose head was read. */
  float(): number {
    switch (this.info) {
      case Info.Half:
        return halfToNumber(this.argument);
      case Info.Single:
        return this.view.getFloat32(this.at - 4);
      default:
        return this.view.getFloat64(this.at - 8);
    }
  }

  /** Steps over the string whose head was read and gives where it begins. */
  string(): number {
    const start = this.at;
    if (this.argument > this.bytes.length - start)
      throw new FormatError('a CBOR string longer than what is left', start);
    this.at = start + this.argument;
    return start;
  }

  /** The text whose head was read. */
  text(): string {
    const start = this.string();
    return textAt(this.bytes, start, this.at - start);
  }

  /** A copy of the byte string whose head was read. */
  copy(): Uint8Array {
    const start = this.string();
    return this.bytes.slice(start, this.at);
  }

  /**
   * The count of the array or map whose head was read, -1 for an indefinite one. `size` is the least number of bytes
   * of one member: more members than bytes are refused here.
   */
  count(size: 1 | 2): number {
    if (this.info === Info.Indefinite) return -1;
    if (this.argument * size > this.bytes.length - this.at) {
      throw new FormatError('more CBOR items announced than bytes are left', this.at);
    }
    return this.argument;
  }

  /** Whether the array or map of that `count` goes on after `done` members; steps over the break of an indefinite one. */
  more(count: number, done: number): boolean {
    if (count >= 0) return done < count;
    if (this.at >= this.bytes.length) throw new FormatError('CBOR ends too early', this.at);
    if (this.bytes[this.at] !== breakByte) return true;
    this.at += 1;
    return false;
  }

  /** Steps over one whole item, of at most `depth` levels. */
  skip(depth = maxDepth): void {
    this.head();
    switch (this.major) {
      case Major.Unsigned:
      case Major.Negative:
        return;
      case Major.Bytes:
      case Major.Text:
        this.string();
        return;
      case Major.Other:
        if (this.info === 24 && this.argument < 32) throw new FormatError('a reserved CBOR head', this.at);
        return;
    }
    if (depth === 0) throw new FormatError(`CBOR nested deeper than ${maxDepth}`, this.at);
    if (this.major === Major.Tag) {
      this.skip(depth - 1);
      return;
    }
    const isMap = this.major === Major.Map;
    const count = this.count(isMap ? 2 : 1);
    for (let i = 0; this.more(count, i); i += 1) {
      this.skip(depth - 1);
      if (isMap) this.skip(depth - 1);
    }
  }

  /** Throws FormatError when something follows. */
  end(): void {
    if (this.at !== this.bytes.length) throw new FormatError('something follows the CBOR item', this.at);
  }
}

function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

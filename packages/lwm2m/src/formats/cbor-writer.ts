// Writes CBOR item by item into a slab that doubles as needed: shortest heads, definite lengths (RFC 8949 §4.2.1).
// Floats take four bytes when that loses nothing, else eight; never two, which many a device cannot read.
import { encodeUtf8 } from '@lapwing/kernel';
import { Info, Major } from './cbor-reader.ts';

/** Bytes of slab that a writer keeps between two uses. */
const largestKept = 16_384;

export class CborWriter {
  private slab: Uint8Array;
  private view: DataView;
  private used = 0;

  /** `capacity` in bytes is only the first guess. */
  constructor(capacity = 512) {
    this.slab = new Uint8Array(capacity);
    this.view = new DataView(this.slab.buffer);
  }

  /** `argument` up to 2^53-1. */
  head(major: number, argument: number): void {
    const at = this.reserve(9);
    const slab = this.slab;
    const first = major << 5;
    if (argument < 24) {
      slab[at] = first | argument;
      this.used = at + 1;
    } else if (argument < 0x100) {
      slab[at] = first | 24;
      slab[at + 1] = argument;
      this.used = at + 2;
    } else if (argument < 0x1_00_00) {
      slab[at] = first | 25;
      this.view.setUint16(at + 1, argument);
      this.used = at + 3;
    } else if (argument < 2 ** 32) {
      slab[at] = first | 26;
      this.view.setUint32(at + 1, argument);
      this.used = at + 5;
    } else this.wideHead(major, BigInt(argument));
  }

  private wideHead(major: number, argument: bigint): void {
    const at = this.reserve(9);
    this.slab[at] = (major << 5) | 27;
    this.view.setBigUint64(at + 1, argument);
    this.used = at + 9;
  }

  /** From -2^64 to 2^64-1. */
  integer(value: number | bigint): void {
    if (typeof value === 'number' && Number.isSafeInteger(value)) {
      if (value < 0) this.head(Major.Negative, -1 - value);
      else this.head(Major.Unsigned, value);
      return;
    }
    const wide = BigInt(value);
    if (wide >= -(2n ** 53n) && wide < 2n ** 53n) this.integer(Number(wide));
    else if (wide < 0n) this.wideHead(Major.Negative, -1n - wide);
    else this.wideHead(Major.Unsigned, wide);
  }

  float(value: number): void {
    const at = this.reserve(9);
    if (Math.fround(value) === value || Number.isNaN(value)) {
      this.slab[at] = (Major.Other << 5) | Info.Single;
      this.view.setFloat32(at + 1, value);
      this.used = at + 5;
    } else {
      this.slab[at] = (Major.Other << 5) | Info.Double;
      this.view.setFloat64(at + 1, value);
      this.used = at + 9;
    }
  }

  /** False, true, null. */
  simple(info: number): void {
    this.head(Major.Other, info);
  }

  text(text: string): void {
    const begin = this.used;
    const length = text.length;
    this.head(Major.Text, length);
    const at = this.reserve(length);
    const slab = this.slab;
    for (let i = 0; i < length; i += 1) {
      const code = text.charCodeAt(i);
      if (code >= 0x80) {
        this.used = begin;
        this.string(Major.Text, encodeUtf8(text));
        return;
      }
      slab[at + i] = code;
    }
    this.used = at + length;
  }

  /** The path of up to four ids as a text, from the id at `from` to before `to`, with a slash between them and, as `lead`, before them. */
  ids(a: number, b: number, c: number, d: number, from: number, to: number, lead: '' | '/'): void {
    let length = lead.length + to - from - 1;
    for (let level = from; level < to; level += 1) length += digitsOf(pick(level, a, b, c, d));
    this.head(Major.Text, length);
    let at = this.reserve(length);
    const slab = this.slab;
    for (let level = from; level < to; level += 1) {
      if (level > from || lead === '/') {
        slab[at] = 0x2f;
        at += 1;
      }
      let id = pick(level, a, b, c, d);
      const end = at + digitsOf(id);
      for (let digit = end - 1; digit >= at; digit -= 1) {
        slab[digit] = 0x30 + (id % 10);
        id = (id / 10) | 0;
      }
      at = end;
    }
    this.used = at;
  }

  bytes(bytes: Uint8Array): void {
    this.string(Major.Bytes, bytes);
  }

  private string(major: number, bytes: Uint8Array): void {
    this.head(major, bytes.length);
    const at = this.reserve(bytes.length);
    this.slab.set(bytes, at);
    this.used = at + bytes.length;
  }

  /** A copy of what was written; the writer is ready for the next. */
  finish(): Uint8Array {
    const whole = this.slab.slice(0, this.used);
    this.reset();
    return whole;
  }

  /** Starts again, in the same slab unless it has grown large. */
  reset(): void {
    this.used = 0;
    if (this.slab.length <= largestKept) return;
    this.slab = new Uint8Array(largestKept);
    this.view = new DataView(this.slab.buffer);
  }

  private reserve(length: number): number {
    const at = this.used;
    if (at + length > this.slab.length) {
      const larger = new Uint8Array(Math.max(this.slab.length * 2, at + length));
      larger.set(this.slab.subarray(0, at));
      this.slab = larger;
      this.view = new DataView(larger.buffer);
    }
    return at;
  }
}

function pick(level: number, a: number, b: number, c: number, d: number): number {
  if (level === 0) return a;
  if (level === 1) return b;
  return level === 2 ? c : d;
}

function digitsOf(id: number): number {
  if (id < 10) return 1;
  if (id < 100) return 2;
  if (id < 1000) return 3;
  return id < 10_000 ? 4 : 5;
}

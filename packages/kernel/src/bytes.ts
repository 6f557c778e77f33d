// Bounded big-endian reading and writing. A Reader throws FormatError past its end and nothing else;
// a Writer grows a slab that it owns, and gives out copies.
import { FormatError } from './errors.ts';

export const noBytes: Uint8Array = new Uint8Array(0);

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const utf8 = new TextEncoder();

export function encodeUtf8(text: string): Uint8Array {
  return utf8.encode(text);
}

/** Throws FormatError for bytes that are not UTF-8 (lone surrogates and overlong forms included). */
export function decodeUtf8(bytes: Uint8Array): string {
  // Short ASCII is the common case and a loop beats the decoder's call there.
  const length = bytes.length;
  if (length <= 24) {
    let text = '';
    for (let i = 0; i < length; i += 1) {
      const byte = bytes[i] as number;
      if (byte >= 0x80) return decodeAnyUtf8(bytes);
      text += String.fromCharCode(byte);
    }
    return text;
  }
  return decodeAnyUtf8(bytes);
}

function decodeAnyUtf8(bytes: Uint8Array): string {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    throw new FormatError('not UTF-8');
  }
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** Throws FormatError for an odd length or anything that is not a hexadecimal digit. */
export function fromHex(text: string): Uint8Array {
  const wrong = text.search(/[^0-9a-fA-F]/);
  if (wrong >= 0) throw new FormatError('not a hexadecimal digit', wrong);
  if (text.length % 2 !== 0) throw new FormatError('odd number of hexadecimal digits', text.length);
  return new Uint8Array(Buffer.from(text, 'hex'));
}

export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/** Strict: padding required, no white space, canonical last digit (RFC 4648 §3.5). Throws FormatError. */
export function fromBase64(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) throw new FormatError('not base64');
  return new Uint8Array(bytes);
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Not in constant time; for secrets use `equalInConstantTime`. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false;
  return true;
}

/** Made when it is needed, which is seldom: it costs as much as a dozen bytes read one by one. */
const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Reads `bytes` from front to back; every method throws FormatError with the offset when it would pass the end. */
export class Reader {
  readonly bytes: Uint8Array;
  offset = 0;
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get left(): number {
    return this.bytes.length - this.offset;
  }

  u8(): number {
    return this.bytes[this.step(1)] as number;
  }

  u16(): number {
    const at = this.step(2);
    const { bytes } = this;
    return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
  }

  u24(): number {
    const at = this.step(3);
    const { bytes } = this;
    return ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
  }

  u32(): number {
    const at = this.step(4);
    const { bytes } = this;
    const high = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
    return high * 65_536 + (((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number));
  }

  u64(): bigint {
    return viewOf(this.bytes).getBigUint64(this.step(8));
  }

  f32(): number {
    return viewOf(this.bytes).getFloat32(this.step(4));
  }

  f64(): number {
    return viewOf(this.bytes).getFloat64(this.step(8));
  }

  /** A view, not a copy. */
  take(length: number): Uint8Array {
    const at = this.step(length);
    return this.bytes.subarray(at, at + length);
  }

  private step(length: number): number {
    const at = this.offset;
    if (length > this.bytes.length - at) throw new FormatError(`${length} bytes wanted, ${this.left} left`, at);
    this.offset = at + length;
    return at;
  }
}

/** Writes front to back into a slab that doubles as needed. */
export class Writer {
  private slab: Uint8Array;
  private used = 0;

  /** `capacity` in bytes is only the first guess. */
  constructor(capacity = 256) {
    this.slab = new Uint8Array(capacity);
  }

  get length(): number {
    return this.used;
  }

  u8(value: number): this {
    const at = this.step(1);
    this.slab[at] = value;
    return this;
  }

  u16(value: number): this {
    const at = this.step(2);
    this.put16(at, value);
    return this;
  }

  u24(value: number): this {
    const at = this.step(3);
    this.put16(at, value >>> 8);
    this.slab[at + 2] = value;
    return this;
  }

  u32(value: number): this {
    const at = this.step(4);
    this.put16(at, value >>> 16);
    this.put16(at + 2, value);
    return this;
  }

  u64(value: bigint): this {
    const at = this.step(8);
    viewOf(this.slab).setBigUint64(at, value);
    return this;
  }

  f32(value: number): this {
    const at = this.step(4);
    viewOf(this.slab).setFloat32(at, value);
    return this;
  }

  f64(value: number): this {
    const at = this.step(8);
    viewOf(this.slab).setFloat64(at, value);
    return this;
  }

  bytes(bytes: Uint8Array): this {
    const at = this.step(bytes.length);
    this.slab.set(bytes, at);
    return this;
  }

  /** Overwrites two bytes that were written before: a length that is known only now. */
  u16At(at: number, value: number): this {
    if (at + 2 > this.used) throw new RangeError(`nothing was written at ${at} yet`);
    this.put16(at, value);
    return this;
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.slab.slice(0, this.used);
  }

  /** Copies what was written to `out` from `at`. */
  copyTo(out: Uint8Array, at: number): void {
    const { slab, used } = this;
    for (let i = 0; i < used; i += 1) out[at + i] = slab[i] as number;
  }

  /** Overwrites what was written, which was secret, and starts again. */
  erase(): this {
    this.slab.fill(0, 0, this.used);
    return this.reset();
  }

  /** Starts again in the same slab. */
  reset(): this {
    this.used = 0;
    return this;
  }

  private put16(at: number, value: number): void {
    this.slab[at] = value >>> 8;
    this.slab[at + 1] = value;
  }

  /** May replace the slab: call it before naming that. */
  private step(length: number): number {
    const at = this.used;
    if (at + length > this.slab.length) {
      const larger = new Uint8Array(Math.max(this.slab.length * 2, at + length));
      larger.set(this.slab.subarray(0, at));
      this.slab = larger;
    }
    this.used = at + length;
    return at;
  }
}

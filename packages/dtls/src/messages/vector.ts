// The length-prefixed vectors that all handshake messages are made of (RFC 5246 §4.3). Reading throws FormatError,
// writing RangeError for what has no room in its length field.
import { FormatError, type Reader, type Writer } from '@lapwing/kernel';

/** How many bytes or numbers a vector holds at least and at most. */
export interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

const anyLength: Bounds = {};
const atLeastOne: Bounds = { min: 1 };
const atLeastTwo: Bounds = { min: 2 };

function within(what: string, length: number, { min = 0, max = Number.POSITIVE_INFINITY }: Bounds, at: number): void {
  if (length < min || length > max) throw new FormatError(`${what} of ${length} bytes`, at);
}

/** Up to 255 bytes behind a length of one byte; a view. */
export function readOpaque8(reader: Reader, what: string, bounds = anyLength): Uint8Array {
  const length = reader.u8();
  within(what, length, bounds, reader.offset - 1);
  return reader.take(length);
}

/** Up to 65,535 bytes behind a length of two bytes; a view. */
export function readOpaque16(reader: Reader, what: string, bounds = anyLength): Uint8Array {
  const length = reader.u16();
  within(what, length, bounds, reader.offset - 2);
  return reader.take(length);
}

/** Up to 2^24 - 1 bytes behind a length of three bytes; a view. */
export function readOpaque24(reader: Reader, what: string, bounds = anyLength): Uint8Array {
  const length = reader.u24();
  within(what, length, bounds, reader.offset - 3);
  return reader.take(length);
}

/** Numbers of one byte behind a length of one byte; at least one. */
export function readList8(reader: Reader, what: string): readonly number[] {
  const bytes = readOpaque8(reader, what, atLeastOne);
  const numbers: number[] = [];
  for (let i = 0; i < bytes.length; i += 1) numbers.push(bytes[i] as number);
  return numbers;
}

/** Numbers of two bytes behind a length of two bytes; at least one. */
export function readList16(reader: Reader, what: string): readonly number[] {
  const length = reader.u16();
  within(what, length, atLeastTwo, reader.offset - 2);
  if (length % 2 !== 0) throw new FormatError(`${what} of ${length} bytes`, reader.offset);
  const numbers: number[] = [];
  for (let i = 0; i < length; i += 2) numbers.push(reader.u16());
  return numbers;
}

/** Throws FormatError when something follows that the message has no name for. */
export function expectEnd(reader: Reader, what: string): void {
  if (reader.left > 0) throw new FormatError(`${reader.left} bytes after ${what}`, reader.offset);
}

function roomFor(length: number, most: number): number {
  if (length > most) throw new RangeError(`${length} bytes have no room in a vector of ${most}`);
  return length;
}

export function writeOpaque8(writer: Writer, bytes: Uint8Array): void {
  writer.u8(roomFor(bytes.length, 0xff)).bytes(bytes);
}

export function writeOpaque16(writer: Writer, bytes: Uint8Array): void {
  writer.u16(roomFor(bytes.length, 0xffff)).bytes(bytes);
}

export function writeOpaque24(writer: Writer, bytes: Uint8Array): void {
  writer.u24(roomFor(bytes.length, 0xff_ffff)).bytes(bytes);
}

/** Fills in two bytes at `at`, written before, as the length of what has followed. */
export function endOpaque16(writer: Writer, at: number): void {
  writer.u16At(at, roomFor(writer.length - at - 2, 0xffff));
}

export function writeList8(writer: Writer, numbers: readonly number[]): void {
  writer.u8(roomFor(numbers.length, 0xff));
  for (const number of numbers) writer.u8(number);
}

export function writeList16(writer: Writer, numbers: readonly number[]): void {
  writer.u16(roomFor(numbers.length * 2, 0xffff));
  for (const number of numbers) writer.u16(number);
}

// The value field of a TLV, by the declared type of its resource (Core 1.2.1 Appendix C, column TLV).
// Integers take 1, 2, 4 or 8 bytes, floats 4 or 8, a boolean one byte, an object link four. Unknown type: opaque.
import { decodeUtf8, encodeUtf8, FormatError } from '@lapwing/kernel';
import { formatPath, type Path } from '../path.ts';
import type { Value, ValueType } from '../value.ts';

/** Reads `bytes` from `start` to `end`; opaque values are copies. */
export function readValue(
  view: DataView,
  bytes: Uint8Array,
  start: number,
  end: number,
  path: Path,
  type: ValueType | undefined,
): Value {
  switch (type) {
    case undefined:
    case 'opaque':
      return { type: 'opaque', value: bytes.slice(start, end) };
    case 'string':
    case 'corelnk':
      return { type, value: readText(bytes, start, end) };
    case 'integer':
    case 'time':
      return { type, value: readSigned(view, start, end, path, type) };
    case 'unsigned':
      return { type, value: readUnsigned(view, start, end, path, type) };
    case 'integer64':
      if (end - start === 8) return { type, value: view.getBigInt64(start) };
      return { type, value: BigInt(readSigned(view, start, end, path, type)) };
    case 'unsigned64':
      if (end - start === 8) return { type, value: view.getBigUint64(start) };
      return { type, value: BigInt(readUnsigned(view, start, end, path, type)) };
    case 'float':
      if (end - start === 4) return { type, value: view.getFloat32(start) };
      if (end - start === 8) return { type, value: view.getFloat64(start) };
      throw wrongLength(path, type, start, end);
    case 'boolean': {
      if (end - start !== 1) throw wrongLength(path, type, start, end);
      const byte = view.getUint8(start);
      if (byte > 1) throw new FormatError(`${formatPath(path)} holds ${byte} for a boolean`, start);
      return { type, value: byte === 1 };
    }
    case 'objlnk':
      if (end - start !== 4) throw wrongLength(path, type, start, end);
      return { type, value: { object: view.getUint16(start), instance: view.getUint16(start + 2) } };
  }
}

function readSigned(view: DataView, start: number, end: number, path: Path, type: ValueType): number {
  switch (end - start) {
    case 1:
      return view.getInt8(start);
    case 2:
      return view.getInt16(start);
    case 4:
      return view.getInt32(start);
    case 8:
      return safe(view.getInt32(start) * 2 ** 32 + view.getUint32(start + 4), path, type, start);
    default:
      throw wrongLength(path, type, start, end);
  }
}

function readUnsigned(view: DataView, start: number, end: number, path: Path, type: ValueType): number {
  switch (end - start) {
    case 1:
      return view.getUint8(start);
    case 2:
      return view.getUint16(start);
    case 4:
      return view.getUint32(start);
    case 8:
      return safe(view.getUint32(start) * 2 ** 32 + view.getUint32(start + 4), path, type, start);
    default:
      throw wrongLength(path, type, start, end);
  }
}

/** The sum of two halves is exact below 2^53 and never falls below it when the true value does not. */
function safe(number: number, path: Path, type: ValueType, at: number): number {
  if (Number.isSafeInteger(number)) return number;
  throw new FormatError(`${formatPath(path)} holds a number too large for ${type}`, at);
}

function wrongLength(path: Path, type: ValueType, start: number, end: number): FormatError {
  return new FormatError(`${formatPath(path)} holds ${end - start} bytes for ${type}`, start);
}

/** Short ASCII is the common case, and a loop beats a decoder's call there. */
function readText(bytes: Uint8Array, start: number, end: number): string {
  if (end - start > 24) return decodeUtf8(bytes.subarray(start, end));
  let text = '';
  for (let i = start; i < end; i += 1) {
    const byte = bytes[i] as number;
    if (byte >= 0x80) return decodeUtf8(bytes.subarray(start, end));
    text += String.fromCharCode(byte);
  }
  return text;
}

/** The shortest value field; the value must be sound. */
export function writeValue(value: Value): Uint8Array {
  switch (value.type) {
    case 'string':
    case 'corelnk':
      return encodeUtf8(value.value);
    case 'opaque':
      return value.value;
    case 'integer':
    case 'time':
      return writeSigned(BigInt(value.value));
    case 'integer64':
      return writeSigned(value.value);
    case 'unsigned':
      return writeUnsigned(BigInt(value.value));
    case 'unsigned64':
      return writeUnsigned(value.value);
    case 'float':
      return writeFloat(value.value);
    case 'boolean':
      return Uint8Array.of(value.value ? 1 : 0);
    case 'objlnk': {
      const { object, instance } = value.value;
      return Uint8Array.of(object >>> 8, object & 0xff, instance >>> 8, instance & 0xff);
    }
  }
}

function writeSigned(number: bigint): Uint8Array {
  for (const length of [1, 2, 4]) {
    if (BigInt.asIntN(length * 8, number) === number) return bigEndian(number, length);
  }
  return bigEndian(number, 8);
}

function writeUnsigned(number: bigint): Uint8Array {
  for (const length of [1, 2, 4]) {
    if (BigInt.asUintN(length * 8, number) === number) return bigEndian(number, length);
  }
  return bigEndian(number, 8);
}

function bigEndian(number: bigint, length: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, number);
  return bytes.slice(8 - length);
}

/** Four bytes when they say the same number. */
function writeFloat(number: number): Uint8Array {
  const short = Math.fround(number) === number || Number.isNaN(number);
  const bytes = new Uint8Array(short ? 4 : 8);
  const view = new DataView(bytes.buffer);
  if (short) view.setFloat32(0, number);
  else view.setFloat64(0, number);
  return bytes;
}

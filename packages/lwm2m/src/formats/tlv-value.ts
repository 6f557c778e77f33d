// The value field of a TLV, by the declared type of its resource (Core 1.2.1 Appendix C, column TLV).
// Integers take 1, 2, 4 or 8 bytes, floats 4 or 8, a boolean one byte, an object link four. Unknown type: opaque.
import { encodeUtf8, FormatError, textAt, type Writer } from '@lapwing/kernel';
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
      return { type, value: textAt(bytes, start, end - start) };
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

/** Appends the shortest value field; the value must be sound. */
export function writeValue(writer: Writer, value: Value): void {
  switch (value.type) {
    case 'string':
    case 'corelnk':
      writer.bytes(encodeUtf8(value.value));
      return;
    case 'opaque':
      writer.bytes(value.value);
      return;
    case 'integer':
    case 'time':
      writeSigned(writer, value.value);
      return;
    case 'integer64':
      if (BigInt.asIntN(32, value.value) === value.value) writeSigned(writer, Number(value.value));
      else writer.u64(BigInt.asUintN(64, value.value));
      return;
    case 'unsigned':
      writeUnsigned(writer, value.value);
      return;
    case 'unsigned64':
      if (BigInt.asUintN(32, value.value) === value.value) writeUnsigned(writer, Number(value.value));
      else writer.u64(value.value);
      return;
    case 'float':
      // Four bytes when they say the same number.
      if (Math.fround(value.value) === value.value || Number.isNaN(value.value)) writer.f32(value.value);
      else writer.f64(value.value);
      return;
    case 'boolean':
      writer.u8(value.value ? 1 : 0);
      return;
    case 'objlnk':
      writer.u16(value.value.object).u16(value.value.instance);
  }
}

function writeSigned(writer: Writer, number: number): void {
  if (number >= -0x80 && number <= 0x7f) writer.u8(number);
  else if (number >= -0x8000 && number <= 0x7fff) writer.u16(number);
  else if (number >= -0x8000_0000 && number <= 0x7fff_ffff) writer.u32(number);
  else writer.u64(BigInt.asUintN(64, BigInt(number)));
}

function writeUnsigned(writer: Writer, number: number): void {
  if (number <= 0xff) writer.u8(number);
  else if (number <= 0xffff) writer.u16(number);
  else if (number <= 0xffff_ffff) writer.u32(number);
  else writer.u64(BigInt(number));
}

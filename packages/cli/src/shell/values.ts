// Values as the options of `read` and `write` want them.
import { encodeUtf8, FormatError, fromHex, toHex } from '@lapwing/kernel';
import { codecFor, formatPath, makeValue, type Path, type Value, type ValueType } from '@lapwing/lwm2m';
import { ShellError, UsageError } from './command.ts';
import { printable } from './printable.ts';

const widths = [8, 16, 32, 64] as const;

/** Every option that says how a value is written or read. */
export const formats: readonly string[] = [
  ...['-x', '-s', '-b', '-f', '-t'],
  ...widths.flatMap((width) => [`-u${width}`, `-s${width}`]),
];

/** Which option suits what is declared. */
const optionFor: Readonly<Record<ValueType, string>> = {
  string: '-s',
  corelnk: '-s',
  objlnk: '-s',
  integer: '-s64',
  integer64: '-s64',
  unsigned: '-u64',
  unsigned64: '-u64',
  float: '-f',
  boolean: '-b',
  opaque: '-x',
  time: '-t',
};

export interface Shown {
  readonly text: string;
  /** For programs; what JSON has no number for is text. */
  readonly value: unknown;
}

/** As its declaration has it: text without what would move a cursor, decimal, 1 or 0, hexadecimal, `1:2`. */
export function showPlain(value: Value): Shown {
  switch (value.type) {
    case 'string':
    case 'corelnk':
      return { text: printable(value.value), value: value.value };
    case 'opaque':
      return { text: toHex(value.value), value: toHex(value.value) };
    case 'boolean':
      return { text: value.value ? '1' : '0', value: value.value };
    case 'objlnk': {
      const link = `${value.value.object}:${value.value.instance}`;
      return { text: link, value: link };
    }
    case 'float':
      return { text: String(value.value), value: Number.isFinite(value.value) ? value.value : String(value.value) };
    case 'integer':
    case 'unsigned':
    case 'time':
      return { text: String(value.value), value: value.value };
    case 'integer64':
    case 'unsigned64':
      return { text: String(value.value), value: String(value.value) };
  }
}

/** Throws ShellError for a value that the option cannot say. */
export function showAs(format: string, value: Value, path: Path): Shown {
  if (format === '-x') {
    const hex = toHex(bytesOf(value, path));
    return { text: hex, value: hex };
  }
  const plain = showPlain(value);
  if (format === '-s') return typeof plain.value === 'string' ? plain : { text: plain.text, value: plain.text };
  if (format === '-b' && value.type === 'boolean') return plain;
  if (format === '-f' && typeof value.value === 'number') return plain;
  if (format === '-t' && (value.type === 'time' || value.type === 'integer')) return plain;
  const range = rangeOf(format);
  const number = integerOf(value);
  if (range === undefined || number === undefined) throw mismatch(path, value.type, 'read');
  if (!isWithin(number, range))
    throw new ShellError(`${formatPath(path)} is ${number}, which is more than ${format} holds: take a wider one`);
  return plain;
}

/**
 * The text as a value of that type; without an option as its declaration has it. Throws UsageError for what is none, ShellError for an
 * option of another type.
 */
export function valueOf(format: string | undefined, text: string, type: ValueType, path: Path): Value {
  if (type === 'opaque') {
    if (format === '-x') return { type, value: hexOf(text) };
    if (format === undefined || format === '-s') return { type, value: encodeUtf8(text) };
  }
  const range = format === undefined ? undefined : rangeOf(format);
  const isInteger = range !== undefined && (type === 'integer' || type === 'unsigned' || type.endsWith('64'));
  if (format !== undefined && format !== optionFor[type] && !isInteger) throw mismatch(path, type, 'write');
  const value = parsed(text, type, path);
  const number = integerOf(value);
  if (range !== undefined && number !== undefined && !isWithin(number, range))
    throw new UsageError(`${text} does not fit ${format}, which goes from ${range[0]} to ${range[1]}`);
  return value;
}

function parsed(text: string, type: ValueType, path: Path): Value {
  // What no JavaScript number holds is exact as text and nothing else.
  if (type === 'float') {
    const number = text.trim() === '' ? Number.NaN : Number(text);
    if (Number.isNaN(number) && text !== 'NaN') throw new UsageError(`'${text}' is no number`);
    return makeValue(type, number);
  }
  try {
    const [entry] = codecFor(0)?.decode(encodeUtf8(text), path, () => type) ?? [];
    if (entry?.value !== undefined) return entry.value;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
  }
  throw new UsageError(`'${text}' is no ${type}${type === 'objlnk' ? ': write it like 3:0' : ''}`);
}

function hexOf(text: string): Uint8Array {
  try {
    return fromHex(text);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new UsageError(`'${text}' is not hexadecimal (${error.message})`);
  }
}

function mismatch(path: Path, type: ValueType, verb: string): ShellError {
  const bare = verb === 'write' ? ', or without an option' : '';
  return new ShellError(`${formatPath(path)} is of type ${type}: ${verb} it with ${optionFor[type]}${bare}`);
}

const integerOf = ({ type, value }: Value): bigint | undefined =>
  type !== 'float' && (typeof value === 'number' || typeof value === 'bigint') ? BigInt(value) : undefined;

/** Undefined for an option that is no integer. */
function rangeOf(format: string): readonly [least: bigint, most: bigint] | undefined {
  const [, sign, width] = /^-([us])(8|16|32|64)$/.exec(format) ?? [];
  if (sign === undefined || width === undefined) return undefined;
  const bits = BigInt(width);
  return sign === 'u' ? [0n, 2n ** bits - 1n] : [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n];
}

const isWithin = (number: bigint, [least, most]: readonly [bigint, bigint]): boolean =>
  number >= least && number <= most;

/** The octets that travel in TLV (Core 1.2.1 Appendix C): integers as short as they can be. */
function bytesOf(value: Value, path: Path): Uint8Array {
  switch (value.type) {
    case 'opaque':
      return value.value;
    case 'string':
    case 'corelnk':
      return encodeUtf8(value.value);
    case 'boolean':
      return Uint8Array.of(value.value ? 1 : 0);
    case 'float': {
      const view = new DataView(new ArrayBuffer(8));
      view.setFloat64(0, value.value);
      return new Uint8Array(view.buffer);
    }
    case 'objlnk': {
      const view = new DataView(new ArrayBuffer(4));
      view.setUint16(0, value.value.object);
      view.setUint16(2, value.value.instance);
      return new Uint8Array(view.buffer);
    }
    case 'integer':
    case 'unsigned':
    case 'time':
    case 'integer64':
    case 'unsigned64':
      return integerBytes(BigInt(value.value), value.type.startsWith('unsigned') ? 'u' : 's', path);
  }
}

function integerBytes(number: bigint, sign: 'u' | 's', path: Path): Uint8Array {
  const width = widths.find((bits) => isWithin(number, rangeOf(`-${sign}${bits}`) ?? [1n, 0n]));
  if (width === undefined) throw new ShellError(`${formatPath(path)} is ${number}, which has no octets`);
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt.asUintN(64, number));
  return new Uint8Array(view.buffer).subarray(8 - width / 8);
}

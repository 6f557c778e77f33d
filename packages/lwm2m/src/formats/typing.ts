// What a bare number, text, truth or byte string means for a resource of a declared type, and which values are sound
// (Core 1.2.1 Appendix C). Integers are numbers up to ±(2^53-1); beyond that only `integer64` and `unsigned64` go.
import { FormatError } from '@lapwing/kernel';
import { formatPath, type Path } from '../path.ts';
import type { ObjectLink, Value, ValueType } from '../value.ts';

const minInteger64 = -(2n ** 63n);
const maxInteger64 = 2n ** 63n - 1n;
const maxUnsigned64 = 2n ** 64n - 1n;

export function mismatch(path: Path, type: ValueType | undefined, found: string): FormatError {
  return new FormatError(`${formatPath(path)} is ${type ?? 'of unknown type'}, not ${found}`);
}

const outOfRange = (path: Path, type: ValueType): FormatError =>
  new FormatError(`${formatPath(path)} holds a number that is no ${type}`);

/**
 * A number that was written as an integer (`bigint` only beyond ±(2^53-1)).
 * A whole number of a float notation may come here too when the type is declared: the value is exact either way.
 */
export function valueOfInteger(path: Path, type: ValueType | undefined, found: number | bigint): Value {
  switch (type) {
    case undefined:
    case 'integer':
    case 'time':
    case 'unsigned': {
      if (typeof found === 'bigint' || !Number.isSafeInteger(found)) throw outOfRange(path, type ?? 'integer');
      if (type === 'unsigned' && found < 0) throw outOfRange(path, type);
      return { type: type ?? 'integer', value: found === 0 ? 0 : found };
    }
    case 'integer64':
    case 'unsigned64': {
      if (typeof found === 'number' && !Number.isSafeInteger(found)) throw outOfRange(path, type);
      const value: Value = { type, value: BigInt(found) };
      if (!isInRange(value)) throw outOfRange(path, type);
      return value;
    }
    case 'float': {
      const value = Number(found);
      if (typeof found === 'bigint' && BigInt(value) !== found) throw outOfRange(path, type);
      return { type, value };
    }
    default:
      throw mismatch(path, type, 'a number');
  }
}

/** A number that was written as a float. For integer types a whole one is taken, since nothing is lost. */
export function valueOfFloat(path: Path, type: ValueType | undefined, found: number): Value {
  if (type === undefined || type === 'float') return { type: 'float', value: found };
  return valueOfInteger(path, type, found);
}

export function valueOfText(path: Path, type: ValueType | undefined, found: string): Value {
  if (type === undefined || type === 'string') return { type: 'string', value: found };
  if (type === 'corelnk') return { type, value: found };
  // Leshan writes an object link in SenML as a string and not as a link.
  if (type === 'objlnk') return { type, value: parseLink(path, found) };
  throw mismatch(path, type, 'a text');
}

export function valueOfBoolean(path: Path, type: ValueType | undefined, found: boolean): Value {
  if (type === undefined || type === 'boolean') return { type: 'boolean', value: found };
  throw mismatch(path, type, 'a boolean');
}

export function valueOfBytes(path: Path, type: ValueType | undefined, found: Uint8Array): Value {
  if (type === undefined || type === 'opaque') return { type: 'opaque', value: found };
  throw mismatch(path, type, 'a byte string');
}

/** `found` is the text form of the link. */
export function valueOfLink(path: Path, type: ValueType | undefined, found: string): Value {
  if (type === undefined || type === 'objlnk') return { type: 'objlnk', value: parseLink(path, found) };
  throw mismatch(path, type, 'an object link');
}

const linkForm = /^(0|[1-9]\d{0,4}):(0|[1-9]\d{0,4})$/;

/** `10:3`; `65535:65535` is the null link. */
export function parseLink(path: Path, text: string): ObjectLink {
  const match = linkForm.exec(text);
  const object = Number(match?.[1] ?? -1);
  const instance = Number(match?.[2] ?? -1);
  if (match === null || object > 0xffff || instance > 0xffff) {
    throw new FormatError(`${formatPath(path)} holds a text that is no object link`);
  }
  return { object, instance };
}

export const formatLink = (link: ObjectLink): string => `${link.object}:${link.instance}`;

// Longest decimal of a double without exponent: 2^-1074 needs 326 characters with 17 digits.
const longestDecimal = 400;
const integerForm = /^(0|-?[1-9]\d{0,19})$/;

/** Decimal digits, no sign but `-`, no leading zeros, at most 20 digits; `bigint` only beyond ±(2^53-1). */
export function parseInteger(text: string): number | bigint | undefined {
  if (text.length > 21 || !integerForm.test(text)) return undefined;
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : BigInt(text);
}

/** `-12.5`: no exponent, digits on both sides of the point. */
export function parseDecimal(text: string): number | undefined {
  if (text.length > longestDecimal || !/^-?(0|[1-9]\d*)(\.\d+)?$/.test(text)) return undefined;
  const number = Number(text);
  return Number.isFinite(number) ? number : undefined;
}

function isInRange(value: Value): boolean {
  switch (value.type) {
    case 'integer':
    case 'time':
      return Number.isSafeInteger(value.value);
    case 'unsigned':
      return Number.isSafeInteger(value.value) && value.value >= 0;
    case 'integer64':
      return value.value >= minInteger64 && value.value <= maxInteger64;
    case 'unsigned64':
      return value.value >= 0n && value.value <= maxUnsigned64;
    case 'string':
    case 'corelnk':
      return isWellFormed(value.value);
    case 'objlnk':
      return isLinkId(value.value.object) && isLinkId(value.value.instance);
    case 'float':
    case 'boolean':
    case 'opaque':
      return true;
  }
}

/** No half of a surrogate pair: what UTF-8 can say. A loop, since nearly all texts are short. */
function isWellFormed(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) {
    if ((text.charCodeAt(i) & 0xf800) === 0xd800) return !/\p{Surrogate}/u.test(text);
  }
  return true;
}

const isLinkId = (id: number): boolean => Number.isInteger(id) && id >= 0 && id <= 0xffff;

/** Throws FormatError for a value that no format can say: an integer with a fraction, half a surrogate pair, … */
export function checkValue(path: Path, value: Value): void {
  if (!isInRange(value)) throw new FormatError(`${formatPath(path)} holds a value that is no ${value.type}`);
}

// A JSON number as a value, never rounded: whole numbers that a double cannot keep are taken from their digits.
import { FormatError } from '@lapwing/kernel';
import { formatPath, type Path } from '../path.ts';
import type { Value, ValueType } from '../value.ts';
import type { JsonReader } from './json-reader.ts';
import { mismatch, parseInteger, valueOfFloat, valueOfInteger } from './typing.ts';

/** Digits of a number just read, '' for one whose double is exact as it is. */
export function digitsOf(reader: JsonReader, found: unknown): string {
  return typeof found === 'number' && Number.isInteger(found) && !Number.isSafeInteger(found) ? reader.written() : '';
}

/**
 * Without a declared type a whole number is an integer, one with a fraction a float, and one beyond 2^53 a float
 * only if written with a point or an exponent. `digits` as `digitsOf` gives them.
 */
export function valueOfJsonNumber(path: Path, type: ValueType | undefined, found: unknown, digits: string): Value {
  if (typeof found !== 'number') throw mismatch(path, type, 'a record whose number is none');
  if (!Number.isFinite(found)) throw new FormatError(`${formatPath(path)} holds a number beyond any double`);
  if (type === 'float') return { type, value: found };
  if (Number.isSafeInteger(found) && !Object.is(found, -0)) return valueOfInteger(path, type, found);
  if (digits === '' || (type === undefined && /[.eE]/.test(digits))) return valueOfFloat(path, type, found);
  const exact = parseInteger(digits);
  if (exact === undefined) throw new FormatError(`${formatPath(path)} holds a number too large for an integer`);
  return valueOfInteger(path, type, exact);
}

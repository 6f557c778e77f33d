// A JSON number as a value, never rounded: what JSON.parse cannot keep is read again from the text.
import { FormatError } from '@lapwing/kernel';
import { formatPath, type Path } from '../path.ts';
import type { Value, ValueType } from '../value.ts';
import { mismatch, parseInteger, valueOfFloat, valueOfInteger } from './typing.ts';

/**
 * `written` gives the number as it stood in the text; it is called only for whole numbers beyond ±(2^53-1).
 * Without a declared type a whole number is an integer, one with a fraction a float, and one beyond 2^53 a float
 * only if written with a point or an exponent.
 */
export function valueOfJsonNumber(
  path: Path,
  type: ValueType | undefined,
  found: unknown,
  written: () => unknown,
): Value {
  if (typeof found !== 'number') throw mismatch(path, type, 'a record whose number is none');
  if (!Number.isFinite(found)) throw new FormatError(`${formatPath(path)} holds a number beyond any double`);
  if (type === 'float') return { type, value: found };
  if (Number.isSafeInteger(found) && !Object.is(found, -0)) return valueOfInteger(path, type, found);
  if (!Number.isInteger(found) || Object.is(found, -0)) return valueOfFloat(path, type, found);
  const text = String(written());
  if (type === undefined && /[.eE]/.test(text)) return { type: 'float', value: found };
  const exact = parseInteger(text);
  if (exact === undefined) throw new FormatError(`${formatPath(path)} holds a number too large for an integer`);
  return valueOfInteger(path, type, exact);
}

// Plain text, format 0: one value as UTF-8 (Core 1.2.1 §7.4.1, Appendix C). Numbers are decimal without exponent,
// booleans `0` and `1`, opaque is base64, an object link `1:2`. A value of unknown type is a string. Devices that say `true` and
// `false` in words are understood: nothing else can be meant, and EMQX's gateway takes them.
import { decodeUtf8, encodeUtf8, FormatError, fromBase64, toBase64 } from '@lapwing/kernel';
import type { Codec, Entry, TypeLookup } from '../entry.ts';
import { formatPath, type Path } from '../path.ts';
import type { Value, ValueType } from '../value.ts';
import { onlyValue, resourceAt, typeAt } from './single.ts';
import { formatLink, parseDecimal, parseInteger, parseLink, valueOfInteger } from './typing.ts';

export const text: Codec = { format: 0, encode, decode };

function encode(entries: readonly Entry[], base: Path): Uint8Array {
  return encodeUtf8(formatValue(onlyValue(entries, base), base));
}

function decode(bytes: Uint8Array, base: Path, typeOf: TypeLookup): Entry[] {
  const path = resourceAt(base);
  return [{ path, value: parseValue(decodeUtf8(bytes), path, typeAt(path, typeOf)) }];
}

function formatValue(value: Value, path: Path): string {
  switch (value.type) {
    case 'string':
    case 'corelnk':
      return value.value;
    case 'integer':
    case 'unsigned':
    case 'time':
    case 'integer64':
    case 'unsigned64':
      return value.value.toString();
    case 'float':
      if (!Number.isFinite(value.value))
        throw new FormatError(`${formatPath(path)} holds a float that no text can say`);
      return formatDecimal(value.value);
    case 'boolean':
      return value.value ? '1' : '0';
    case 'opaque':
      return toBase64(value.value);
    case 'objlnk':
      return formatLink(value.value);
  }
}

/** The shortest decimal that reads back as the same double, with zeros where JavaScript writes an exponent. */
function formatDecimal(number: number): string {
  if (Object.is(number, -0)) return '-0';
  const text = String(number);
  if (!text.includes('e')) return text;
  const [digits = '', exponent] = text.split('e');
  const sign = digits.startsWith('-') ? '-' : '';
  const [whole = '', fraction = ''] = digits.slice(sign.length).split('.');
  const shift = Number(exponent);
  if (shift > 0) return sign + whole + fraction.padEnd(shift, '0');
  return `${sign}0.${'0'.repeat(-shift - 1)}${whole}${fraction}`;
}

function parseValue(found: string, path: Path, type: ValueType | undefined): Value {
  switch (type) {
    case undefined:
      return { type: 'string', value: found };
    case 'string':
    case 'corelnk':
      return { type, value: found };
    case 'integer':
    case 'unsigned':
    case 'time':
    case 'integer64':
    case 'unsigned64': {
      const number = parseInteger(found);
      if (number === undefined) throw notA(path, type);
      return valueOfInteger(path, type, number);
    }
    case 'float': {
      const number = parseDecimal(found);
      if (number === undefined) throw notA(path, type);
      return { type, value: number };
    }
    case 'boolean':
      if (!/^(?:[01]|true|false)$/.test(found)) throw notA(path, type);
      return { type, value: found === '1' || found === 'true' };
    case 'opaque':
      return { type, value: fromBase64(found) };
    case 'objlnk':
      return { type, value: parseLink(path, found) };
  }
}

const notA = (path: Path, type: ValueType): FormatError =>
  new FormatError(`${formatPath(path)} holds a text that is no ${type}`);

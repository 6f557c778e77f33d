// `type` and `value` of a command → a value of the model. Numbers may be written as JSON numbers or as decimal text, truth
// values as JSON or as "true" and "false"; with hexadecimal encoding the value is the hex of its text.
import { decodeUtf8, FormatError, fromBase64, fromHex } from '@lapwing/kernel';
import type { Value } from '@lapwing/lwm2m';
import { commandTypes, type Profile } from './compat.ts';

/** Throws FormatError with a sentence for the sender. */
export function parseValue(type: unknown, value: unknown, encoding: 'plain' | 'hex', profile: Profile): Value {
  const wanted = typeof type === 'string' ? commandTypes.get(type) : undefined;
  if (wanted === undefined) {
    throw new FormatError(`type is one of ${[...commandTypes.keys()].join(', ')}`);
  }
  if (value === undefined || value === null) throw new FormatError('value is missing');
  if (encoding === 'plain') return ofType(wanted, value, value);
  if (typeof value !== 'string') throw new FormatError('with encoding hex, value is hexadecimal text');
  const bytes = fromHex(value.length % 2 === 0 ? value : `0${value}`);
  if (wanted === 'opaque' && profile.hexOpaque === 'bytes') return { type: 'opaque', value: bytes };
  return ofType(wanted, decodeUtf8(bytes), value);
}

function ofType(type: Value['type'], value: unknown, shown: unknown): Value {
  switch (type) {
    case 'string':
    case 'corelnk':
      if (typeof value === 'string') return { type, value };
      if (typeof value === 'number') return { type, value: String(value) };
      break;
    case 'integer':
    case 'integer64':
      return integer(value, -(2n ** 63n), 2n ** 63n - 1n, 'integer');
    case 'unsigned':
    case 'unsigned64':
      return integer(value, 0n, 2n ** 64n - 1n, 'unsigned');
    case 'time': {
      const time = integer(value, BigInt(Number.MIN_SAFE_INTEGER), BigInt(Number.MAX_SAFE_INTEGER), 'integer');
      return { type, value: Number(time.value) };
    }
    case 'float': {
      const float =
        typeof value === 'string' && /^[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?$/.test(value) ? Number(value) : value;
      if (typeof float === 'number' && Number.isFinite(float)) return { type, value: float };
      break;
    }
    case 'boolean':
      if (value === true || value === 'true') return { type, value: true };
      if (value === false || value === 'false') return { type, value: false };
      break;
    case 'opaque':
      if (typeof value === 'string') return { type, value: fromBase64(value) };
      break;
    case 'objlnk': {
      const ids = typeof value === 'string' ? /^(\d{1,5}):(\d{1,5})$/.exec(value) : null;
      const [object, instance] = [Number(ids?.[1]), Number(ids?.[2])];
      if (object <= 65_535 && instance <= 65_535) return { type, value: { object, instance } };
      break;
    }
  }
  throw new FormatError(`${excerpt(shown)} is not ${expectations[type]}`);
}

const expectations: { readonly [type in Value['type']]: string } = {
  string: 'text',
  corelnk: 'text',
  integer: 'a whole number of 64 bits',
  integer64: 'a whole number of 64 bits',
  unsigned: 'a whole number from 0 to 2^64-1',
  unsigned64: 'a whole number from 0 to 2^64-1',
  time: 'a whole number of seconds',
  float: 'a number',
  boolean: '"true" or "false"',
  opaque: 'base64 text',
  objlnk: '"object:instance"',
};

/** Beyond 53 bits a number in JSON has lost digits already; written as text it arrives whole. */
function integer(
  value: unknown,
  min: bigint,
  max: bigint,
  kind: 'integer' | 'unsigned',
): Extract<Value, { type: 'integer' | 'integer64' | 'unsigned' | 'unsigned64' }> {
  const whole =
    (typeof value === 'number' && Number.isSafeInteger(value)) ||
    (typeof value === 'string' && /^[-+]?\d{1,20}$/.test(value))
      ? BigInt(typeof value === 'string' ? value.replace(/^\+/, '') : value)
      : undefined;
  if (whole === undefined || whole < min || whole > max) {
    throw new FormatError(`${excerpt(value)} is not ${expectations[kind]}`);
  }
  const number = Number(whole);
  if (Number.isSafeInteger(number)) return { type: kind, value: number };
  return kind === 'integer' ? { type: 'integer64', value: whole } : { type: 'unsigned64', value: whole };
}

/** Enough of a value to recognise it, for a message. Of an object only that it is one: its depth is the sender's. */
function excerpt(value: unknown): string {
  if (typeof value === 'object') return Array.isArray(value) ? 'an array' : 'an object';
  const text = typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : String(value);
  return typeof value === 'string' && value.length > 40 ? `${text}…` : text;
}

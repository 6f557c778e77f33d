// JSON of LwM2M 1.0, format 11543: {"bn":"/3/0/","e":[{"n":"0","sv":"…"}]} (TS 1.0.2 §6.4.4).
// v is a number or time, sv a string or base64 data, bv a boolean, ov an object link. Without a base name, names are
// relative to the path of the request. Every element has a value; a time is `bt` plus `t`, as in SenML.
import { encodeUtf8, FormatError, fromBase64, toBase64 } from '@lapwing/kernel';
import type { Codec, Entry, TypeLookup } from '../entry.ts';
import { formatPath, type Path } from '../path.ts';
import type { Value, ValueType } from '../value.ts';
import { valueOfJsonNumber } from './json-number.ts';
import { formatJsonFloat, type JsonText, memberOf, parseJson, parseWithNumbersAsText } from './json-text.ts';
import { isWithin, maxRecords, refuseRepeats } from './placing.ts';
import { layOut, NameReader, timeOf } from './senml.ts';
import { formatLink, mismatch, valueOfBoolean, valueOfBytes, valueOfLink, valueOfText } from './typing.ts';

export const lwm2mJson: Codec = { format: 11_543, encode, decode };

const valueLabels = ['v', 'sv', 'bv', 'ov'] as const;
type ValueLabel = (typeof valueLabels)[number];

function decode(bytes: Uint8Array, base: Path, typeOf: TypeLookup): Entry[] {
  const json = parseJson(bytes);
  const elements = memberOf(json.value, 'e');
  if (!Array.isArray(elements)) throw new FormatError(`LwM2M JSON is an object with an array 'e'`);
  if (elements.length > maxRecords) throw new FormatError(`more than ${maxRecords} LwM2M JSON elements`);
  const baseTime = timeIn(json.value, 'bt');
  const baseName = memberOf(json.value, 'bn');
  if (baseName !== undefined && typeof baseName !== 'string') throw new FormatError('a base name that is no text');
  const names = new NameReader();
  const written = writtenNumbers(json);
  const entries = elements.map((element: unknown, index): Entry => {
    const path = pathIn(element, index, baseName, base, names);
    const type =
      path.kind === 'resource' || path.kind === 'resource-instance' ? typeOf(path.object, path.resource) : undefined;
    const value = valueIn(element, path, type, () => written(index));
    const time = timeOf(baseTime, timeIn(element, 't'));
    return time === undefined ? { path, value } : { path, value, time };
  });
  refuseRepeats(entries);
  return entries;
}

function pathIn(element: unknown, index: number, baseName: string | undefined, base: Path, names: NameReader): Path {
  const name = memberOf(element, 'n') ?? '';
  if (typeof name !== 'string') throw new FormatError(`element ${index} has a name that is no text`);
  names.start();
  if (baseName !== undefined) names.feedText(baseName);
  else {
    if (base.kind !== 'root') names.feedText(formatPath(base));
    if (name !== '' && !name.startsWith('/')) names.feedText('/');
  }
  names.feedText(name);
  const path = names.path();
  if (path === undefined) throw new FormatError(`element ${index} has a name that is no path`);
  if (!isWithin(base, path)) throw new FormatError(`${formatPath(path)} is outside ${formatPath(base)}`);
  if (path.kind !== 'resource' && path.kind !== 'resource-instance') {
    throw new FormatError(`${formatPath(path)} cannot hold a value`);
  }
  return path;
}

function valueIn(element: unknown, path: Path, type: ValueType | undefined, written: () => unknown): Value {
  const labels = valueLabels.filter((label) => memberOf(element, label) !== undefined);
  const [label] = labels;
  if (label === undefined || labels.length > 1) {
    throw new FormatError(`${formatPath(path)} has ${labels.length} values in one element`);
  }
  return valueOf(label, memberOf(element, label), path, type, written);
}

function valueOf(
  label: ValueLabel,
  found: unknown,
  path: Path,
  type: ValueType | undefined,
  written: () => unknown,
): Value {
  if (label === 'v') return valueOfJsonNumber(path, type, found, written);
  if (label === 'bv') {
    if (typeof found !== 'boolean') throw mismatch(path, type, `'bv' of another kind`);
    return valueOfBoolean(path, type, found);
  }
  if (typeof found !== 'string') throw mismatch(path, type, `'${label}' of another kind`);
  if (label === 'ov') return valueOfLink(path, type, found);
  return type === 'opaque' ? valueOfBytes(path, type, fromBase64(found)) : valueOfText(path, type, found);
}

/** Gives the number of an element as it was written; the text is read a second time at most once. */
function writtenNumbers(json: JsonText): (index: number) => unknown {
  let elements: unknown;
  return (index) => {
    elements ??= memberOf(parseWithNumbersAsText(json.text), 'e');
    return memberOf(memberOf(elements, String(index)), 'v');
  };
}

function timeIn(holder: unknown, label: 'bt' | 't'): number | undefined {
  const time = memberOf(holder, label);
  if (time === undefined) return undefined;
  if (typeof time !== 'number' || !Number.isFinite(time)) throw new FormatError(`'${label}' is no number`);
  return time;
}

function encode(entries: readonly Entry[], base: Path): Uint8Array {
  if (base.kind === 'root') throw new FormatError('LwM2M JSON is about one object');
  const { baseName, baseTime } = layOut(entries, base);
  const elements = entries.map(({ path, value, time }) => {
    if (value === undefined) throw new FormatError(`${formatPath(path)} has no value, LwM2M JSON cannot say that`);
    const name = formatPath(path).slice(baseName.length);
    const named = name === '' ? '' : `"n":"${name}",`;
    const timed = time === undefined || time === baseTime ? '' : `"t":${formatJsonFloat(time - (baseTime ?? 0))},`;
    return `{${named}${timed}${formatValue(value)}}`;
  });
  const timed = baseTime === undefined ? '' : `"bt":${formatJsonFloat(baseTime)},`;
  return encodeUtf8(`{"bn":"${baseName}",${timed}"e":[${elements.join()}]}`);
}

function formatValue(value: Value): string {
  switch (value.type) {
    case 'string':
    case 'corelnk':
      return `"sv":${JSON.stringify(value.value)}`;
    case 'integer':
    case 'unsigned':
    case 'time':
    case 'integer64':
    case 'unsigned64':
      return `"v":${value.value}`;
    case 'float':
      return `"v":${formatJsonFloat(value.value)}`;
    case 'boolean':
      return `"bv":${value.value}`;
    case 'opaque':
      return `"sv":"${toBase64(value.value)}"`;
    case 'objlnk':
      return `"ov":"${formatLink(value.value)}"`;
  }
}

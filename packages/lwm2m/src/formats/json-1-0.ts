// JSON of LwM2M 1.0, format 11543: {"bn":"/3/0/","e":[{"n":"0","sv":"…"}]} (Core 1.0.2 §6.4.4).
// v is a number or time, sv a string or base64 data, bv a boolean, ov an object link. Without a base name, names are
// relative to the path of the request. Every element has a value; a time is `bt` plus `t`, as in SenML.
import { encodeUtf8, FormatError, fromBase64, toBase64 } from '@lapwing/kernel';
import type { Codec, Entry, TypeLookup } from '../entry.ts';
import { formatPath, type Path, type ResourceInstancePath, type ResourcePath } from '../path.ts';
import type { Value, ValueType } from '../value.ts';
import { digitsOf, valueOfJsonNumber } from './json-number.ts';
import { JsonReader, labelCode, Mark } from './json-reader.ts';
import { formatJsonFloat } from './json-write.ts';
import { isWithin, maxRecords, refuseRepeats } from './placing.ts';
import { layOut, NameReader, timeOf } from './senml.ts';
import { formatLink, mismatch, valueOfBoolean, valueOfBytes, valueOfLink, valueOfText } from './typing.ts';

export const lwm2mJson: Codec = { format: 11_543, encode, decode };

const Label = {
  BaseName: labelCode('bn'),
  BaseTime: labelCode('bt'),
  Boolean: labelCode('bv'),
  Elements: labelCode('e'),
  Link: labelCode('ov'),
  Name: labelCode('n'),
  String: labelCode('sv'),
  Time: labelCode('t'),
  Value: labelCode('v'),
};
const none = -1;

function decode(bytes: Uint8Array, base: Path, typeOf: TypeLookup): Entry[] {
  return new DocumentReader(bytes, base).read(typeOf);
}

class DocumentReader {
  private readonly reader: JsonReader;
  private readonly base: Path;
  private readonly names = new NameReader();
  private baseName: string | undefined;
  private baseTime: number | undefined;
  // The element read last.
  private index = 0;
  private name: string | undefined;
  private time: number | undefined;
  private label = none;
  private found: string | number | boolean | null = null;
  private digits = '';

  constructor(bytes: Uint8Array, base: Path) {
    this.reader = new JsonReader(bytes);
    this.base = base;
  }

  read(typeOf: TypeLookup): Entry[] {
    const reader = this.reader;
    const elementsAt = this.readFrame();
    reader.end();
    if (elementsAt < 0) throw new FormatError(`LwM2M JSON is an object with an array 'e'`);
    reader.at = elementsAt;
    reader.open(Mark.OpenArray);
    const entries: Entry[] = [];
    for (let i = 0; reader.more(Mark.CloseArray, i); i += 1) {
      if (i === maxRecords) throw new FormatError(`more than ${maxRecords} LwM2M JSON elements`);
      this.index = i;
      this.readElement();
      entries.push(this.entry(typeOf));
    }
    refuseRepeats(entries);
    return entries;
  }

  /** Reads all but the elements, whose place it gives: they may stand before what they are relative to. */
  private readFrame(): number {
    const reader = this.reader;
    let elementsAt = none;
    reader.open(Mark.OpenObject);
    for (let i = 0; reader.more(Mark.CloseObject, i); i += 1) {
      switch (reader.label()) {
        case Label.BaseName:
          this.baseName = this.once(this.baseName, this.text());
          break;
        case Label.BaseTime:
          this.baseTime = this.once(this.baseTime, this.number());
          break;
        case Label.Elements:
          if (elementsAt >= 0) throw this.wrong(`comes after another 'e'`);
          elementsAt = reader.at;
          reader.skip();
          break;
        default:
          reader.skip();
      }
    }
    return elementsAt;
  }

  private readElement(): void {
    const reader = this.reader;
    this.name = undefined;
    this.time = undefined;
    this.label = none;
    reader.open(Mark.OpenObject);
    for (let i = 0; reader.more(Mark.CloseObject, i); i += 1) {
      const label = reader.label();
      switch (label) {
        case Label.Name:
          this.name = this.once(this.name, this.text());
          break;
        case Label.Time:
          this.time = this.once(this.time, this.number());
          break;
        case Label.Value:
        case Label.String:
        case Label.Boolean:
        case Label.Link:
          if (this.label !== none) throw this.wrong('has two values');
          this.label = label;
          this.found = reader.scalar();
          this.digits = digitsOf(reader, this.found);
          break;
        default:
          reader.skip();
      }
    }
  }

  private once<T>(before: T | undefined, found: T): T {
    if (before !== undefined) throw this.wrong('has a label twice');
    return found;
  }

  private text(): string {
    this.reader.string();
    return this.reader.text();
  }

  private number(): number {
    const number = this.reader.number();
    if (!Number.isFinite(number)) throw this.wrong('has a time that is none');
    return number;
  }

  private entry(typeOf: TypeLookup): Entry {
    const path = this.path();
    const value = this.value(path, typeOf(path.object, path.resource));
    const time = timeOf(this.baseTime, this.time);
    return time === undefined ? { path, value } : { path, value, time };
  }

  private path(): ResourcePath | ResourceInstancePath {
    const { base, baseName, names, name = '' } = this;
    names.start();
    const before = baseName ?? (base.kind === 'root' ? '' : formatPath(base));
    // Devices write names whole, with a slash in front, or leave the slash between the two out: all mean one thing.
    const isWhole = baseName === undefined && `${name}/`.startsWith(`${before}/`);
    if (!isWhole) names.feedText(before);
    if (!isWhole && before.endsWith('/') && name.startsWith('/')) names.feedText(name.slice(1));
    else {
      if (name !== '' && !name.startsWith('/') && !before.endsWith('/')) names.feedText('/');
      names.feedText(name);
    }
    const path = names.path();
    if (path === undefined) throw this.wrong('has a name that is no path');
    if (!isWithin(base, path)) throw this.wrong(`is about ${formatPath(path)}, outside ${formatPath(base)}`);
    if (path.kind === 'resource' || path.kind === 'resource-instance') return path;
    throw this.wrong(`is about ${formatPath(path)}, which cannot hold a value`);
  }

  private value(path: Path, type: ValueType | undefined): Value {
    const { found, label } = this;
    switch (label) {
      case none:
        throw this.wrong('has no value');
      case Label.Value:
        return valueOfJsonNumber(path, type, found, this.digits);
      case Label.Boolean:
        if (typeof found !== 'boolean') throw mismatch(path, type, `'bv' of another kind`);
        return valueOfBoolean(path, type, found);
      default:
        if (typeof found !== 'string') throw mismatch(path, type, 'an element whose text is none');
        if (label === Label.Link) return valueOfLink(path, type, found);
        return type === 'opaque' ? valueOfBytes(path, type, fromBase64(found)) : valueOfText(path, type, found);
    }
  }

  private wrong(what: string): FormatError {
    return new FormatError(`LwM2M JSON element ${this.index} ${what}`);
  }
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

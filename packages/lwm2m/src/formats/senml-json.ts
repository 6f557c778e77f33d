// SenML in JSON, formats 110 and, for FETCH and PATCH, 320 (RFC 8428 §5, RFC 8790, Core 1.2.1 §7.4.4).
// What a pack means is in senml.ts. Data are base64url without padding, an object link is `"vlo":"1:2"`.
import { encodeUtf8, FormatError } from '@lapwing/kernel';
import type { Codec, Entry, TypeLookup } from '../entry.ts';
import { formatPath, type Path, type ResourceInstancePath, type ResourcePath } from '../path.ts';
import type { Value, ValueType } from '../value.ts';
import { valueOfJsonNumber } from './json-number.ts';
import {
  formatJsonFloat,
  fromBase64url,
  type JsonText,
  memberOf,
  parseJson,
  parseWithNumbersAsText,
  toBase64url,
} from './json-text.ts';
import { isWithin, maxRecords, refuseRepeats } from './placing.ts';
import { checkVersion, layOut, NameReader, type SenmlDialect, timeOf } from './senml.ts';
import { formatLink, mismatch, valueOfBoolean, valueOfBytes, valueOfLink, valueOfText } from './typing.ts';

export const senmlJson: Codec = codec(110, 'senml');
export const senmlEtchJson: Codec = codec(320, 'etch');

function codec(format: number, dialect: SenmlDialect): Codec {
  return {
    format,
    encode: (entries, base) => encode(entries, base, dialect),
    decode: (bytes, base, typeOf) => new PackReader(bytes, dialect).read(base, typeOf),
  };
}

type ValueLabel = 'v' | 'vs' | 'vb' | 'vd' | 'vlo';

class PackReader {
  private readonly json: JsonText;
  private readonly dialect: SenmlDialect;
  private readonly names = new NameReader();
  private baseTime: number | undefined;
  private exact: unknown;
  // The record read last.
  private index = 0;
  private onlyBases = true;
  private time: number | undefined;
  private label: ValueLabel | undefined;
  private found: unknown;

  constructor(bytes: Uint8Array, dialect: SenmlDialect) {
    this.json = parseJson(bytes);
    this.dialect = dialect;
  }

  read(base: Path, typeOf: TypeLookup): Entry[] {
    const records = this.json.value;
    if (!Array.isArray(records)) throw new FormatError('a SenML pack is an array');
    if (records.length > maxRecords) throw new FormatError(`more than ${maxRecords} SenML records`);
    const entries: Entry[] = [];
    for (let i = 0; i < records.length; i += 1) {
      this.index = i;
      this.readRecord(records[i]);
      if (this.onlyBases && this.label === undefined && i + 1 < records.length) continue;
      entries.push(this.entry(base, typeOf));
    }
    refuseRepeats(entries);
    return entries;
  }

  private readRecord(record: unknown): void {
    if (typeof record !== 'object' || record === null || Array.isArray(record)) throw this.wrong('is no object');
    const { bn, n } = record as { readonly bn?: unknown; readonly n?: unknown };
    this.readNames(bn, n);
    this.onlyBases = n === undefined && bn !== undefined;
    this.label = undefined;
    let time: number | undefined;
    for (const label in record) {
      const member = (record as Readonly<Record<string, unknown>>)[label];
      switch (label) {
        case 'bn':
        case 'n':
          break;
        case 'v':
        case 'vs':
        case 'vb':
        case 'vd':
        case 'vlo':
          if (this.label !== undefined) throw this.wrong('has two values');
          this.label = label;
          this.found = member;
          break;
        case 'bt':
          this.baseTime = this.number(member);
          break;
        case 't':
          time = this.number(member);
          break;
        default:
          this.checkLabel(label, member);
      }
    }
    if (time !== undefined) this.onlyBases = false;
    this.time = timeOf(this.baseTime, time);
  }

  private readNames(baseName: unknown, name: unknown): void {
    const names = this.names;
    if (baseName === undefined) names.rewind();
    else if (typeof baseName === 'string') {
      names.start();
      names.feedText(baseName);
      names.mark();
    } else throw this.wrong('has a base name that is no text');
    if (name === undefined) return;
    if (typeof name !== 'string') throw this.wrong('has a name that is no text');
    names.feedText(name);
  }

  private checkLabel(label: string, member: unknown): void {
    if (label === 'bver') checkVersion(member);
    else if (label === 'bv' || label === 'bs' || label === 's') throw this.wrong(`has '${label}', which LwM2M has not`);
    else if (label.endsWith('_')) throw this.wrong('has a label that must be understood');
  }

  private entry(base: Path, typeOf: TypeLookup): Entry {
    const { label, time } = this;
    const path = label === undefined && this.onlyBases ? this.names.pathOfBase() : this.names.path();
    if (path === undefined) throw this.wrong('has a name that is no path');
    if (!isWithin(base, path)) throw this.wrong(`is about ${formatPath(path)}, outside ${formatPath(base)}`);
    if (label === undefined || (this.dialect === 'etch' && this.found === null)) {
      return time === undefined ? { path } : { path, time };
    }
    if (path.kind !== 'resource' && path.kind !== 'resource-instance') {
      throw this.wrong(`has a value for ${formatPath(path)}`);
    }
    const value = this.value(label, path, typeOf(path.object, path.resource));
    return time === undefined ? { path, value } : { path, value, time };
  }

  private value(label: ValueLabel, path: ResourcePath | ResourceInstancePath, type: ValueType | undefined): Value {
    const found = this.found;
    switch (label) {
      case 'v':
        return valueOfJsonNumber(path, type, found, () => this.numberAsText());
      case 'vb':
        if (typeof found !== 'boolean') throw mismatch(path, type, `'vb' of another kind`);
        return valueOfBoolean(path, type, found);
      case 'vs':
        return valueOfText(path, type, textOf(found, path, type));
      case 'vd':
        return valueOfBytes(path, type, fromBase64url(textOf(found, path, type)));
      case 'vlo':
        return valueOfLink(path, type, textOf(found, path, type));
    }
  }

  private numberAsText(): unknown {
    this.exact ??= parseWithNumbersAsText(this.json.text);
    return memberOf(memberOf(this.exact, String(this.index)), 'v');
  }

  private number(member: unknown): number {
    if (typeof member !== 'number' || !Number.isFinite(member)) throw this.wrong('has a time that is no number');
    return member;
  }

  private wrong(what: string): FormatError {
    return new FormatError(`SenML record ${this.index} ${what}`);
  }
}

function textOf(found: unknown, path: Path, type: ValueType | undefined): string {
  if (typeof found !== 'string') throw mismatch(path, type, 'a record whose text is none');
  return found;
}

function encode(entries: readonly Entry[], base: Path, dialect: SenmlDialect): Uint8Array {
  const { baseName, baseTime } = layOut(entries, base);
  // Among values, what has none is to go; alone, names are what is asked for.
  const absent = dialect === 'etch' && entries.some((entry) => entry.value !== undefined) ? ',"v":null' : '';
  let pack = '';
  for (const { path, value, time } of entries) {
    let record = '';
    if (pack === '') {
      if (baseName !== '') record += `,"bn":"${baseName}"`;
      if (baseTime !== undefined) record += `,"bt":${formatJsonFloat(baseTime)}`;
    }
    const name = formatPath(path).slice(baseName.length);
    // Without a value and a name it would only set the base for what follows.
    if (name !== '' || (value === undefined && entries.length > 1)) record += `,"n":"${name}"`;
    if (time !== undefined && time !== baseTime) record += `,"t":${formatJsonFloat(time - (baseTime ?? 0))}`;
    record += value === undefined ? absent : formatValue(value);
    pack += `${pack === '' ? '' : ','}{${record.slice(1)}}`;
  }
  return encodeUtf8(`[${pack}]`);
}

function formatValue(value: Value): string {
  switch (value.type) {
    case 'string':
    case 'corelnk':
      return `,"vs":${JSON.stringify(value.value)}`;
    case 'integer':
    case 'unsigned':
    case 'time':
    case 'integer64':
    case 'unsigned64':
      return `,"v":${value.value}`;
    case 'float':
      return `,"v":${formatJsonFloat(value.value)}`;
    case 'boolean':
      return `,"vb":${value.value}`;
    case 'opaque':
      return `,"vd":"${toBase64url(value.value)}"`;
    case 'objlnk':
      return `,"vlo":"${formatLink(value.value)}"`;
  }
}

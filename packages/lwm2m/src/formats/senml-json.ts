// SenML in JSON, formats 110 and, for FETCH and PATCH, 320 (RFC 8428 §5, RFC 8790, Core 1.2.1 §7.4.4).
// What a pack means is in senml.ts. A known label twice in a record is an error, one that is not known is skipped.
// Data are base64url without padding, an object link is `"vlo":"1:2"`.
import { encodeUtf8, FormatError } from '@lapwing/kernel';
import type { Codec, Entry, Trees, TypeLookup } from '../entry.ts';
import { formatPath, type Path } from '../path.ts';
import type { Value, ValueType } from '../value.ts';
import { digitsOf, valueOfJsonNumber } from './json-number.ts';
import { JsonReader, labelCode, Mark } from './json-reader.ts';
import { formatJsonFloat, fromBase64url, toBase64url } from './json-write.ts';
import { isWithin, maxRecords, refuseRepeats } from './placing.ts';
import { checkVersion, layOut, NameReader, prefixedPathOf, type SenmlDialect, timeOf } from './senml.ts';
import { formatLink, mismatch, valueOfBoolean, valueOfBytes, valueOfLink, valueOfText } from './typing.ts';

export const senmlJson: Codec = codec(110, 'senml');
export const senmlEtchJson: Codec = codec(320, 'etch');

function codec(format: number, dialect: SenmlDialect): Codec {
  return {
    format,
    encode: (entries, base) => encode(entries, base, dialect),
    decode: (bytes, base, typeOf, trees, root) => new PackReader(bytes, dialect, trees, root).read(base, typeOf),
  };
}

const Label = {
  BaseName: labelCode('bn'),
  BaseSum: labelCode('bs'),
  BaseTime: labelCode('bt'),
  BaseValue: labelCode('bv'),
  BaseVersion: labelCode('bver'),
  Bytes: labelCode('vd'),
  Boolean: labelCode('vb'),
  Link: labelCode('vlo'),
  Name: labelCode('n'),
  String: labelCode('vs'),
  Sum: labelCode('s'),
  Time: labelCode('t'),
  Value: labelCode('v'),
};
const none = -1;

class PackReader {
  private readonly reader: JsonReader;
  private readonly dialect: SenmlDialect;
  private readonly trees: Trees;
  private readonly root: string;
  private readonly names = new NameReader();
  private baseTime: number | undefined;
  /** Of the base name in force, for names that are of an end device; its text once it was needed. */
  private lastBaseNameAt = none;
  private baseName: string | undefined;
  // The record read last; names are offsets, -1 for none.
  private index = 0;
  private baseNameAt = none;
  private nameAt = none;
  private recordTime: number | undefined;
  private hasBaseTime = false;
  private label = none;
  private found: string | number | boolean | null = null;
  private digits = '';

  constructor(bytes: Uint8Array, dialect: SenmlDialect, trees: Trees, root = '') {
    this.reader = new JsonReader(bytes);
    this.dialect = dialect;
    this.trees = trees;
    this.root = root;
  }

  read(base: Path, typeOf: TypeLookup): Entry[] {
    const reader = this.reader;
    reader.open(Mark.OpenArray);
    const entries: Entry[] = [];
    let more = reader.more(Mark.CloseArray, 0);
    for (let i = 0; more; i += 1) {
      if (i === maxRecords) throw new FormatError(`more than ${maxRecords} SenML records`);
      this.index = i;
      this.readRecord();
      const after = reader.at;
      this.readNames();
      const time = timeOf(this.baseTime, this.recordTime);
      reader.at = after;
      more = reader.more(Mark.CloseArray, i + 1);
      if (more && this.onlyBases()) continue;
      entries.push(this.entry(base, typeOf, time));
    }
    reader.end();
    refuseRepeats(entries);
    return entries;
  }

  private onlyBases(): boolean {
    return this.label === none && this.nameAt < 0 && this.recordTime === undefined && this.baseNameAt >= 0;
  }

  private readRecord(): void {
    const reader = this.reader;
    this.baseNameAt = none;
    this.nameAt = none;
    this.recordTime = undefined;
    this.hasBaseTime = false;
    this.label = none;
    reader.open(Mark.OpenObject);
    for (let i = 0; reader.more(Mark.CloseObject, i); i += 1) this.readMember(reader.label());
  }

  private readMember(label: number): void {
    const reader = this.reader;
    switch (label) {
      case Label.Name:
        if (this.nameAt >= 0) throw this.wrong('has two names');
        this.nameAt = this.stringAt();
        return;
      case Label.Value:
      case Label.String:
      case Label.Boolean:
      case Label.Bytes:
      case Label.Link:
        if (this.label !== none) throw this.wrong('has two values');
        this.label = label;
        this.found = reader.scalar();
        this.digits = digitsOf(reader, this.found);
        return;
      case Label.Time:
        if (this.recordTime !== undefined) throw this.wrong('has two times');
        this.recordTime = this.number();
        return;
      case Label.BaseName:
        if (this.baseNameAt >= 0) throw this.wrong('has two base names');
        this.baseNameAt = this.stringAt();
        return;
      case Label.BaseTime:
        if (this.hasBaseTime) throw this.wrong('has two base times');
        this.hasBaseTime = true;
        this.baseTime = this.number();
        return;
      case Label.BaseVersion:
        checkVersion(this.number());
        return;
      case Label.BaseValue:
      case Label.BaseSum:
      case Label.Sum:
        throw this.wrong('has a base value or a sum, which LwM2M has not');
      default:
        if (reader.text().endsWith('_')) throw this.wrong('has a label that must be understood');
        reader.skip();
    }
  }

  private stringAt(): number {
    const at = this.reader.at;
    this.reader.string();
    return at;
  }

  private number(): number {
    const number = this.reader.number();
    if (!Number.isFinite(number)) throw this.wrong('has a time that is none');
    return number;
  }

  private readNames(): void {
    const names = this.names;
    if (this.baseNameAt < 0) names.rewind();
    else {
      names.start();
      this.feedName(this.baseNameAt);
      names.mark();
      this.lastBaseNameAt = this.baseNameAt;
      this.baseName = undefined;
    }
    if (this.nameAt >= 0) this.feedName(this.nameAt);
  }

  private feedName(at: number): void {
    const reader = this.reader;
    reader.at = at;
    // Some escape each slash.
    if (!reader.string()) this.names.feedText(reader.text());
    else this.names.feedBytes(reader.bytes, reader.from, reader.to);
  }

  private entry(base: Path, typeOf: TypeLookup, time: number | undefined): Entry {
    const label = this.label;
    const path = (this.onlyBases() ? this.names.pathOfBase() : this.names.path()) ?? this.prefixedPath(base);
    if (path === undefined) throw this.wrong('has a name that is no path');
    if (!isWithin(base, path)) throw this.wrong(`is about ${formatPath(path)}, outside ${formatPath(base)}`);
    if (label === none || (this.dialect === 'etch' && this.found === null)) {
      return time === undefined ? { path } : { path, time };
    }
    if (path.kind !== 'resource' && path.kind !== 'resource-instance') {
      throw this.wrong(`has a value for ${formatPath(path)}`);
    }
    const value = this.value(label, path, typeOf(path.object, path.resource, path.prefix));
    return time === undefined ? { path, value } : { path, value, time };
  }

  private prefixedPath(base: Path): Path | undefined {
    const { reader } = this;
    const after = reader.at;
    this.baseName ??= this.textAt(this.lastBaseNameAt);
    const name = this.textAt(this.nameAt);
    reader.at = after;
    return prefixedPathOf(`${this.baseName}${name}`, base, {
      trees: this.trees,
      root: this.root,
      isBase: this.onlyBases(),
    });
  }

  private textAt(at: number): string {
    if (at < 0) return '';
    this.reader.at = at;
    this.reader.string();
    return this.reader.text();
  }

  private value(label: number, path: Path, type: ValueType | undefined): Value {
    const found = this.found;
    switch (label) {
      case Label.Value:
        return valueOfJsonNumber(path, type, found, this.digits);
      case Label.Boolean:
        if (typeof found !== 'boolean') throw mismatch(path, type, `'vb' of another kind`);
        return valueOfBoolean(path, type, found);
      case Label.String:
        return valueOfText(path, type, textOf(found, path, type));
      case Label.Bytes:
        return valueOfBytes(path, type, fromBase64url(textOf(found, path, type)));
      default:
        return valueOfLink(path, type, textOf(found, path, type));
    }
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

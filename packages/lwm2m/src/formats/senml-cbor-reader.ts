// Reads a pack of SenML-CBOR where it lies (RFC 8428 §6): a first pass over the labels of a record notes where its name
// and its value are, so that labels may come in any order, and no object is made of the record.
import { FormatError } from '@lapwing/kernel';
import type { Entry, Trees, TypeLookup } from '../entry.ts';
import { formatPath, type Path } from '../path.ts';
import type { Value, ValueType } from '../value.ts';
import { CborReader, Info, Major } from './cbor-reader.ts';
import { isWithin, maxRecords, refuseRepeats } from './placing.ts';
import { checkVersion, NameReader, prefixedPathOf, type SenmlDialect, timeOf } from './senml.ts';
import {
  mismatch,
  valueOfBoolean,
  valueOfBytes,
  valueOfFloat,
  valueOfInteger,
  valueOfLink,
  valueOfText,
} from './typing.ts';

/** RFC 8428 §6, table 4. `Link` is ours for the text label `vlo`, which has no number. */
export const Label = {
  BaseSum: -6,
  BaseValue: -5,
  BaseTime: -3,
  BaseName: -2,
  BaseVersion: -1,
  Name: 0,
  Value: 2,
  String: 3,
  Boolean: 4,
  Sum: 5,
  Time: 6,
  Bytes: 8,
  Link: 9,
} as const;
export const linkLabel = 'vlo';
const namesOfNumbers = /^(-?\d+|b?(n|t|u|v|s|ver)|v[sbd]|ut)$/;
const none = -1;

/** Tag 4; Leshan writes times so. */
const isDecimal = (reader: CborReader): boolean => reader.major === Major.Tag && reader.argument === 4;

export class PackReader {
  private readonly reader: CborReader;
  private readonly dialect: SenmlDialect;
  private readonly trees: Trees;
  private readonly root: string;
  private readonly names = new NameReader();
  private baseTime: number | undefined;
  /** Of the base name in force, for names that are of an end device; its text once it was needed. */
  private lastBaseNameAt = none;
  private baseName: string | undefined;
  // The record read last; places are offsets, -1 for none.
  private index = 0;
  private baseNameAt = none;
  private nameAt = none;
  private valueAt = none;
  private valueLabel = 0;
  private recordTime: number | undefined;

  constructor(bytes: Uint8Array, dialect: SenmlDialect, trees: Trees, root = '') {
    this.reader = new CborReader(bytes);
    this.dialect = dialect;
    this.trees = trees;
    this.root = root;
  }

  read(base: Path, typeOf: TypeLookup): Entry[] {
    const reader = this.reader;
    reader.head();
    if (reader.major !== Major.Array) throw new FormatError('a SenML pack is an array', 0);
    const count = reader.count(1);
    if (count > maxRecords) throw new FormatError(`more than ${maxRecords} SenML records`);
    const entries: Entry[] = [];
    let more = reader.more(count, 0);
    for (let i = 0; more; i += 1) {
      if (i === maxRecords) throw new FormatError(`more than ${maxRecords} SenML records`);
      this.index = i;
      this.readRecord();
      const after = reader.at;
      this.readNames();
      const time = timeOf(this.baseTime, this.recordTime);
      reader.at = after;
      more = reader.more(count, i + 1);
      const next = reader.at;
      if (more && this.onlyBases()) continue;
      entries.push(this.entry(base, typeOf, time));
      reader.at = next;
    }
    reader.end();
    refuseRepeats(entries);
    return entries;
  }

  private onlyBases(): boolean {
    return this.valueAt < 0 && this.nameAt < 0 && this.recordTime === undefined && this.baseNameAt >= 0;
  }

  private readRecord(): void {
    const reader = this.reader;
    reader.head();
    if (reader.major !== Major.Map) throw this.wrong('is no map');
    const members = reader.count(2);
    this.baseNameAt = none;
    this.nameAt = none;
    this.valueAt = none;
    this.recordTime = undefined;
    let seen = 0;
    for (let i = 0; reader.more(members, i); i += 1) {
      const label = this.readLabel();
      if (label >= Label.BaseSum && label <= Label.Link) {
        const bit = 1 << (label - Label.BaseSum);
        if ((seen & bit) !== 0) throw this.wrong('has a label twice');
        seen |= bit;
      }
      this.readMember(label);
    }
  }

  /** The number of the label; one that stands for none of ours when it may be skipped. */
  private readLabel(): number {
    const reader = this.reader;
    reader.head();
    switch (reader.major) {
      case Major.Unsigned:
        // 9 is ours here.
        return reader.argument < Label.Link ? reader.argument : Label.Link + 1;
      case Major.Negative:
        return -1 - reader.argument;
      case Major.Text: {
        const label = reader.text();
        if (label === linkLabel) return Label.Link;
        if (label.endsWith('_')) throw this.wrong('has a label that must be understood');
        if (namesOfNumbers.test(label)) throw this.wrong('has a label as text that has a number');
        return Label.Link + 1;
      }
      default:
        throw this.wrong('has a label that is neither number nor text');
    }
  }

  private readMember(label: number): void {
    const reader = this.reader;
    switch (label) {
      case Label.Value:
      case Label.String:
      case Label.Boolean:
      case Label.Bytes:
      case Label.Link:
        if (this.valueAt >= 0) throw this.wrong('has two values');
        this.valueAt = reader.at;
        this.valueLabel = label;
        reader.skip();
        return;
      case Label.Name:
        this.nameAt = reader.at;
        reader.skip();
        return;
      case Label.BaseName:
        this.baseNameAt = reader.at;
        reader.skip();
        return;
      case Label.BaseTime:
        this.baseTime = this.number();
        return;
      case Label.Time:
        this.recordTime = this.number();
        return;
      case Label.BaseVersion:
        checkVersion(this.number());
        return;
      case Label.BaseValue:
      case Label.BaseSum:
      case Label.Sum:
        throw this.wrong('has a base value or a sum, which LwM2M has not');
      default:
        reader.skip();
    }
  }

  private number(): number {
    const reader = this.reader;
    reader.head();
    if (reader.major <= Major.Negative) return Number(reader.integer());
    if (reader.isFloat()) return reader.float();
    if (isDecimal(reader)) return this.decimal();
    throw this.wrong('has a time or version that is no number');
  }

  /** What follows the tag of a decimal fraction: exponent and mantissa (RFC 8428 §6, RFC 8949 §3.4.4). */
  private decimal(): number {
    const reader = this.reader;
    reader.head();
    if (reader.major !== Major.Array || reader.count(1) !== 2) throw this.wrong('has a decimal fraction that is none');
    const [exponent, mantissa] = [this.whole(), this.whole()];
    // Of decimal digits the nearest number; beyond these exponents there is nothing but 0 and infinity.
    const value = Math.abs(Number(exponent)) <= 400 ? Number(`${mantissa}e${exponent}`) : Number.NaN;
    if (!Number.isFinite(value)) throw this.wrong('has a decimal fraction beyond all numbers');
    return value;
  }

  private whole(): number | bigint {
    const reader = this.reader;
    reader.head();
    if (reader.major > Major.Negative) throw this.wrong('has a decimal fraction that is none');
    return reader.integer();
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
    reader.head();
    if (reader.major !== Major.Text) throw this.wrong('has a name that is no text');
    const start = reader.string();
    this.names.feedBytes(reader.bytes, start, reader.at);
  }

  private entry(base: Path, typeOf: TypeLookup, time: number | undefined): Entry {
    const path = (this.onlyBases() ? this.names.pathOfBase() : this.names.path()) ?? this.prefixedPath(base);
    if (path === undefined) throw this.wrong('has a name that is no path');
    if (!isWithin(base, path)) throw this.wrong(`is about ${formatPath(path)}, outside ${formatPath(base)}`);
    const reader = this.reader;
    if (this.valueAt < 0) return time === undefined ? { path } : { path, time };
    reader.at = this.valueAt;
    reader.head();
    if (this.dialect === 'etch' && reader.major === Major.Other && reader.info === Info.Null) {
      return time === undefined ? { path } : { path, time };
    }
    if (path.kind !== 'resource' && path.kind !== 'resource-instance') {
      throw this.wrong(`has a value for ${formatPath(path)}`);
    }
    const value = this.value(path, typeOf(path.object, path.resource, path.prefix));
    return time === undefined ? { path, value } : { path, value, time };
  }

  private prefixedPath(base: Path): Path | undefined {
    this.baseName ??= this.textAt(this.lastBaseNameAt);
    const name = `${this.baseName}${this.textAt(this.nameAt)}`;
    return prefixedPathOf(name, base, { trees: this.trees, root: this.root, isBase: this.onlyBases() });
  }

  private textAt(at: number): string {
    if (at < 0) return '';
    this.reader.at = at;
    this.reader.head();
    return this.reader.text();
  }

  /** The value whose head was read. */
  private value(path: Path, type: ValueType | undefined): Value {
    const reader = this.reader;
    const { major } = reader;
    switch (this.valueLabel) {
      case Label.Value:
        // Some write a time as CBOR does, with tag 1.
        if (major === Major.Tag && reader.argument === 1 && type === 'time') reader.head();
        if (reader.major <= Major.Negative) return valueOfInteger(path, type, reader.integer());
        if (reader.isFloat()) return valueOfFloat(path, type, reader.float());
        if (isDecimal(reader)) return valueOfFloat(path, type, this.decimal());
        break;
      case Label.String:
        if (major === Major.Text) return valueOfText(path, type, reader.text());
        break;
      case Label.Boolean:
        if (major === Major.Other && (reader.info === Info.False || reader.info === Info.True)) {
          return valueOfBoolean(path, type, reader.info === Info.True);
        }
        break;
      case Label.Bytes:
        if (major === Major.Bytes) return valueOfBytes(path, type, reader.copy());
        break;
      case Label.Link:
        if (major === Major.Text) return valueOfLink(path, type, reader.text());
        break;
      default:
      // No other label holds a value.
    }
    throw mismatch(path, type, 'a record whose value does not fit its label');
  }

  private wrong(what: string): FormatError {
    return new FormatError(`SenML record ${this.index} ${what}`);
  }
}

// LwM2M-CBOR, format 11544: maps from ids to maps from ids, down to one value (Core 1.2.1 §7.4.7).
//
//   { 3: { 0: { 0: "Open Mobile Alliance", 6: { 0: 1, 1: 5 } } } }     or the same with     { [3, 0]: { … } }
//
// Paths start at the root whatever was asked for. A key is an id or an array of ids; both are read, ids are written. The prefix of
// an end device stands before the first id, `{ ["d01", 3]: { … } }`, or alone (Gateway 1.1.1 §9); the first is written.
// Null, or an empty map below the outermost, says that the path exists, is asked for, or is to go. There are no times.
import { FormatError } from '@lapwing/kernel';
import type { Codec, Entry, Trees, TypeLookup } from '../entry.ts';
import { formatPath, maxId, type Path, pathOf } from '../path.ts';
import { entriesByPrefix, isPrefix, longestPrefix, under } from '../prefix.ts';
import { readItem, writeItem } from './cbor.ts';
import { CborReader, Info, Major } from './cbor-reader.ts';
import { CborWriter } from './cbor-writer.ts';
import { checkPlace, idAt, inOrder, isWithin, maxRecords, refuseRepeats } from './placing.ts';
import { checkValue } from './typing.ts';

export const lwm2mCbor: Codec = { format: 11_544, encode, decode };

const nullByte = (Major.Other << 5) | Info.Null;
const longestPath = 4;

function decode(bytes: Uint8Array, base: Path, typeOf: TypeLookup, trees: Trees): Entry[] {
  return new TreeReader(bytes, base, typeOf, trees).read();
}

class TreeReader {
  private readonly reader: CborReader;
  private readonly base: Path;
  private readonly typeOf: TypeLookup;
  private readonly entries: Entry[] = [];
  /** The keys from the root to where the reader is. */
  private readonly ids: number[] = [];
  private readonly trees: Trees;
  /** Of the end device that they are of. */
  private prefix: string | undefined;

  constructor(bytes: Uint8Array, base: Path, typeOf: TypeLookup, trees: Trees) {
    this.reader = new CborReader(bytes);
    this.base = base;
    this.typeOf = typeOf;
    this.trees = trees;
  }

  read(): Entry[] {
    this.reader.head();
    if (this.reader.major !== Major.Map) throw new FormatError('LwM2M-CBOR is a map', 0);
    this.readMap();
    this.reader.end();
    refuseRepeats(this.entries);
    return this.entries;
  }

  /** Each key adds an id and a path has four: the recursion is bounded by that. */
  private readMap(): void {
    const { reader, ids } = this;
    const depth = ids.length;
    const { prefix } = this;
    const count = reader.count(2);
    const keys = new Set<string>();
    let members = 0;
    for (; reader.more(count, members); members += 1) {
      this.readKey();
      const key = this.prefix === prefix ? ids.slice(depth).join() : `${this.prefix} ${ids.join()}`;
      if (keys.has(key)) throw new FormatError('a key of a CBOR map stands twice', reader.at);
      keys.add(key);
      this.readMember();
      ids.length = depth;
      this.prefix = prefix;
    }
    if (members === 0 && (depth > 0 || prefix !== undefined)) this.add({ path: this.path() });
  }

  private readKey(): void {
    const reader = this.reader;
    reader.head();
    if (reader.major !== Major.Array) {
      this.readFirst();
      return;
    }
    const count = reader.count(1);
    let length = 0;
    for (; reader.more(count, length); length += 1) {
      reader.head();
      if (length === 0) this.readFirst();
      else this.pushId();
    }
    if (length === 0) throw new FormatError('a key of LwM2M-CBOR without ids', reader.at);
  }

  /** What a key begins with, whose head was read. */
  private readFirst(): void {
    if (this.reader.major === Major.Text) this.readPrefix();
    else this.pushId();
  }

  /** The text whose head was read, which may only be the first of all keys on a path. */
  private readPrefix(): void {
    const { reader, base, trees } = this;
    const text = reader.argument <= longestPrefix ? reader.text() : '';
    const known = trees === 'any' || base.prefix === text;
    if (!known || this.ids.length > 0 || this.prefix !== undefined || !isPrefix(text))
      throw new FormatError('a key of LwM2M-CBOR that is no id', reader.at);
    this.prefix = text;
  }

  private path(): Path {
    const path = pathOf(this.ids);
    return this.prefix === undefined ? path : under(this.prefix, path);
  }

  /** The id whose head was read. */
  private pushId(): void {
    const { reader, ids } = this;
    if (reader.major !== Major.Unsigned || reader.argument > maxId) {
      throw new FormatError('a key of LwM2M-CBOR that is no id', reader.at);
    }
    if (ids.length === longestPath) throw new FormatError('more than 4 ids in LwM2M-CBOR', reader.at);
    ids.push(reader.argument);
  }

  private readMember(): void {
    const { reader } = this;
    const next = reader.bytes[reader.at] ?? 0;
    if (next >> 5 === Major.Map) {
      reader.head();
      this.readMap();
      return;
    }
    const path = this.path();
    if (next === nullByte) {
      reader.head();
      this.add({ path });
      return;
    }
    if (path.kind !== 'resource' && path.kind !== 'resource-instance') {
      throw new FormatError(`${formatPath(path)} cannot hold a value`, reader.at);
    }
    if (!isWithin(this.base, path)) throw this.outside(path);
    this.add({ path, value: readItem(reader, path, this.typeOf(path.object, path.resource, path.prefix)) });
  }

  private add(entry: Entry): void {
    if (!isWithin(this.base, entry.path)) throw this.outside(entry.path);
    if (this.entries.length === maxRecords) throw new FormatError(`more than ${maxRecords} values in LwM2M-CBOR`);
    this.entries.push(entry);
  }

  private outside(path: Path): FormatError {
    return new FormatError(`${formatPath(path)} is outside ${formatPath(this.base)}`, this.reader.at);
  }
}

function encode(entries: readonly Entry[], base: Path): Uint8Array {
  for (const entry of entries) {
    checkPlace(base, entry);
    if (entry.path.kind === 'root') throw new FormatError('LwM2M-CBOR has no name for the root');
    if (entry.time !== undefined) throw new FormatError(`${formatPath(entry.path)} has a time, LwM2M-CBOR has none`);
    if (entry.value !== undefined) checkValue(entry.path, entry.value);
  }
  refuseRepeats(entries);
  const writer = new CborWriter();
  if (entries.some(({ path }) => path.prefix !== undefined)) writeTrees(writer, entries);
  else writeMap(writer, inOrder(entries), 0);
  return writer.finish();
}

/** One map for the trees of several devices. */
function writeTrees(writer: CborWriter, entries: readonly Entry[]): void {
  const trees = [...entriesByPrefix(entries)].map(([prefix, tree]) => ({ prefix, tree: inOrder(tree) }));
  const members = trees.reduce((sum, { tree }) => sum + new Set(tree.map((entry) => idOf(entry, 0))).size, 0);
  writer.head(Major.Map, members);
  for (const { prefix, tree } of trees) writeMembers(writer, tree, 0, prefix);
}

const idOf = (entry: Entry | undefined, level: number): number =>
  entry === undefined ? -1 : (idAt[level]?.(entry.path) ?? -1);

/** `entries` in order of their paths, all with an id at `level`. */
function writeMap(writer: CborWriter, entries: readonly Entry[], level: number): void {
  let members = 0;
  for (let i = 0; i < entries.length; i += 1) {
    if (i === 0 || idOf(entries[i], level) !== idOf(entries[i - 1], level)) members += 1;
  }
  writer.head(Major.Map, members);
  writeMembers(writer, entries, level, undefined);
}

function writeMembers(writer: CborWriter, entries: readonly Entry[], level: number, prefix: string | undefined): void {
  for (let from = 0; from < entries.length; ) {
    const id = idOf(entries[from], level);
    let to = from + 1;
    while (idOf(entries[to], level) === id) to += 1;
    if (prefix !== undefined) {
      writer.head(Major.Array, 2);
      writer.text(prefix);
    }
    writer.integer(id);
    writeMember(writer, entries.slice(from, to), level + 1);
    from = to;
  }
}

/** `entries` share their ids above `level`; one that ends there comes first, and if it has others below is said by them. */
function writeMember(writer: CborWriter, entries: readonly Entry[], level: number): void {
  const [first] = entries;
  const endsHere = idOf(first, level) < 0;
  if (!endsHere) writeMap(writer, entries, level);
  else if (entries.length > 1) writeMap(writer, entries.slice(1), level);
  else if (first?.value === undefined) writer.simple(Info.Null);
  else writeItem(writer, first.value);
}

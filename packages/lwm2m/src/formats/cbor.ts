// One value as one CBOR item: format 60 (Core 1.2.1 §7.4.5, Appendix C), and what LwM2M-CBOR has at its leaves.
// A time is written with tag 1 (RFC 8949 §3.4.2) and read with tag 1, with tag 0 (a date as text) or with none.
// An object link is the text `1:2`. Of unknown type: integer, float, text, boolean, bytes as they are; tagged, a time.
import { FormatError } from '@lapwing/kernel';
import type { Codec, Entry, TypeLookup } from '../entry.ts';
import { formatPath, type Path } from '../path.ts';
import type { Value, ValueType } from '../value.ts';
import { CborReader, Info, Major } from './cbor-reader.ts';
import { CborWriter } from './cbor-writer.ts';
import { parseDateTime } from './date-time.ts';
import { onlyValue, resourceAt, typeAt } from './single.ts';
import {
  formatLink,
  mismatch,
  valueOfBoolean,
  valueOfBytes,
  valueOfFloat,
  valueOfInteger,
  valueOfLink,
  valueOfText,
} from './typing.ts';

export const cbor: Codec = { format: 60, encode, decode };

const Tag = { DateTime: 0, EpochTime: 1 } as const;

function encode(entries: readonly Entry[], base: Path): Uint8Array {
  const writer = new CborWriter(64);
  writeItem(writer, onlyValue(entries, base));
  return writer.finish();
}

function decode(bytes: Uint8Array, base: Path, typeOf: TypeLookup): Entry[] {
  const path = resourceAt(base);
  const reader = new CborReader(bytes);
  const value = readItem(reader, path, typeAt(path, typeOf));
  reader.end();
  return [{ path, value }];
}

/** Reads one item as a value. */
export function readItem(reader: CborReader, path: Path, type: ValueType | undefined): Value {
  reader.head();
  if (reader.major === Major.Tag) return readTime(reader, path, type);
  return readUntagged(reader, path, type);
}

/** As `readItem`, after its head. */
function readUntagged(reader: CborReader, path: Path, type: ValueType | undefined): Value {
  switch (reader.major) {
    case Major.Unsigned:
    case Major.Negative:
      return valueOfInteger(path, type, reader.integer());
    case Major.Bytes:
      return valueOfBytes(path, type, reader.copy());
    case Major.Text: {
      const text = reader.text();
      return type === 'objlnk' ? valueOfLink(path, type, text) : valueOfText(path, type, text);
    }
    case Major.Other:
      if (reader.isFloat()) return valueOfFloat(path, type, reader.float());
      if (reader.info === Info.False || reader.info === Info.True) {
        return valueOfBoolean(path, type, reader.info === Info.True);
      }
  }
  throw mismatch(path, type, 'such a CBOR item');
}

function readTime(reader: CborReader, path: Path, type: ValueType | undefined): Value {
  if (type !== undefined && type !== 'time') throw mismatch(path, type, 'a tagged CBOR item');
  const tag = reader.argument;
  reader.head();
  if (tag === Tag.EpochTime && reader.major !== Major.Tag) return readUntagged(reader, path, 'time');
  if (tag === Tag.DateTime && reader.major === Major.Text) {
    const value = parseDateTime(reader.text());
    if (value !== undefined) return { type: 'time', value };
  }
  throw new FormatError(`${formatPath(path)} holds a CBOR tag that is not understood`);
}

/** Writes a sound value as one item. */
export function writeItem(writer: CborWriter, value: Value): void {
  switch (value.type) {
    case 'string':
    case 'corelnk':
      writer.text(value.value);
      return;
    case 'integer':
    case 'unsigned':
    case 'integer64':
    case 'unsigned64':
      writer.integer(value.value);
      return;
    case 'time':
      writer.head(Major.Tag, Tag.EpochTime);
      writer.integer(value.value);
      return;
    case 'float':
      writer.float(value.value);
      return;
    case 'boolean':
      writer.simple(value.value ? Info.True : Info.False);
      return;
    case 'opaque':
      writer.bytes(value.value);
      return;
    case 'objlnk':
      writer.text(formatLink(value.value));
  }
}

// The value of each hello extension that we know, as one pair of functions per shape. A value that is well formed but
// not allowed (a record size limit of 3) is read all the same: forbidden-values.ts judges it with its own alert.
import { decodeUtf8, encodeUtf8, FormatError, Reader, type Writer } from '@lapwing/kernel';
import {
  expectEnd,
  readList8,
  readList16,
  readOpaque8,
  readOpaque16,
  writeList8,
  writeList16,
  writeOpaque8,
  writeOpaque16,
} from './vector.ts';

/** How the value of one extension is read and written, without code and length. */
export interface Field<T> {
  readonly code: number;
  /** Leaves bytes behind when there are too many: the caller refuses them. */
  read(reader: Reader): T;
  write(writer: Writer, value: T): void;
}

/** Present or not; its body is empty. */
export function flag(code: number): Field<boolean> {
  return { code, read: () => true, write: () => {} };
}

export function byte(code: number): Field<number> {
  return { code, read: (reader) => reader.u8(), write: (writer, value) => void writer.u8(value) };
}

export function word(code: number): Field<number> {
  return { code, read: (reader) => reader.u16(), write: (writer, value) => void writer.u16(value) };
}

export function bytes8(code: number, what: string): Field<Uint8Array> {
  return { code, read: (reader) => readOpaque8(reader, what), write: writeOpaque8 };
}

/** The extension's body itself. */
export function rest(code: number): Field<Uint8Array> {
  return { code, read: (reader) => reader.take(reader.left), write: (writer, value) => void writer.bytes(value) };
}

export function list8(code: number, what: string): Field<readonly number[]> {
  return { code, read: (reader) => readList8(reader, what), write: writeList8 };
}

export function list16(code: number, what: string): Field<readonly number[]> {
  return { code, read: (reader) => readList16(reader, what), write: writeList16 };
}

const hostNameType = 0;
/** A DNS name in text, without the dot at its end, is not longer. RFC 1035 §2.3.4. */
const longestName = 253;

/** One host name among the names; others of unknown types are passed over. RFC 6066 §3. */
export function hostName(code: number): Field<string> {
  return { code, read: readHostName, write: writeHostName };
}

function readHostName(reader: Reader): string {
  const names = new Reader(readOpaque16(reader, 'server name list', { min: 1 }));
  let found: string | undefined;
  while (names.left > 0) {
    const type = names.u8();
    const name = readOpaque16(names, 'server name', { min: 1 });
    if (type !== hostNameType) continue;
    if (found !== undefined) throw new FormatError('two host names', names.offset - name.length);
    if (name.length > longestName) throw new FormatError(`host name of ${name.length} bytes`);
    if (name.some((letter) => letter <= 0x20 || letter >= 0x7f)) throw new FormatError('host name is not ASCII');
    found = decodeUtf8(name);
  }
  expectEnd(names, 'server names');
  if (found === undefined) throw new FormatError('server name list without a host name');
  return found;
}

function writeHostName(writer: Writer, name: string): void {
  const ascii = encodeUtf8(name);
  if (ascii.length === 0 || ascii.length > longestName) throw new RangeError(`host name of ${ascii.length} bytes`);
  writer.u16(ascii.length + 3).u8(hostNameType);
  writeOpaque16(writer, ascii);
}

// Rows of the database as what the server's stores keep, and back. A row that cannot be read is passed over and told: one damaged
// record is no reason not to start.
import { FormatError } from '@lapwing/kernel';
import { parseTagged } from '@lapwing/server';
import type { SqlValue } from './database.ts';

export type Row = Record<string, SqlValue>;

/** A text as a column takes it: the library reads no further than to a NUL. */
export function column(value: string): string {
  return value.includes(escape) || value.includes('\u0000')
    ? value.replaceAll(escape, `${escape}${escape}`).replaceAll('\u0000', `${escape}0`)
    : value;
}

const escape = '\u0001';

export function text(row: Row, name: string): string {
  const value = row[name];
  if (typeof value !== 'string') throw new FormatError(`${name} is no text`);
  if (!value.includes(escape)) return value;
  return value
    .split(`${escape}${escape}`)
    .map((part) => part.replaceAll(`${escape}0`, '\u0000'))
    .join(escape);
}

export function number(row: Row, name: string): number {
  const value = row[name];
  if (typeof value !== 'number' && typeof value !== 'bigint') throw new FormatError(`${name} is no number`);
  return Number(value);
}

export function perhaps<T>(row: Row, name: string, read: (row: Row, name: string) => T): T | undefined {
  return row[name] === null || row[name] === undefined ? undefined : read(row, name);
}

/** An object that `formatTagged` wrote. Its members are those of the program that wrote it, so they are not judged again. */
export function tagged<T extends object>(row: Row, name: string): T {
  const value = parseTagged(text(row, name));
  if (typeof value !== 'object' || value === null) throw new FormatError(`${name} is no object`);
  return value as T;
}

export function oneOf<T extends string>(row: Row, name: string, choices: readonly T[]): T {
  const value = text(row, name);
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw new FormatError(`${name} is none of ${choices.join(', ')}`);
  return found;
}

/** Told of rows that are passed over. */
export type Unreadable = (table: string, error: FormatError) => void;

export function* readable<T>(
  table: string,
  rows: Iterable<Row>,
  read: (row: Row) => T,
  unreadable: Unreadable,
): Iterable<T> {
  for (const row of rows) {
    try {
      yield read(row);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      unreadable(table, error);
    }
  }
}

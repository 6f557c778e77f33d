// Encryption at rest: what of the store is secret is sealed with AES-256-GCM under a key that is not in it. A store is sealed as a whole or not at
// all; with its first key everything in it is sealed. A sealed value belongs to its place: none can be read in another's.
import {
  decodeUtf8,
  encodeUtf8,
  FormatError,
  fromBase64,
  fromHex,
  hkdf,
  openAead,
  type Random,
  type Secret,
  sealAead,
  toBase64,
} from '@lapwing/kernel';
import type { SqlValue, Statement } from './database.ts';

export interface Sealing {
  /** `place` says whose it is. */
  seal(place: string, plain: Uint8Array): Uint8Array;
  /** Throws FormatError for what was not sealed for that place. */
  open(place: string, sealed: Uint8Array): Uint8Array;
  sealText(place: string, plain: string): string;
  openText(place: string, sealed: string): string;
}

/** Of a store without a key. */
export const inClear: Sealing = {
  seal: (_place, plain) => plain,
  open: (_place, sealed) => sealed,
  sealText: (_place, plain) => plain,
  openText: (_place, sealed) => sealed,
};

/** Bytes of the key. */
export const keyLength = 32;
const format = 1;
const nonceLength = 12;
const tagLength = 16;

/** `key` of `keyLength` bytes. */
export function sealingWith(key: Secret, random: Random): Sealing {
  const own = hkdf('sha256', key.reveal(), new Uint8Array(0), encodeUtf8('lapwing store, values'), keyLength);
  const seal = (place: string, plain: Uint8Array): Uint8Array => {
    const sealed = new Uint8Array(1 + nonceLength + plain.length + tagLength);
    const nonce = random.bytes(nonceLength);
    sealed[0] = format;
    sealed.set(nonce, 1);
    sealAead('aes-256-gcm', own, nonce, encodeUtf8(place), plain, tagLength, sealed, 1 + nonceLength);
    return sealed;
  };
  const open = (place: string, sealed: Uint8Array): Uint8Array => {
    const body = sealed.subarray(1 + nonceLength);
    const plain =
      sealed[0] !== format
        ? undefined
        : openAead('aes-256-gcm', own, sealed.subarray(1, 1 + nonceLength), encodeUtf8(place), body, tagLength);
    if (plain === undefined) throw new FormatError('was not sealed with this key for this place');
    return plain;
  };
  return {
    seal,
    open,
    sealText: (place, plain) => toBase64(seal(place, encodeUtf8(plain))),
    openText: (place, sealed) => decodeUtf8(open(place, fromBase64(sealed))),
  };
}

interface Connection {
  exec(sql: string): void;
  prepare(sql: string): Statement;
}

/** What the store says of its sealing: undefined for one in clear. */
const proof = encodeUtf8('the key of this store');
const proofPlace = 'sealing';

/** What can be wrong with the key of a store, for its operator. */
export class SealingError extends Error {}

/** The sealing of that database, which is sealed now if it has a key for the first time. Throws SealingError. */
export function sealingOf(connection: Connection, key: Secret | undefined, random: Random): Sealing {
  const kept = connection.prepare('SELECT proof FROM sealing').get()?.['proof'];
  if (key === undefined) {
    if (kept !== undefined) throw new SealingError('is encrypted: give the key of it, store.key_file');
    return inClear;
  }
  const sealing = sealingWith(key, random);
  if (kept === undefined) sealAll(connection, sealing);
  else if (!opens(sealing, kept)) throw new SealingError('is encrypted with another key than that of store.key_file');
  return sealing;
}

function opens(sealing: Sealing, kept: SqlValue): boolean {
  try {
    return kept instanceof Uint8Array && sealing.open(proofPlace, new Uint8Array(kept)).length === proof.length;
  } catch (error) {
    if (error instanceof FormatError) return false;
    throw error;
  }
}

/** The columns that hold secrets, and by which others a row is found. */
const sealedColumns = [
  { table: 'association', column: 'record', key: ['listener', 'key'] },
  { table: 'command', column: 'operation', key: ['id'] },
  { table: 'command', column: 'note', key: ['id'] },
  { table: 'command', column: 'outcome', key: ['id'] },
  { table: 'plan', column: 'plan', key: ['name'] },
  { table: 'issued_credential', column: 'credential', key: ['id'] },
] as const;

/** The place of a value: where it stands, and in the row of which key. */
export const placeOf = (table: string, column: string, ...key: readonly string[]): string =>
  [table, column, ...key].join(' ');

function sealAll(connection: Connection, sealing: Sealing): void {
  // What is written over is no longer in the file, nor in the log beside it.
  connection.exec('PRAGMA secure_delete = ON; BEGIN IMMEDIATE');
  try {
    for (const { table, column, key } of sealedColumns) {
      const isIt = key.map((name) => `${name} = ?`).join(' AND ');
      const change = connection.prepare(`UPDATE ${table} SET ${column} = ? WHERE ${isIt}`);
      for (const row of connection.prepare(`SELECT ${[...key, column].join(', ')} FROM ${table}`).all()) {
        const names = key.map((name) => String(row[name]));
        const place = placeOf(table, column, ...names);
        const value = row[column];
        if (typeof value === 'string') change.run(sealing.sealText(place, value), ...names);
        else if (value instanceof Uint8Array) change.run(sealing.seal(place, new Uint8Array(value)), ...names);
      }
    }
    connection.prepare('INSERT INTO sealing (id, proof) VALUES (1, ?)').run(sealing.seal(proofPlace, proof));
    connection.exec('COMMIT');
  } catch (error) {
    connection.exec('ROLLBACK');
    throw error;
  }
  connection.exec('PRAGMA wal_checkpoint(TRUNCATE); VACUUM; PRAGMA wal_checkpoint(TRUNCATE)');
}

/** The key in a file: 32 bytes, as they are or in hexadecimal or base64. Undefined for anything else. */
export function keyOf(content: Uint8Array): Uint8Array | undefined {
  if (content.length === keyLength) return content;
  try {
    const text = decodeUtf8(content).trim();
    const bytes = /^[0-9a-fA-F]{64}$/.test(text) ? fromHex(text) : fromBase64(text);
    return bytes.length === keyLength ? bytes : undefined;
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

// Seals and opens protected records of DTLS 1.2: AEAD (RFC 6655 §3, RFC 5288 §3), CBC with HMAC (RFC 5246 §6.2.3.2)
// or with encrypt-then-MAC (RFC 7366), each with and without a connection id (RFC 9146 §5).
import type { DirectionKeys } from '../suites/key-block.ts';
import type { Suite } from '../suites/suite.ts';
import { RECORD_HEADER, type RecordView } from './record.ts';

/** Bytes of the record that `seal` makes of `length` bytes of content; `cidLength`: of the peer's connection id. */
export function sealedLength(suite: Suite, cidLength: number, length: number): number {
  const inner = cidLength > 0 ? length + 1 : length;
  let body = inner + suite.explicitLength + suite.tagLength;
  if (suite.cipher === 'cbc') {
    const padded = suite.encryptThenMac ? inner : inner + suite.tagLength;
    body = suite.explicitLength + (padded - (padded % 16) + 16) + (suite.encryptThenMac ? suite.tagLength : 0);
  }
  return RECORD_HEADER + cidLength + body;
}

/** Most bytes of content that a record of at most `room` bytes can carry; negative when it cannot carry any. */
export function contentRoom(suite: Suite, cidLength: number, room: number): number {
  const inner = room - RECORD_HEADER - cidLength - suite.explicitLength - (cidLength > 0 ? 1 : 0);
  if (suite.cipher !== 'cbc') return inner - suite.tagLength;
  const type = cidLength > 0 ? 1 : 0;
  const cipherText = inner + type - (suite.encryptThenMac ? suite.tagLength : 0);
  return cipherText - (cipherText % 16) - 1 - type - (suite.encryptThenMac ? 0 : suite.tagLength);
}

/**
 * Writes a protected record to `out` from `at` and returns its end; `sealedLength` says how much room that takes.
 * `cid`: the peer's connection id, undefined or empty for none. The caller never gives an epoch and sequence twice
 * for the same keys. Throws RangeError past the last record number.
 */
export declare function seal(
  suite: Suite,
  keys: DirectionKeys,
  type: number,
  epoch: number,
  sequence: number,
  cid: Uint8Array | undefined,
  plaintext: Uint8Array,
  out: Uint8Array,
  at: number,
): number;

/**
 * The content of a protected record that `readRecord` found in `bytes`, in memory of its own; undefined when it is
 * forged or too short. Where the record has a connection id, `record.type` becomes the type inside, 0 when there is
 * none (RFC 9146 §4): that record is authentic but says nothing.
 */
export declare function open(
  suite: Suite,
  keys: DirectionKeys,
  record: RecordView,
  bytes: Uint8Array,
): Uint8Array | undefined;

// Seals and opens protected records of DTLS 1.2: AEAD (RFC 6655 §3, RFC 5288 §3), CBC with HMAC (RFC 5246 §6.2.3.2)
// or with encrypt-then-MAC (RFC 7366), each with and without a connection id (RFC 9146 §5).
import { type AeadName, openAead, sealAead } from '@lapwing/kernel';
import type { DirectionKeys } from '../suites/key-block.ts';
import type { Suite } from '../suites/suite.ts';
import { ActiveKeys } from './active-keys.ts';
import { additional, additionalView, fillAdditional } from './additional.ts';
import { openCbc, paddedLength, sealCbc } from './cbc.ts';
import { chained, LONGEST_KEPT } from './kept-ccm.ts';
import {
  ContentType,
  DTLS_1_2,
  LAST_SEQUENCE,
  LONGEST_CONTENT,
  RECORD_HEADER,
  type RecordView,
  writeRecordHeader,
} from './record.ts';

/** Implicit and explicit half (RFC 5288 §3); used and left within one call. */
const nonce = new Uint8Array(12);

/** Bytes of the record that `seal` makes of `length` bytes of content; `cidLength`: of the peer's connection id. */
export function sealedLength(suite: Suite, cidLength: number, length: number): number {
  return RECORD_HEADER + cidLength + bodyLength(suite, cidLength > 0 ? length + 1 : length);
}

/** Most bytes of content that a record of at most `room` bytes can carry; negative when not even none. */
export function contentRoom(suite: Suite, cidLength: number, room: number): number {
  const type = cidLength > 0 ? 1 : 0;
  const body = room - RECORD_HEADER - cidLength - suite.explicitLength;
  if (suite.cipher !== 'cbc') return Math.min(body - suite.tagLength - type, LONGEST_CONTENT);
  const encrypted = suite.encryptThenMac ? body - suite.tagLength : body;
  const inside = encrypted - (encrypted & 15) - 1;
  return Math.min(inside - type - (suite.encryptThenMac ? 0 : suite.tagLength), LONGEST_CONTENT);
}

function bodyLength(suite: Suite, innerLength: number): number {
  if (suite.cipher !== 'cbc') return suite.explicitLength + innerLength + suite.tagLength;
  return suite.explicitLength + paddedLength(suite, innerLength) + (suite.encryptThenMac ? suite.tagLength : 0);
}

function aeadName(suite: Suite): AeadName {
  if (suite.cipher === 'ccm') return suite.keyLength === 16 ? 'aes-128-ccm' : 'aes-256-ccm';
  return suite.keyLength === 16 ? 'aes-128-gcm' : 'aes-256-gcm';
}

/**
 * Writes a protected record to `out` from `at` and returns its end; `sealedLength` says how much room that takes.
 * `cid`: the peer's connection id, undefined or empty for none. The caller never gives an epoch and record number
 * twice for the same keys. Throws RangeError past the last record number, or for lack of room.
 */
export function seal(
  suite: Suite,
  keys: DirectionKeys,
  type: number,
  epoch: number,
  sequence: number,
  cid: Uint8Array | undefined,
  plaintext: Uint8Array,
  out: Uint8Array,
  at: number,
): number {
  const cidLength = cid === undefined ? 0 : cid.length;
  const length = cidLength > 0 ? plaintext.length + 1 : plaintext.length;
  const body = bodyLength(suite, length);
  if (!(sequence >= 0 && sequence <= LAST_SEQUENCE)) throw new RangeError(`no record has the number ${sequence}`);
  if (at + RECORD_HEADER + cidLength + body > out.length) throw new RangeError('no room for the record');
  const outer = cidLength > 0 ? ContentType.ConnectionId : type;
  const bodyAt = writeRecordHeader(out, at, outer, DTLS_1_2, epoch, sequence, cid, body);
  const plainAt = bodyAt + suite.explicitLength;
  out.set(plaintext, plainAt);
  if (cidLength > 0) out[plainAt + length - 1] = type;
  if (suite.cipher === 'cbc') return sealCbc(suite, keys, out, at, cidLength, plainAt, length);

  const { iv } = keys;
  for (let i = 0; i < 4; i += 1) nonce[i] = iv[i] as number;
  for (let i = 0; i < 8; i += 1) nonce[4 + i] = out[bodyAt + i] = out[at + 3 + i] as number;
  const covered = fillAdditional(out, at, cidLength, length);
  if (length <= LONGEST_KEPT && keys instanceof ActiveKeys) {
    const kept = keys.use();
    if (kept !== undefined) {
      kept.seal(nonce, additional, covered, out, plainAt, length);
      return plainAt + length + suite.tagLength;
    }
  }
  const inner = out.subarray(plainAt, plainAt + length);
  return sealAead(aeadName(suite), keys.key, nonce, additionalView(covered), inner, suite.tagLength, out, plainAt);
}

/**
 * The content of a protected record that `readRecord` found in `bytes`, in memory of its own; undefined when it is
 * forged, too short or too long. Where the record has a connection id, `record.type` becomes the type inside, 0 when
 * there is none (RFC 9146 §4): that record is authentic but says nothing.
 */
export function open(suite: Suite, keys: DirectionKeys, record: RecordView, bytes: Uint8Array): Uint8Array | undefined {
  const { at, bodyAt, cidLength } = record;
  if (suite.cipher === 'cbc') {
    const plain = openCbc(suite, keys, bytes, at, cidLength, bodyAt, record.end);
    return plain === undefined ? undefined : contentOf(record, plain);
  }
  const cipherAt = bodyAt + suite.explicitLength;
  const length = record.end - cipherAt - suite.tagLength;
  if (length < 0) return undefined;
  const { iv } = keys;
  for (let i = 0; i < 4; i += 1) nonce[i] = iv[i] as number;
  // As received: a peer need not make it of epoch and record number (RFC 6655 §3).
  for (let i = 0; i < 8; i += 1) nonce[4 + i] = bytes[bodyAt + i] as number;
  const covered = fillAdditional(bytes, at, cidLength, length);
  if (length <= LONGEST_KEPT && keys instanceof ActiveKeys) {
    const kept = keys.use();
    if (kept !== undefined) {
      const from = kept.open(nonce, additional, covered, bytes, cipherAt, length);
      if (from < 0) return undefined;
      return chained.slice(from, cidLength === 0 ? from + length : contentEnd(record, chained, from, from + length));
    }
  }
  const sealed = new Uint8Array(bytes.buffer, bytes.byteOffset + cipherAt, record.end - cipherAt);
  const view = additionalView(covered);
  const plain = openAead(aeadName(suite), keys.key, nonce, view, sealed, suite.tagLength);
  return plain === undefined ? undefined : contentOf(record, plain);
}

function contentOf(record: RecordView, plain: Uint8Array): Uint8Array | undefined {
  const end = record.cidLength === 0 ? plain.length : contentEnd(record, plain, 0, plain.length);
  if (end > LONGEST_CONTENT) return undefined;
  return end === plain.length ? plain : plain.subarray(0, end);
}

/** Where the content of an inner plaintext ends, before its type and zeros; the type goes to the record (RFC 9146 §4). */
function contentEnd(record: RecordView, inner: Uint8Array, from: number, to: number): number {
  let end = to - 1;
  while (end >= from && inner[end] === 0) end -= 1;
  if (end < from) {
    record.type = 0;
    return from;
  }
  record.type = inner[end] as number;
  return end;
}

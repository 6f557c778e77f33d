// Record headers of DTLS 1.2 (RFC 6347 §4.1) and with a connection id (RFC 9146 §4): 13 bytes, plus the id.
// Reading needs no state, since all connection ids of one transport have one length, and allocates nothing.

export const ContentType = {
  ChangeCipherSpec: 20,
  Alert: 21,
  Handshake: 22,
  ApplicationData: 23,
  /** A protected record with a connection id; its real type is inside (RFC 9146 §4). */
  ConnectionId: 25,
  /** RFC 9853 §5. */
  ReturnRoutabilityCheck: 27,
} as const;
export type ContentType = (typeof ContentType)[keyof typeof ContentType];

/** DTLS 1.2, the only version spoken. */
export const DTLS_1_2 = 0xfefd;
/** DTLS 1.0, in the header of a first ClientHello and of a HelloVerifyRequest (RFC 6347 §4.2.1). */
export const DTLS_1_0 = 0xfeff;

/** Bytes of a header without connection id. */
export const RECORD_HEADER = 13;
/** Most bytes of content in a record (RFC 5246 §6.2.1). */
export const LONGEST_CONTENT = 2 ** 14;
/** Most bytes after the header (RFC 5246 §6.2.3). */
export const LONGEST_BODY = LONGEST_CONTENT + 2048;
/** The last record number of an epoch. */
export const LAST_SEQUENCE = 2 ** 48 - 1;

/** Where the parts of a record are in its datagram; one of these serves for all records. */
export class RecordView {
  /** As in the header; `open` puts the inner type here. Any byte. */
  type = 0;
  version = 0;
  epoch = 0;
  /** 0 to 2^48 - 1. */
  sequence = 0;
  /** Where the header starts. */
  at = 0;
  cidAt = 0;
  /** 0 without connection id. */
  cidLength = 0;
  bodyAt = 0;
  /** End of the body and of the record: the next one starts here. */
  end = 0;
}

/**
 * Reads the header at `at`. False when what is left is no record: cut short, not DTLS, or longer than its datagram;
 * then the rest of it is dropped (RFC 6347 §4.1.2.7). Type and version 254.x are the caller's business.
 * `cidLength`: bytes of this side's own connection ids, 0 for none.
 */
export function readRecord(bytes: Uint8Array, at: number, cidLength: number, into: RecordView): boolean {
  const type = bytes[at] as number;
  let bodyAt = at + RECORD_HEADER;
  if (bodyAt > bytes.length || bytes[at + 1] !== 0xfe) return false;
  into.cidLength = 0;
  if (type === ContentType.ConnectionId) {
    bodyAt += cidLength;
    if (cidLength === 0 || bodyAt > bytes.length) return false;
    into.cidLength = cidLength;
  }
  const length = ((bytes[bodyAt - 2] as number) << 8) | (bytes[bodyAt - 1] as number);
  const end = bodyAt + length;
  if (end > bytes.length || length > LONGEST_BODY) return false;
  into.type = type;
  into.version = 0xfe00 | (bytes[at + 2] as number);
  into.epoch = ((bytes[at + 3] as number) << 8) | (bytes[at + 4] as number);
  into.sequence =
    (((bytes[at + 5] as number) << 8) | (bytes[at + 6] as number)) * 0x1_0000_0000 +
    ((((bytes[at + 7] as number) << 24) |
      ((bytes[at + 8] as number) << 16) |
      ((bytes[at + 9] as number) << 8) |
      (bytes[at + 10] as number)) >>>
      0);
  into.at = at;
  into.cidAt = at + 11;
  into.bodyAt = bodyAt;
  into.end = end;
  return true;
}

/** Epoch and record number as the 8 bytes of a header, a MAC or a nonce. */
export function writeSequence(into: Uint8Array, at: number, epoch: number, sequence: number): void {
  const high = (sequence / 0x1_0000_0000) | 0;
  const low = sequence | 0;
  into[at] = epoch >>> 8;
  into[at + 1] = epoch;
  into[at + 2] = high >>> 8;
  into[at + 3] = high;
  into[at + 4] = low >>> 24;
  into[at + 5] = low >>> 16;
  into[at + 6] = low >>> 8;
  into[at + 7] = low;
}

/**
 * Writes a header and returns where the body starts. `cid`: the peer's connection id, undefined or empty for none;
 * with one the type must be `ContentType.ConnectionId`. `length`: bytes of the body.
 */
export function writeRecordHeader(
  into: Uint8Array,
  at: number,
  type: number,
  version: number,
  epoch: number,
  sequence: number,
  cid: Uint8Array | undefined,
  length: number,
): number {
  into[at] = type;
  into[at + 1] = version >>> 8;
  into[at + 2] = version;
  writeSequence(into, at + 3, epoch, sequence);
  let next = at + 11;
  if (cid !== undefined) for (let i = 0; i < cid.length; i += 1, next += 1) into[next] = cid[i] as number;
  into[next] = length >>> 8;
  into[next + 1] = length;
  return next + 2;
}

/** A record of epoch 0, whole; returns its end. `into` must have room for 13 bytes and the payload. */
export function writePlainRecord(
  into: Uint8Array,
  at: number,
  type: number,
  version: number,
  sequence: number,
  payload: Uint8Array,
): number {
  const bodyAt = writeRecordHeader(into, at, type, version, 0, sequence, undefined, payload.length);
  into.set(payload, bodyAt);
  return bodyAt + payload.length;
}

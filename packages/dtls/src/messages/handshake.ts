// What all handshake messages share: their numbers, and the twelve bytes in front of each fragment of one
// (RFC 5246 §7.4, RFC 6347 §4.2.2).

export const HandshakeType = {
  helloRequest: 0,
  clientHello: 1,
  serverHello: 2,
  helloVerifyRequest: 3,
  newSessionTicket: 4,
  certificate: 11,
  serverKeyExchange: 12,
  certificateRequest: 13,
  serverHelloDone: 14,
  certificateVerify: 15,
  clientKeyExchange: 16,
  finished: 20,
} as const;

const names = new Map<number, string>(
  Object.entries(HandshakeType).map(([name, type]) => [type, (name[0] ?? '').toUpperCase() + name.slice(1)]),
);

/** For people: `ClientHello`, or `handshake type 99`. */
export function nameMessage(type: number): string {
  return names.get(type) ?? `handshake type ${type}`;
}

/** A whole message. `body` is without the header. */
export interface HandshakeMessage {
  /** One of HandshakeType, or what a peer made up: 0 to 255. */
  readonly type: number;
  /** Counts the messages of one side of a handshake from 0; a retransmission keeps it. RFC 6347 §4.2.2. */
  readonly messageSeq: number;
  readonly body: Uint8Array;
}

/** A piece of a message, perhaps all of it. */
export interface Fragment {
  readonly type: number;
  readonly messageSeq: number;
  /** Of the whole message's body, in bytes: 0 to 2^24 - 1, as the peer claims. */
  readonly length: number;
  /** Of this piece in the body. */
  readonly offset: number;
  /** The piece; a view of the record. */
  readonly body: Uint8Array;
}

/** In bytes. */
export const handshakeHeaderSize = 12;

/** Of the whole message's body, as the header of a fragment at `at` claims it. */
export function messageLength(record: Uint8Array, at: number): number {
  return u24(record, at + 1);
}

/** Of the piece in the body. */
export function fragmentOffset(record: Uint8Array, at: number): number {
  return u24(record, at + 6);
}

/**
 * Where the fragment at `at` ends; -1 when what is before `end` is no fragment or passes the end of its own message: drop it,
 * RFC 6347 §4.2.3.
 */
export function fragmentEnd(record: Uint8Array, at: number, end: number): number {
  const start = at + handshakeHeaderSize;
  if (start > end) return -1;
  const size = u24(record, at + 9);
  return start + size > end || fragmentOffset(record, at) + size > messageLength(record, at) ? -1 : start + size;
}

/**
 * The fragment at `at` of a record's plaintext; the next one is `handshakeHeaderSize + body.length` further. Undefined where
 * there is none.
 */
export function readFragment(record: Uint8Array, at: number): Fragment | undefined {
  const end = fragmentEnd(record, at, record.length);
  if (end < 0) return undefined;
  return {
    type: byteAt(record, at),
    messageSeq: byteAt(record, at + 4) * 256 + byteAt(record, at + 5),
    length: messageLength(record, at),
    offset: fragmentOffset(record, at),
    body: record.subarray(at + handshakeHeaderSize, end),
  };
}

/** Header and body as one; throws RangeError for numbers that have no room. */
export function writeFragment({ type, messageSeq, length, offset, body }: Fragment): Uint8Array {
  if (messageSeq > 0xffff || length > 0xff_ffff) {
    throw new RangeError(`message ${messageSeq} of ${length} bytes has no room in a handshake header`);
  }
  const bytes = new Uint8Array(handshakeHeaderSize + body.length);
  bytes[0] = type;
  put24(bytes, 1, length);
  bytes[4] = messageSeq >>> 8;
  bytes[5] = messageSeq & 0xff;
  put24(bytes, 6, offset);
  put24(bytes, 9, body.length);
  bytes.set(body, handshakeHeaderSize);
  return bytes;
}

function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0;
}

function u24(bytes: Uint8Array, at: number): number {
  return byteAt(bytes, at) * 65_536 + byteAt(bytes, at + 1) * 256 + byteAt(bytes, at + 2);
}

function put24(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 16;
  bytes[at + 1] = (value >>> 8) & 0xff;
  bytes[at + 2] = value & 0xff;
}

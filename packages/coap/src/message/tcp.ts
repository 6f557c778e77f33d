// Messages on streams and in WebSockets (RFC 8323 §3.2, §4.3): a length where datagrams have version, type and id.
//
//    |Len|TKL| extended length, 0 to 4 bytes | code | token | options | 0xff | payload |     Len counts from the options on
//
// From its token on a message is the same everywhere, so inside the stack it has the layout of datagrams, and only its head
// is exchanged at the edge. Lengths are judged on the header alone, before anything is held.
import { FormatError } from '@lapwing/kernel';
import type { Message } from './message.ts';
import { encodeMessage, LONGEST_TOKEN, Malformed, type ReceivedMessage, readMessage } from './udp.ts';

/** What travels on a stream: there are no types and no ids (RFC 8323 §3.2). */
export type StreamMessage = Pick<Message, 'code' | 'token' | 'options' | 'payload'>;

/** Longest message while a peer has not said more, in bytes (RFC 8323 §5.3.1). */
export const BASE_MESSAGE_SIZE = 1152;

/** Of a datagram: version, type, token length; code; id. */
const DATAGRAM_HEAD = 4;
/** Version 1 and confirmable, which means nothing here. */
const DATAGRAM_FIRST = 0x40;
/** Token length and code. */
const WEB_SOCKET_HEAD = 2;

/** From these lengths on they need so many more bytes. */
const ONE_BYTE = 13;
const TWO_BYTES = 269;
const FOUR_BYTES = 65_805;

/**
 * Bytes of the message that begins at `from`, its header included; undefined as long as the header is cut short at `end`.
 * What is too long is the caller's to refuse. RFC 8323 §3.2.
 */
export function streamLength(bytes: Uint8Array, from: number, end: number): number | Malformed | undefined {
  if (from >= end) return undefined;
  const first = bytes[from] as number;
  const tokenLength = first & 15;
  if (tokenLength > LONGEST_TOKEN) return new Malformed('token longer than 8 bytes', 0);
  const length = first >> 4;
  if (length < 13) return 2 + tokenLength + length;
  if (length === 13) return from + 1 < end ? 3 + tokenLength + ONE_BYTE + (bytes[from + 1] as number) : undefined;
  if (length === 14) {
    if (from + 2 >= end) return undefined;
    return 4 + tokenLength + TWO_BYTES + (bytes[from + 1] as number) * 256 + (bytes[from + 2] as number);
  }
  if (from + 4 >= end) return undefined;
  let extended = 0;
  for (let i = from + 1; i <= from + 4; i += 1) extended = extended * 256 + (bytes[i] as number);
  return 6 + tokenLength + FOUR_BYTES + extended;
}

/** Where the code of a message on a stream stands. */
function codeAt(bytes: Uint8Array): number {
  const length = (bytes[0] as number) >> 4;
  return length < 13 ? 1 : length === 13 ? 2 : length === 14 ? 3 : 5;
}

/** Code of a message that is whole. */
export function streamCode(bytes: Uint8Array): number {
  return bytes[codeAt(bytes)] as number;
}

/** Token of a message that is whole; a view. */
export function streamToken(bytes: Uint8Array): Uint8Array {
  const at = codeAt(bytes) + 1;
  return bytes.subarray(at, at + ((bytes[0] as number) & 15));
}

/** Bytes that a message takes inside the stack. */
export function layoutLength(bytes: Uint8Array): number {
  return bytes.length - codeAt(bytes) - 1 + DATAGRAM_HEAD;
}

/** Exactly one message, as `streamLength` has measured it; a copy. */
export function readStreamMessage(bytes: Uint8Array): ReceivedMessage | Malformed {
  const length = streamLength(bytes, 0, bytes.length);
  if (length instanceof Malformed) return length;
  if (length !== bytes.length) return new Malformed('not the length that the header says', bytes.length);
  const code = codeAt(bytes);
  return relaid(bytes, code, (bytes[0] as number) & 15);
}

function relaid(bytes: Uint8Array, code: number, tokenLength: number): ReceivedMessage | Malformed {
  const layout = new Uint8Array(bytes.length - code - 1 + DATAGRAM_HEAD);
  layout[0] = DATAGRAM_FIRST | tokenLength;
  layout[1] = bytes[code] as number;
  layout.set(bytes.subarray(code + 1), DATAGRAM_HEAD);
  return readMessage(layout, layout.length);
}

/** A message in the layout of datagrams, as it goes on a stream. */
export function toStream(layout: Uint8Array): Uint8Array {
  const tokenLength = (layout[0] as number) & 15;
  const rest = layout.length - DATAGRAM_HEAD;
  return withHead(tokenLength, layout[1] as number, layout, DATAGRAM_HEAD, rest - tokenLength);
}

/** `length` is that of options and payload; the token before them begins at `from`. */
function withHead(tokenLength: number, code: number, from: Uint8Array, start: number, length: number): Uint8Array {
  const extended = length < ONE_BYTE ? 0 : length < TWO_BYTES ? 1 : length < FOUR_BYTES ? 2 : 4;
  const head = 2 + extended;
  const bytes = Buffer.allocUnsafe(head + tokenLength + length);
  bytes[0] = (extended === 0 ? length : extended === 4 ? 15 : 12 + extended) * 16 + tokenLength;
  if (extended === 1) bytes[1] = length - ONE_BYTE;
  else if (extended === 2) bytes.writeUInt16BE(length - TWO_BYTES, 1);
  else if (extended === 4) bytes.writeUInt32BE(length - FOUR_BYTES, 1);
  bytes[head - 1] = code;
  bytes.set(from.subarray(start), head);
  return bytes;
}

/** Throws FormatError for what no receiver could read, and for more than `longest` bytes. */
export function encodeStreamMessage(message: StreamMessage, longest: number = BASE_MESSAGE_SIZE): Uint8Array {
  const { code, token, options, payload } = message;
  const bytes = toStream(encodeMessage({ type: 0, id: 0, code, token, options, payload }, longest + DATAGRAM_HEAD));
  if (bytes.length > longest) throw new FormatError(`message of ${bytes.length} bytes where ${longest} fit`);
  return bytes;
}

/** One message and nothing behind it. Throws FormatError, nothing else. */
export function decodeStreamMessage(bytes: Uint8Array): StreamMessage {
  return decoded(bytes.length === 0 ? new Malformed('shorter than a header', 0) : readStreamMessage(bytes));
}

// WebSockets keep the borders of messages themselves: Len is 0 and nothing is extended (RFC 8323 §4.3).

/** Throws FormatError as `encodeStreamMessage` does. */
export function encodeWebSocketMessage(message: StreamMessage, longest: number = BASE_MESSAGE_SIZE): Uint8Array {
  return streamToWebSocket(encodeStreamMessage(message, longest));
}

/** Throws FormatError, nothing else. */
export function decodeWebSocketMessage(bytes: Uint8Array): StreamMessage {
  const wrong = wrongInWebSocket(bytes);
  return decoded(wrong ?? relaid(bytes, 1, bytes[0] as number));
}

export function streamToWebSocket(bytes: Uint8Array): Uint8Array {
  const code = codeAt(bytes);
  const message = Buffer.allocUnsafe(bytes.length - code + 1);
  message[0] = (bytes[0] as number) & 15;
  message.set(bytes.subarray(code), 1);
  return message;
}

/** Of its content only the token's length is looked at. */
export function webSocketToStream(bytes: Uint8Array): Uint8Array | Malformed {
  const wrong = wrongInWebSocket(bytes);
  if (wrong !== undefined) return wrong;
  const tokenLength = bytes[0] as number;
  return withHead(
    tokenLength,
    bytes[1] as number,
    bytes,
    WEB_SOCKET_HEAD,
    bytes.length - WEB_SOCKET_HEAD - tokenLength,
  );
}

function wrongInWebSocket(bytes: Uint8Array): Malformed | undefined {
  if (bytes.length < WEB_SOCKET_HEAD) return new Malformed('shorter than a header', bytes.length);
  const first = bytes[0] as number;
  if (first >> 4 !== 0) return new Malformed('a length where none belongs', 0);
  if (first > LONGEST_TOKEN) return new Malformed('token longer than 8 bytes', 0);
  return WEB_SOCKET_HEAD + first > bytes.length ? new Malformed('token cut short', bytes.length) : undefined;
}

function decoded(message: ReceivedMessage | Malformed): StreamMessage {
  if (message instanceof Malformed) throw new FormatError(message.reason, message.offset);
  const { code, token, options, payload } = message;
  return { code, token, options, payload };
}

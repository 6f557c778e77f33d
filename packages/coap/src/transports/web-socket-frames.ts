// Frames of WebSockets (RFC 6455 §5.2), pure: what CoAP needs of them, which is binary messages and the control frames.
//
//    |FIN|RSV|opcode|  |MASK|length|  length, 2 or 8 bytes  |  masking key, 4 bytes  |  payload
import { Malformed } from '../message/udp.ts';

/** RFC 6455 §11.8. */
export const Opcode = { Continuation: 0, Text: 1, Binary: 2, Close: 8, Ping: 9, Pong: 10 } as const;

/** RFC 6455 §7.4.1. */
export const CloseCode = { Normal: 1000, ProtocolError: 1002, Unsupported: 1003, TooBig: 1009 } as const;

export interface Frame {
  readonly opcode: number;
  readonly isLast: boolean;
  readonly isMasked: boolean;
  /** Unmasked; a copy where it was masked, else a view. */
  readonly payload: Uint8Array;
}

/** Longest header. */
export const LONGEST_HEADER = 14;
const LONGEST_CONTROL = 125;

/** As a `Measure` of frames; also says what no frame of a WebSocket without extensions begins with. */
export function frameLength(bytes: Uint8Array, from: number, end: number): number | Malformed | undefined {
  if (from + 1 >= end) return undefined;
  const first = bytes[from] as number;
  const second = bytes[from + 1] as number;
  if ((first & 0x70) !== 0) return new Malformed('reserved bits of a frame', 0);
  const opcode = first & 15;
  const isControl = opcode >= 8;
  if (opcode > Opcode.Pong || (opcode > Opcode.Binary && !isControl)) return new Malformed('reserved opcode', 0);
  const short = second & 0x7f;
  if (isControl && (short > LONGEST_CONTROL || (first & 0x80) === 0)) return new Malformed('long control frame', 0);
  const mask = second >= 0x80 ? 4 : 0;
  if (short < 126) return 2 + mask + short;
  const extended = short === 126 ? 2 : 8;
  if (from + 1 + extended >= end) return undefined;
  let length = 0;
  for (let i = from + 2; i < from + 2 + extended; i += 1) length = length * 256 + (bytes[i] as number);
  // RFC 6455 §5.2: in the fewest bytes.
  if (length < (extended === 2 ? 126 : 65_536)) return new Malformed('length of a frame in too many bytes', 0);
  return 2 + extended + mask + length;
}

/** Exactly one frame, as `frameLength` has measured it. */
export function readFrame(bytes: Uint8Array): Frame {
  const first = bytes[0] as number;
  const second = bytes[1] as number;
  const short = second & 0x7f;
  const isMasked = second >= 0x80;
  const keyAt = 2 + (short === 126 ? 2 : short === 127 ? 8 : 0);
  const payload = isMasked
    ? masked(bytes.subarray(keyAt + 4), bytes.subarray(keyAt, keyAt + 4))
    : bytes.subarray(keyAt);
  return { opcode: first & 15, isLast: first >= 0x80, isMasked, payload };
}

/** One frame, whole; masked where there is a key of 4 bytes, as clients must (RFC 6455 §5.3). */
export function writeFrame(opcode: number, payload: Uint8Array, key: Uint8Array | undefined): Uint8Array {
  const { length } = payload;
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const keyAt = 2 + extended;
  const bytes = Buffer.alloc(keyAt + (key === undefined ? 0 : 4) + length);
  bytes[0] = 0x80 | opcode;
  bytes[1] = (key === undefined ? 0 : 0x80) | (extended === 0 ? length : extended === 2 ? 126 : 127);
  if (extended === 2) bytes.writeUInt16BE(length, 2);
  else if (extended === 8) bytes.writeUInt32BE(length, 6);
  if (key === undefined) bytes.set(payload, keyAt);
  else {
    bytes.set(key, keyAt);
    bytes.set(masked(payload, key), keyAt + 4);
  }
  return bytes;
}

/** RFC 6455 §5.5.1 */
export function writeClose(code: number, key: Uint8Array | undefined): Uint8Array {
  return writeFrame(Opcode.Close, Uint8Array.of(code >> 8, code & 0xff), key);
}

function masked(bytes: Uint8Array, key: Uint8Array): Uint8Array {
  const result = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i += 1) result[i] = (bytes[i] as number) ^ (key[i & 3] as number);
  return result;
}

// Cuts a handshake message into fragments that fit (RFC 6347 §4.2.3).
import { type HandshakeMessage, handshakeHeaderSize, writeFragment } from '../messages/handshake.ts';

/**
 * Header and body of each fragment, none longer than `room` bytes, in order. A message without a body is one header.
 * Throws RangeError when `room` has no place for a header and one byte.
 */
export function fragmentMessage({ type, messageSeq, body }: HandshakeMessage, room: number): readonly Uint8Array[] {
  const step = room - handshakeHeaderSize;
  if (step < 1) throw new RangeError(`no fragment fits into ${room} bytes`);
  const fragments: Uint8Array[] = [];
  let offset = 0;
  do {
    const piece = body.subarray(offset, offset + step);
    fragments.push(writeFragment({ type, messageSeq, length: body.length, offset, body: piece }));
    offset += step;
  } while (offset < body.length);
  return fragments;
}

// Short texts from bytes: most option values are a few characters, for which one call with every character as an
// argument is four times as fast as the runtime's decoders, and ten times as fast as adding them up.
import { decodeUtf8 } from './bytes.ts';

const make = String.fromCharCode;

/** The runtime's copy of Latin-1 bytes into a string, as a method of any byte array; not in every version under this name. */
const slice = (Buffer.prototype as { latin1Slice?: (this: Uint8Array, start: number, end: number) => string })
  .latin1Slice;

/** Up to so many characters are made of pieces of eight: a longer sum stays one until somebody compares it, and that costs twice. */
const SHORT = 12;

/** UTF-8 of `length` bytes from `start`; throws FormatError where it is none. */
export function textAt(bytes: Uint8Array, start: number, length: number): string {
  const end = start + length;
  let bits = 0;
  for (let i = start; i < end; i += 1) bits |= bytes[i] as number;
  if (bits >= 0x80) return decodeUtf8(bytes.subarray(start, end));
  if (length <= 8) return piece(bytes, start, length);
  if (length <= SHORT) return piece(bytes, start, 8) + piece(bytes, start + 8, length - 8);
  // ASCII is Latin-1, which is copied; the decoder of UTF-8 costs ten times as much.
  return slice === undefined ? decodeUtf8(bytes.subarray(start, end)) : slice.call(bytes, start, end);
}

/** One character for each byte, 0 to 255: bytes as a key of a map. */
export function latin1At(bytes: Uint8Array, start: number, length: number): string {
  let text = piece(bytes, start, Math.min(length, 8));
  for (let done = 8; done < length; done += 8) text += piece(bytes, start + done, Math.min(length - done, 8));
  return text;
}

/** Of at most eight characters. */
function piece(b: Uint8Array, at: number, length: number): string {
  switch (length) {
    case 0:
      return '';
    case 1:
      return make(b[at] as number);
    case 2:
      return make(b[at] as number, b[at + 1] as number);
    case 3:
      return make(b[at] as number, b[at + 1] as number, b[at + 2] as number);
    case 4:
      return make(b[at] as number, b[at + 1] as number, b[at + 2] as number, b[at + 3] as number);
    case 5:
      return make(b[at] as number, b[at + 1] as number, b[at + 2] as number, b[at + 3] as number, b[at + 4] as number);
    case 6:
      return make(
        b[at] as number,
        b[at + 1] as number,
        b[at + 2] as number,
        b[at + 3] as number,
        b[at + 4] as number,
        b[at + 5] as number,
      );
    case 7:
      return make(
        b[at] as number,
        b[at + 1] as number,
        b[at + 2] as number,
        b[at + 3] as number,
        b[at + 4] as number,
        b[at + 5] as number,
        b[at + 6] as number,
      );
    default:
      return make(
        b[at] as number,
        b[at + 1] as number,
        b[at + 2] as number,
        b[at + 3] as number,
        b[at + 4] as number,
        b[at + 5] as number,
        b[at + 6] as number,
        b[at + 7] as number,
      );
  }
}

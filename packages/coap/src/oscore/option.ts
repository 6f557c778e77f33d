// The value of the OSCORE option (RFC 8613 §6.1): Partial IV, kid context and kid in a compressed form.
//
//     0 1 2 3 4 5 6 7 <------------- n bytes -------------->
//    +-+-+-+-+-+-+-+-+--------------------------------------
//    |0 0 0|h|k|  n  |       Partial IV (if any) ...
//    +-+-+-+-+-+-+-+-+--------------------------------------
//    <- 1 byte -> <----- s bytes ------>
//    +------------+----------------------+------------------+
//    | s (if any) | kid context (if any) | kid (if any) ... |
//    +------------+----------------------+------------------+
import { FormatError, noBytes, Reader, Writer } from '@lapwing/kernel';

export interface OscoreOption {
  /** 1 to 5 bytes, no zero in front but that of zero itself. */
  readonly piv?: Uint8Array;
  /** At most 255 bytes. */
  readonly kidContext?: Uint8Array;
  readonly kid?: Uint8Array;
}

const LENGTH = 0x07;
const KID = 0x08;
const KID_CONTEXT = 0x10;
const RESERVED = 0xe0;
const LONGEST_PIV = 5;

export function encodeOscoreOption({ piv, kidContext, kid }: OscoreOption): Uint8Array {
  const flags = (piv?.length ?? 0) | (kidContext === undefined ? 0 : KID_CONTEXT) | (kid === undefined ? 0 : KID);
  // RFC 8613 §6.1: flags of zero are left out.
  if (flags === 0) return noBytes;
  const writer = new Writer(32).u8(flags);
  if (piv !== undefined) writer.bytes(piv);
  if (kidContext !== undefined) writer.u8(kidContext.length).bytes(kidContext);
  if (kid !== undefined) writer.bytes(kid);
  return writer.finish();
}

/** Views of `bytes`. Throws FormatError for what `encodeOscoreOption` does not make. */
export function decodeOscoreOption(bytes: Uint8Array): OscoreOption {
  if (bytes.length === 0) return {};
  const reader = new Reader(bytes);
  const flags = reader.u8();
  if (flags === 0) throw new FormatError('OSCORE option with flags of zero', 0);
  if ((flags & RESERVED) !== 0) throw new FormatError('OSCORE option with reserved flags', 0);
  const length = flags & LENGTH;
  if (length > LONGEST_PIV) throw new FormatError(`OSCORE option with a Partial IV of ${length} bytes`, 0);
  const option: { piv?: Uint8Array; kidContext?: Uint8Array; kid?: Uint8Array } = {};
  if (length > 0) {
    const piv = reader.take(length);
    if (length > 1 && piv[0] === 0) throw new FormatError('Partial IV with a zero in front', 1);
    option.piv = piv;
  }
  if ((flags & KID_CONTEXT) !== 0) option.kidContext = reader.take(reader.u8());
  if ((flags & KID) !== 0) option.kid = reader.take(reader.left);
  else if (reader.left > 0) throw new FormatError('OSCORE option with bytes behind its end', reader.offset);
  return option;
}

/** Of a sequence number up to 2^40-1 (RFC 8613 §5). */
export function encodePiv(sequence: number): Uint8Array {
  let length = 1;
  for (let rest = Math.floor(sequence / 256); rest > 0; rest = Math.floor(rest / 256)) length += 1;
  const piv = new Uint8Array(length);
  let rest = sequence;
  for (let at = length - 1; at >= 0; at -= 1) {
    piv[at] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return piv;
}

export function decodePiv(piv: Uint8Array): number {
  let sequence = 0;
  for (const byte of piv) sequence = sequence * 256 + byte;
  return sequence;
}

// Finished: proof that both sides saw the same handshake (RFC 5246 §7.4.9).
import { FormatError } from '@lapwing/kernel';

export interface Finished {
  /** 12 bytes. */
  readonly verifyData: Uint8Array;
}

/** In bytes, for every suite we have. */
export const verifyDataSize = 12;

export function encodeFinished({ verifyData }: Finished): Uint8Array {
  return verifyData.slice();
}

/** Throws FormatError for any other length; a view of `body`. */
export function decodeFinished(body: Uint8Array): Finished {
  if (body.length !== verifyDataSize) throw new FormatError(`Finished of ${body.length} bytes`);
  return { verifyData: body };
}

// What authenticates a record beside its content: the additional data of an AEAD and, in the same form, what a
// record MAC starts with (RFC 5246 §6.2.3.3), or their successors with a connection id (RFC 9146 §5).
import { ContentType } from './record.ts';

/** Longest connection id that a record can name (RFC 9146 §3). */
const LONGEST_CID = 255;

/** For additional data of every length; used and left within one call. */
export const additional: Uint8Array = new Uint8Array(23 + LONGEST_CID);

const views: (Uint8Array | undefined)[] = [];

/** The first `length` bytes of `additional`. */
export function additionalView(length: number): Uint8Array {
  const known = views[length];
  if (known !== undefined) return known;
  const view = additional.subarray(0, length);
  views[length] = view;
  return view;
}

/**
 * Fills `additional` for the record whose header is at `at`, and returns how many bytes that took. `length`: of the
 * content, with a connection id of the inner plaintext, or of IV and ciphertext for encrypt-then-MAC.
 */
export function fillAdditional(bytes: Uint8Array, at: number, cidLength: number, length: number): number {
  if (cidLength === 0) {
    for (let i = 0; i < 8; i += 1) additional[i] = bytes[at + 3 + i] as number;
    additional[8] = bytes[at] as number;
    additional[9] = bytes[at + 1] as number;
    additional[10] = bytes[at + 2] as number;
    additional[11] = length >>> 8;
    additional[12] = length;
    return 13;
  }
  for (let i = 0; i < 8; i += 1) additional[i] = 0xff;
  additional[8] = ContentType.ConnectionId;
  additional[9] = cidLength;
  additional[10] = ContentType.ConnectionId;
  // Version, epoch, record number and connection id stand in the header in this order.
  const copied = 10 + cidLength;
  for (let i = 0; i < copied; i += 1) additional[11 + i] = bytes[at + 1 + i] as number;
  additional[11 + copied] = length >>> 8;
  additional[12 + copied] = length;
  return 13 + copied;
}

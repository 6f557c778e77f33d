// Raw public keys (RFC 7250): a SubjectPublicKeyInfo in place of a certificate, accepted in its one DER spelling only,
// since the key is the identity.
import type { PublicKey } from './keys.ts';
import type { Refusal } from './verdict.ts';

export type RawKeyVerdict = { readonly ok: true; readonly publicKey: PublicKey } | Refusal;

/** Reads what a peer sent. Trailing bytes, other encodings and points off the curve are refused. Never throws. */
export function readRawPublicKey(spki: Uint8Array): RawKeyVerdict {
  throw new Error(`not yet: ${spki.length}`);
}

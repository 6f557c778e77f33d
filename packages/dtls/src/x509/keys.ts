// Public and private keys as this package holds them: what kind they are, how they are written down, and the handle that
// node:crypto computes with.
import type { KeyObject } from 'node:crypto';

/** What a key can be used with; one name per combination of algorithm and curve. */
export type KeyAlgorithm = 'ec-p256' | 'ec-p384' | 'ed25519' | 'rsa';

export interface PublicKey {
  readonly algorithm: KeyAlgorithm;
  /** SubjectPublicKeyInfo, DER: the only spelling of this key that is accepted. */
  readonly spki: Uint8Array;
  readonly handle: KeyObject;
}

export interface PrivateKey {
  readonly algorithm: KeyAlgorithm;
  /** SubjectPublicKeyInfo, DER, of its public half. */
  readonly spki: Uint8Array;
  readonly handle: KeyObject;
}

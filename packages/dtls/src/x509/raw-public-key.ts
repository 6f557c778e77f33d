// Raw public keys (RFC 7250): a SubjectPublicKeyInfo in place of a certificate, accepted in its one DER spelling only,
// since the key is the identity. Trusted by being listed, whole or by digest.
import { ConfigError, toHex } from '@lapwing/kernel';
import { AlertDescription } from '../alert.ts';
import type { Matching, Material } from '../credentials.ts';
import { importPublicKey, type KeyVerdict } from './keys.ts';
import { digest, digestLength, matches } from './matching.ts';
import { readPublicKey } from './private-key.ts';
import { refuse } from './verdict.ts';

/** The keys that a side trusts, once read. */
export interface TrustedKeys {
  readonly matching: Matching;
  readonly keys: readonly Uint8Array[];
}

/** Reads what a peer sent. Trailing bytes, other encodings and points off the curve are refused. Never throws. */
export function readRawPublicKey(spki: Uint8Array): KeyVerdict {
  const verdict = importPublicKey(spki);
  if (!verdict.ok || verdict.publicKey.algorithm !== 'ec-p521') return verdict;
  return refuse(AlertDescription.UnsupportedCertificate, 'the raw public key is of curve P-521, which is not offered');
}

/** Throws ConfigError that says which of them is wrong and how. */
export function loadTrustedKeys(trusted: readonly Material[], matching: Matching = 'exact'): TrustedKeys {
  if (trusted.length === 0)
    throw new ConfigError(['trusted: no public key of the server is given, so none can be trusted']);
  const keys = trusted.map((each, i) => {
    if (matching === 'exact') return readPublicKey(each, `trusted[${i}]`);
    if (typeof each === 'string' || each.length !== digestLength(matching)) {
      throw new ConfigError([
        `trusted[${i}]: ${each.length} bytes, a ${matching} digest has ${digestLength(matching)}`,
      ]);
    }
    return each;
  });
  return { matching, keys };
}

/** Whether a key that a peer showed is one of these; refused with what would have to be configured. */
export function judgeRawKey(spki: Uint8Array, trusted: TrustedKeys): KeyVerdict {
  const verdict = readRawPublicKey(spki);
  if (!verdict.ok) return verdict;
  if (trusted.keys.some((key) => matches(verdict.publicKey.spki, key, trusted.matching))) return verdict;
  return refuse(
    AlertDescription.BadCertificate,
    `the raw public key of the peer (${fingerprint(spki)}) is not among the ${trusted.keys.length} trusted: add it there if it is the right one`,
  );
}

/** For people to compare, `sha-256 12:34:…` of the whole SubjectPublicKeyInfo. */
export function fingerprint(spki: Uint8Array): string {
  return `sha-256 ${toHex(digest(spki, 'sha-256')).replace(/(..)(?=.)/g, '$1:')}`;
}

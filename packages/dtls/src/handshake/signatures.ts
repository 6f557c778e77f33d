// Signature schemes of TLS 1.2 (RFC 5246 §7.4.1.4.1, RFC 8422 §5.1.3, RFC 8446 §4.2.3): choosing, signing, checking.
// In 1.2 a scheme names hash and algorithm only: any curve may go with any hash. SHA-1 and MD5 do not exist here.
import { constants, sign, verify } from 'node:crypto';
import { concatBytes } from '@lapwing/kernel';
import type { KeyAlgorithm, PrivateKey, PublicKey } from '../x509/keys.ts';

export interface SignatureScheme {
  readonly code: number;
  /** As IANA registers it. */
  readonly name: string;
  readonly keys: readonly KeyAlgorithm[];
  readonly hash: 'sha256' | 'sha384' | 'sha512' | undefined;
  readonly padding: 'pss' | 'pkcs1' | undefined;
}

const ec: readonly KeyAlgorithm[] = ['ec-p256', 'ec-p384', 'ec-p521'];
const rsa: readonly KeyAlgorithm[] = ['rsa'];

/** All that are known, in the order they are offered. */
export const signatureSchemes: readonly SignatureScheme[] = [
  { code: 0x0403, name: 'ecdsa_secp256r1_sha256', keys: ec, hash: 'sha256', padding: undefined },
  { code: 0x0503, name: 'ecdsa_secp384r1_sha384', keys: ec, hash: 'sha384', padding: undefined },
  { code: 0x0603, name: 'ecdsa_secp521r1_sha512', keys: ec, hash: 'sha512', padding: undefined },
  { code: 0x0807, name: 'ed25519', keys: ['ed25519'], hash: undefined, padding: undefined },
  { code: 0x0804, name: 'rsa_pss_rsae_sha256', keys: rsa, hash: 'sha256', padding: 'pss' },
  { code: 0x0805, name: 'rsa_pss_rsae_sha384', keys: rsa, hash: 'sha384', padding: 'pss' },
  { code: 0x0806, name: 'rsa_pss_rsae_sha512', keys: rsa, hash: 'sha512', padding: 'pss' },
  { code: 0x0401, name: 'rsa_pkcs1_sha256', keys: rsa, hash: 'sha256', padding: 'pkcs1' },
  { code: 0x0501, name: 'rsa_pkcs1_sha384', keys: rsa, hash: 'sha384', padding: 'pkcs1' },
  { code: 0x0601, name: 'rsa_pkcs1_sha512', keys: rsa, hash: 'sha512', padding: 'pkcs1' },
];

/** For the signature_algorithms extension and CertificateRequest. */
export const offeredSchemes: readonly number[] = signatureSchemes.map((scheme) => scheme.code);

export function findScheme(code: number): SignatureScheme | undefined {
  return signatureSchemes.find((scheme) => scheme.code === code);
}

/**
 * The scheme to sign with for a peer that offered these; undefined when none goes with the key. The key's natural scheme
 * comes first, then the peer's order. A peer that sent no list is taken to know SHA-256: the SHA-1 that RFC 5246
 * §7.4.1.4.1 assumes is not spoken here.
 */
export function chooseScheme(key: PrivateKey | PublicKey, offered: readonly number[] | undefined): number | undefined {
  const natural = naturalSchemes[key.algorithm];
  if (offered === undefined) return key.algorithm === 'rsa' ? 0x0401 : natural;
  if (offered.includes(natural)) return natural;
  return offered.find((code) => findScheme(code)?.keys.includes(key.algorithm));
}

const naturalSchemes: Readonly<Record<KeyAlgorithm, number>> = {
  'ec-p256': 0x0403,
  'ec-p384': 0x0503,
  'ec-p521': 0x0603,
  ed25519: 0x0807,
  rsa: 0x0804,
};

/** Signs `data` itself, which is hashed by the scheme. The scheme must go with the key, as `chooseScheme` sees to. */
export function signWith(scheme: number, key: PrivateKey, data: Uint8Array): Uint8Array {
  const found = findScheme(scheme);
  if (!found?.keys.includes(key.algorithm)) {
    throw new RangeError(`signWith: ${describeScheme(scheme)} does not go with a key of ${key.algorithm}`);
  }
  return new Uint8Array(sign(found.hash, data, { key: key.handle, ...padding(found) }));
}

/** False for a wrong signature, for a scheme that is unknown, and for one that does not go with the key. */
export function isSignedWith(scheme: number, key: PublicKey, data: Uint8Array, signature: Uint8Array): boolean {
  const found = findScheme(scheme);
  if (!found?.keys.includes(key.algorithm)) return false;
  try {
    return verify(found.hash, data, { key: key.handle, ...padding(found) }, signature);
  } catch {
    // Malformed signatures are false in most versions of OpenSSL and thrown in some.
    return false;
  }
}

/** As IANA registers it; a number for what is not known here. */
export function describeScheme(code: number): string {
  return findScheme(code)?.name ?? `scheme 0x${code.toString(16).padStart(4, '0')}`;
}

function padding(scheme: SignatureScheme): { padding?: number; saltLength?: number } {
  if (scheme.padding === 'pkcs1') return { padding: constants.RSA_PKCS1_PADDING };
  // RFC 8446 §4.2.3: as much salt as digest.
  if (scheme.padding === 'pss') {
    return { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  }
  return {};
}

/** What the signature of a ServerKeyExchange covers (RFC 8422 §5.4); `parameters` as they stand in the message. */
export function signedParameters(
  clientRandom: Uint8Array,
  serverRandom: Uint8Array,
  parameters: Uint8Array,
): Uint8Array {
  return concatBytes(clientRandom, serverRandom, parameters);
}

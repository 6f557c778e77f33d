// Keys and certificates as a configuration holds them, in PEM or in base64 of DER. Each throws what the runtime throws for anything else,
// which is not to be told: it may quote a key.
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';

const isPem = (written: string): boolean => written.includes('-----BEGIN');
const der = (written: string): Buffer => Buffer.from(written, 'base64');

/** DER of a SubjectPublicKeyInfo (RFC 5280 §4.1). */
export function publicKeyOf(written: string): Uint8Array {
  const key = createPublicKey(isPem(written) ? written : { key: der(written), format: 'der', type: 'spki' });
  return new Uint8Array(key.export({ format: 'der', type: 'spki' }));
}

/** DER of a PrivateKeyInfo (RFC 5208 §5). */
export function privateKeyOf(written: string): Uint8Array {
  const key = createPrivateKey(isPem(written) ? written : { key: der(written), format: 'der', type: 'pkcs8' });
  return new Uint8Array(key.export({ format: 'der', type: 'pkcs8' }));
}

/** DER of a certificate (RFC 5280 §4.1). */
export function certificateOf(written: string): Uint8Array {
  return new Uint8Array(new X509Certificate(isPem(written) ? written : der(written)).raw);
}

// Whether one key signed a certificate (RFC 5280 §4.1.1.3). Only hashes from SHA-256 on: a collision makes an authority.
import { equalBytes, FormatError } from '@lapwing/kernel';
import { isSignedWith } from '../handshake/signatures.ts';
import type { Certificate } from './certificate.ts';
import { DerReader, explicitTag, objectIdentifier, smallInteger, Tag } from './der.ts';
import type { PublicKey } from './keys.ts';

/** Object identifiers and the signature scheme that does the same. */
const schemes: Readonly<Record<string, number>> = {
  '1.2.840.10045.4.3.2': 0x0403,
  '1.2.840.10045.4.3.3': 0x0503,
  '1.2.840.10045.4.3.4': 0x0603,
  '1.2.840.113549.1.1.11': 0x0401,
  '1.2.840.113549.1.1.12': 0x0501,
  '1.2.840.113549.1.1.13': 0x0601,
  '1.3.101.112': 0x0807,
};

const weak: Readonly<Record<string, string>> = {
  '1.2.840.10045.4.1': 'SHA-1',
  '1.2.840.113549.1.1.5': 'SHA-1',
  '1.2.840.113549.1.1.4': 'MD5',
  '1.2.840.113549.1.1.2': 'MD2',
};

/** RSASSA-PSS by its hash (RFC 4055 §3.1). */
const pss: Readonly<Record<string, { readonly scheme: number; readonly salt: number }>> = {
  '2.16.840.1.101.3.4.2.1': { scheme: 0x0804, salt: 32 },
  '2.16.840.1.101.3.4.2.2': { scheme: 0x0805, salt: 48 },
  '2.16.840.1.101.3.4.2.3': { scheme: 0x0806, salt: 64 },
};

/** The scheme of a certificate's signature, or a clause on why there is none. */
export function signatureScheme(certificate: Certificate): number | string {
  const identifier = new DerReader(new DerReader(certificate.signatureAlgorithm).read(Tag.Sequence));
  const oid = objectIdentifier(identifier.read(Tag.ObjectIdentifier));
  if (oid === '1.2.840.113549.1.1.10') return pssScheme(identifier) ?? 'an RSASSA-PSS of unusual parameters';
  const hash = weak[oid];
  return schemes[oid] ?? (hash === undefined ? `the unknown algorithm ${oid}` : `${hash}, which is broken`);
}

function pssScheme(identifier: DerReader): number | undefined {
  try {
    const parameters = identifier.enter(Tag.Sequence);
    const hash = parameters.enter(explicitTag(0)).enter(Tag.Sequence).read(Tag.ObjectIdentifier);
    // MGF1 with the same hash is all that OpenSSL is told, so anything else fails there.
    parameters.read(explicitTag(1));
    const salt = smallInteger(parameters.enter(explicitTag(2)).read(Tag.Integer));
    const found = pss[objectIdentifier(hash)];
    return found?.salt === salt ? found.scheme : undefined;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return undefined;
  }
}

export function isSignedBy(certificate: Certificate, scheme: number, issuerKey: PublicKey): boolean {
  return isSignedWith(scheme, issuerKey, certificate.tbs, certificate.signature);
}

/** False when both name the issuer's key and name different ones (RFC 5280 §4.2.1.1). */
export function mayHaveIssued(issuer: Certificate, certificate: Certificate): boolean {
  if (!certificate.issuer.equals(issuer.subject)) return false;
  const named = certificate.extensions.authorityKeyId;
  const own = issuer.extensions.subjectKeyId;
  return named === undefined || own === undefined || equalBytes(named, own);
}

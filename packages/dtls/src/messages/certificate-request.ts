// CertificateRequest: the server wants the client to prove itself too (RFC 5246 §7.4.4).
import { Reader, Writer } from '@lapwing/kernel';
import { expectEnd, readList8, readList16, readOpaque16, writeList8, writeList16, writeOpaque16 } from './vector.ts';

export interface CertificateRequest {
  /** Kinds of keys: 1 for RSA, 64 for ECDSA. RFC 5246 §7.4.4, RFC 8422 §5.5. */
  readonly certificateTypes: readonly number[];
  /** That the server can check, best first. */
  readonly signatureSchemes: readonly number[];
  /** Distinguished names in DER; empty when any will do. */
  readonly authorities: readonly Uint8Array[];
}

export function encodeCertificateRequest(request: CertificateRequest): Uint8Array {
  const writer = new Writer(64);
  writeList8(writer, request.certificateTypes);
  writeList16(writer, request.signatureSchemes);
  const names = new Writer(64);
  for (const name of request.authorities) writeOpaque16(names, name);
  writeOpaque16(writer, names.finish());
  return writer.finish();
}

/** Throws FormatError; names are views of `body`. */
export function decodeCertificateRequest(body: Uint8Array): CertificateRequest {
  const reader = new Reader(body);
  const certificateTypes = readList8(reader, 'certificate types');
  const signatureSchemes = readList16(reader, 'signature schemes');
  const names = new Reader(readOpaque16(reader, 'certificate authorities'));
  expectEnd(reader, 'CertificateRequest');
  const authorities: Uint8Array[] = [];
  while (names.left > 0) authorities.push(readOpaque16(names, 'distinguished name', { min: 1 }));
  return { certificateTypes, signatureSchemes, authorities };
}

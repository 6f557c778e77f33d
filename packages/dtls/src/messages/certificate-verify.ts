// CertificateVerify: the client signs the handshake so far (RFC 5246 §7.4.8).
import { Reader, Writer } from '@lapwing/kernel';
import { type DigitallySigned, readDigitallySigned, writeDigitallySigned } from './digitally-signed.ts';
import { expectEnd } from './vector.ts';

export type CertificateVerify = DigitallySigned;

export function encodeCertificateVerify(message: CertificateVerify): Uint8Array {
  const writer = new Writer(80);
  writeDigitallySigned(writer, message);
  return writer.finish();
}

/** Throws FormatError; the signature is a view of `body`. */
export function decodeCertificateVerify(body: Uint8Array): CertificateVerify {
  const reader = new Reader(body);
  const message = readDigitallySigned(reader);
  expectEnd(reader, 'CertificateVerify');
  return message;
}

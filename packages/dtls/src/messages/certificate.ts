// Certificate: a chain of X.509 certificates (RFC 5246 §7.4.2), or one raw public key when both sides agreed on that
// (RFC 7250 §3). Which of the two a body is, only the hellos know.
import { Reader, Writer } from '@lapwing/kernel';
import { expectEnd, readOpaque24, writeOpaque24 } from './vector.ts';

/** The chain in DER, the sender's own certificate first; empty when a client has none. */
export interface Certificate {
  readonly chain: readonly Uint8Array[];
}

/** A SubjectPublicKeyInfo in DER; empty when a client has none. */
export interface RawPublicKeyCertificate {
  readonly publicKey: Uint8Array;
}

export function encodeCertificate({ chain }: Certificate): Uint8Array {
  const list = new Writer(1024);
  for (const certificate of chain) writeOpaque24(list, certificate);
  const writer = new Writer(list.length + 3);
  writeOpaque24(writer, list.finish());
  return writer.finish();
}

/** Throws FormatError; certificates are views of `body`. How many are too many is for who builds the path. */
export function decodeCertificate(body: Uint8Array): Certificate {
  const reader = new Reader(body);
  const list = new Reader(readOpaque24(reader, 'certificate list'));
  expectEnd(reader, 'Certificate');
  const chain: Uint8Array[] = [];
  while (list.left > 0) chain.push(readOpaque24(list, 'certificate', { min: 1 }));
  return { chain };
}

export function encodeRawPublicKeyCertificate({ publicKey }: RawPublicKeyCertificate): Uint8Array {
  const writer = new Writer(publicKey.length + 3);
  writeOpaque24(writer, publicKey);
  return writer.finish();
}

/** Throws FormatError; the key is a view of `body`. */
export function decodeRawPublicKeyCertificate(body: Uint8Array): RawPublicKeyCertificate {
  const reader = new Reader(body);
  const publicKey = readOpaque24(reader, 'raw public key');
  expectEnd(reader, 'Certificate');
  return { publicKey };
}

// A signature with the scheme that made it (RFC 5246 §4.7): in ServerKeyExchange, and all there is to CertificateVerify.
import type { Reader, Writer } from '@lapwing/kernel';
import { readOpaque16, writeOpaque16 } from './vector.ts';

export interface DigitallySigned {
  /** Hash and algorithm as one number, e.g. 0x0403 for ecdsa_secp256r1_sha256. */
  readonly scheme: number;
  readonly signature: Uint8Array;
}

export function readDigitallySigned(reader: Reader): DigitallySigned {
  return { scheme: reader.u16(), signature: readOpaque16(reader, 'signature', { min: 1 }) };
}

export function writeDigitallySigned(writer: Writer, { scheme, signature }: DigitallySigned): void {
  writer.u16(scheme);
  writeOpaque16(writer, signature);
}

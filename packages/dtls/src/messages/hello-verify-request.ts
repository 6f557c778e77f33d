// HelloVerifyRequest: prove that you receive at your address, then say hello again (RFC 6347 §4.2.1).
import { Reader, Writer } from '@lapwing/kernel';
import { expectEnd, readOpaque8, writeOpaque8 } from './vector.ts';

export interface HelloVerifyRequest {
  /** Says nothing about the version that will be chosen: see helloVerifyVersion. */
  readonly version: number;
  /** Up to 255 bytes. */
  readonly cookie: Uint8Array;
}

/** DTLS 1.0, in the message and in its record, whatever follows: old clients read no other. RFC 6347 §4.2.1. */
export const helloVerifyVersion = 0xfeff;

export function encodeHelloVerifyRequest({ version, cookie }: HelloVerifyRequest): Uint8Array {
  const writer = new Writer(48).u16(version);
  writeOpaque8(writer, cookie);
  return writer.finish();
}

/** Throws FormatError; the cookie is a view of `body`. */
export function decodeHelloVerifyRequest(body: Uint8Array): HelloVerifyRequest {
  const reader = new Reader(body);
  const request = { version: reader.u16(), cookie: readOpaque8(reader, 'cookie') };
  expectEnd(reader, 'HelloVerifyRequest');
  return request;
}

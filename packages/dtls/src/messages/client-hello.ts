// ClientHello: what a client offers (RFC 5246 §7.4.1.2, with the cookie of RFC 6347 §4.2.1).
import { Reader, Writer } from '@lapwing/kernel';
import { type Extensions, readExtensions, writeExtensions } from './extensions.ts';
import { readList8, readList16, readOpaque8, writeList8, writeList16, writeOpaque8 } from './vector.ts';

export interface ClientHello {
  /** The newest that the client speaks: 0xfefd for DTLS 1.2, 0xfeff for 1.0. */
  readonly version: number;
  /** 32 bytes. */
  readonly random: Uint8Array;
  /** Up to 32 bytes; empty for a new session. */
  readonly sessionId: Uint8Array;
  /** Up to 255 bytes; empty in the first hello. */
  readonly cookie: Uint8Array;
  /** Best first; may hold unknown numbers and signalling values. */
  readonly cipherSuites: readonly number[];
  readonly compressionMethods: readonly number[];
  readonly extensions: Extensions;
}

/** In bytes. */
export const randomSize = 32;
/** In bytes. */
export const largestSessionId = 32;

/** Used and left within one call. */
const writer = new Writer(512);

export function encodeClientHello(hello: ClientHello): Uint8Array {
  writer.reset().u16(hello.version).bytes(hello.random);
  writeOpaque8(writer, hello.sessionId);
  writeOpaque8(writer, hello.cookie);
  writeList16(writer, hello.cipherSuites);
  writeList8(writer, hello.compressionMethods);
  writeExtensions(writer, hello.extensions);
  return writer.finish();
}

/** Throws FormatError; byte fields are views of `body`. */
export function decodeClientHello(body: Uint8Array): ClientHello {
  const reader = new Reader(body);
  return {
    version: reader.u16(),
    random: reader.take(randomSize),
    sessionId: readOpaque8(reader, 'session id', { max: largestSessionId }),
    cookie: readOpaque8(reader, 'cookie'),
    cipherSuites: readList16(reader, 'cipher suites'),
    compressionMethods: readList8(reader, 'compression methods'),
    extensions: readExtensions(reader),
  };
}

// ServerHello: what the server chose of the client's offer (RFC 5246 §7.4.1.3).
import { Reader, Writer } from '@lapwing/kernel';
import { largestSessionId, randomSize } from './client-hello.ts';
import { readServerExtensions, type ServerExtensions, writeServerExtensions } from './extensions.ts';
import { readOpaque8, writeOpaque8 } from './vector.ts';

export interface ServerHello {
  readonly version: number;
  /** 32 bytes. */
  readonly random: Uint8Array;
  /** Up to 32 bytes; equal to the client's when the session is resumed, empty when it cannot be. */
  readonly sessionId: Uint8Array;
  readonly cipherSuite: number;
  /** 0 for none. */
  readonly compressionMethod: number;
  readonly extensions: ServerExtensions;
}

/** Used and left within one call. */
const writer = new Writer(256);

export function encodeServerHello(hello: ServerHello): Uint8Array {
  writer.reset().u16(hello.version).bytes(hello.random);
  writeOpaque8(writer, hello.sessionId);
  writer.u16(hello.cipherSuite).u8(hello.compressionMethod);
  writeServerExtensions(writer, hello.extensions);
  return writer.finish();
}

/** Throws FormatError; byte fields are views of `body`. */
export function decodeServerHello(body: Uint8Array): ServerHello {
  const reader = new Reader(body);
  return {
    version: reader.u16(),
    random: reader.take(randomSize),
    sessionId: readOpaque8(reader, 'session id', { max: largestSessionId }),
    cipherSuite: reader.u16(),
    compressionMethod: reader.u8(),
    extensions: readServerExtensions(reader),
  };
}

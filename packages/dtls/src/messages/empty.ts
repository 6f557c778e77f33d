// The messages that say all with their type: HelloRequest (RFC 5246 §7.4.1.1) and ServerHelloDone (RFC 5246 §7.4.5).
import { FormatError, noBytes } from '@lapwing/kernel';

export function encodeHelloRequest(): Uint8Array {
  return noBytes;
}

/** Throws FormatError when there is a body. */
export function decodeHelloRequest(body: Uint8Array): void {
  expectNothing(body, 'HelloRequest');
}

export function encodeServerHelloDone(): Uint8Array {
  return noBytes;
}

/** Throws FormatError when there is a body. */
export function decodeServerHelloDone(body: Uint8Array): void {
  expectNothing(body, 'ServerHelloDone');
}

function expectNothing(body: Uint8Array, what: string): void {
  if (body.length > 0) throw new FormatError(`${what} of ${body.length} bytes`);
}

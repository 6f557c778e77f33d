// The parts of a ClientHello that the cookie covers, read where they stand in the first fragment: nothing is
// reassembled, and nothing kept, for a client that has not shown its address (RFC 6347 §4.2.1).
import { largestSessionId, randomSize } from '../messages/client-hello.ts';
import { type Fragment, HandshakeType } from '../messages/handshake.ts';

/** Where the parts of a hello stand in its first fragment; most hellos are answered and forgotten, so views are made when asked for. */
export class HelloView {
  /** Of the fragment, without its header. */
  readonly body: Uint8Array;
  /** Of the byte that says how long the cookie is; before it stand version, 32 bytes of random, session id with its length. */
  readonly openingEnd: number;
  readonly cookieEnd: number;
  /** Of cipher suites and compression methods with their lengths; undefined when the fragment ends before they do. */
  readonly choicesEnd: number | undefined;
  /** Further fragments must follow for the whole message. */
  readonly isCut: boolean;

  constructor(body: Uint8Array, openingEnd: number, cookieEnd: number, isCut: boolean) {
    this.body = body;
    this.openingEnd = openingEnd;
    this.cookieEnd = cookieEnd;
    this.choicesEnd = choicesEnd(body, cookieEnd);
    this.isCut = isCut;
  }

  get hasCookie(): boolean {
    return this.cookieEnd > this.openingEnd + 1;
  }

  /** Empty in the first hello. */
  get cookie(): Uint8Array {
    return this.body.subarray(this.openingEnd + 1, this.cookieEnd);
  }

  get mark(): number {
    return markOf(this.body);
  }
}

/**
 * 52 bits of the client's random, or of as much of it as there is: two hellos of a client have the same once in 2^52. Whoever
 * makes one on purpose has only repeated a hello.
 */
export function markOf(body: Uint8Array): number {
  let low = 0;
  let high = 0;
  for (let i = 2; i < 2 + randomSize; i += 1) {
    const byte = body[i] ?? 0;
    low = (Math.imul(low, 31) + byte) | 0;
    high = Math.imul(high, 0x0100_0193) ^ byte;
  }
  return (high & 0xf_ffff) * 2 ** 32 + (low >>> 0);
}

/**
 * Undefined for what is no ClientHello, not the start of one, not well formed as far as it goes, or cut before the end
 * of the cookie: such hellos are dropped without an answer.
 */
export function peekClientHello({ type, length, offset, body }: Fragment): HelloView | undefined {
  if (type !== HandshakeType.clientHello || offset !== 0 || body.length > length) return undefined;
  const sessionIdAt = 2 + randomSize + 1;
  const sessionIdLength = body[sessionIdAt - 1];
  if (sessionIdLength === undefined || sessionIdLength > largestSessionId) return undefined;
  const cookieAt = sessionIdAt + sessionIdLength + 1;
  const cookieLength = body[cookieAt - 1];
  if (cookieLength === undefined || cookieAt + cookieLength > body.length) return undefined;
  return new HelloView(body, cookieAt - 1, cookieAt + cookieLength, body.length < length);
}

function choicesEnd(body: Uint8Array, at: number): number | undefined {
  if (at + 2 > body.length) return undefined;
  const compressionAt = at + 2 + (body[at] ?? 0) * 256 + (body[at + 1] ?? 0);
  const compressionLength = body[compressionAt];
  if (compressionLength === undefined) return undefined;
  const end = compressionAt + 1 + compressionLength;
  return end > body.length ? undefined : end;
}

// The parts of a ClientHello that the cookie covers, read where they stand in the first fragment: nothing is
// reassembled, and nothing kept, for a client that has not shown its address (RFC 6347 §4.2.1).
import { largestSessionId, randomSize } from '../messages/client-hello.ts';
import { type Fragment, HandshakeType } from '../messages/handshake.ts';

/** Where the parts of a hello stand in its first fragment; most hellos are answered and forgotten, so views are made when asked for. */
export class HelloView {
  readonly bytes: Uint8Array;
  /** Where the hello begins, behind the header of its fragment; before the rest stand version and 32 bytes of random. */
  readonly from: number;
  /** Of the byte that says how long the cookie is; before it stands the session id with its length. */
  readonly openingEnd: number;
  readonly cookieEnd: number;
  /** Of cipher suites and compression methods with their lengths; undefined when the fragment ends before they do. */
  readonly choicesEnd: number | undefined;
  /** Further fragments must follow for the whole message. */
  readonly isCut: boolean;

  constructor(bytes: Uint8Array, from: number, to: number, openingEnd: number, isCut: boolean) {
    this.bytes = bytes;
    this.from = from;
    this.openingEnd = openingEnd;
    this.cookieEnd = openingEnd + 1 + (bytes[openingEnd] as number);
    this.choicesEnd = choicesEnd(bytes, this.cookieEnd, to);
    this.isCut = isCut;
  }

  get hasCookie(): boolean {
    return this.cookieEnd > this.openingEnd + 1;
  }

  /** Empty in the first hello. */
  get cookie(): Uint8Array {
    return this.bytes.subarray(this.openingEnd + 1, this.cookieEnd);
  }
}

/**
 * 52 bits of the client's random, or of as much of it as there is before `to`: two hellos of a client have the same once in 2^52.
 * Whoever makes one on purpose has only repeated a hello.
 */
export function markOf(bytes: Uint8Array, from: number, to: number): number {
  const end = Math.min(to, from + 2 + randomSize);
  let low = 0;
  let high = 0;
  for (let i = from + 2; i < end; i += 1) {
    const byte = bytes[i] as number;
    low = (Math.imul(low, 31) + byte) | 0;
    high = Math.imul(high, 0x0100_0193) ^ byte;
  }
  return (high & 0xf_ffff) * 2 ** 32 + (low >>> 0);
}

/**
 * Of a fragment. Undefined for what is no ClientHello, not the start of one, not well formed as far as it goes, or cut before
 * the end of the cookie: such hellos are dropped without an answer.
 */
export function peekClientHello({ type, length, offset, body }: Fragment): HelloView | undefined {
  if (type !== HandshakeType.clientHello || offset !== 0) return undefined;
  return viewClientHello(body, 0, body.length, length);
}

/** The same of the first fragment of a ClientHello whose content is from `from` to `to`; `length`: of the whole message. */
export function viewClientHello(bytes: Uint8Array, from: number, to: number, length: number): HelloView | undefined {
  const sessionIdAt = from + 2 + randomSize + 1;
  if (to - from > length || sessionIdAt > to) return undefined;
  const sessionIdLength = bytes[sessionIdAt - 1] as number;
  const openingEnd = sessionIdAt + sessionIdLength;
  if (sessionIdLength > largestSessionId || openingEnd >= to) return undefined;
  if (openingEnd + 1 + (bytes[openingEnd] as number) > to) return undefined;
  return new HelloView(bytes, from, to, openingEnd, to - from < length);
}

function choicesEnd(bytes: Uint8Array, at: number, to: number): number | undefined {
  if (at + 2 > to) return undefined;
  const compressionAt = at + 2 + (bytes[at] as number) * 256 + (bytes[at + 1] as number);
  if (compressionAt >= to) return undefined;
  const end = compressionAt + 1 + (bytes[compressionAt] as number);
  return end > to ? undefined : end;
}

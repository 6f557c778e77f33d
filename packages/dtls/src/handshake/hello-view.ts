// The parts of a ClientHello that the cookie covers, read where they stand in the first fragment: nothing is
// reassembled, and nothing kept, for a client that has not shown its address (RFC 6347 §4.2.1).
import { noBytes } from '@lapwing/kernel';
import { largestSessionId, randomSize } from '../messages/client-hello.ts';
import { type Fragment, HandshakeType } from '../messages/handshake.ts';

/** All fields are views of the fragment. */
export interface HelloView {
  /** Everything before the cookie: version, 32 bytes of random, session id with its length. */
  readonly opening: Uint8Array;
  /** Empty in the first hello. */
  readonly cookie: Uint8Array;
  /** Cipher suites and compression methods with their lengths; undefined when the fragment ends before they do. */
  readonly choices: Uint8Array | undefined;
  /** Further fragments must follow for the whole message. */
  readonly isCut: boolean;
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
  const end = cookieAt + cookieLength;
  return {
    opening: body.subarray(0, cookieAt - 1),
    cookie: cookieLength === 0 ? noBytes : body.subarray(cookieAt, end),
    choices: choicesAt(body, end),
    isCut: body.length < length,
  };
}

/** The client's random, a view of the hello. */
export function randomOf({ opening }: HelloView): Uint8Array {
  return opening.subarray(2, 2 + randomSize);
}

function choicesAt(body: Uint8Array, at: number): Uint8Array | undefined {
  if (at + 2 > body.length) return undefined;
  const compressionAt = at + 2 + (body[at] ?? 0) * 256 + (body[at + 1] ?? 0);
  const compressionLength = body[compressionAt];
  if (compressionLength === undefined) return undefined;
  const end = compressionAt + 1 + compressionLength;
  return end > body.length ? undefined : body.subarray(at, end);
}

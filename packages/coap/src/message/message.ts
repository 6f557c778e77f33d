// What travels: a message has a type and an id, a request and a response have not (RFC 7252 §3, §4, §5).
import { noBytes } from '@lapwing/kernel';
import type { Code } from './code.ts';
import { OptionSet } from './option-set.ts';

/** As on the wire (RFC 7252 §3). */
export const Type = { Con: 0, Non: 1, Ack: 2, Rst: 3 } as const;
export type Type = (typeof Type)[keyof typeof Type];

/** 0 to 8 bytes (RFC 7252 §5.3.1). */
export type Token = Uint8Array;

export interface Message {
  readonly type: Type;
  /** 0 to 65 535 */
  readonly id: number;
  readonly token: Token;
  readonly code: Code;
  readonly options: OptionSet;
  readonly payload: Uint8Array;
}

/** A body that is read in slices, so that it never has to be in memory whole. */
export interface BodySource {
  /** In bytes, when it is known beforehand. */
  readonly size?: number;
  /** Tells two states of the body apart (RFC 7959 §2.4); 1 to 8 bytes. */
  readonly etag?: Uint8Array;
  /** At most `length` bytes from `offset`; fewer only at the end. */
  read(offset: number, length: number): Uint8Array | Promise<Uint8Array>;
}

export interface Request {
  readonly code: Code;
  readonly options: OptionSet;
  readonly payload: Uint8Array;
  /** Instead of `payload`. */
  readonly body?: BodySource;
}

export interface Response {
  readonly code: Code;
  readonly options: OptionSet;
  readonly payload: Uint8Array;
  /** Instead of `payload`. */
  readonly body?: BodySource;
}

export function makeRequest(code: Code, options: OptionSet = OptionSet.empty, payload: Uint8Array = noBytes): Request {
  return { code, options, payload };
}

export function makeResponse(
  code: Code,
  options: OptionSet = OptionSet.empty,
  payload: Uint8Array = noBytes,
): Response {
  return { code, options, payload };
}

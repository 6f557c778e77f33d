// What goes into the core of a connection and what comes out of it (RFC 8323 §5), and what it is set to.
import type { Duration } from '@lapwing/kernel';

export interface SignallingSettings {
  /** Bytes of the longest message that is taken; the peer is told. */
  readonly longestReceived: number;
  /** Bytes of the longest message that is sent, if the peer takes it. */
  readonly longestSent: number;
  /** For the peer to introduce itself. */
  readonly introduction: Duration;
  /** From a message's first byte to its last, and for a peer that does not read. */
  readonly stall: Duration;
  /** Silence after which the peer is asked whether it is there; undefined: never. */
  readonly idle: Duration | undefined;
  /** For the answer to that. */
  readonly pong: Duration;
  /** For what is in flight when one side wants to end. */
  readonly release: Duration;
  /** Requests of the peer that may wait for their answer, and their bytes. */
  readonly pending: number;
  readonly pendingBytes: number;
}

export type SignallingInput =
  | { readonly kind: 'opened' }
  | { readonly kind: 'chunk'; readonly bytes: Uint8Array }
  /** Answers the effect of that name. */
  | { readonly kind: 'continue' }
  /** A whole message for the peer. */
  | { readonly kind: 'send'; readonly bytes: Uint8Array }
  /** A request of so many bytes needs no answer any more. */
  | { readonly kind: 'settled'; readonly bytes: number }
  | { readonly kind: 'ping' }
  /** The peer does not read: what was written does not leave · it does. */
  | { readonly kind: 'stalled' }
  | { readonly kind: 'drained' }
  /** We want to end: with a reason because of what the peer did. */
  | { readonly kind: 'close'; readonly reason: Error | undefined }
  | { readonly kind: 'ended' };

export type SignallingCount =
  | 'idleMessages'
  | 'pongsWithheld'
  | 'unknownSignals'
  | 'readingStopped'
  | 'refusedAfterRelease'
  | 'unsentAfterRelease'
  | 'abortsSent'
  | 'abortsReceived'
  | 'timeouts';

export type SignallingEffect =
  | { readonly kind: 'write'; readonly bytes: Uint8Array }
  /** A message for the layer above. */
  | { readonly kind: 'deliver'; readonly bytes: Uint8Array }
  | { readonly kind: 'continue' }
  /** What the peer takes, when it has introduced itself and whenever it changes its mind. */
  | { readonly kind: 'agreed'; readonly mtu: number; readonly bert: boolean }
  | { readonly kind: 'reading'; readonly wanted: 'on' | 'off' }
  | { readonly kind: 'pong' }
  /** The peer lets go: nothing new may begin. */
  | { readonly kind: 'released'; readonly holdOff: Duration; readonly alternatives: readonly string[] }
  | { readonly kind: 'count'; readonly what: SignallingCount }
  /** Nothing comes after it. `end` lets out what was written, `drop` does not. */
  | { readonly kind: 'over'; readonly how: 'end' | 'drop'; readonly cause: Error };

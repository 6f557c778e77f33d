// A device by name, not by connection: valid while it sleeps or is gone. Machines use `perform`; people use the sugar
// of `calls.ts` that stands on it.
import type { Duration } from '@lapwing/kernel';
import type { Operation, Result, TypeLookup } from '@lapwing/lwm2m';

export interface PerformOptions {
  /** Withdraws the operation, also while it is under way. */
  readonly signal?: AbortSignal;
  /** Comes back with every notification of an observe. */
  readonly tag?: unknown;
  /** `now` waits neither for the device to wake nor for the operation before it; default `queued`. */
  readonly order?: 'queued' | 'now';
  /** Longest wait in the queue, in ms. */
  readonly ttl?: Duration;
  /** The types of values, where the caller knows better than the definitions that the device registered with. */
  readonly typeOf?: TypeLookup;
  /** Hears that the device has the request and will answer separately (RFC 7252 §5.2.2). */
  readonly acknowledged?: () => void;
}

export interface Performer {
  /**
   * Asks the device. A refusal is a result (`refused`), not an error. Rejects with NotRegisteredError, LimitError (queue
   * full), TimeoutError (no answer, or not sent within `ttl`), ResetError, FormatError (an answer that cannot be
   * decoded), or the signal's reason.
   */
  perform(operation: Operation, options?: PerformOptions): Promise<Result>;
}

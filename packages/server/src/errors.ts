// Failures that only a server has, and what kind of failure any error of a call is.
import { BlockError, type Code, ResponseError } from '@lapwing/coap';
import { FormatError, isStackError, LimitError, StackError, TimeoutError, type TimeoutPhase } from '@lapwing/kernel';

/** The device is not registered now, or its registration ended while the command waited. */
export class NotRegisteredError extends StackError {
  readonly code = 'LWM2M_NOT_REGISTERED';
}

/** The version of LwM2M that the device registered with has no such operation: it was not asked. */
export class UnsupportedError extends StackError {
  readonly code = 'LWM2M_UNSUPPORTED';
}

export type Failure =
  /** The device said no. */
  | { readonly kind: 'rejected'; readonly status: Code }
  /** The caller withdrew it. */
  | { readonly kind: 'cancelled' }
  /** It was not its turn in time, or nobody acknowledged or answered it. */
  | { readonly kind: 'timeout'; readonly phase: Exclude<TimeoutPhase, 'sleep'> | undefined }
  /** The device slept all the time that the command had. */
  | { readonly kind: 'sleeping' }
  /** Not registered, reset, or the connection is gone. */
  | { readonly kind: 'unreachable' }
  /** What was to be sent, or what was answered, makes no sense in its format. */
  | { readonly kind: 'codec' }
  /** Kept back here: too much at once, or nothing for a device of that version. */
  | { readonly kind: 'refused-here' }
  /** A mistake of somebody's code. */
  | { readonly kind: 'unexpected' };

/** What kind of failure `error` is, which a call on a device rejected with; `signal` is the call's. */
export function failureOf(error: unknown, signal?: AbortSignal): Failure {
  if (signal?.aborted && error === signal.reason) return { kind: 'cancelled' };
  if (error instanceof ResponseError) return { kind: 'rejected', status: error.status };
  if (error instanceof TimeoutError) {
    const { phase } = error;
    return phase === 'sleep' ? { kind: 'sleeping' } : { kind: 'timeout', phase };
  }
  if (error instanceof FormatError || error instanceof BlockError) return { kind: 'codec' };
  if (error instanceof LimitError || error instanceof UnsupportedError) return { kind: 'refused-here' };
  // What is left of ours: no registration, a reset, a connection that is closed or lost.
  return isStackError(error) ? { kind: 'unreachable' } : { kind: 'unexpected' };
}

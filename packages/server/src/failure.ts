// Why a command came to nothing: one closed list for calls on devices, for the queue and for what gateways tell; whether the device can
// have seen it, and whether it may be sent again. Pure.
import { BlockError, BodyLimitError, type Code, ResetError, ResponseError } from '@lapwing/coap';
import { FormatError, isStackError, LimitError, TimeoutError } from '@lapwing/kernel';
import type { Operation } from '@lapwing/lwm2m';
import { NotRegisteredError, UnsupportedError } from './errors.ts';
import type { RetryPolicy } from './stores/command-store.ts';

export type FailureKind =
  /** The device said no. */
  | { readonly kind: 'rejected'; readonly status: Code }
  /** The caller withdrew it. */
  | { readonly kind: 'cancelled' }
  /** It was not its turn in time, or nobody acknowledged or answered it. */
  | { readonly kind: 'timeout'; readonly phase: 'queue' | 'acknowledgement' | 'response' }
  /** The device slept all the time that the command had. */
  | { readonly kind: 'sleeping' }
  /** Not registered; or it has no idea what this is about, and reset it; or the connection, or this side, was closed. */
  | { readonly kind: 'unreachable'; readonly why: 'unregistered' | 'reset' | 'closed' }
  /** What was to be sent, or what was answered, makes no sense: in its format, or in the blocks that it came in. */
  | { readonly kind: 'codec'; readonly why: 'format' | 'blocks' }
  /** Kept back here: too much at once, an answer that is too long, nothing for a device of that version, or it could not be written down. */
  | { readonly kind: 'refused-here'; readonly why: 'limit' | 'length' | 'version' | 'store' }
  /** The process ended while it was under way. */
  | { readonly kind: 'interrupted' }
  /** A mistake of somebody's code. */
  | { readonly kind: 'unexpected' };

export type Failure = FailureKind & {
  /** `no`: the device has not seen it. */
  readonly delivered: Delivered;
  /** For people. */
  readonly reason: string;
};

export type Delivered = 'no' | 'unsure' | 'yes';

/** That a command goes out could not be written down, so it does not go. */
export class UnwrittenError extends Error {}

/** Of making requests: they were thrown before anything could go out. */
const unsent = new WeakSet<object>();

/** Remembers of `error` that nothing was sent, and gives it back. */
export function asUnsent(error: unknown): unknown {
  if (typeof error === 'object' && error !== null) unsent.add(error);
  return error;
}

const isUnsent = (error: unknown): boolean => typeof error === 'object' && error !== null && unsent.has(error);

/** What kind of failure `error` is, which a call on a device rejected with; `signal` is the call's. */
export function failureOf(error: unknown, signal?: AbortSignal): Failure {
  const reason = error instanceof Error ? error.message : String(error);
  if (signal?.aborted && error === signal.reason) return { kind: 'cancelled', delivered: 'unsure', reason };
  const failure = kindOf(error);
  return { ...failure, delivered: isUnsent(error) ? 'no' : deliveredBy(failure), reason };
}

function kindOf(error: unknown): FailureKind {
  if (error instanceof ResponseError) return { kind: 'rejected', status: error.status };
  if (error instanceof TimeoutError) {
    // One that does not say what it waited for proves nothing about the device.
    const { phase = 'acknowledgement' } = error;
    return phase === 'sleep' ? { kind: 'sleeping' } : { kind: 'timeout', phase };
  }
  if (error instanceof FormatError) return { kind: 'codec', why: 'format' };
  if (error instanceof BlockError) return { kind: 'codec', why: 'blocks' };
  if (error instanceof BodyLimitError) return { kind: 'refused-here', why: 'length' };
  if (error instanceof LimitError) return { kind: 'refused-here', why: 'limit' };
  if (error instanceof UnsupportedError) return { kind: 'refused-here', why: 'version' };
  if (error instanceof UnwrittenError) return { kind: 'refused-here', why: 'store' };
  if (error instanceof NotRegisteredError) return { kind: 'unreachable', why: 'unregistered' };
  if (error instanceof ResetError) return { kind: 'unreachable', why: 'reset' };
  // What is left of ours: a connection that is closed or lost.
  return isStackError(error) ? { kind: 'unreachable', why: 'closed' } : { kind: 'unexpected' };
}

/** As far as the failure says it. */
function deliveredBy(failure: FailureKind): Delivered {
  switch (failure.kind) {
    case 'rejected':
      return 'yes';
    case 'sleeping':
      return 'no';
    case 'timeout':
      return failure.phase === 'queue' ? 'no' : failure.phase === 'response' ? 'yes' : 'unsure';
    case 'unreachable':
      return failure.why === 'reset' ? 'yes' : 'unsure';
    case 'refused-here':
      return failure.why === 'length' ? 'yes' : 'no';
    case 'cancelled':
    case 'codec':
    case 'interrupted':
    case 'unexpected':
      return 'unsure';
  }
}

/** Why a command was taken back by this side: by its owner, or because its time was over, in which the device perhaps only slept. */
export type Withdrawal = 'cancelled' | 'expired' | 'slept';

export interface Journey {
  /** The request was handed to the network. */
  readonly onTheWay: boolean;
  /** The device has said that it has it. */
  readonly acknowledged: boolean;
}

/** As `failureOf`, of a command of the queue, which knows how far it has come. */
export function failureOfCommand(error: unknown, journey: Journey, withdrawal: Withdrawal | undefined): Failure {
  const { acknowledged } = journey;
  const onTheWay = journey.onTheWay && !isUnsent(error);
  const { reason, delivered: seen, ...failure } = failureOf(error);
  const delivered = acknowledged ? 'yes' : onTheWay ? 'unsure' : 'no';
  if (withdrawal === 'cancelled') return { kind: 'cancelled', delivered, reason };
  if (withdrawal === 'slept' && !onTheWay) return { kind: 'sleeping', delivered, reason };
  if (withdrawal === 'expired' && !onTheWay) return { kind: 'timeout', phase: 'queue', delivered, reason };
  if (failure.kind === 'timeout') {
    const phase = acknowledged ? 'response' : onTheWay ? 'acknowledgement' : 'queue';
    return { kind: 'timeout', phase, delivered, reason };
  }
  return { ...failure, delivered: onTheWay && seen === 'yes' ? 'yes' : delivered, reason };
}

/** Operations that change nothing: sent as GET or FETCH, which a device may see as often as it likes (RFC 7252 §5.1). */
const safe: ReadonlySet<string> = new Set(['read', 'discover', 'read-composite', 'observe', 'observe-composite']);

export const isSafe = ({ op }: Operation): boolean => safe.has(op);

/** `wait`: it was never seen and costs no attempt. */
export function nextStep(
  failure: Failure,
  command: {
    readonly operation: Operation;
    readonly retry: RetryPolicy;
    readonly attempts: number;
    readonly unregistered: 'wait' | 'fail';
  },
): 'give-up' | 'wait' | 'again' {
  switch (failure.kind) {
    case 'rejected':
    case 'cancelled':
    case 'sleeping':
    case 'codec':
    case 'unexpected':
    case 'interrupted':
      return 'give-up';
    case 'unreachable':
      if (failure.why === 'reset') return 'give-up';
      if (failure.delivered === 'no') return command.unregistered === 'wait' ? 'wait' : 'give-up';
      break;
    case 'refused-here':
      if (failure.why === 'version' || failure.why === 'length') return 'give-up';
      if (failure.delivered === 'no') return 'wait';
      break;
    case 'timeout':
      if (failure.phase === 'queue') return 'give-up';
      break;
  }
  const mayRepeat = command.retry.unless === 'answered' || isSafe(command.operation);
  return mayRepeat && command.attempts < command.retry.attempts ? 'again' : 'give-up';
}

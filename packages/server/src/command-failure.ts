// What kind of failure a command has met, whether the device can have seen it, and whether it may be sent again: pure.
import { BlockError, ResetError } from '@lapwing/coap';
import { FormatError, isStackError, LimitError, TimeoutError } from '@lapwing/kernel';
import type { Operation } from '@lapwing/lwm2m';
import { NotRegisteredError } from './errors.ts';
import type { CommandFailure, RetryPolicy } from './stores/command-store.ts';

/** Why a command was taken back by this side. */
export type Withdrawal = 'cancelled' | 'expired';

/** That a command goes out could not be written down, so it does not go. */
export class UnwrittenError extends Error {}

export interface Journey {
  /** The request was handed to the network. */
  readonly onTheWay: boolean;
  /** The device has said that it has it. */
  readonly acknowledged: boolean;
}

export function failureOfCommand(
  error: unknown,
  { onTheWay, acknowledged }: Journey,
  withdrawal: Withdrawal | undefined,
): CommandFailure {
  const reason = error instanceof Error ? error.message : String(error);
  const delivered = acknowledged ? 'yes' : onTheWay ? 'unsure' : 'no';
  if (withdrawal === 'cancelled') return { kind: 'cancelled', delivered, reason };
  if (withdrawal === 'expired' && !onTheWay) return { kind: 'timeout', phase: 'queue', delivered, reason };
  if (error instanceof TimeoutError) {
    const phase = acknowledged ? 'response' : onTheWay ? 'acknowledgement' : 'queue';
    return { kind: 'timeout', phase, delivered, reason };
  }
  if (error instanceof ResetError) return { kind: 'reset', delivered: 'yes', reason };
  if (error instanceof FormatError || error instanceof BlockError) return { kind: 'codec', delivered, reason };
  if (error instanceof LimitError || error instanceof UnwrittenError) return { kind: 'limit', delivered, reason };
  return {
    kind: error instanceof NotRegisteredError || isStackError(error) ? 'unreachable' : 'unexpected',
    delivered,
    reason,
  };
}

/** Operations that change nothing: sent as GET or FETCH, which a device may see as often as it likes (RFC 7252 §5.1). */
const safe: ReadonlySet<string> = new Set(['read', 'discover', 'read-composite', 'observe', 'observe-composite']);

export const isSafe = ({ op }: Operation): boolean => safe.has(op);

/** `wait`: it was never seen and costs no attempt. */
export function nextStep(
  failure: CommandFailure,
  command: {
    readonly operation: Operation;
    readonly retry: RetryPolicy;
    readonly attempts: number;
    readonly unregistered: 'wait' | 'fail';
  },
): 'give-up' | 'wait' | 'again' {
  switch (failure.kind) {
    case 'cancelled':
    case 'codec':
    case 'reset':
    case 'unexpected':
    case 'unknown':
      return 'give-up';
    case 'unreachable':
      if (failure.delivered === 'no') return command.unregistered === 'wait' ? 'wait' : 'give-up';
      break;
    case 'limit':
      if (failure.delivered === 'no') return 'wait';
      break;
    case 'timeout':
      if (failure.phase === 'queue') return 'give-up';
      break;
  }
  const mayRepeat = command.retry.unless === 'answered' || isSafe(command.operation);
  return mayRepeat && command.attempts < command.retry.attempts ? 'again' : 'give-up';
}

// How long to wait before the next attempt to register (Core 1.2.1 §6.2.1.1, resources /1/x/17 to /1/x/20).
import { type Duration, hours, seconds } from '@lapwing/kernel';

export interface RetryPolicy {
  /** Attempts in one sequence, 1 or more (/1/x/17). */
  readonly retryCount: number;
  /** Wait after the first failure of a sequence; doubled after each further one, up to a day (/1/x/18). */
  readonly retryTimer: Duration;
  /** Wait between two sequences (/1/x/19). */
  readonly sequenceDelay: Duration;
  /** Sequences before giving up, 1 or more (/1/x/20). */
  readonly sequenceCount: number;
  /** Chance adds up to this part of every wait, 0 to 1: a fleet that lost its server must not come back at once. */
  readonly spread: number;
}

/** The defaults of the specification. */
export const defaultRetry: RetryPolicy = {
  retryCount: 5,
  retryTimer: seconds(60),
  sequenceDelay: hours(24),
  sequenceCount: 1,
  spread: 0.25,
};

export type NextAttempt = { readonly kind: 'wait'; readonly wait: Duration } | { readonly kind: 'spent' };

/** What follows after `failures` attempts in a row, 1 or more. */
export function nextAttempt(policy: RetryPolicy, failures: number): NextAttempt {
  const inSequence = (failures - 1) % policy.retryCount;
  if (inSequence < policy.retryCount - 1) return { kind: 'wait', wait: doubled(policy, inSequence) };
  const sequences = Math.floor((failures - 1) / policy.retryCount) + 1;
  return sequences < policy.sequenceCount ? { kind: 'wait', wait: policy.sequenceDelay } : { kind: 'spent' };
}

/** Without a bootstrap server a device never gives up: it goes on at the longest wait of a sequence. */
export function longestWait(policy: RetryPolicy): Duration {
  return doubled(policy, policy.retryCount - 1);
}

/** No server means that a device is to wait for years: a count of a hundred would. */
const longestDoubled: Duration = hours(24);

const doubled = ({ retryTimer }: RetryPolicy, times: number): Duration =>
  Math.max(retryTimer, Math.min(retryTimer * 2 ** times, longestDoubled));

// How long to wait before the next attempt to reach the broker: doubling from one second to one minute, spread by chance so
// that gateways do not come back in step.
import { type Duration, minutes, type Random, seconds } from '@lapwing/kernel';

export const shortestWait: Duration = seconds(1);
export const longestWait: Duration = minutes(1);

/** A connection that held for so long counts as good: the next failure starts from the shortest wait. */
export const settledAfter: Duration = minutes(1);

/** `failures` counts from 1; between half of the step and the whole, never below a second. */
export function backoff(failures: number, random: Random): Duration {
  const step = Math.min(longestWait, shortestWait * 2 ** Math.min(failures, 16));
  return Math.max(shortestWait, step * (0.5 + random.fraction() / 2));
}

// The first of several deadlines, of which there may be none.
import type { Instant } from '@lapwing/kernel';

export function earliest(...deadlines: readonly (Instant | undefined)[]): Instant | undefined {
  const first = deadlines.reduce<Instant>((at, each) => Math.min(at, each ?? at), Number.POSITIVE_INFINITY);
  return first === Number.POSITIVE_INFINITY ? undefined : first;
}

// When something was measured: whole seconds and what is over them (resources 5518 and 6050).
import type { Clock } from '@lapwing/kernel';

export interface Stamp {
  /** Unix time in seconds. */
  readonly timestamp: number;
  /** 0 to 1 s. */
  readonly fractionalTimestamp: number;
}

export function stampOf(clock: Clock): Stamp {
  const wall = clock.wall();
  const timestamp = Math.floor(wall / 1000);
  return { timestamp, fractionalTimestamp: (wall - timestamp * 1000) / 1000 };
}

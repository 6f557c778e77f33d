// Time that only goes forward and still means something after a restart: the wall clock as it was when the transport was
// made, continued by the monotonic one. Record numbers are bounded by it (snapshot.ts), so a clock that is set back
// meanwhile must not show.
import type { Clock, Instant } from '@lapwing/kernel';

export class SteadyWall {
  private offset: number;

  constructor(clock: Clock) {
    this.offset = clock.wall() - clock.now();
  }

  /** In ms since 1970. */
  at(now: Instant): number {
    return now + this.offset;
  }

  /** From now on no time before `wall` is told. */
  passes(wall: number, now: Instant): void {
    if (this.at(now) <= wall) this.offset = wall + 1 - now;
  }
}

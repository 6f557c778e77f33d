// How long something has been on, or off, in all (resources 5852, 5854, 5544).
import type { Clock, Duration, Instant } from '@lapwing/kernel';

export class RunningTime {
  private readonly clock: Clock;
  private gathered: Duration = 0;
  private since: Instant | undefined;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  run(): void {
    this.since ??= this.clock.now();
  }

  halt(): void {
    this.gathered = this.total;
    this.since = undefined;
  }

  /** Counts on from `total`, in ms. */
  reset(total: Duration = 0): void {
    this.gathered = total;
    if (this.since !== undefined) this.since = this.clock.now();
  }

  /** In ms. */
  get total(): Duration {
    return this.gathered + (this.since === undefined ? 0 : this.clock.now() - this.since);
  }
}

// What something has used in all, by what it draws (resources 5805, 5815, and 5700 of object 3331).
import type { Clock, Instant } from '@lapwing/kernel';

const hour = 3_600_000;

export class RunningEnergy {
  private readonly clock: Clock;
  private gathered = 0;
  private since: Instant;
  private power = 0;

  constructor(clock: Clock) {
    this.clock = clock;
    this.since = clock.now();
  }

  /** From now on, in W. */
  draw(power: number): void {
    this.reset(this.total);
    this.power = power;
  }

  /** Counts on from `total`, in Wh. */
  reset(total = 0): void {
    this.gathered = total;
    this.since = this.clock.now();
  }

  /** In Wh. */
  get total(): number {
    return this.gathered + (this.power * (this.clock.now() - this.since)) / hour;
  }
}

// Commands that one message means for many devices, spread over time: the first second's worth leaves at once, the rest as the
// rate allows, in order. What waits is bounded.
import type { Clock, Duration, Instant } from '@lapwing/kernel';

const tick: Duration = 100;
/** Since a rate per second is one per thousand ms. */
const whole = 1000;
/** Commands that wait at most; reliability needs room for one to each of 100,000 devices. */
export const paceCapacity = 200_000;

export class Pace implements Disposable {
  private readonly clock: Clock;
  private readonly perSecond: number;
  private readonly capacity: number;
  private waiting: (() => void)[] = [];
  private head = 0;
  /** Thousandths of jobs that may be done now, a second's worth at most. */
  private allowance: number;
  private refilledAt: Instant;
  private timer: Disposable | undefined;

  constructor(clock: Clock, perSecond: number, capacity = paceCapacity) {
    this.clock = clock;
    this.perSecond = perSecond;
    this.capacity = capacity;
    this.allowance = perSecond * whole;
    this.refilledAt = clock.now();
  }

  /** Jobs that wait for their turn. */
  get size(): number {
    return this.waiting.length - this.head;
  }

  /** False when there is no room for it. */
  add(job: () => void): boolean {
    if (this.size >= this.capacity) return false;
    this.waiting.push(job);
    if (this.timer === undefined) this.run();
    return true;
  }

  [Symbol.dispose](): void {
    this.timer?.[Symbol.dispose]();
    this.waiting = [];
    this.head = 0;
  }

  private readonly run = (): void => {
    this.timer = undefined;
    const now = this.clock.now();
    const earned = (now - this.refilledAt) * this.perSecond;
    this.allowance = Math.min(this.perSecond * whole, this.allowance + earned);
    this.refilledAt = now;
    while (this.allowance >= whole && this.head < this.waiting.length) {
      const job = this.waiting[this.head];
      this.head += 1;
      this.allowance -= whole;
      job?.();
    }
    if (this.head === this.waiting.length) {
      this.waiting = [];
      this.head = 0;
    } else this.timer = this.clock.at(now + tick, this.run);
  };
}

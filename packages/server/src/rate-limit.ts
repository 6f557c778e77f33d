// How often something may happen, for each key: one number, the time until which its tokens are spoken for. Keys live in
// two generations, and the older goes when whatever it says has become untrue: nothing is left of who is quiet.
import type { Clock, Duration, Instant } from '@lapwing/kernel';

export interface Rate {
  /** Tokens a second. */
  readonly perSecond: number;
  /** Tokens that a full bucket holds. */
  readonly burst: number;
}

export class RateLimit implements Disposable {
  private readonly clock: Clock;
  /** Time in which one token comes, and in which an empty bucket fills up. */
  private readonly interval: Duration;
  private readonly period: Duration;
  private readonly keys: number;
  private recent = new Map<string, Instant>();
  private older = new Map<string, Instant>();
  private timer: Disposable | undefined;

  /** Remembers at most twice `keys`; a forgotten key starts with a full bucket. */
  constructor({ perSecond, burst }: Rate, clock: Clock, keys = 100_000) {
    this.clock = clock;
    this.interval = 1000 / perSecond;
    this.period = burst * this.interval;
    this.keys = keys;
  }

  /** Keys remembered. */
  get size(): number {
    return this.recent.size + this.older.size;
  }

  /** Takes a token; false when there is none. */
  take(key: string): boolean {
    const now = this.clock.now();
    const spoken = Math.max(this.recent.get(key) ?? this.older.get(key) ?? now, now) + this.interval;
    // A hair's breadth for fractions of a millisecond that do not add up.
    if (spoken - now > this.period + 0.001) return false;
    if (this.recent.size >= this.keys) this.turn();
    this.recent.set(key, spoken);
    this.timer ??= this.clock.at(now + this.period, this.due);
    return true;
  }

  [Symbol.dispose](): void {
    this.timer?.[Symbol.dispose]();
    this.timer = undefined;
  }

  private readonly due = (): void => {
    this.timer = undefined;
    this.turn();
    if (this.size > 0) this.timer = this.clock.at(this.clock.now() + this.period, this.due);
  };

  private turn(): void {
    this.older = this.recent;
    this.recent = new Map();
  }
}

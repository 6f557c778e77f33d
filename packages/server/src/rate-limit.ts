// How often something may happen, for each key: a bucket of tokens that refills steadily.
import { type Clock, ExpiringMap } from '@lapwing/kernel';

export interface Rate {
  /** Tokens a second. */
  readonly perSecond: number;
  /** Tokens that a full bucket holds. */
  readonly burst: number;
}

interface Bucket {
  tokens: number;
  filledAt: number;
}

export class RateLimit {
  private readonly rate: Rate;
  private readonly clock: Clock;
  private readonly buckets: ExpiringMap<string, Bucket>;

  /** Remembers at most `keys`; a forgotten key starts with a full bucket. */
  constructor(rate: Rate, clock: Clock, keys = 100_000) {
    this.rate = rate;
    this.clock = clock;
    this.buckets = new ExpiringMap((rate.burst / rate.perSecond) * 1000, keys);
  }

  /** Takes a token; false when there is none. */
  take(key: string): boolean {
    const now = this.clock.now();
    const { perSecond, burst } = this.rate;
    this.buckets.takeDue(now);
    const bucket = this.buckets.get(key, now) ?? { tokens: burst, filledAt: now };
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.filledAt) / 1000) * perSecond);
    bucket.filledAt = now;
    const allowed = bucket.tokens >= 1;
    if (allowed) bucket.tokens -= 1;
    this.buckets.set(key, bucket, now);
    return allowed;
  }
}

// How long things took, in bounded memory: counts in classes of 5 % each, from 10 µs to a day. Pure.
import type { Duration } from '@lapwing/kernel';

const shortest = 0.01;
const growth = Math.log(1.05);
const classes = 480;

export interface LatencySummary {
  readonly count: number;
  /** In ms, as all below. */
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
  /** Where there are any: how many took at most so long, and more than the class before. */
  readonly histogram: readonly { readonly upTo: number; readonly count: number }[];
}

/** Limits of the classes that are shown: 1, 2 and 5 of each power of ten. */
const shown: readonly number[] = Array.from({ length: 7 }, (_, i) => 10 ** (i - 1)).flatMap((power) => [
  power,
  2 * power,
  5 * power,
]);

export class Histogram {
  private readonly counts = new Float64Array(classes);
  private total = 0;
  private sum = 0;
  private longest = 0;

  get count(): number {
    return this.total;
  }

  add(duration: Duration): void {
    const at = duration <= shortest ? 0 : Math.ceil(Math.log(duration / shortest) / growth);
    const place = Math.min(at, classes - 1);
    this.counts[place] = (this.counts[place] ?? 0) + 1;
    this.total += 1;
    this.sum += duration;
    if (duration > this.longest) this.longest = duration;
  }

  /** So many of a hundred took at most so long; 0 where there are none. Up to 5 % too long, and never longer than the longest. */
  percentile(share: number): Duration {
    let left = (this.total * share) / 100;
    for (let i = 0; i < classes; i += 1) {
      const count = this.counts[i] ?? 0;
      left -= count;
      if (count > 0 && left <= 1e-9) return Math.min(limitOf(i), this.longest);
    }
    return this.longest;
  }

  summary(): LatencySummary {
    const round = (value: number): number => Number(value.toPrecision(3));
    return {
      count: this.total,
      mean: round(this.total === 0 ? 0 : this.sum / this.total),
      p50: round(this.percentile(50)),
      p90: round(this.percentile(90)),
      p99: round(this.percentile(99)),
      max: round(this.longest),
      histogram: this.bars(),
    };
  }

  private bars(): LatencySummary['histogram'] {
    const bars = [...shown, Number.MAX_SAFE_INTEGER].map((upTo) => ({ upTo, count: 0 }));
    this.counts.forEach((count, i) => {
      // Classes are cut by their middle: 5 % do not matter here.
      const bar = count === 0 ? undefined : bars.find(({ upTo }) => limitOf(i) / 1.025 <= upTo);
      if (bar !== undefined) bar.count += count;
    });
    return bars.filter(({ count }) => count > 0);
  }
}

const limitOf = (place: number): Duration => shortest * Math.exp(place * growth);

// How often something may happen, for each key: one number, the time until which its tokens are spoken for. Where that time is
// past it says nothing, and its place is free: nothing is left of who is quiet. Keys are hashes with a secret, in a table of
// numbers: a map of a hundred thousand texts would cost more than the rest of a Register.
import { type Clock, type Duration, type Instant, type Random, systemRandom } from '@lapwing/kernel';

export interface Rate {
  /** Tokens a second. */
  readonly perSecond: number;
  /** Tokens that a full bucket holds. */
  readonly burst: number;
}

/** The second hash is so much of a tag: in all 52 bits, which a number holds. */
const SECOND = 2 ** 20;
/** Places that a key may have, one after the other. */
const WINDOW = 8;
/** A power of two. */
const FEWEST = 256;
/** At the most; 4 MiB. A key that finds its window full then takes the place of the one that is soonest free. */
const MOST = 262_144;

export class RateLimit implements Disposable {
  private readonly clock: Clock;
  /** Time in which one token comes, and in which an empty bucket fills up. */
  private readonly interval: Duration;
  private readonly period: Duration;
  private readonly most: number;
  private readonly secret: readonly [number, number];
  private tags = new Float64Array(FEWEST);
  private spoken = new Float64Array(FEWEST).fill(Number.NEGATIVE_INFINITY);
  private timer: Disposable | undefined;

  /** Remembers at most `most` keys, a power of two; a forgotten key starts with a full bucket. */
  constructor({ perSecond, burst }: Rate, clock: Clock, random: Random = systemRandom, most = MOST) {
    this.clock = clock;
    this.interval = 1000 / perSecond;
    this.period = burst * this.interval;
    this.most = most;
    const draw = (): number => Math.floor(random.fraction() * 2 ** 32) | 0;
    this.secret = [draw(), draw()];
  }

  /** Keys remembered. */
  get size(): number {
    const now = this.clock.now();
    return this.spoken.reduce((count, until) => (until > now ? count + 1 : count), 0);
  }

  /** Takes a token of the key, which may be in two parts; false when there is none. */
  take(key: string, more = ''): boolean {
    const now = this.clock.now();
    const [first, second] = this.secret;
    const tag = (hash(more, hash(key, first)) >>> 0) * SECOND + (hash(more, hash(key, second)) & (SECOND - 1));
    let at = this.placeOf(tag, now);
    const spoken = (this.tags[at] === tag ? Math.max(this.spoken[at] as number, now) : now) + this.interval;
    // A hair's breadth for fractions of a millisecond that do not add up.
    if (spoken - now > this.period + 0.001) return false;
    while (this.tags[at] !== tag && (this.spoken[at] as number) > now && this.tags.length < this.most) {
      this.resize(this.tags.length * 2, now);
      at = this.placeOf(tag, now);
    }
    this.tags[at] = tag;
    this.spoken[at] = spoken;
    this.timer ??= this.clock.at(now + this.period, this.due);
    return true;
  }

  [Symbol.dispose](): void {
    this.timer?.[Symbol.dispose]();
    this.timer = undefined;
  }

  /** Where the key is, else the place that is free, else the one that is soonest free. */
  private placeOf(tag: number, now: Instant): number {
    const { tags, spoken } = this;
    const mask = tags.length - 1;
    const from = Math.floor(tag / SECOND);
    let best = from & mask;
    for (let i = 0; i < WINDOW; i += 1) {
      const at = (from + i) & mask;
      if (tags[at] === tag && (spoken[at] as number) > now) return at;
      if ((spoken[at] as number) < (spoken[best] as number)) best = at;
    }
    return best;
  }

  /** To another number of places. */
  private resize(places: number, now: Instant): void {
    const { tags, spoken } = this;
    this.tags = new Float64Array(places);
    this.spoken = new Float64Array(places).fill(Number.NEGATIVE_INFINITY);
    for (let i = 0; i < tags.length; i += 1) {
      if ((spoken[i] as number) <= now) continue;
      const tag = tags[i] as number;
      const at = this.placeOf(tag, now);
      this.tags[at] = tag;
      this.spoken[at] = spoken[i] as number;
    }
  }

  /** Of the places that a storm needed, those that are left keep some. */
  private readonly due = (): void => {
    this.timer = undefined;
    const now = this.clock.now();
    const left = this.size;
    let places = this.tags.length;
    while (places > FEWEST && places > 8 * left) places /= 2;
    if (places < this.tags.length) this.resize(places, now);
    if (left > 0) this.timer = this.clock.at(now + this.period, this.due);
  };
}

/** FNV-1a, from `start` on. */
function hash(text: string, start: number): number {
  let value = start;
  for (let i = 0; i < text.length; i += 1) value = Math.imul(value ^ text.charCodeAt(i), 0x01_00_01_93);
  return value ^ (value >>> 15);
}

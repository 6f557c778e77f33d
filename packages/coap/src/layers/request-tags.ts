// When an upload needs a Request-Tag (RFC 9175 §3.3, §3.5): where another one to the same resource is under way, or
// ended in a way that leaves blocks of it on the road. Tags are elective, so that old peers ignore them.
import { type Clock, ExpiringMap, type Random, seconds } from '@lapwing/kernel';

/** EXCHANGE_LIFETIME with the default parameters: no older message arrives (RFC 7252 §4.8.2). */
const ON_THE_ROAD = seconds(247);
const REMEMBERED = 1024;
const TAG_LENGTH = 4;

export class RequestTags {
  private readonly clock: Clock;
  private readonly random: Random;
  private readonly running = new Map<string, number>();
  private readonly broken = new ExpiringMap<string, true>(ON_THE_ROAD, REMEMBERED);

  constructor(clock: Clock, random: Random) {
    this.clock = clock;
    this.random = random;
  }

  /** An upload to `key` begins; its tag, if it needs one. */
  begin(key: string): Uint8Array | undefined {
    const others = this.running.get(key) ?? 0;
    this.running.set(key, others + 1);
    return others > 0 || this.broken.get(key, this.clock.now()) === true ? this.fresh() : undefined;
  }

  fresh(): Uint8Array {
    return this.random.bytes(TAG_LENGTH);
  }

  /** It ended: every block answered, or broken off. */
  end(key: string, how: 'whole' | 'broken'): void {
    const left = (this.running.get(key) ?? 1) - 1;
    if (left === 0) this.running.delete(key);
    else this.running.set(key, left);
    const now = this.clock.now();
    this.broken.takeDue(now);
    if (how === 'broken') this.broken.set(key, true, now);
  }
}

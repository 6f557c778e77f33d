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
  /** Made with the first upload, which most devices never see. */
  private uploads: { readonly running: Map<string, number>; readonly broken: ExpiringMap<string, true> } | undefined;

  constructor(clock: Clock, random: Random) {
    this.clock = clock;
    this.random = random;
  }

  /** An upload to `key` begins; its tag, if it needs one. */
  begin(key: string): Uint8Array | undefined {
    this.uploads ??= { running: new Map(), broken: new ExpiringMap(ON_THE_ROAD, REMEMBERED) };
    const { running, broken } = this.uploads;
    const others = running.get(key) ?? 0;
    running.set(key, others + 1);
    return others > 0 || broken.get(key, this.clock.now()) === true ? this.fresh() : undefined;
  }

  fresh(): Uint8Array {
    return this.random.bytes(TAG_LENGTH);
  }

  /** It ended: every block answered, or broken off. */
  end(key: string, how: 'whole' | 'broken'): void {
    if (this.uploads === undefined) return;
    const { running, broken } = this.uploads;
    const left = (running.get(key) ?? 1) - 1;
    if (left === 0) running.delete(key);
    else running.set(key, left);
    const now = this.clock.now();
    broken.takeDue(now);
    if (how === 'broken') broken.set(key, true, now);
  }
}

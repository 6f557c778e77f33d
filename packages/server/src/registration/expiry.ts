// Core: which registrations end, and when. Devices are kept in buckets of one second; one that lives on when its
// bucket comes up is filed again, so that an Update (which only moves the end later) touches nothing here.
import type { Core, Duration, Instant } from '@lapwing/kernel';
import { Deadlines } from '@lapwing/kernel';

export interface Expiring {
  expiresAt: Instant;
  /** The bucket it is filed in, and where in it; kept by the wheel. */
  tick: number | undefined;
  slot: number;
}

const bucketWidth: Duration = 1000;
/** Looked at in one go; a population that ends at once is spread over several turns. */
const batch = 512;

/** Input: an item to watch or to watch anew. Effect: an item that ended. */
export class ExpiryWheel<Item extends Expiring> implements Core<Item, Item> {
  private readonly buckets = new Map<number, Item[]>();
  private readonly ticks = new Deadlines<number>();

  get deadline(): Instant | undefined {
    return this.ticks.earliest;
  }

  /** Items filed. */
  get size(): number {
    let size = 0;
    for (const bucket of this.buckets.values()) size += bucket.length;
    return size;
  }

  /** Needed at first, and whenever the end moves to an earlier instant than before. */
  handle(item: Item): readonly Item[] {
    this.file(item);
    return [];
  }

  /** Takes it out at once: a lifetime may be a year, and a device that comes and goes must leave nothing behind. */
  forget(item: Item): void {
    const { tick, slot } = item;
    const bucket = tick === undefined ? undefined : this.buckets.get(tick);
    if (tick === undefined || bucket === undefined) return;
    item.tick = undefined;
    const last = bucket.pop() as Item;
    if (last !== item) {
      bucket[slot] = last;
      last.slot = slot;
    }
    if (bucket.length > 0) return;
    this.buckets.delete(tick);
    this.ticks.delete(tick);
  }

  expire(now: Instant): readonly Item[] {
    const ended: Item[] = [];
    let looked = 0;
    while (looked < batch) {
      const due = this.ticks.take(now);
      if (due === undefined) break;
      const bucket = this.buckets.get(due) ?? [];
      while (bucket.length > 0 && looked < batch) {
        looked += 1;
        const item = bucket.pop() as Item;
        item.tick = undefined;
        if (item.expiresAt <= now) ended.push(item);
        else this.file(item);
      }
      if (bucket.length > 0) this.ticks.set(due, now);
      else this.buckets.delete(due);
    }
    return ended;
  }

  private file(item: Item): void {
    const tick = item.expiresAt === Number.POSITIVE_INFINITY ? undefined : Math.ceil(item.expiresAt / bucketWidth);
    if (item.tick === tick) return;
    this.forget(item);
    if (tick === undefined) return;
    item.tick = tick;
    const bucket = this.buckets.get(tick);
    if (bucket === undefined) {
      item.slot = 0;
      this.buckets.set(tick, [item]);
      this.ticks.set(tick, tick * bucketWidth);
    } else item.slot = bucket.push(item) - 1;
  }
}

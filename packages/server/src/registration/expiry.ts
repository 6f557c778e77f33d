// Core: which registrations end, and when. Devices are kept in buckets of one second; one that lives on when its
// bucket comes up is filed again, so that an Update (which only moves the end later) touches nothing here.
import type { Core, Duration, Instant } from '@lapwing/kernel';
import { Deadlines } from '@lapwing/kernel';

export interface Expiring {
  expiresAt: Instant;
  /** The bucket it is filed in; kept by the wheel. */
  tick: number | undefined;
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

  /** Needed at first, and whenever the end moves to an earlier instant than before. */
  handle(item: Item): readonly Item[] {
    this.file(item);
    return [];
  }

  forget(item: Item): void {
    item.tick = undefined;
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
        if (item.tick !== due) continue;
        if (item.expiresAt <= now) {
          item.tick = undefined;
          ended.push(item);
        } else this.file(item);
      }
      if (bucket.length > 0) this.ticks.set(due, now);
      else this.buckets.delete(due);
    }
    return ended;
  }

  private file(item: Item): void {
    if (item.expiresAt === Number.POSITIVE_INFINITY) {
      item.tick = undefined;
      return;
    }
    const tick = Math.ceil(item.expiresAt / bucketWidth);
    if (item.tick === tick) return;
    item.tick = tick;
    const bucket = this.buckets.get(tick);
    if (bucket !== undefined) bucket.push(item);
    else {
      this.buckets.set(tick, [item]);
      this.ticks.set(tick, tick * bucketWidth);
    }
  }
}

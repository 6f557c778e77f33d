// Things in the order in which they fall due. Each carries its deadline and its place itself, so that joining, leaving
// and moving make no object and search nothing: what is sent leaves the queue again within milliseconds, as a rule.
import type { Instant } from './clock.ts';

export interface Due {
  /** Written by the queue. */
  dueAt: Instant;
  /** Where it stands in its queue, -1 in none; written by the queue. */
  place: number;
}

/** A binary heap: no item is due before the one at half its place. An item can be in one queue at a time. */
export class DueQueue<Item extends Due> {
  private readonly heap: Item[] = [];

  get size(): number {
    return this.heap.length;
  }

  /** The one that falls due first. */
  get first(): Item | undefined {
    return this.heap[0];
  }

  /** Puts it in, or moves it when it is in already. */
  set(item: Item, at: Instant): void {
    item.dueAt = at;
    if (item.place < 0) {
      item.place = this.heap.length;
      this.heap.push(item);
    }
    this.settle(item);
  }

  /** False when it was not in. */
  delete(item: Item): boolean {
    const { place } = item;
    if (place < 0) return false;
    item.place = -1;
    const last = this.heap.pop() as Item;
    if (last !== item) {
      last.place = place;
      this.settle(last);
    }
    return true;
  }

  /** Takes out the first if it is due at `now`. */
  take(now: Instant): Item | undefined {
    const first = this.heap[0];
    if (first === undefined || first.dueAt > now) return undefined;
    this.delete(first);
    return first;
  }

  clear(): void {
    for (const item of this.heap) item.place = -1;
    this.heap.length = 0;
  }

  /** From where it stands to where it belongs. */
  private settle(item: Item): void {
    const { heap } = this;
    const { dueAt } = item;
    let { place } = item;
    while (place > 0) {
      const parent = heap[(place - 1) >> 1] as Item;
      if (parent.dueAt <= dueAt) break;
      heap[place] = parent;
      parent.place = place;
      place = (place - 1) >> 1;
    }
    for (let child = 2 * place + 1; child < heap.length; child = 2 * place + 1) {
      const right = heap[child + 1];
      if (right !== undefined && right.dueAt < (heap[child] as Item).dueAt) child += 1;
      const earlier = heap[child] as Item;
      if (earlier.dueAt >= dueAt) break;
      heap[place] = earlier;
      earlier.place = place;
      place = child;
    }
    heap[place] = item;
    item.place = place;
  }
}

// Things in the order in which they came. Each carries its neighbours itself, so that joining and leaving make no object, and
// the one that came first is found at once: a Map or Set that loses its first member again and again is walked through anew,
// past all that have left.

/** Written by the list alone. A thing can be in one list at a time. */
export interface Linked<Item extends Linked<Item>> {
  list: LinkedList<Item> | undefined;
  older: Item | undefined;
  newer: Item | undefined;
}

export class LinkedList<Item extends Linked<Item>> {
  private oldest: Item | undefined;
  private newest: Item | undefined;
  private count = 0;

  get size(): number {
    return this.count;
  }

  /** The one that came first. */
  get first(): Item | undefined {
    return this.oldest;
  }

  has(item: Item): boolean {
    return item.list === this;
  }

  /** Puts it behind all others; it must be in no list. */
  add(item: Item): void {
    if (item.list !== undefined) throw new RangeError('it is in a list already');
    item.list = this;
    item.older = this.newest;
    if (this.newest === undefined) this.oldest = item;
    else this.newest.newer = item;
    this.newest = item;
    this.count += 1;
  }

  /** False when it was not in. */
  delete(item: Item): boolean {
    if (item.list !== this) return false;
    const { older, newer } = item;
    if (older === undefined) this.oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.newest = older;
    else newer.older = older;
    item.list = undefined;
    item.older = undefined;
    item.newer = undefined;
    this.count -= 1;
    return true;
  }

  /** From the first on; the one at hand may leave meanwhile. */
  *[Symbol.iterator](): IterableIterator<Item> {
    for (let item = this.oldest; item !== undefined; ) {
      const next: Item | undefined = item.newer;
      yield item;
      item = next;
    }
  }
}

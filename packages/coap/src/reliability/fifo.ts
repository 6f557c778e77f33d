// A queue whose ends cost nothing, for entries that fall due in the order they came.

export class Fifo<T> {
  private items: (T | undefined)[] = [];
  private head = 0;

  get size(): number {
    return this.items.length - this.head;
  }

  get first(): T | undefined {
    return this.items[this.head];
  }

  push(item: T): void {
    this.items.push(item);
  }

  shift(): T | undefined {
    const item = this.items[this.head];
    if (item === undefined) return undefined;
    this.items[this.head] = undefined;
    this.head += 1;
    if (this.head === this.items.length) {
      // Piece by piece, which keeps the memory for what comes next; setting the length would give it back.
      while (this.head > 0) {
        this.items.pop();
        this.head -= 1;
      }
    } else if (this.head >= 1024 && this.head * 2 > this.items.length) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
    return item;
  }

  /** Takes out all but those. */
  keep(isKept: (item: T) => boolean): void {
    this.items = this.items.filter((item): item is T => item !== undefined && isKept(item));
    this.head = 0;
  }

  /** Takes one out wherever it is; for queues that are short. */
  remove(item: T): boolean {
    const index = this.items.indexOf(item, this.head);
    if (index < 0) return false;
    this.items.splice(index, 1);
    return true;
  }
}

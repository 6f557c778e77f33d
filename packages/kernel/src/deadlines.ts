// Many named deadlines, one earliest. Moving a deadline later costs no heap work until the old one
// comes up: most deadlines (lifetimes, keep-alives) are only ever moved later.
import type { Instant } from './clock.ts';

interface Entry<Key> {
  /** Undefined once deleted: the heap finds out later, and must not keep alive what nobody waits for. */
  key: Key | undefined;
  at: Instant;
  /** Where the heap believes it to be: never later than `at`; undefined once deleted. */
  queuedAt: Instant | undefined;
}

export class Deadlines<Key> {
  private readonly entries = new Map<Key, Entry<Key>>();
  private readonly heap: { readonly at: Instant; readonly entry: Entry<Key> }[] = [];

  get size(): number {
    return this.entries.size;
  }

  has(key: Key): boolean {
    return this.entries.has(key);
  }

  get(key: Key): Instant | undefined {
    return this.entries.get(key)?.at;
  }

  set(key: Key, at: Instant): void {
    const entry = this.entries.get(key);
    if (entry === undefined) {
      const fresh: Entry<Key> = { key, at, queuedAt: at };
      this.entries.set(key, fresh);
      this.push(at, fresh);
      return;
    }
    entry.at = at;
    if (entry.queuedAt === undefined || at < entry.queuedAt) {
      entry.queuedAt = at;
      this.push(at, entry);
    }
  }

  delete(key: Key): boolean {
    const entry = this.entries.get(key);
    if (entry === undefined) return false;
    this.entries.delete(key);
    entry.key = undefined;
    entry.queuedAt = undefined;
    if (this.heap.length > 64 && this.heap.length > this.entries.size * 4) this.rebuild();
    return true;
  }

  clear(): void {
    this.entries.clear();
    this.heap.length = 0;
  }

  /** No later than the earliest deadline; it may be earlier when that one was moved. */
  get earliest(): Instant | undefined {
    this.settle();
    return this.heap[0]?.at;
  }

  /** Takes out and returns the next key that is due at `now`, earliest first; undefined when none is. */
  take(now: Instant): Key | undefined {
    this.settle();
    const top = this.heap[0];
    if (top === undefined || top.at > now) return undefined;
    this.pop();
    const { entry } = top;
    const key = entry.key as Key;
    this.entries.delete(key);
    entry.queuedAt = undefined;
    return key;
  }

  /** Brings the top of the heap in line with what was moved or deleted. */
  private settle(): void {
    for (;;) {
      const top = this.heap[0];
      if (top === undefined) return;
      const { entry } = top;
      if (entry.queuedAt !== top.at) this.pop();
      else if (entry.at > top.at) {
        this.pop();
        entry.queuedAt = entry.at;
        this.push(entry.at, entry);
      } else return;
    }
  }

  private push(at: Instant, entry: Entry<Key>): void {
    const { heap } = this;
    const item = { at, entry };
    let i = heap.length;
    heap.push(item);
    while (i > 0) {
      const up = (i - 1) >> 1;
      const parent = heap[up] as typeof item;
      if (parent.at <= at) break;
      heap[i] = parent;
      i = up;
    }
    heap[i] = item;
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && right.at < (heap[child] as typeof last).at) child += 1;
      const smaller = heap[child] as typeof last;
      if (smaller.at >= last.at) break;
      heap[i] = smaller;
      i = child;
    }
    heap[i] = last;
  }

  private rebuild(): void {
    this.heap.length = 0;
    for (const entry of this.entries.values()) {
      entry.queuedAt = entry.at;
      this.push(entry.at, entry);
    }
  }
}

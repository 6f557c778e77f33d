// Many named deadlines, one earliest. Moving a deadline later costs nothing until the old one comes up: most
// deadlines (lifetimes, keep-alives) are only ever moved later.
import type { Instant } from './clock.ts';
import { type Due, DueQueue } from './due-queue.ts';

class Entry<Key> implements Due {
  readonly key: Key;
  /** When it is due; `dueAt`, by which it is queued, is never later. */
  at: Instant;
  dueAt: Instant;
  place = -1;

  constructor(key: Key, at: Instant) {
    this.key = key;
    this.at = at;
    this.dueAt = at;
  }
}

export class Deadlines<Key> {
  private readonly entries = new Map<Key, Entry<Key>>();
  private readonly queue = new DueQueue<Entry<Key>>();

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
      const fresh = new Entry(key, at);
      this.entries.set(key, fresh);
      this.queue.set(fresh, at);
      return;
    }
    entry.at = at;
    if (at < entry.dueAt) this.queue.set(entry, at);
  }

  delete(key: Key): boolean {
    const entry = this.entries.get(key);
    if (entry === undefined) return false;
    this.entries.delete(key);
    return this.queue.delete(entry);
  }

  clear(): void {
    this.entries.clear();
    this.queue.clear();
  }

  /** No later than the earliest deadline; it may be earlier when that one was moved. */
  get earliest(): Instant | undefined {
    return this.first()?.at;
  }

  /** Takes out and returns the next key that is due at `now`, earliest first; undefined when none is. */
  take(now: Instant): Key | undefined {
    const first = this.first();
    if (first === undefined || first.at > now) return undefined;
    this.delete(first.key);
    return first.key;
  }

  /** The earliest, once those that were moved stand where they belong. */
  private first(): Entry<Key> | undefined {
    for (;;) {
      const { first } = this.queue;
      if (first === undefined || first.at === first.dueAt) return first;
      this.queue.set(first, first.at);
    }
  }
}

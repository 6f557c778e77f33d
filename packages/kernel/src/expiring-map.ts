// A bounded map whose entries fall due a fixed time after they were last set.
// Insertion order is expiry order, so looking for what is due costs nothing.
import type { Duration, Instant } from './clock.ts';

export class ExpiringMap<Key, Value> {
  private readonly entries = new Map<Key, { readonly value: Value; readonly due: Instant }>();
  private readonly life: Duration;
  private readonly limit: number;

  /** `limit` is the number of entries; when it is passed, the oldest goes. */
  constructor(life: Duration, limit: number) {
    this.life = life;
    this.limit = limit;
  }

  get size(): number {
    return this.entries.size;
  }

  get(key: Key, now: Instant): Value | undefined {
    const entry = this.entries.get(key);
    return entry === undefined || entry.due <= now ? undefined : entry.value;
  }

  /** Starts the entry's life anew; returns what had to go to keep the limit. */
  set(key: Key, value: Value, now: Instant): readonly [Key, Value] | undefined {
    this.entries.delete(key);
    this.entries.set(key, { value, due: now + this.life });
    if (this.entries.size <= this.limit) return undefined;
    for (const [oldest, entry] of this.entries) {
      this.entries.delete(oldest);
      return [oldest, entry.value];
    }
    return undefined;
  }

  delete(key: Key): boolean {
    return this.entries.delete(key);
  }

  get earliest(): Instant | undefined {
    for (const entry of this.entries.values()) return entry.due;
    return undefined;
  }

  /** Takes out everything due at `now`, oldest first. */
  takeDue(now: Instant): readonly (readonly [Key, Value])[] {
    const due: [Key, Value][] = [];
    for (const [key, entry] of this.entries) {
      if (entry.due > now) break;
      this.entries.delete(key);
      due.push([key, entry.value]);
    }
    return due;
  }

  *values(): IterableIterator<Value> {
    for (const entry of this.entries.values()) yield entry.value;
  }
}

// A bounded map whose entries fall due a fixed time after they were last set.
// Insertion order is expiry order, so looking for what is due costs nothing.
import type { Duration, Instant } from './clock.ts';
import { type Linked, LinkedList } from './linked-list.ts';

class Entry<Key, Value> implements Linked<Entry<Key, Value>> {
  readonly key: Key;
  value: Value;
  due: Instant;
  list: LinkedList<Entry<Key, Value>> | undefined = undefined;
  older: Entry<Key, Value> | undefined = undefined;
  newer: Entry<Key, Value> | undefined = undefined;

  constructor(key: Key, value: Value, due: Instant) {
    this.key = key;
    this.value = value;
    this.due = due;
  }
}

export class ExpiringMap<Key, Value> {
  private readonly entries = new Map<Key, Entry<Key, Value>>();
  private readonly order = new LinkedList<Entry<Key, Value>>();
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
    const due = now + this.life;
    const known = this.entries.get(key);
    if (known !== undefined) {
      known.value = value;
      known.due = due;
      this.order.delete(known);
      this.order.add(known);
      return undefined;
    }
    const fresh = new Entry(key, value, due);
    this.entries.set(key, fresh);
    this.order.add(fresh);
    const { first } = this.order;
    if (this.entries.size <= this.limit || first === undefined) return undefined;
    this.delete(first.key);
    return [first.key, first.value];
  }

  delete(key: Key): boolean {
    const entry = this.entries.get(key);
    if (entry === undefined) return false;
    this.order.delete(entry);
    return this.entries.delete(key);
  }

  get earliest(): Instant | undefined {
    return this.order.first?.due;
  }

  /** Takes out everything due at `now`, oldest first. */
  takeDue(now: Instant): readonly (readonly [Key, Value])[] {
    const due: [Key, Value][] = [];
    for (let { first } = this.order; first !== undefined && first.due <= now; { first } = this.order) {
      this.delete(first.key);
      due.push([first.key, first.value]);
    }
    return due;
  }

  /** Oldest first. */
  *values(): IterableIterator<Value> {
    for (const entry of this.order) yield entry.value;
  }
}

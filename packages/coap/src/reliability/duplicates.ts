// What was received lately and how it was answered, so that a repeated message has its effect once and its answer again
// (RFC 7252 §4.5). Each peer has its last few messages here, all peers together have so many and so many bytes. They
// stand in columns of numbers and one buffer, in the order in which they came: a hundred thousand answers that are objects
// keep the garbage collector busy, and are scattered over the memory.
//
//      heads[hash]  ──► entry ──link──► entry …    those of one hash: whoever asks whether a message is known
//      oldest       ──► entry ──next──► … newest   those of one peer, as they came: whoever makes room
import type { Instant } from '@lapwing/kernel';

export interface DuplicateLimits {
  /** Message ids remembered for one peer; default 64. */
  readonly perPeer: number;
  /** For all peers together; default 200 000. */
  readonly inAll: number;
  /** Bytes of answers, with what remembering them costs; default 64 MiB. */
  readonly bytes: number;
}

export const duplicateLimits: DuplicateLimits = { perPeer: 64, inAll: 200_000, bytes: 64 * 1024 * 1024 };

/** What stands here of one peer; kept by the table, but for the number. */
export interface Recent {
  /** Drawn at random, so that nobody can choose ids that fall on one hash. Below 2^30. */
  readonly number: number;
  oldest: number;
  newest: number;
  remembered: number;
}

/** A message that was received, as it is remembered. */
export interface KeptMessage {
  readonly id: number;
  readonly until: Instant;
  /** What a repetition of it is answered with; undefined: nothing was answered. */
  readonly answer: Uint8Array | undefined;
}

/** No entry. */
export const NONE = -1;

/** Bytes of an answer that has its place in the entry; a longer one is an object. */
const SHORT = 64;
/** What an entry costs beside a longer answer, in bytes. */
const ENTRY_COST = SHORT + 40;
/** A device has one peer, which asks little; and nothing is kept for one that has asked nothing lately. */
const FEWEST = 8;

const ID_BITS = 16;
const ID_MASK = 0xffff;

/** As many entries as `owners` is long, a power of two. */
class Columns {
  readonly owners: (Recent | undefined)[];
  /** Message id, and above it the length of the answer; 0 while there is none. */
  readonly marks: Int32Array;
  /** Until when the id names this message: EXCHANGE_LIFETIME or NON_LIFETIME after it came. */
  readonly until: Float64Array;
  readonly next: Int32Array;
  readonly link: Int32Array;
  readonly heads: Int32Array;
  readonly short: Uint8Array;
  readonly long: (Uint8Array | undefined)[];

  constructor(length: number) {
    this.owners = new Array<Recent | undefined>(length).fill(undefined);
    this.marks = new Int32Array(length);
    this.until = new Float64Array(length);
    this.next = new Int32Array(length);
    this.link = new Int32Array(length);
    this.heads = new Int32Array(length).fill(NONE);
    this.short = new Uint8Array(length * SHORT);
    this.long = new Array<Uint8Array | undefined>(length).fill(undefined);
  }

  get length(): number {
    return this.marks.length;
  }

  headOf(recent: Recent, id: number): number {
    const hash = Math.imul(recent.number + Math.imul(id, 0x27d4eb2f), 0x9e3779b1);
    return (hash ^ (hash >>> 15)) & (this.heads.length - 1);
  }

  /** Puts the entry under its hash. */
  hash(recent: Recent, at: number): void {
    const head = this.headOf(recent, (this.marks[at] as number) & ID_MASK);
    this.link[at] = this.heads[head] as number;
    this.heads[head] = at;
  }

  answerAt(at: number): Uint8Array | undefined {
    const length = (this.marks[at] as number) >> ID_BITS;
    if (length === 0) return undefined;
    return this.long[at] ?? this.short.slice(at * SHORT, at * SHORT + length);
  }

  /** Everything but the hashes. */
  take(before: Columns): void {
    this.marks.set(before.marks);
    this.until.set(before.until);
    this.next.set(before.next);
    this.short.set(before.short);
    for (let at = 0; at < before.length; at += 1) {
      this.owners[at] = before.owners[at];
      this.long[at] = before.long[at];
    }
  }
}

const nothing = new Columns(0);

export class Duplicates {
  private readonly limits: DuplicateLimits;
  private columns = nothing;
  /** Entries that were given back, linked; behind `used` none has been given out yet. */
  private free = NONE;
  private used = 0;
  private count = 0;
  private longBytes = 0;

  constructor(limits: DuplicateLimits) {
    this.limits = limits;
  }

  get size(): number {
    return this.count;
  }

  /** An estimate that counts entries and answers. */
  get bytes(): number {
    return this.longBytes + this.count * ENTRY_COST;
  }

  get full(): boolean {
    return this.count > this.limits.inAll || this.bytes > this.limits.bytes;
  }

  /** Where the message stands; NONE when it is new. */
  find(recent: Recent, id: number, now: Instant): number {
    if (recent.remembered === 0) return NONE;
    const { heads, link, marks, owners, until } = this.columns;
    let at = heads[this.columns.headOf(recent, id)] as number;
    // An expired message of the same id may stand beside the present one.
    while (
      at !== NONE &&
      !(((marks[at] as number) & ID_MASK) === id && owners[at] === recent && (until[at] as number) > now)
    ) {
      at = link[at] as number;
    }
    return at;
  }

  /** What a repetition of the message that stands there is answered with, once there is something. */
  answerAt(at: number): Uint8Array | undefined {
    return this.columns.answerAt(at);
  }

  /** Everything that is remembered of the peer, oldest first. */
  all(recent: Recent, now: Instant): KeptMessage[] {
    const { marks, until, next } = this.columns;
    const all: KeptMessage[] = [];
    for (let at = recent.remembered === 0 ? NONE : recent.oldest; at !== NONE; at = next[at] as number) {
      const end = until[at] as number;
      if (end > now) all.push({ id: (marks[at] as number) & ID_MASK, until: end, answer: this.answerAt(at) });
    }
    return all;
  }

  /** In place of what has expired, and of the oldest when the peer has as many as it may. */
  remember(recent: Recent, id: number, until: Instant, now: Instant): void {
    while (
      recent.remembered > 0 &&
      (recent.remembered >= this.limits.perPeer || (this.columns.until[recent.oldest] as number) <= now)
    ) {
      this.drop(recent, NONE, recent.oldest);
    }
    if (this.free === NONE && this.used === this.columns.length) this.grow();
    this.add(recent, id, until);
  }

  /** What a repetition gets from now on; nothing happens when the message has been forgotten. */
  answered(recent: Recent, id: number, answer: Uint8Array, now: Instant): void {
    const at = this.find(recent, id, now);
    if (at !== NONE) this.setAnswer(at, answer);
  }

  /** From now on it is new again when it is repeated. */
  forgetOne(recent: Recent, id: number, now: Instant): void {
    const found = this.find(recent, id, now);
    if (found === NONE) return;
    let before = NONE;
    for (let at = recent.oldest; at !== found; at = this.columns.next[at] as number) before = at;
    this.drop(recent, before, found);
  }

  forget(recent: Recent): void {
    while (recent.remembered > 0) this.drop(recent, NONE, recent.oldest);
    const { length } = this.columns;
    if (this.count === 0 && length <= FEWEST) this.clear();
    else if (length > FEWEST && this.count * 8 < length) this.shrink();
  }

  private add(recent: Recent, id: number, until: Instant): number {
    const { columns } = this;
    let at = this.free;
    if (at === NONE) {
      at = this.used;
      this.used += 1;
    } else this.free = columns.link[at] as number;
    columns.owners[at] = recent;
    columns.marks[at] = id;
    columns.until[at] = until;
    columns.next[at] = NONE;
    columns.hash(recent, at);
    if (recent.remembered === 0) recent.oldest = at;
    else columns.next[recent.newest] = at;
    recent.newest = at;
    recent.remembered += 1;
    this.count += 1;
    return at;
  }

  private setAnswer(at: number, answer: Uint8Array): void {
    const { marks, short, long } = this.columns;
    const { length } = answer;
    this.longBytes -= long[at]?.length ?? 0;
    marks[at] = ((marks[at] as number) & ID_MASK) | (length << ID_BITS);
    if (length > SHORT) {
      long[at] = answer;
      this.longBytes += length;
      return;
    }
    long[at] = undefined;
    short.set(answer, at * SHORT);
  }

  /** Gives an entry back; `before` is the one before it of the same peer. */
  private drop(recent: Recent, before: number, at: number): void {
    const { heads, link, marks, next, owners, long } = this.columns;
    const head = this.columns.headOf(recent, (marks[at] as number) & ID_MASK);
    let linked = heads[head] as number;
    if (linked === at) heads[head] = link[at] as number;
    else {
      while (link[linked] !== at) linked = link[linked] as number;
      link[linked] = link[at] as number;
    }
    if (before === NONE) recent.oldest = next[at] as number;
    else next[before] = next[at] as number;
    if (recent.newest === at) recent.newest = before;
    recent.remembered -= 1;
    this.count -= 1;
    this.longBytes -= long[at]?.length ?? 0;
    long[at] = undefined;
    owners[at] = undefined;
    link[at] = this.free;
    this.free = at;
  }

  /** All are in use: they stay where they are, under new hashes. */
  private grow(): void {
    const before = this.columns;
    const { length } = before;
    this.columns = new Columns(Math.max(FEWEST, length * 2));
    this.columns.take(before);
    for (let at = 0; at < length; at += 1) this.columns.hash(before.owners[at] as Recent, at);
  }

  private clear(): void {
    this.columns = nothing;
    this.free = NONE;
    this.used = 0;
    this.longBytes = 0;
  }

  /** Few are left: they move together, peer by peer, so that the many need not be kept for them. */
  private shrink(): void {
    const before = this.columns;
    this.columns = new Columns(Math.max(FEWEST, before.length / 4));
    this.free = NONE;
    this.used = 0;
    this.count = 0;
    this.longBytes = 0;
    for (const recent of before.owners) {
      if (recent === undefined) continue;
      let at = recent.oldest;
      recent.remembered = 0;
      while (at !== NONE) {
        const answer = before.answerAt(at);
        const to = this.add(recent, (before.marks[at] as number) & ID_MASK, before.until[at] as number);
        if (answer !== undefined) this.setAnswer(to, answer);
        // So that the peer is not met again further on.
        before.owners[at] = undefined;
        at = before.next[at] as number;
      }
    }
  }
}

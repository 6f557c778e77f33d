// The keys of busy associations, copied out of wherever idle ones rest, with ciphers kept once they pay; a limit on
// how many, and those that were not used of late make room.
import type { DirectionKeys } from '../suites/key-block.ts';
import type { Suite } from '../suites/suite.ts';
import { KeptCcm } from './kept-ccm.ts';

/** Which way records go. */
export type Way = 'sealing' | 'opening';

/** What an association carries so that its keys can be active: set and cleared by the cache alone. */
export interface CipherOwner {
  sealing: ActiveKeys | undefined;
  opening: ActiveKeys | undefined;
}

/** How many directions are active at once unless configured; each holds about 2.5 kB while it is. */
export const ACTIVE_DIRECTIONS = 2000;
/** Records by one-shot ciphers before kept ones are made: these cost as much as two records and pay after three. */
const PATIENCE = 2;

/** One direction of a busy association. */
export class ActiveKeys implements DirectionKeys {
  readonly key: Uint8Array;
  readonly iv: Uint8Array;
  readonly mac: Uint8Array;
  /** Used since the cache last looked for room. */
  used = true;
  owner: CipherOwner;
  readonly way: Way;
  /** Where the cache has it. */
  slot: number;
  private readonly tagLength: 8 | 16 | 0;
  private patience = PATIENCE;
  private kept: KeptCcm | undefined = undefined;

  constructor(suite: Suite, keys: DirectionKeys, owner: CipherOwner, way: Way, slot: number) {
    this.key = new Uint8Array(keys.key);
    this.iv = new Uint8Array(keys.iv);
    this.mac = new Uint8Array(keys.mac);
    this.owner = owner;
    this.way = way;
    this.slot = slot;
    this.tagLength = suite.cipher === 'ccm' && suite.keyLength === 16 && suite.tagLength !== 32 ? suite.tagLength : 0;
  }

  /** The kept ciphers for one more record, once there are any. */
  use(): KeptCcm | undefined {
    this.used = true;
    if (this.kept === undefined && this.tagLength !== 0) {
      if (this.patience > 0) this.patience -= 1;
      else this.kept = new KeptCcm(this.key, this.tagLength);
    }
    return this.kept;
  }

  /** Overwrites the copies of the keys. */
  erase(): void {
    this.key.fill(0);
    this.iv.fill(0);
    this.mac.fill(0);
    this.kept = undefined;
  }
}

/** Keeps the keys of the directions that were used of late, up to a limit: a clock with a second chance. */
export class CipherCache {
  private readonly limit: number;
  private readonly entries: ActiveKeys[] = [];
  private hand = 0;

  /** `limit` in directions, at least 1. */
  constructor(limit: number = ACTIVE_DIRECTIONS) {
    this.limit = Math.max(1, limit);
  }

  /** Directions that are active now. */
  get size(): number {
    return this.entries.length;
  }

  /**
   * Makes a direction of `owner` active and returns its keys, which stay at `owner[way]` until the cache takes them
   * away for busier ones: `owner.sealing ?? cache.keep(owner, 'sealing', suite, keys)` gives them for each record.
   */
  keep(owner: CipherOwner, way: Way, suite: Suite, keys: DirectionKeys): ActiveKeys {
    const before = owner[way];
    if (before !== undefined) this.release(before);
    if (this.entries.length >= this.limit) this.release(this.stalest());
    const active = new ActiveKeys(suite, keys, owner, way, this.entries.length);
    this.entries.push(active);
    owner[way] = active;
    return active;
  }

  /** Forgets both directions of an association that ends or changes its keys, and overwrites their copies. */
  drop(owner: CipherOwner): void {
    if (owner.sealing !== undefined) this.release(owner.sealing);
    if (owner.opening !== undefined) this.release(owner.opening);
  }

  /** The first under the hand that was not used since the hand last came by. */
  private stalest(): ActiveKeys {
    for (;;) {
      if (this.hand >= this.entries.length) this.hand = 0;
      const entry = this.entries[this.hand] as ActiveKeys;
      this.hand += 1;
      if (!entry.used) return entry;
      entry.used = false;
    }
  }

  private release(entry: ActiveKeys): void {
    const last = this.entries.pop() as ActiveKeys;
    if (last !== entry) {
      last.slot = entry.slot;
      this.entries[entry.slot] = last;
    }
    entry.owner[entry.way] = undefined;
    entry.erase();
  }
}

// A journal in memory: what a disk would hold when its process is killed.
import type { Journal } from '../options.ts';

export class KeptJournal implements Journal {
  readonly records: Map<string, Uint8Array>;
  /** Its process was killed: what it still does in the test is not written down. */
  isDead = false;
  /** The disk is full. */
  fails = false;
  /** How many there were, without those of reserved time. */
  writes = 0;

  constructor(records: Iterable<readonly [string, Uint8Array]> = []) {
    this.records = new Map(records);
  }

  write(key: string, association: Uint8Array | undefined): void {
    if (this.isDead) return;
    this.writes += 1;
    if (association === undefined) this.records.delete(key);
    else this.records.set(key, new Uint8Array(association));
  }

  writeNow(key: string, record: Uint8Array): void {
    if (this.fails) throw new Error('disk full');
    if (!this.isDead) this.records.set(key, new Uint8Array(record));
  }

  /** As the next process finds it. */
  copy(): KeptJournal {
    return new KeptJournal(this.records);
  }
}

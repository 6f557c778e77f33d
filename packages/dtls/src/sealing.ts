// Writes and opens the protected records of associations: takes the next record number, sees that none is used twice and
// that no key is used longer than it should be, and keeps memory for what is sent.
import type { Instant } from '@lapwing/kernel';
import type { LiveAssociation } from './association.ts';
import type { Associations } from './associations.ts';
import type { Journaling } from './journaling.ts';
import type { Limits } from './options.ts';
import type { Way } from './record/active-keys.ts';
import { open, seal, sealedLength } from './record/protection.ts';
import type { RecordView } from './record/record.ts';
import { allowanceAt } from './snapshot.ts';
import type { Counters } from './stats.ts';
import type { DirectionKeys } from './suites/key-block.ts';

/** Datagrams are cut from blocks: one of its own for each would cost more than what is in it. Small ones for who sends little. */
const FIRST_BLOCK = 1024;
const BLOCK = 32_768;

export class Sealing {
  private readonly table: Associations;
  private readonly limits: Limits;
  private readonly counters: Counters;
  private readonly journaling: Journaling;
  private block = new Uint8Array(0);
  private used = 0;

  constructor(table: Associations, limits: Limits, counters: Counters, journaling: Journaling) {
    this.table = table;
    this.limits = limits;
    this.counters = counters;
    this.journaling = journaling;
  }

  /** Memory for a datagram of `length` bytes that nobody else will write to; all zeros. */
  room(length: number): Uint8Array {
    if (length > BLOCK / 8) return new Uint8Array(length);
    if (this.used + length > this.block.length) {
      this.block = new Uint8Array(Math.min(BLOCK, Math.max(FIRST_BLOCK, this.block.length * 2, length)));
      this.used = 0;
    }
    const at = this.used;
    this.used += length;
    return this.block.subarray(at, at + length);
  }

  /** Bytes of the record that `length` bytes of content will be. */
  length(live: LiveAssociation, length: number): number {
    return sealedLength(live.suite, live.sendCid === undefined ? 0 : live.sendCid.length, length);
  }

  /**
   * False when this association may not send a record now (`now`) or not any more: then its use has to end. Record
   * numbers are bounded by time, see snapshot.ts.
   */
  maySeal(live: LiveAssociation, now: Instant): 'yes' | 'later' | 'never' {
    const sequence = live.writeSequence;
    if (sequence >= live.allowance) {
      live.allowance = allowanceAt(live.since, this.journaling.timeFor(now));
      if (sequence >= live.allowance) {
        this.counters.counts.rateLimited += 1;
        return 'later';
      }
    }
    return sequence >= this.limits.sequence || live.sealedRecords >= live.suite.sealLimit ? 'never' : 'yes';
  }

  /** One record of epoch 1 into `out` from `at`; returns its end. */
  seal(live: LiveAssociation, type: number, content: Uint8Array, out: Uint8Array, at: number): number {
    const sequence = live.writeSequence;
    live.writeSequence = sequence + 1;
    live.sealedRecords += 1;
    this.counters.counts.recordsOut += 1;
    const keys = this.keysOf(live, 'sealing');
    return seal(live.suite, keys, type, 1, sequence, live.sendCid, content, out, at);
  }

  /** The content of a record, which it may overwrite; undefined when it is forged. */
  open(live: LiveAssociation, view: RecordView, bytes: Uint8Array): Uint8Array | undefined {
    return open(live.suite, this.keysOf(live, 'opening'), view, bytes);
  }

  /** While hands are shaken the keys are good for one record, which is not worth making them active. */
  private keysOf(live: LiveAssociation, way: Way): DirectionKeys {
    return live[way] ?? live.pending?.[way] ?? this.table.activate(live, way);
  }
}

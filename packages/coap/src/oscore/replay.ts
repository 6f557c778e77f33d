// The replay window (RFC 8613 §7.4): which sequence numbers of a peer were accepted, as a bitmap that slides with the
// newest. A window that was lost does not start empty: what is below the first number that has proved itself fresh
// has to prove itself too (RFC 8613 Appendix B.1.2). State only, no time: a number is new or it is not.

/** What is kept of a window while nothing runs. */
export interface WindowSnapshot {
  /** The highest number that was accepted; -1 for none. */
  readonly newest: number;
  /** Accepted ones that the window still covers. */
  readonly seen: readonly number[];
  /** Below it only what proves itself fresh is accepted. */
  readonly floor: number;
}

/**
 * `new` may be accepted, `replay` never. `unproven` may be new: nobody knows any more, and the peer has to show that
 * it made the message after our restart.
 */
export type Verdict = 'new' | 'replay' | 'unproven';

/** Numbers that may arrive out of order; the default of RFC 8613 §3.2.2. */
export const standardWindow = 32;

export class ReplayWindow {
  private readonly size: number;
  private readonly bits: Uint32Array;
  private newest = -1;
  private floor = 0;

  /** `size` is rounded up to a multiple of 32. `unused` starts empty, `unknown` knows nothing of what was accepted. */
  constructor(size: number, history: 'unused' | 'unknown' | WindowSnapshot) {
    const words = Math.max(1, Math.ceil(size / 32));
    this.size = words * 32;
    this.bits = new Uint32Array(words);
    if (history === 'unused') return;
    if (history === 'unknown') {
      this.floor = Number.POSITIVE_INFINITY;
      return;
    }
    this.newest = history.newest;
    this.floor = history.floor;
    for (const sequence of history.seen) if (sequence > this.newest - this.size) this.mark(sequence);
  }

  judge(sequence: number, freshness: 'proven' | 'unproven'): Verdict {
    if (sequence <= this.newest && (sequence <= this.newest - this.size || this.isMarked(sequence))) return 'replay';
    return sequence < this.floor && freshness === 'unproven' ? 'unproven' : 'new';
  }

  /** Only what was judged `new`, and only once it has been decrypted (RFC 8613 §7.4). */
  accept(sequence: number): void {
    if (this.floor === Number.POSITIVE_INFINITY) this.floor = sequence;
    if (sequence > this.newest) {
      // Never more steps than the window has places.
      const from = Math.max(this.newest + 1, sequence - this.size + 1);
      for (let each = from; each < sequence; each += 1) this.unmark(each);
      this.newest = sequence;
    }
    this.mark(sequence);
  }

  /** Undefined while there is nothing to be relied upon. */
  snapshot(): WindowSnapshot | undefined {
    if (this.floor === Number.POSITIVE_INFINITY) return undefined;
    const seen: number[] = [];
    for (let each = Math.max(0, this.newest - this.size + 1); each <= this.newest; each += 1) {
      if (this.isMarked(each)) seen.push(each);
    }
    return { newest: this.newest, seen, floor: this.floor };
  }

  private isMarked(sequence: number): boolean {
    const at = sequence % this.size;
    return ((this.bits[at >>> 5] as number) & (1 << (at & 31))) !== 0;
  }

  private mark(sequence: number): void {
    const at = sequence % this.size;
    this.bits[at >>> 5] = (this.bits[at >>> 5] as number) | (1 << (at & 31));
  }

  private unmark(sequence: number): void {
    const at = sequence % this.size;
    this.bits[at >>> 5] = (this.bits[at >>> 5] as number) & ~(1 << (at & 31));
  }
}

// Sender Sequence Numbers (RFC 8613 §7.2.1, Appendix B.1.1): given out of ranges that the store has taken out of use
// beforehand, so that no restart, however sudden, gives out a number twice. State only: who reserves is elsewhere.

/** The first number that is not given out any more (RFC 8613 §7.2.1). */
export const sequenceLimit = 2 ** 40 - 1;

/** A quarter of a stride left: time to reserve the next. */
const LOW = 4;

export class SenderSequence {
  private readonly stride: number;
  private next = 0;
  private end = 0;
  private spare: { readonly next: number; readonly end: number } | undefined = undefined;

  /** `stride` is how many numbers are reserved at once. */
  constructor(stride: number) {
    this.stride = stride;
  }

  /** All there are: for keys that no restart finds again. */
  static whole(): SenderSequence {
    const sequence = new SenderSequence(0);
    sequence.reserved(0, sequenceLimit);
    return sequence;
  }

  /** `empty` needs another range, `exhausted` other keys. */
  take(): number | 'empty' | 'exhausted' {
    if (this.next >= this.end && this.spare !== undefined) {
      this.next = this.spare.next;
      this.end = this.spare.end;
      this.spare = undefined;
    }
    if (this.next >= sequenceLimit) return 'exhausted';
    if (this.next >= this.end) return 'empty';
    this.next += 1;
    return this.next - 1;
  }

  /** Whether to reserve before it is empty. */
  get isLow(): boolean {
    return this.spare === undefined && this.end - this.next < this.stride / LOW;
  }

  /** Adds a range; one at a time besides the one in use. */
  reserved(first: number, count: number): void {
    const range = { next: first, end: Math.min(first + count, sequenceLimit) };
    if (this.next < this.end) this.spare = range;
    else {
      this.next = range.next;
      this.end = range.end;
    }
  }
}

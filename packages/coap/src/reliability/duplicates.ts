// What was received lately and how it was answered, so that a repeated message has its effect once and its answer again
// (RFC 7252 §4.5). Each peer has a small ring of its last message ids, never a table of 247 s over all; what all
// peers together may hold is bounded in entries and bytes. A ring is three flat arrays: an entry that is no object
// costs the garbage collector nothing.
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

/** What an entry costs beside the bytes of its answer; measured. */
const ENTRY_COST = 150;

const ID_BITS = 16;
const ID_MASK = 0xffff;

const noNumbers: number[] = [];
const noAnswers: (Uint8Array | undefined)[] = [];

/** The last messages of one peer. */
export class Recent {
  /** Message id, and above it the length of the answer. */
  marks = noNumbers;
  /** Until when the id names this message: EXCHANGE_LIFETIME or NON_LIFETIME after it came. */
  until: Instant[] = noNumbers;
  /** What a repetition is answered with, once there is something. */
  answers = noAnswers;
  /** The oldest, once the ring is full. */
  head = 0;
}

export class Duplicates {
  private readonly limits: DuplicateLimits;
  private count = 0;
  private answerBytes = 0;

  constructor(limits: DuplicateLimits) {
    this.limits = limits;
  }

  get size(): number {
    return this.count;
  }

  /** An estimate that counts entries and answers. */
  get bytes(): number {
    return this.answerBytes + this.count * ENTRY_COST;
  }

  get full(): boolean {
    return this.count > this.limits.inAll || this.bytes > this.limits.bytes;
  }

  /** Where the message stands in the ring; -1 when it is new. */
  find(recent: Recent, id: number, now: Instant): number {
    const { marks, until } = recent;
    for (let i = 0; i < marks.length; i += 1) {
      // A ring may hold an expired message of the same id beside the present one.
      if (((marks[i] as number) & ID_MASK) === id && (until[i] as number) > now) return i;
    }
    return -1;
  }

  /** Takes the place of the oldest when that has expired or the ring is full. */
  remember(recent: Recent, id: number, until: Instant, now: Instant): void {
    const { marks, head } = recent;
    const { length } = marks;
    if (length > 0 && (length >= this.limits.perPeer || (recent.until[head] as number) <= now)) {
      this.answerBytes -= (marks[head] as number) >> ID_BITS;
      marks[head] = id;
      recent.until[head] = until;
      recent.answers[head] = undefined;
      recent.head = head + 1 === length ? 0 : head + 1;
      return;
    }
    this.count += 1;
    if (marks === noNumbers) {
      // Arrays of one, where a push makes room for seventeen: most peers are quiet after one message.
      recent.marks = [id];
      recent.until = [until];
      recent.answers = [undefined];
      return;
    }
    if (head !== 0) unroll(recent);
    marks.push(id);
    recent.until.push(until);
    recent.answers.push(undefined);
  }

  /** What a repetition gets from now on; nothing happens when the message has been forgotten. */
  answered(recent: Recent, id: number, answer: Uint8Array, now: Instant): void {
    const at = this.find(recent, id, now);
    if (at < 0) return;
    this.answerBytes += answer.length - ((recent.marks[at] as number) >> ID_BITS);
    recent.marks[at] = id | (answer.length << ID_BITS);
    recent.answers[at] = answer;
  }

  /** From now on it is new again when it is repeated. */
  forgetOne(recent: Recent, id: number, now: Instant): void {
    const found = this.find(recent, id, now);
    if (found < 0) return;
    const { marks, until, answers, head } = recent;
    const last = marks.length - 1;
    const at = head === 0 ? found : (found - head + marks.length) % marks.length;
    if (head !== 0) unroll(recent);
    this.answerBytes -= (marks[at] as number) >> ID_BITS;
    for (let i = at; i < last; i += 1) {
      marks[i] = marks[i + 1] as number;
      until[i] = until[i + 1] as number;
      answers[i] = answers[i + 1];
    }
    marks.pop();
    until.pop();
    answers.pop();
    this.count -= 1;
  }

  forget(recent: Recent): void {
    for (const mark of recent.marks) this.answerBytes -= mark >> ID_BITS;
    this.count -= recent.marks.length;
    recent.marks = noNumbers;
    recent.until = noNumbers;
    recent.answers = noAnswers;
    recent.head = 0;
  }
}

/** Puts the oldest first, so that a ring can grow at its end. */
function unroll(recent: Recent): void {
  const { marks, until, answers, head } = recent;
  marks.push(...marks.splice(0, head));
  until.push(...until.splice(0, head));
  answers.push(...answers.splice(0, head));
  recent.head = 0;
}

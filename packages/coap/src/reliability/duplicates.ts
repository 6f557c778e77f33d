// What was received lately and what became of it, so that a repeated message has its effect once and its answer again
// (RFC 7252 §4.5). Each peer has a small ring of its last message ids, never a table of 247 s over all; what all
// peers together may hold is bounded in entries and bytes, and unauthenticated peers go first.
import type { Instant, Peer } from '@lapwing/kernel';
import { Type } from '../message/message.ts';
import type { ReceivedMessage } from '../message/udp.ts';

export interface DuplicateLimits {
  /** Message ids remembered for one peer; default 64. */
  readonly perPeer: number;
  /** For all peers together; default 200 000. */
  readonly inAll: number;
  /** Bytes of answers, with what remembering them costs; default 64 MiB. */
  readonly bytes: number;
}

export const duplicateLimits: DuplicateLimits = { perPeer: 64, inAll: 200_000, bytes: 64 * 1024 * 1024 };

/** What an entry costs besides its answer, in bytes; measured. */
const ENTRY_COST = 200;

/** A confirmable or non-confirmable message that came in, and how it was answered. */
export class Incoming {
  readonly peer: Peer;
  readonly id: number;
  readonly confirmable: boolean;
  readonly multicast: boolean;
  /** Until when the id names this message: EXCHANGE_LIFETIME or NON_LIFETIME after it came. */
  readonly until: Instant;
  /** When a response that has not come is announced by an empty acknowledgement. */
  readonly ackDue: Instant;
  /** Until it is answered. */
  message: ReceivedMessage | undefined;
  /** An acknowledgement or reset has gone out. */
  acknowledged = false;
  /** What a duplicate is answered with. */
  answer: Uint8Array | undefined = undefined;
  /** No ring holds it any more. */
  forgotten = false;

  constructor(peer: Peer, message: ReceivedMessage, multicast: boolean, until: Instant, ackDue: Instant) {
    this.peer = peer;
    this.id = message.id;
    this.confirmable = message.type === Type.Con;
    this.multicast = multicast;
    this.until = until;
    this.ackDue = ackDue;
    this.message = message;
  }
}

/** The last messages of one peer. */
export class Recent {
  readonly entries: Incoming[] = [];
  /** Their ids once more, side by side: looking through them must not touch the entries. */
  readonly ids: number[] = [];
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

  find(recent: Recent, id: number, now: Instant): Incoming | undefined {
    const { ids, entries } = recent;
    for (let i = ids.indexOf(id); i >= 0; i = ids.indexOf(id, i + 1)) {
      const entry = entries[i] as Incoming;
      // A ring may hold an expired message of the same id beside the present one.
      if (entry.until > now) return entry;
    }
    return undefined;
  }

  /** Takes the place of the oldest when that has expired or the ring is full. */
  remember(recent: Recent, incoming: Incoming, now: Instant): void {
    const { entries, ids, head } = recent;
    const oldest = entries[head];
    if (oldest !== undefined && (oldest.until <= now || entries.length >= this.limits.perPeer)) {
      this.answerBytes -= oldest.answer?.length ?? 0;
      // What has not been answered yet would add its bytes later to nobody's account.
      oldest.forgotten = true;
      entries[head] = incoming;
      ids[head] = incoming.id;
      recent.head = head + 1 === entries.length ? 0 : head + 1;
      return;
    }
    // A ring that grows is put in order first, so that the newest stands last.
    if (head !== 0) {
      const ordered = [...entries.slice(head), ...entries.slice(0, head)];
      for (const [i, entry] of ordered.entries()) {
        entries[i] = entry;
        ids[i] = entry.id;
      }
      recent.head = 0;
    }
    entries.push(incoming);
    ids.push(incoming.id);
    this.count += 1;
  }

  answered(incoming: Incoming, answer: Uint8Array): void {
    incoming.answer = answer;
    if (!incoming.forgotten) this.answerBytes += answer.length;
  }

  forget(recent: Recent): void {
    for (const entry of recent.entries) {
      this.answerBytes -= entry.answer?.length ?? 0;
      entry.forgotten = true;
    }
    this.count -= recent.entries.length;
    recent.entries.length = 0;
    recent.ids.length = 0;
    recent.head = 0;
  }
}

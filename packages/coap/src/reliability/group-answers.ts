// Answers to requests that were sent to a group: each member waits for a moment of its own within the leisure, so that not
// all speak at once (RFC 7252 §8.2). Bounded in number and length, since nobody has proved to be at the sender's address.
import { type Due, DueQueue, type Duration, type Instant, type Peer, type Random } from '@lapwing/kernel';

/** Longest time until a member of a group answers, in ms. RFC 7252 §8.2, DEFAULT_LEISURE. */
const LEISURE: Duration = 5000;
/** Longest answer to a group, in bytes: whose address is on the request has not been proved (RFC 7252 §11.3). */
const LONGEST = 136;
/** Answers that wait for their moment. */
const MOST = 1000;

class GroupAnswer implements Due {
  readonly peer: Peer;
  readonly bytes: Uint8Array;
  dueAt: Instant = 0;
  place = -1;

  constructor(peer: Peer, bytes: Uint8Array) {
    this.peer = peer;
    this.bytes = bytes;
  }
}

export class GroupAnswers {
  private readonly random: Random;
  private readonly waiting = new DueQueue<GroupAnswer>();

  constructor(random: Random) {
    this.random = random;
  }

  get earliest(): Instant | undefined {
    return this.waiting.first?.dueAt;
  }

  /** False for one that is too long, and for one too many. */
  add(peer: Peer, bytes: Uint8Array, now: Instant): boolean {
    if (this.waiting.size >= MOST || bytes.length > LONGEST) return false;
    this.waiting.set(new GroupAnswer(peer, bytes), now + this.random.fraction() * LEISURE);
    return true;
  }

  /** The next one whose moment has come. */
  take(now: Instant): { readonly peer: Peer; readonly bytes: Uint8Array } | undefined {
    return this.waiting.take(now);
  }
}

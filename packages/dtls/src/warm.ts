// The associations that are kept ready to send and receive, up to a number, and who has to make room for another.
import { type Duration, type Instant, LinkedList } from '@lapwing/kernel';
import type { LiveAssociation } from './association.ts';

/** One that was quiet for so long may be packed to make room for another one, in ms. */
const BRIEFLY: Duration = 1000;
/** Busy ones that are passed over before one of them has to go. */
const TRIES = 4;

export class Warm {
  /** In the order in which they became so. */
  private readonly list = new LinkedList<LiveAssociation>();
  private readonly limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  get size(): number {
    return this.list.size;
  }

  /** Who is to be put away for it, if anybody. */
  add(live: LiveAssociation, now: Instant): LiveAssociation | undefined {
    this.list.add(live);
    return this.list.size > this.limit ? this.whoGoes(live, now) : undefined;
  }

  delete(live: LiveAssociation): void {
    this.list.delete(live);
  }

  /** Those that have been quiet for `quiet` ms, and whose handshake is over. */
  *quietFor(quiet: Duration, now: Instant): IterableIterator<LiveAssociation> {
    for (const live of this.list) if (live.seenAt + quiet <= now && live.handshake === undefined) yield live;
  }

  /** Of the first few the quiet one, else the first whose handshake is over. */
  private whoGoes(keep: LiveAssociation, now: Instant): LiveAssociation | undefined {
    let tries = TRIES;
    let fallback: LiveAssociation | undefined;
    let next = this.list.first;
    while (next !== undefined) {
      const live = next;
      next = live.newer;
      if (live === keep || live.handshake !== undefined) continue;
      if (live.seenAt + BRIEFLY <= now || tries === 0) return live;
      fallback ??= live;
      tries -= 1;
      // Busy: to the end of the queue.
      this.list.delete(live);
      this.list.add(live);
    }
    return fallback;
  }
}

// What an authentic record says beside its content: that its peer is there, and where; and the end of those who say nothing
// any more.
import { type Duration, equalAddresses, type Instant, type Peer } from '@lapwing/kernel';
import type { AssociationPeer, LiveAssociation } from './association.ts';
import type { Associations } from './associations.ts';
import { unheard } from './endings.ts';
import type { Journaling } from './journaling.ts';
import type { Settings } from './options.ts';
import type { Counters } from './stats.ts';

interface HearingParts {
  readonly table: Associations;
  readonly journaling: Journaling;
  readonly counters: Counters;
  readonly settings: Settings;
}

/** How often is looked for those who are not heard any more, at least. */
const HOUR: Duration = 3_600_000;

export class Hearing {
  private readonly table: Associations;
  private readonly journaling: Journaling;
  private readonly counters: Counters;
  private readonly idle: Duration;
  private readonly end: (peer: AssociationPeer, cause: Error) => void;
  private lookAt: Instant;

  constructor(
    { table, journaling, counters, settings }: HearingParts,
    end: (peer: AssociationPeer, cause: Error) => void,
  ) {
    this.idle = settings.timers.idle;
    this.end = end;
    this.lookAt = settings.clock.now() + Math.min(this.idle, HOUR);
    this.table = table;
    this.journaling = journaling;
    this.counters = counters;
  }

  /** When `expire` has work. */
  get deadline(): Instant | undefined {
    return this.table.size === 0 ? undefined : this.lookAt;
  }

  expire(now: Instant): void {
    if (this.lookAt > now) return;
    this.lookAt = now + Math.min(this.idle, HOUR);
    for (const peer of this.table.inOrder()) {
      if (this.table.seenAt(peer) + this.idle > now) return;
      this.counters.add('unheard');
      this.end(peer, unheard);
    }
  }

  heard(live: LiveAssociation, road: Peer, isNewest: boolean, now: Instant): void {
    this.table.touch(live, now);
    this.journaling.heard(live, now);
    // RFC 9146 §6: only the newest record may move the peer, and only one that says by its id whose it is.
    if (!isNewest || live.road === road || !live.hasOwnCid) return;
    // After a crash, not what may have been recorded before it (snapshot.ts).
    if (live.right < live.followsFrom) return;
    if (!equalAddresses(live.road.address, road.address)) {
      this.table.move(live, road);
      this.counters.add('addressChanges');
      this.journaling.write(live.peer, now);
    } else live.road = road;
  }
}

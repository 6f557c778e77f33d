// What an authentic record says beside its content: that its peer is there, and where.
import { equalAddresses, type Instant, type Peer } from '@lapwing/kernel';
import type { LiveAssociation } from './association.ts';
import type { Associations } from './associations.ts';
import type { Journaling } from './journaling.ts';
import type { Counters } from './stats.ts';

export class Hearing {
  private readonly table: Associations;
  private readonly journaling: Journaling;
  private readonly counters: Counters;

  constructor(table: Associations, journaling: Journaling, counters: Counters) {
    this.table = table;
    this.journaling = journaling;
    this.counters = counters;
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

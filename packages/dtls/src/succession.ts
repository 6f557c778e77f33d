// Which associations end because another one begins: those that the new one stands for, and those that are too many.
import type { Identity, Instant } from '@lapwing/kernel';
import type { AssociationPeer, LiveAssociation } from './association.ts';
import type { Associations } from './associations.ts';
import { gaveWay, gaveWayToItself, shakenAgain } from './endings.ts';
import type { Settings } from './options.ts';
import { sameIdentity } from './same-identity.ts';
import type { Counters } from './stats.ts';

export interface SuccessionParts {
  readonly settings: Settings;
  readonly table: Associations;
  readonly counters: Counters;
  /** Ends an established association; the sink is told. */
  readonly end: (peer: AssociationPeer, cause: Error) => void;
}

export class Succession {
  private readonly parts: SuccessionParts;
  private readonly evicted: Error;
  private readonly evictedByItself: Error;

  constructor(parts: SuccessionParts) {
    this.parts = parts;
    this.evicted = gaveWay(parts.settings.limits.associations);
    this.evictedByItself = gaveWayToItself(parts.settings.limits.perIdentity);
  }

  /** False when there are as many as there may be, `shaking` counted, and all of them are in use. */
  makeRoom(shaking: number, now: Instant): boolean {
    const { table, settings, counters, end } = this.parts;
    if (table.size + shaking < settings.limits.associations) return true;
    const stale = table.stalest(now);
    counters.add(stale === undefined ? 'associationsFull' : 'associationsEvicted');
    if (stale !== undefined) end(stale, this.evicted);
    return stale !== undefined;
  }

  /** What was established takes the place of others. */
  follow(live: LiveAssociation, identity: Identity, now: Instant): void {
    this.replace(live, identity, now);
    if (live.role === 'server') this.thinOut(live.peer, identity);
  }

  /** What the new association stands for: nobody will use the old ones any more, or can. */
  private replace({ peer, road, role }: LiveAssociation, identity: Identity, now: Instant): void {
    const { table, end } = this.parts;
    const isReplaced = (other: AssociationPeer): boolean =>
      other !== peer &&
      table.liveOf(other, now).role === role &&
      (!table.hasOwnCid(other) || sameIdentity(other.identity, identity));
    for (;;) {
      const old = table.byAddress(road.address, isReplaced);
      if (old === undefined) return;
      end(old, shakenAgain);
    }
  }

  /** One credential does not fill the table. */
  private thinOut(peer: AssociationPeer, identity: Identity): void {
    const { table, settings, counters, end } = this.parts;
    const { perIdentity } = settings.limits;
    if (!table.mayBeMoreThan(perIdentity, identity)) return;
    const others = table.byIdentity(identity).filter((other) => other !== peer);
    for (const old of others.slice(0, Math.max(0, others.length + 1 - perIdentity))) {
      counters.add('associationsEvicted');
      end(old, this.evictedByItself);
    }
  }
}

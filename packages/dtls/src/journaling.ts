// What a transport writes down while it runs: associations as they change, and the time that is reserved for their record
// numbers (snapshot.ts). Nothing is sealed with a number of a time that is not reserved, so that the next process, which
// begins after it, repeats none, whatever its clock shows.
import type { Duration, Instant } from '@lapwing/kernel';
import type { AssociationPeer, LiveAssociation } from './association.ts';
import type { Associations } from './associations.ts';
import type { Journal } from './options.ts';
import { FOLLOW_GAP, snapshotOf } from './snapshot.ts';
import type { Counters } from './stats.ts';
import type { SteadyWall } from './wall.ts';

/** Under which key the reserved time stands among the associations. */
const TIME_KEY = 'time';
/** How much time is reserved at once. A crash wastes what is left of it. */
const AHEAD: Duration = 60_000;
/** A journal that fails is asked again after so long. */
const RETRY: Duration = 1000;
/** Whoever was heard is written down after so long, or when its record numbers have grown by so much. */
const PACE: Duration = 5000;
const STRIDE = FOLLOW_GAP / 2;

export class Journaling {
  private readonly journal: Journal | undefined;
  private readonly table: Associations;
  private readonly wall: SteadyWall;
  private readonly counters: Counters;
  /** In ms since 1970: what is on disk. Without a journal nothing is ever taken up, and no time need be reserved. */
  private until: number;
  private retryAt: Instant = -Infinity;
  /** Heard since they were written down. */
  private readonly unwritten = new Set<AssociationPeer>();
  private writeAt: Instant | undefined;

  constructor(journal: Journal | undefined, table: Associations, wall: SteadyWall, counters: Counters) {
    this.journal = journal;
    this.table = table;
    this.wall = wall;
    this.counters = counters;
    this.until = journal === undefined ? Infinity : -Infinity;
  }

  /** The time, in ms since 1970, that bounds record numbers now: no later than what is reserved. */
  timeFor(now: Instant): number {
    const wall = this.wall.at(now);
    if (wall > this.until - AHEAD / 2 && this.retryAt <= now) {
      try {
        this.reserve(now);
      } catch {
        this.retryAt = now + RETRY;
        this.counters.add('listenerErrors');
      }
    }
    return Math.min(wall, this.until);
  }

  /** Throws what the journal throws: then nothing is reserved. */
  reserve(now: Instant): void {
    if (this.journal === undefined) return;
    const until = Math.floor(this.wall.at(now)) + AHEAD;
    this.journal.writeNow(TIME_KEY, snapshotOf(this.table, [], 'running', until));
    this.until = until;
  }

  /** When `expire` has work. */
  get deadline(): Instant | undefined {
    return this.writeAt;
  }

  expire(now: Instant): void {
    if (this.writeAt === undefined || this.writeAt > now) return;
    this.writeAt = undefined;
    for (const peer of this.unwritten) this.write(peer, now);
  }

  /** So that a record that comes once more after a crash is known. */
  heard(live: LiveAssociation, now: Instant): void {
    if (this.journal === undefined) return;
    if (live.right - live.writtenRight >= STRIDE) this.write(live.peer, now);
    else {
      this.unwritten.add(live.peer);
      this.writeAt ??= now + PACE;
    }
  }

  write(peer: AssociationPeer, now: Instant): void {
    this.unwritten.delete(peer);
    this.put(peer, 'running', now);
  }

  remove(peer: AssociationPeer): void {
    this.unwritten.delete(peer);
    this.attempt((journal) => journal.write(peer.key, undefined));
  }

  writeAll(now: Instant): void {
    if (this.journal !== undefined) for (const peer of this.table.inOrder()) this.put(peer, 'running', now);
  }

  /** Nothing is received or sent any more: what is written is exact, and the rest of the reserved time is free. */
  stop(now: Instant): void {
    if (this.journal === undefined) return;
    for (const peer of this.table.inOrder()) this.put(peer, 'stopped', now);
    const wall = this.wall.at(now);
    this.attempt((journal) => journal.writeNow(TIME_KEY, snapshotOf(this.table, [], 'stopped', wall)));
  }

  private put(peer: AssociationPeer, kind: 'running' | 'stopped', now: Instant): void {
    const { live } = peer;
    if (live !== undefined) live.writtenRight = live.right;
    this.attempt((journal) => journal.write(peer.key, snapshotOf(this.table, [peer], kind, this.wall.at(now))));
  }

  private attempt(write: (journal: Journal) => void): void {
    if (this.journal === undefined) return;
    try {
      write(this.journal);
    } catch {
      this.counters.add('listenerErrors');
    }
  }
}

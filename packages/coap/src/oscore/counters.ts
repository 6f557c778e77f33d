// What is counted of protected exchanges, most of all why messages were refused.

const names = [
  'accepted',
  'malformed',
  'unknownContext',
  'replayed',
  'unverified',
  'challenged',
  'unprotectedAnswers',
  'unverifiedAnswers',
  'staleNotifications',
  'rederived',
] as const;

export type OscoreCount = (typeof names)[number];

/**
 * Requests that were let in, and those that were refused: `malformed` (4.02), `unknownContext` and `replayed` (4.01),
 * `unverified` (4.00), `challenged` (4.01 with Echo). Of what was asked: answers in the open, answers and notifications
 * that did not verify, notifications no newer than the last. `rederived`: new keys taken into use.
 */
export type OscoreCounters = Readonly<Record<OscoreCount, number>>;

export class OscoreTally {
  private readonly counts = Object.fromEntries(names.map((name) => [name, 0])) as Record<OscoreCount, number>;

  add(what: OscoreCount): void {
    this.counts[what] += 1;
  }

  snapshot(): OscoreCounters {
    return Object.freeze({ ...this.counts });
  }
}

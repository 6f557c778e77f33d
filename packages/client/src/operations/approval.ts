// Before something that a server wants comes into force: whoever is to approve it is asked (ObjectPolicy.approve), about one request at a
// time, so that what was approved is what becomes of it.
import type { ObjectStore } from '../objects/store.ts';
import type { Turns } from '../turns.ts';
import { inTime, type Patience } from './in-time.ts';

/** A change of one store. */
export interface Wanted {
  readonly store: ObjectStore;
  readonly change: () => unknown;
}

export interface Approving extends Patience {
  /** In which requests of all servers are approved, one after the other: those of the device's own objects. */
  readonly approvals: Turns;
}

/**
 * Does `act` when everybody has approved who is to be asked about what it wants; at once, and without a promise, where nobody is. Rejects with
 * what they refuse with, with ResponseError 5.03 where they do not say in time, and as `act`: then nothing has changed.
 */
export function whenApproved<T>(wanted: readonly Wanted[], approving: Approving, act: () => T): T | Promise<T> {
  if (!wanted.some(({ store }) => store.isAsking)) return act();
  return approving.approvals.take(async () => {
    const proposed = wanted.flatMap(({ store, change }) => store.propose(change));
    for (const { approve, proposal } of proposed)
      await inTime(Promise.resolve(approve(proposal)), 'approval', approving);
    return act();
  });
}

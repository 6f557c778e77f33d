// How one registered device can be reached now: its registration, the endpoint that it came by, what waits for
// it and what is observed on it. One per device, mutable, and small: idle devices are the many.
import type { Endpoint } from '@lapwing/coap';
import type { Duration, Instant } from '@lapwing/kernel';
import type { Command } from './commands.ts';
import type { ObservationRecord } from './observation-record.ts';
import type { Expiring } from './registration/expiry.ts';
import type { Registration, RegistrationRecord } from './registration/registration.ts';

/** In ms, some twelve days: so much is one small number. */
const LONGEST_LAG = 2 ** 30;

export class Contact implements Expiring {
  /** As it is but for `lag`, for those to whom the time of the last Update is nothing. */
  record: RegistrationRecord;
  /** By how many ms the last Update came after the one that the record knows of. */
  lag = 0;
  readonly endpoint: Endpoint;
  /** Which Register of this server made it: of two that were judged at once the later one counts. */
  readonly turn: number;
  /** Clock time at which the registration ends; Infinity for never. */
  expiresAt: Instant;
  /** Clock time at which the permission ends, whatever the lifetime; undefined for never. */
  readonly permittedUntil: Instant | undefined;
  tick: number | undefined = undefined;
  slot = 0;
  /** Queue mode: asleep from then on; undefined while asleep, unused otherwise. */
  awakeUntil: Instant | undefined = undefined;
  /** The command that is under way, then those that wait. */
  commands: Command[] | undefined = undefined;
  /** The newest observation; each knows the one before it. */
  observations: ObservationRecord | undefined = undefined;
  /** What the store has of it: nothing, or all but perhaps when it was heard last. */
  keeping: 'none' | 'kept' | 'touched' = 'none';
  /** Left behind: deregistered, expired or replaced. */
  ended = false;

  constructor(
    registration: RegistrationRecord,
    endpoint: Endpoint,
    turn: number,
    expiresAt: Instant,
    permittedUntil: Instant | undefined,
  ) {
    this.record = registration;
    this.endpoint = endpoint;
    this.turn = turn;
    this.expiresAt = expiresAt;
    this.permittedUntil = permittedUntil;
  }

  get registration(): RegistrationRecord {
    if (this.lag !== 0) {
      const { peer, terms, objectList, updatedAt } = this.record;
      this.registration = this.record.updated({ peer, terms, objectList, updatedAt: updatedAt + this.lag });
    }
    return this.record;
  }

  set registration(registration: RegistrationRecord) {
    this.record = registration;
    this.lag = 0;
  }

  /** Whether an Update that says nothing new could be noted without a record of its own: most of a fleet say nothing else. */
  noteUpdate(at: number): boolean {
    const lag = at - this.record.updatedAt;
    if (!Number.isInteger(lag) || Math.abs(lag) > LONGEST_LAG) return false;
    this.lag = lag;
    return true;
  }
}

/** How long it stays awake, by contact. */
export function windowOf(
  window: Duration | ((registration: Registration) => Duration),
): Duration | ((contact: Contact) => Duration) {
  return typeof window === 'number' ? window : ({ registration }) => window(registration);
}

/** False while a device in queue mode sleeps, and for none. */
export function isAwake(contact: Contact | undefined): boolean {
  return contact !== undefined && (!contact.registration.queueMode || contact.awakeUntil !== undefined);
}

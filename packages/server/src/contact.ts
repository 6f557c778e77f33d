// How one registered device can be reached now: its registration, the endpoint that it came by, what waits for
// it and what is observed on it. One per device, mutable, and small: idle devices are the many.
import type { Endpoint } from '@lapwing/coap';
import type { Instant } from '@lapwing/kernel';
import type { Command } from './commands.ts';
import type { ObservationRecord } from './observations.ts';
import type { Expiring } from './registration/expiry.ts';
import type { RegistrationRecord } from './registration/registration.ts';

export class Contact implements Expiring {
  registration: RegistrationRecord;
  endpoint: Endpoint;
  /** Clock time at which the registration ends; Infinity for never. */
  expiresAt: Instant;
  tick: number | undefined = undefined;
  /** Queue mode: asleep from then on; undefined while asleep, unused otherwise. */
  awakeUntil: Instant | undefined = undefined;
  /** The command that is under way, then those that wait. */
  commands: Command[] | undefined = undefined;
  observations: ObservationRecord[] | undefined = undefined;
  /** Left behind: deregistered, expired or replaced. */
  ended = false;

  constructor(registration: RegistrationRecord, endpoint: Endpoint, expiresAt: Instant) {
    this.registration = registration;
    this.endpoint = endpoint;
    this.expiresAt = expiresAt;
  }
}

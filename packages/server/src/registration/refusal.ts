// What becomes of requests of the registration interface, and the answer to one that is refused.
import { ResponseError } from '@lapwing/coap';

/** What became of requests; each refusal is counted by its reason. */
export type Outcome =
  | 'registered'
  | 'updated'
  | 'deregistered'
  | 'malformed'
  | 'unauthorized'
  /** The credentials speak for another name. */
  | 'not-owner'
  /** The question whether to let it in had no answer. */
  | 'unjudged'
  /** It could not be written down. */
  | 'not-kept'
  /** A later Register of the same name was quicker. */
  | 'overtaken'
  | 'unknown'
  /** A profile stands for a list that is not known here: the device is asked for the list. */
  | 'unknown-profile'
  | 'too-often'
  | 'full'
  | 'wrong-peer'
  | 'wrong-method';

/** What a device is refused for its own words or number; of rights and stores others tell. */
export const ownFaults: ReadonlySet<Outcome> = new Set<Outcome>(['malformed', 'unknown-profile', 'too-often', 'full']);

/** The answer, with what it is counted as. */
export class Refusal extends ResponseError {
  readonly outcome: Outcome;

  constructor(outcome: Outcome, { status, message, options, payload, cause }: ResponseError) {
    super(status, undefined, { options, payload, cause });
    this.message = message;
    this.outcome = outcome;
  }
}

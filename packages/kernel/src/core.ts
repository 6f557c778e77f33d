// The one shape of every protocol state machine: inputs and time in, effects out.
// A core never waits, never reads a clock and never logs; the driver does.
import type { Instant } from './clock.ts';

export interface Core<Input, Effect> {
  /** Takes one input; the effects must be carried out in order, before the next call (the list may be reused). */
  handle(input: Input, now: Instant): readonly Effect[];
  /** The earliest instant at which `expire` has work; undefined when nothing waits. */
  readonly deadline: Instant | undefined;
  /** Does what is due at `now`. Early or repeated calls are harmless. */
  expire(now: Instant): readonly Effect[];
  /** The effects have been carried out: nothing of them need be kept for their sake. */
  carriedOut?(): void;
}

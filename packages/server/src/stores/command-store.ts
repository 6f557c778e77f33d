// Where commands wait for their devices and outlive the process: the contract. One queue for each endpoint, in the order in
// which commands were added; a command leaves when whoever asked for it has its outcome.
import type { Duration } from '@lapwing/kernel';
import type { Operation, Result } from '@lapwing/lwm2m';
import type { Failure } from '../failure.ts';

/** What came of a command, once and for all. That the device refused it is an answer. */
export type Outcome =
  | { readonly kind: 'answered'; readonly result: Result }
  | { readonly kind: 'failed'; readonly failure: Failure };

export interface RetryPolicy {
  /** How often it is sent at most; default 3. */
  readonly attempts: number;
  /** Wait before the second attempt, doubled for each further one. In ms; default 10 s. */
  readonly pause: Duration;
  /**
   * `no`, the default: sent again only when the device has certainly not seen it. `unsure`: also when nobody can say, so that a
   * device may do it twice.
   */
  readonly unless: 'seen' | 'answered';
}

export type CommandState = 'waiting' | 'sent' | 'settled';

export interface KeptCommand {
  /** Unique in the store. */
  readonly id: string;
  /** Endpoint client name. */
  readonly name: string;
  readonly operation: Operation;
  /** What whoever asked wants to remember with it. */
  readonly note: string | undefined;
  /** Unix times in ms; without an end it waits for ever. */
  readonly enqueuedAt: number;
  readonly expiresAt: number | undefined;
  readonly retry: RetryPolicy;
  /** Whether it waits for a device that is not registered, or fails then. */
  readonly unregistered: 'wait' | 'fail';
  /** Times that it was sent. */
  readonly attempts: number;
  readonly state: CommandState;
  /** Of a settled one. */
  readonly outcome: Outcome | undefined;
}

export type CommandChange =
  /** Behind all others; not when the id is known. */
  | { readonly kind: 'add'; readonly command: KeptCommand }
  /** Only while it is in state `from`. */
  | {
      readonly kind: 'move';
      readonly id: string;
      readonly from: CommandState;
      readonly to: CommandState;
      readonly attempts: number;
      readonly outcome?: Outcome;
    }
  | { readonly kind: 'remove'; readonly id: string };

export interface CommandStore {
  /** Those of one device, in the order in which they were added. */
  of(name: string): Promise<readonly KeptCommand[]>;
  /** Everything kept, in the order in which it was added. What cannot be read is passed over. */
  all(): AsyncIterable<KeptCommand>;
  /** As `RegistrationStore.write`. */
  write(changes: readonly CommandChange[]): Promise<readonly boolean[]>;
}

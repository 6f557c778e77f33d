// Where observations that are wanted outlive registrations and processes: the contract. What is wanted is kept by endpoint and
// path; how it is held at the moment (the token, and the registration that it belongs to) comes and goes.
import type { Operation } from '@lapwing/lwm2m';

export interface KeptObservation {
  /** Endpoint client name. */
  readonly name: string;
  /** The path, or what else tells it from the others of the device. */
  readonly key: string;
  /** The observe operation, attributes included. */
  readonly operation: Operation;
  /** What whoever asked wants to remember with it. */
  readonly note: string;
  /** Who observes anew when the device registers anew: this server, or whoever asked. */
  readonly onRegister: 'again' | 'leave';
  /**
   * Token of the relation and id of its registration; undefined while there is none. `shared`: others of the device have the same
   * relation, a composite of their paths.
   */
  readonly held: { readonly token: Uint8Array; readonly registration: string; readonly shared?: true } | undefined;
}

export type ObservationChange =
  | { readonly kind: 'put'; readonly observation: KeptObservation }
  /** Only while it is wanted: what was cancelled stays so. */
  | { readonly kind: 'hold'; readonly name: string; readonly key: string; readonly held: KeptObservation['held'] }
  | { readonly kind: 'remove'; readonly name: string; readonly key: string };

export interface ObservationStore {
  of(name: string): Promise<readonly KeptObservation[]>;
  /** Everything kept, in any order. What cannot be read is passed over. */
  all(): AsyncIterable<KeptObservation>;
  /** As `RegistrationStore.write`. */
  write(changes: readonly ObservationChange[]): Promise<readonly boolean[]>;
}

// Where registrations outlive the process: the contract. The live table (docs/adr/0001-live-table-of-registrations.md) is what
// datagrams meet; a store is written behind it and read when the process starts.
import type { Peer } from '@lapwing/kernel';

/** A registration as data. Devices of a fleet share `terms` and `objects`, letter by letter. */
export interface KeptRegistration {
  /** Endpoint client name: the key. */
  readonly name: string;
  /** Last segment of the location: another for each Register, so that whoever has an old one does not write over a newer. */
  readonly id: string;
  /** Name of the listener that it came by. */
  readonly listener: string;
  readonly peer: Peer;
  /** Lifetime, version, binding and parameters, as text that only registration/kept.ts reads. */
  readonly terms: string;
  /** The object list in link format. */
  readonly objects: string;
  readonly attributes: Readonly<Record<string, string>> | undefined;
  /** Unix times in ms. */
  readonly registeredAt: number;
  readonly updatedAt: number;
  /** End of the lifetime as of `updatedAt`; undefined for never. */
  readonly expiresAt: number | undefined;
  /** End of the permission, whatever the lifetime; undefined for never. */
  readonly permittedUntil: number | undefined;
}

export type RegistrationChange =
  /** A Register: takes the place of whatever is kept under the name. */
  | { readonly kind: 'put'; readonly registration: KeptRegistration }
  /** An Update: only while what is kept has the same id. */
  | { readonly kind: 'update'; readonly registration: KeptRegistration }
  /** Its end: only while what is kept has that id. */
  | { readonly kind: 'remove'; readonly name: string; readonly id: string };

export type EndOfProcess = 'finished' | 'cut';

export interface RegistrationStore {
  /** True: a Register is answered when it is kept for good. False: it is written behind the answer. */
  readonly registersWait: boolean;
  get(name: string): Promise<KeptRegistration | undefined>;
  /** Everything kept, in any order. What cannot be read is passed over. */
  all(): AsyncIterable<KeptRegistration>;
  /**
   * Asked once by each process, before `all`: how the one before has ended. `finished`: nothing that it acknowledged is missing. Until this
   * one says `finish` it counts as `cut`; that is to be so for good before this resolves. Without these two every end counts as `cut`.
   */
  begin?(): Promise<EndOfProcess>;
  /** All is written, and there will be nothing more. */
  finish?(): Promise<void>;
  /**
   * All or none, in order; says for each change whether it was done. Resolves when a crash of the process cannot undo it.
   * Rejects when nothing was written: whoever asked may ask again.
   */
  write(changes: readonly RegistrationChange[]): Promise<readonly boolean[]>;
}

// What a bootstrap server tells, as one map of types.
import type { Peer } from '@lapwing/kernel';
import type { BootstrapLinks, BootstrapOperation, Entry } from '@lapwing/lwm2m';

/** One bootstrap of one device: immutable. */
export interface BootstrapSession {
  /** Unique in this server, for as long as it runs. */
  readonly id: number;
  /** Endpoint client name. */
  readonly name: string;
  /** Of the plan that is carried out. */
  readonly plan: string;
  readonly peer: Peer;
  /** Name of the listener that the device came by. */
  readonly listener: string;
  /** Written to step by step, or answered with everything at once. */
  readonly kind: 'sequence' | 'pack';
  /** Content-Format that the device wants to be written in. */
  readonly preferredFormat: number | undefined;
  /** Unix time in ms. */
  readonly startedAt: number;
}

export type BootstrapStep = BootstrapOperation['op'] | 'bootstrap-pack';

export type StepOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'links'; readonly links: BootstrapLinks }
  | { readonly kind: 'content'; readonly entries: readonly Entry[] }
  | { readonly kind: 'refused'; readonly code: number; readonly reason?: string };

export type BootstrapFailureReason =
  /** The device said no to a step. */
  | 'refused'
  /** The device found at the end that the configuration makes no sense: 4.06. */
  | 'inconsistent'
  /** No answer, or a reset. */
  | 'unanswered'
  /** An answer that cannot be decoded. */
  | 'unintelligible'
  /** The plan holds keys, and anybody could read them on this road. */
  | 'keys-in-clear'
  /** The plan makes no sense for this device, or a store did not answer. */
  | 'no-plan'
  /** The session took too long. */
  | 'timed-out'
  /** The same device asked anew. */
  | 'overtaken'
  | 'cancelled';

export interface BootstrapEvents {
  started: { readonly session: BootstrapSession };
  /** `path` is that of the operation, as text; the values that were written are not told. */
  step: {
    readonly session: BootstrapSession;
    readonly step: BootstrapStep;
    readonly path: string;
    readonly outcome: StepOutcome;
  };
  /** The device has said yes to Bootstrap-Finish; of a pack: it is on its way, and nobody tells whether it arrived. */
  finished: { readonly session: BootstrapSession };
  failed: { readonly session: BootstrapSession; readonly reason: BootstrapFailureReason; readonly error?: Error };
  /** A request that led to no session. */
  refused: {
    readonly peer: Peer;
    readonly listener: string;
    readonly name: string | undefined;
    readonly reason: string;
  };
  /** A listener of another event threw. The server goes on; what a listener of this one throws is only counted. */
  'listener-failed': { readonly event: string; readonly error: unknown };
}

// Everything that a client tells, as one map of types.
import type { Downgrade } from './bootstrap/consistency.ts';
import type { BootstrapFailure, BootstrapPhase } from './bootstrap/machine.ts';
import type { EngineEvent } from './engine-events.ts';
import type { Watched } from './operations/observe.ts';
import type { Expectation } from './radio.ts';
import type { Phase } from './registration/transitions.ts';

/** Short server id and URI of the account that it is about. */
export interface About {
  readonly server: { readonly id: number; readonly uri: string };
}

export interface ClientEvents {
  registered: About;
  updated: About;
  deregistered: About;
  /** A Register, Update or Deregister failed. The first two are tried again by themselves. */
  failed: About & {
    readonly error: Error;
    /** Why the server may not have taken the keys, where one of them looks strange. */
    readonly suspicion?: string;
  };
  /** Accounts that were written and cannot be: each with its place, what is wrong and what mends it. */
  'accounts-refused': { readonly problems: readonly string[] };
  /** Every attempt of the configured sequences failed. A bootstrap follows where there is a bootstrap server. */
  spent: About;
  /** What happens on the way to the servers, in the words of docs/reference/client-events.md; without a server where it is about a bootstrap. */
  engine: { readonly event: EngineEvent; readonly server?: About['server'] };
  /** An observation of a server began or ended here, or what became of notifications of it. */
  observation: About & Watched;
  phase: About & { readonly phase: Phase };
  /**
   * What a radio may be told of the traffic with the server, before a message goes and when nothing is waited for any more: a hint for a modem
   * that can release its connection early. Told only while somebody listens.
   */
  radio: About & { readonly expectation: Expectation };
  'bootstrap-phase': { readonly phase: BootstrapPhase };
  /** What a bootstrap server has written is in force; the device registers at the servers that it names. */
  bootstrapped: {
    readonly uri: string;
    readonly servers: readonly About['server'][];
    /** Servers that are spoken to over a weaker road than before, where `bootstrap.downgrade` accepts that. */
    readonly downgrades: readonly Downgrade[];
  };
  /** Everything is as it was before. It is tried again by itself. */
  'bootstrap-failed': { readonly failure: BootstrapFailure; readonly error: Error };
  /** The bootstrap account was only for once (/0/x/12). */
  'bootstrap-account-purged': Record<string, never>;
  /** The store could not keep something, or had it damaged. The client goes on: at the worst it registers anew after a restart. */
  'store-failed': { readonly error: unknown };
  /** A listener of another event threw. The client goes on. */
  'listener-failed': { readonly event: string; readonly error: unknown };
}

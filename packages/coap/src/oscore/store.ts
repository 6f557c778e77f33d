// Where contexts are kept: what was provisioned, and what of their use must outlive the process (RFC 8613 Appendix B.1).
// The contract suits an embedded database and Redis alike: every method is one atomic step.
import { ConfigError, equalBytes, toHex } from '@lapwing/kernel';
import { type ContextParameters, deriveContext } from './context.ts';
import type { WindowSnapshot } from './replay.ts';
import { sequenceLimit } from './sequence.ts';

export interface ProvisionedContext extends ContextParameters {
  /**
   * How it gets over a restart: `stored` (default) goes on where the store says (RFC 8613 Appendix B.1), `rederived` makes
   * new keys with a random ID Context, on both sides (Appendix B.2), and needs no store that lasts. `either` goes on where the
   * store says, and makes new keys with a peer that begins to, as Transport 1.1 §5.5.3 has devices do.
   */
  readonly recovery?: 'stored' | 'rederived' | 'either';
}

/**
 * What of the use of keys must outlive the process (RFC 8613 Appendix B.1). `name` is `sending` or `receiving` of the derived
 * context: other keys have another name, and begin anew.
 */
export interface KeyUseStore {
  /**
   * Takes `count` sequence numbers out of use for ever and gives the first of them; resolves when that is durable.
   * The numbers of two calls never overlap, be they of two processes.
   */
  reserve(name: string, count: number): Promise<number>;
  /**
   * The replay window that was kept last, and forgets it, since it is wrong from now on; resolves when that is durable.
   * `unused` only where it is known for certain that nothing was ever accepted; else `unknown`.
   */
  takeWindow(name: string): Promise<'unused' | 'unknown' | WindowSnapshot>;
  /** At an orderly end. */
  keepWindow(name: string, window: WindowSnapshot): Promise<void>;
  /**
   * Keys with these names are used no more: nothing is kept of them, but no number of them is ever given out again, should the same
   * secret come back. What came before one is kept for all: names that are new from now on begin above it.
   */
  retire(names: readonly string[]): Promise<void>;
  /** Of which something is kept, in any order. */
  names(): Promise<readonly string[]>;
}

/**
 * What a retired key may raise the beginning of new ones to: a Partial IV of four bytes (RFC 8613 §6.1), reached by no device that sends a
 * message each second for a hundred years. A key that was used beyond it keeps its own number.
 */
export const highestBeginning = 2 ** 32;

export interface ContextStore extends KeyUseStore {
  /**
   * Every context with that Recipient ID. No two of them may have the same ID Context, or both none: what their peers prove
   * would not tell them apart.
   */
  find(recipientId: Uint8Array): Promise<readonly ProvisionedContext[]>;
}

/** A store of both: contexts that are found elsewhere, and the use of their keys. */
export function contextStore(find: ContextStore['find'], use: KeyUseStore): ContextStore {
  return {
    find,
    reserve: (name, count) => use.reserve(name, count),
    takeWindow: (name) => use.takeWindow(name),
    keepWindow: (name, window) => use.keepWindow(name, window),
    retire: (names) => use.retire(names),
    names: () => use.names(),
  };
}

/**
 * In memory: for tests, and for contexts that are `rederived`. A `stored` context with it is safe only until the process
 * ends: after that the same keys would be used with the same numbers.
 */
export class MemoryKeyUseStore implements KeyUseStore {
  private readonly sequences = new Map<string, number>();
  protected readonly windows = new Map<string, 'unused' | WindowSnapshot>();
  /** Where names begin that are not known. */
  private beginning = 0;

  reserve(name: string, count: number): Promise<number> {
    const first = this.sequences.get(name) ?? this.beginning;
    this.sequences.set(name, Math.min(first + count, sequenceLimit));
    return Promise.resolve(first);
  }

  takeWindow(name: string): Promise<'unused' | 'unknown' | WindowSnapshot> {
    const window = this.windows.get(name) ?? 'unknown';
    this.windows.delete(name);
    return Promise.resolve(window);
  }

  keepWindow(name: string, window: WindowSnapshot): Promise<void> {
    this.windows.set(name, window);
    return Promise.resolve();
  }

  retire(names: readonly string[]): Promise<void> {
    for (const name of names) {
      this.windows.delete(name);
      const next = this.sequences.get(name) ?? 0;
      if (next > highestBeginning) continue;
      this.beginning = Math.max(this.beginning, next);
      this.sequences.delete(name);
    }
    return Promise.resolve();
  }

  names(): Promise<readonly string[]> {
    return Promise.resolve([...new Set([...this.sequences.keys(), ...this.windows.keys()])]);
  }
}

/** The contexts in memory too. */
export class MemoryContextStore extends MemoryKeyUseStore implements ContextStore {
  private readonly contexts = new Map<string, ProvisionedContext[]>();

  /**
   * `unused` says that these keys are fresh from their maker, so that no request under them can be a replay. Throws
   * ConfigError for parameters that make no context, and for a second context with these ids.
   */
  add(context: ProvisionedContext, history: 'unused' | 'unknown' = 'unknown'): this {
    const { receiving } = deriveContext(context);
    const key = toHex(context.recipientId);
    const there = this.contexts.get(key) ?? [];
    if (there.some(({ idContext }) => isSame(idContext, context.idContext)))
      throw new ConfigError(['oscore.recipientId: another context has it, with the same ID Context']);
    this.contexts.set(key, [...there, context]);
    if (history === 'unused') this.windows.set(receiving, history);
    return this;
  }

  /** True when it was there. Its sequence numbers stay used. */
  remove(recipientId: Uint8Array, idContext?: Uint8Array): boolean {
    const key = toHex(recipientId);
    const there = this.contexts.get(key) ?? [];
    const left = there.filter((each) => !isSame(each.idContext, idContext));
    if (left.length === 0) this.contexts.delete(key);
    else this.contexts.set(key, left);
    return left.length < there.length;
  }

  find(recipientId: Uint8Array): Promise<readonly ProvisionedContext[]> {
    return Promise.resolve(this.contexts.get(toHex(recipientId)) ?? []);
  }
}

function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : equalBytes(a, b);
}

// The contexts of a store that are in use: loaded when a request names them or somebody asks under them, kept until
// they are forgotten.
import { equalBytes, type Peer, type Random, toHex } from '@lapwing/kernel';
import { deriveContext, readIdentity, type SecurityContext } from './context.ts';
import { OscoreError } from './errors.ts';
import { Generation, LiveContext, ProtectedPeer } from './live.ts';
import { wrapIdContext } from './rederive.ts';
import { ReplayWindow } from './replay.ts';
import { SenderSequence } from './sequence.ts';
import type { ContextStore, ProvisionedContext } from './store.ts';

export interface LoadedOptions {
  readonly store: ContextStore;
  readonly random: Random;
  /** Places of a replay window. */
  readonly window: number;
  /** Sequence numbers that are reserved at once. */
  readonly stride: number;
}

export class LoadedContexts {
  private readonly options: LoadedOptions;
  /** By Recipient ID; of each, what was used last stands first. */
  private readonly byRecipient = new Map<string, LiveContext[]>();
  private readonly loading = new Map<string, Promise<readonly LiveContext[]>>();

  constructor(options: LoadedOptions) {
    this.options = options;
  }

  get size(): number {
    let count = 0;
    for (const contexts of this.byRecipient.values()) count += contexts.length;
    return count;
  }

  /** With that Recipient ID; a promise only where the store has to be asked. Nothing is kept of what it does not know. */
  find(recipientId: Uint8Array): readonly LiveContext[] | Promise<readonly LiveContext[]> {
    const key = toHex(recipientId);
    const loaded = this.byRecipient.get(key);
    if (loaded !== undefined) return loaded;
    let loading = this.loading.get(key);
    if (loading === undefined) {
      loading = this.load(key, recipientId).finally(() => this.loading.delete(key));
      this.loading.set(key, loading);
    }
    return loading;
  }

  /** Rejects with OscoreError where there is no such context. */
  async peer(below: Peer, recipientId: Uint8Array, idContext: Uint8Array | undefined): Promise<ProtectedPeer> {
    const contexts = await this.find(recipientId);
    const live = contexts.find(({ base }) => isSame(base.idContext, idContext));
    if (live === undefined) throw new OscoreError('no-context', `no context for recipient ${toHex(recipientId)}`);
    return new ProtectedPeer(live, below);
  }

  /** Of a peer that was known before: before a restart, or before its context was forgotten. Rejects with OscoreError. */
  again({ identity, below }: Peer): Promise<ProtectedPeer> {
    const parts = identity.kind === 'oscore' && below !== undefined ? readIdentity(identity.id) : undefined;
    if (parts === undefined || below === undefined)
      return Promise.reject(new OscoreError('no-context', 'no context for this peer'));
    return this.peer(below, parts.recipientId, parts.idContext);
  }

  /** Whether the store has others by now than those that are in use, which are forgotten then. */
  async haveChanged(recipientId: Uint8Array): Promise<boolean> {
    const key = toHex(recipientId);
    const loaded = this.byRecipient.get(key);
    if (loaded === undefined) return false;
    const found = await this.options.store.find(recipientId);
    const areSame = loaded.length === found.length && loaded.every((live) => found.some((each) => isOf(live, each)));
    if (!areSame && this.byRecipient.get(key) === loaded) await this.forget(recipientId);
    return !areSame;
  }

  used(live: LiveContext): void {
    const contexts = this.byRecipient.get(toHex(live.base.recipientId));
    if (contexts === undefined || contexts[0] === live) return;
    const at = contexts.indexOf(live);
    if (at > 0) contexts.unshift(...contexts.splice(at, 1));
  }

  /** Keys that no restart finds again: nothing of them is stored. */
  fresh(context: SecurityContext): Generation {
    const { idContext } = context;
    const window = new ReplayWindow(this.options.window, 'unused');
    const kidContext = idContext === undefined ? undefined : wrapIdContext(idContext);
    return new Generation({ context, window, kidContext, sequence: SenderSequence.whole() });
  }

  /** Keeps the windows and forgets the contexts. */
  async forget(recipientId?: Uint8Array): Promise<void> {
    const keys = recipientId === undefined ? [...this.byRecipient.keys()] : [toHex(recipientId)];
    // What is being loaded would otherwise be there a moment later.
    await Promise.allSettled(keys.map((key) => this.loading.get(key)));
    const keeping: Promise<void>[] = [];
    for (const key of keys) {
      for (const live of this.byRecipient.get(key) ?? []) {
        const snapshot = live.stored?.window.snapshot();
        live.isGone = true;
        live.current = undefined;
        live.stored = undefined;
        if (snapshot !== undefined) keeping.push(this.options.store.keepWindow(live.base.receiving, snapshot));
      }
      this.byRecipient.delete(key);
    }
    await Promise.all(keeping);
  }

  private async load(key: string, recipientId: Uint8Array): Promise<readonly LiveContext[]> {
    const contexts: LiveContext[] = [];
    for (const provisioned of await this.options.store.find(recipientId)) {
      const live = new LiveContext(provisioned, this.options.random);
      // A second one would be taken for the first: what it proves is the same.
      if (contexts.some(({ key: taken }) => taken === live.key)) continue;
      if (!live.isRederived) live.stored = await this.open(provisioned, live);
      live.current = live.stored;
      contexts.push(live);
    }
    if (contexts.length > 0) this.byRecipient.set(key, contexts);
    return contexts;
  }

  private async open(provisioned: ProvisionedContext, live: LiveContext): Promise<Generation> {
    const { store, stride, window } = this.options;
    const { base: context } = live;
    const history = await store.takeWindow(context.receiving);
    return new Generation({
      context,
      window: new ReplayWindow(window, history),
      kidContext: provisioned.idContext,
      sequence: new SenderSequence(stride),
      reserve: () => store.reserve(context.sending, stride),
      stride,
    });
  }
}

function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : equalBytes(a, b);
}

/** Whether what was provisioned comes to the same keys; a store may make another object of it each time. */
function isOf({ provisioned, base }: LiveContext, each: ProvisionedContext): boolean {
  if (each === provisioned) return true;
  const { sending, receiving } = deriveContext(each);
  return sending === base.sending && receiving === base.receiving && each.recovery === provisioned.recovery;
}

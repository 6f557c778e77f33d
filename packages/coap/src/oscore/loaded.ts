// The contexts of a store that are in use: loaded when a request names them or somebody asks under them, kept until
// they are forgotten.
import {
  type Clock,
  type Duration,
  equalBytes,
  type Instant,
  type Peer,
  type Random,
  seconds,
  toHex,
} from '@lapwing/kernel';
import { type ContextParameters, keyNames, readIdentity, type SecurityContext } from './context.ts';
import { OscoreError } from './errors.ts';
import { Generation, LiveContext, ProtectedPeer } from './live.ts';
import { wrapIdContext } from './rederive.ts';
import { ReplayWindow } from './replay.ts';
import { SenderSequence } from './sequence.ts';
import type { ContextStore, ProvisionedContext } from './store.ts';

/** Between two questions whether what was provisioned for one Recipient ID has changed: whoever knows an id can send what makes us ask. */
const recheckInterval: Duration = seconds(1);

export interface LoadedOptions {
  readonly store: ContextStore;
  readonly clock: Pick<Clock, 'now'>;
  readonly random: Random;
  /** Places of a replay window. */
  readonly window: number;
  /** Sequence numbers that are reserved at once. */
  readonly stride: number;
}

/** The contexts of one Recipient ID. */
interface Loaded {
  /** What was used last stands first. */
  readonly contexts: LiveContext[];
  /** When the store was last asked whether they have changed, and what it said or will say. */
  checked: { readonly at: Instant; readonly haveChanged: Promise<boolean> } | undefined;
}

export class LoadedContexts {
  private readonly options: LoadedOptions;
  private readonly byRecipient = new Map<string, Loaded>();
  private readonly loading = new Map<string, Promise<readonly LiveContext[]>>();

  constructor(options: LoadedOptions) {
    this.options = options;
  }

  get size(): number {
    let count = 0;
    for (const { contexts } of this.byRecipient.values()) count += contexts.length;
    return count;
  }

  /** With that Recipient ID; a promise only where the store has to be asked. Nothing is kept of what it does not know. */
  find(recipientId: Uint8Array): readonly LiveContext[] | Promise<readonly LiveContext[]> {
    const key = toHex(recipientId);
    const loaded = this.byRecipient.get(key);
    if (loaded !== undefined) return loaded.contexts;
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

  /**
   * Whether the store has others by now than those that are in use, which are forgotten then. The store is asked at most once a second
   * for each Recipient ID; who comes between has the last answer.
   */
  haveChanged(recipientId: Uint8Array): Promise<boolean> {
    const loaded = this.byRecipient.get(toHex(recipientId));
    if (loaded === undefined) return Promise.resolve(false);
    const now = this.options.clock.now();
    if (loaded.checked === undefined || now - loaded.checked.at >= recheckInterval)
      loaded.checked = { at: now, haveChanged: this.check(recipientId, loaded) };
    return loaded.checked.haveChanged;
  }

  private async check(recipientId: Uint8Array, loaded: Loaded): Promise<boolean> {
    const { contexts } = loaded;
    const found = await this.options.store.find(recipientId);
    const areSame =
      contexts.length === found.length && contexts.every((live) => found.some((each) => isOf(live, each)));
    if (!areSame && this.byRecipient.get(toHex(recipientId)) === loaded) await this.forget(recipientId);
    return !areSame;
  }

  used(live: LiveContext): void {
    const contexts = this.byRecipient.get(toHex(live.base.recipientId))?.contexts;
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
      for (const live of this.byRecipient.get(key)?.contexts ?? []) {
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

  /** It is withdrawn: forgets what has its Recipient ID, and keeps of the use of its keys what no number may be given out twice for. */
  async retire(parameters: ContextParameters): Promise<void> {
    await this.forget(parameters.recipientId);
    const { sending, receiving } = keyNames(parameters);
    await this.options.store.retire([sending, receiving]);
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
    if (contexts.length > 0) this.byRecipient.set(key, { contexts, checked: undefined });
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
      reserve: () =>
        live.isGone
          ? Promise.reject(new OscoreError('no-context', 'the context was forgotten'))
          : store.reserve(context.sending, stride),
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
  const { sending, receiving } = keyNames(each);
  return sending === base.sending && receiving === base.receiving && each.recovery === provisioned.recovery;
}

// OSCORE for endpoints (RFC 8613 §8): stands between their requests and their messages, in both directions. One of it may
// serve several endpoints; they then share contexts, and with them sequence numbers and replay windows, as they must.
import { type Clock, type Peer, type Random, systemClock, systemRandom } from '@lapwing/kernel';
import type { AskingGround, Protection } from '../exchange/protection.ts';
import type { Layer, Service } from '../exchange/service.ts';
import { BlockIn } from '../layers/block-in.ts';
import { Code } from '../message/code.ts';
import { makeResponse, type Request } from '../message/message.ts';
import { AskingProtection } from './asking.ts';
import type { ContextParameters } from './context.ts';
import { type OscoreCounters, OscoreTally } from './counters.ts';
import { LoadedContexts } from './loaded.ts';
import { standardWindow } from './replay.ts';
import { ServingProtection } from './serving.ts';
import type { ContextStore } from './store.ts';

export interface OscoreOptions {
  readonly store: ContextStore;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Requests that may arrive out of order, a multiple of 32; default 32 (RFC 8613 §3.2.2). */
  readonly window?: number;
  /** Sequence numbers that are reserved in the store at once, and at most lost by a restart; default 100. */
  readonly stride?: number;
  /** Of a message that a proxy has cut into blocks, in bytes; default 65,536. */
  readonly bodyLimit?: number;
}

export type OscoreStats = OscoreCounters & {
  /** Contexts in use. */
  readonly contexts: number;
};

export class Oscore implements Protection, AsyncDisposable {
  readonly serving: Layer;
  private readonly contexts: LoadedContexts;
  private readonly outerBlocks: BlockIn;
  private readonly protecting: AskingProtection;
  private readonly tally = new OscoreTally();

  constructor(options: OscoreOptions) {
    const { store, clock = systemClock, random = systemRandom, bodyLimit = 65_536 } = options;
    const { window = standardWindow, stride = 100 } = options;
    const { tally } = this;
    this.contexts = new LoadedContexts({ store, clock, random, window, stride });
    this.outerBlocks = new BlockIn({ clock, bodyLimit });
    this.protecting = new AskingProtection({ contexts: this.contexts, random, tally, bodyLimit });
    this.serving = new ServingProtection({
      contexts: this.contexts,
      random,
      tally,
      outerBlocks: this.outerBlocks,
    }).layer;
  }

  asking(inner: Service, ground: AskingGround): Service {
    return this.protecting.over(inner, ground);
  }

  /**
   * Whoever has the keys of that context, reached through a peer of the transport: what is asked of it is protected. Its
   * `key` and `identity` are those of the peer in requests that come under the context. Rejects with OscoreError.
   */
  peer(below: Peer, recipientId: Uint8Array, idContext?: Uint8Array): Promise<Peer> {
    return this.contexts.peer(below, recipientId, idContext);
  }

  /** What was provisioned has changed or is gone: contexts with that Recipient ID are loaded anew when they are needed. */
  forget(recipientId: Uint8Array): Promise<void> {
    return this.contexts.forget(recipientId);
  }

  /** What was provisioned is withdrawn: as `forget`, and the store keeps no more of the use of its keys than it must. */
  retire(parameters: ContextParameters): Promise<void> {
    return this.contexts.retire(parameters);
  }

  stats(): OscoreStats {
    return { ...this.tally.snapshot(), contexts: this.contexts.size };
  }

  /** Keeps the replay windows in the store. After the endpoints, which use them until they are closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.outerBlocks[Symbol.dispose]();
    await this.contexts.forget();
  }
}

/** For `layers` of an endpoint: these requests are answered 4.01 where they do not come under OSCORE. Default all. */
export function protectedOnly(applies: (request: Request) => boolean = () => true): Layer {
  return (inner) => (request, context) =>
    context.peer.identity.kind !== 'oscore' && applies(request)
      ? Promise.resolve(makeResponse(Code.Unauthorized))
      : inner(request, context);
}

// Two endpoints on a network in memory that share an OSCORE context, and one that listens in: where the tests of OSCORE play.
import { concatBytes, encodeUtf8, fromHex, type Peer, Secret } from '@lapwing/kernel';
import { type LinkProfile, MemoryNetwork, SeededRandom, VirtualClock } from '@lapwing/kernel/testing';
import { Endpoint } from '../endpoint.ts';
import type { EndpointOptions } from '../endpoint-options.ts';
import type { Service } from '../exchange/service.ts';
import { Oscore, type OscoreOptions } from '../oscore/layer.ts';
import { type ContextStore, MemoryContextStore, type ProvisionedContext } from '../oscore/store.ts';

/** What the side `client` or `server` is provisioned with. */
export function provision(side: 'client' | 'server', changes: Partial<ProvisionedContext> = {}): ProvisionedContext {
  const ids = [encodeUtf8('c'), encodeUtf8('s')] as const;
  const [senderId, recipientId] = side === 'client' ? ids : [ids[1], ids[0]];
  return {
    masterSecret: new Secret(fromHex('0102030405060708090a0b0c0d0e0f10')),
    masterSalt: fromHex('9e7ca92223786340'),
    senderId,
    recipientId,
    ...changes,
  };
}

export interface ProtectedSide {
  readonly endpoint: Endpoint;
  readonly oscore: Oscore;
  readonly store: ContextStore;
}

export interface PairOptions {
  readonly profile?: Partial<LinkProfile>;
  readonly changes?: Partial<ProvisionedContext>;
  readonly history?: 'unused' | 'unknown';
  readonly seed?: number;
  /** Bytes in one datagram; default 1,152. */
  readonly mtu?: number;
  readonly oscore?: Partial<Omit<OscoreOptions, 'store'>>;
  /** In place of one with the context alone. */
  readonly stores?: { readonly client?: ContextStore; readonly server?: ContextStore };
  readonly endpoint?: Partial<EndpointOptions>;
  readonly clientEndpoint?: Partial<EndpointOptions>;
}

export class ProtectedPair implements AsyncDisposable {
  readonly clock = new VirtualClock();
  readonly random: SeededRandom;
  readonly network: MemoryNetwork;
  readonly stores = { client: new MemoryContextStore(), server: new MemoryContextStore() };
  /** Datagrams as they were sent, with who sent them. */
  readonly heard: { readonly from: string; readonly bytes: Uint8Array }[] = [];
  private readonly options: PairOptions;
  private readonly serve: Service;
  client!: ProtectedSide;
  server!: ProtectedSide;
  /** The server as the client sees it, with the context and without. */
  peer!: Peer;
  plain!: Peer;

  static async open(serve: Service, options: PairOptions = {}): Promise<ProtectedPair> {
    const pair = new ProtectedPair(serve, options);
    for (const side of ['client', 'server'] as const)
      pair.stores[side].add(provision(side, options.changes), options.history ?? 'unused');
    await pair.startServer();
    await pair.startClient();
    return pair;
  }

  private constructor(serve: Service, options: PairOptions) {
    this.serve = serve;
    this.options = options;
    this.random = new SeededRandom(options.seed ?? 5);
    this.network = new MemoryNetwork(this.clock, this.random, options.profile);
    this.network.tap = (from, _to, bytes) => {
      this.heard.push({ from: from.host, bytes: concatBytes(bytes) });
      return bytes;
    };
  }

  async startServer(): Promise<void> {
    const { store, oscore } = this.protection('server');
    const endpoint = await Endpoint.open({
      ...{ clock: this.clock, random: this.random, serve: this.serve, protection: oscore },
      transport: this.network.transport('10.0.0.1', 5683, { mtu: this.options.mtu ?? 1152 }),
      ...this.options.endpoint,
    });
    this.server = { endpoint, oscore, store };
  }

  async startClient(): Promise<void> {
    const { store, oscore } = this.protection('client');
    const endpoint = await Endpoint.open({
      ...{ clock: this.clock, random: this.random, serve: this.serve, protection: oscore },
      transport: this.network.transport('10.0.0.2', 5683, { mtu: this.options.mtu ?? 1152 }),
      ...(this.options.clientEndpoint ?? this.options.endpoint),
    });
    this.client = { endpoint, oscore, store };
    this.plain = await endpoint.connect({ via: 'udp', host: '10.0.0.1', port: 5683 });
    this.peer = await oscore.peer(this.plain, encodeUtf8('s'), this.options.changes?.idContext);
  }

  /** Orderly, or as a power cut ends it. */
  async stop(side: 'client' | 'server', how: 'orderly' | 'killed'): Promise<void> {
    await this[side].endpoint[Symbol.asyncDispose]();
    if (how === 'orderly') await this[side].oscore[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const side of ['client', 'server'] as const) await this.stop(side, 'orderly');
  }

  private protection(side: 'client' | 'server'): { readonly store: ContextStore; readonly oscore: Oscore } {
    const store = this.options.stores?.[side] ?? this.stores[side];
    return { store, oscore: new Oscore({ clock: this.clock, random: this.random, ...this.options.oscore, store }) };
  }
}

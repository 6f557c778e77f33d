// A CoAP endpoint: owns one transport, sends requests and serves them on it, both roles to all peers.
import type { Address, Clock, Instant, Peer, Random, Transport } from '@lapwing/kernel';
import type { Layer, Service } from './exchange/service.ts';
import type { Request, Response, Token } from './message/message.ts';

export interface EndpointOptions {
  readonly transport: Transport;
  readonly serve?: Service;
  /** Around `serve`, outermost first. */
  readonly layers?: readonly Layer[];
  readonly clock?: Clock;
  readonly random?: Random;
}

/** What a notification belongs to. One function can serve many observations, told apart by token. */
export interface Observed {
  readonly peer: Peer;
  readonly token: Token;
  /** Value of the Observe option (RFC 7641 §3.4); undefined on the last one. */
  readonly sequence: number | undefined;
  readonly at: Instant;
}

export interface RequestOptions {
  /** Aborting rejects with its reason, forgets the exchange and ends an observation. */
  readonly signal?: AbortSignal;
  /** For requests with Observe 0: hears every fresh notification after the first response, bodies whole. */
  readonly notify?: (response: Response, observed: Observed) => void;
  /** Confirmable unless 'non' (RFC 7252 §4.2, §4.3). */
  readonly type?: 'con' | 'non';
  /** Chosen by the caller, to find an observation again; default a fresh one. */
  readonly token?: Token;
  /** Receives the response's body in order, block by block; `payload` of the response is then empty. */
  readonly onBlock?: (chunk: Uint8Array, offset: number, size: number | undefined) => void | Promise<void>;
}

export declare class EndpointContract implements AsyncDisposable {
  static open(options: EndpointOptions): Promise<EndpointContract>;
  connect(address: Address, signal?: AbortSignal): Promise<Peer>;
  request(to: Peer, request: Request, options?: RequestOptions): Promise<Response>;
  ping(peer: Peer, options?: { readonly signal?: AbortSignal }): Promise<void>;
  freshToken(): Token;
  forget(peer: Peer, token: Token): void;
  [Symbol.asyncDispose](): Promise<void>;
}

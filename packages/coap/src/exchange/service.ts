// The one function type of the platform: a request in, a response out, the same for sending and for
// serving, wrapped by layers. Sending and serving can be plugged into each other without a wire.
import type { Peer } from '@lapwing/kernel';
import type { Request, Response } from '../message/message.ts';

export interface Context {
  readonly peer: Peer;
  /** Ends the exchange and its observation, from either side. */
  readonly signal: AbortSignal;
  /** Present when the request observes (RFC 7641): every later state goes through it. */
  readonly notify?: Notify;
  /** The request was sent to a group (RFC 7252 §8). */
  readonly multicast?: true;
  /** The request's body in order of arrival, where the service takes streams; then `payload` is empty. */
  readonly body?: AsyncIterable<Uint8Array>;
}

export interface NotifyOptions {
  /** `con` waits for the acknowledgement, `non` for nothing; default `auto`: `non`, and `con` often enough (RFC 7641 §4.5). */
  readonly type?: 'con' | 'non' | 'auto';
}

/**
 * Settles when the peer has it. A call while one is pending supersedes it, keeping its back-off (RFC 7641 §4.5.2);
 * who must lose nothing awaits each. Rejects when the observation has ended or the peer did not answer.
 */
export type Notify = (response: Response, options?: NotifyOptions) => Promise<'delivered' | 'superseded'>;

export type Service = (request: Request, context: Context) => Promise<Response>;
export type Layer = (inner: Service) => Service;

/** The first layer is the outermost: it sees the request first and the response last. */
export function compose(service: Service, ...layers: readonly Layer[]): Service {
  return layers.reduceRight((inner, layer) => layer(inner), service);
}

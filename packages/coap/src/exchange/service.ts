// The one function type of the platform: a request in, a response out, the same for sending and for
// serving, wrapped by layers. Sending and serving can be plugged into each other without a wire.
import type { Peer } from '@lapwing/kernel';
import type { Request, Response, Token } from '../message/message.ts';

export interface Context {
  readonly peer: Peer;
  /** Ends the exchange and its observation, from either side. */
  readonly signal: AbortSignal;
  /** Tells the end with its cause, once: what the signal does, at a tenth of its cost. */
  readonly whenOver?: (over: (cause: unknown) => void) => void;
  /** Present when the request observes (RFC 7641): every later state goes through it. */
  readonly notify?: Notify;
  /** Of an observation that began before a restart: the number of its next state (RFC 7641 §4.4). */
  readonly sequence?: number | undefined;
  /** The request was sent to a group (RFC 7252 §8). */
  readonly multicast?: true;
  /** The request's body in order of arrival, where the service takes streams; then `payload` is empty. */
  readonly body?: AsyncIterable<Uint8Array>;
  /** Names the exchange: what the request came with, or what the caller chose; when asking, none asks for a fresh one. */
  readonly token?: Token | undefined;
  /** When asking: confirmable unless 'non' (RFC 7252 §4.2, §4.3). */
  readonly type?: 'con' | 'non';
  /** When asking: takes the response's body in order, block by block; `payload` of the response is then empty. */
  readonly onBlock?: BlockListener;
}

/**
 * One block at its offset; `size` is the whole body's, `etag` what tells this state of it apart, each where the peer tells. The next
 * block is asked for once it settles.
 */
export type BlockListener = (
  chunk: Uint8Array,
  offset: number,
  size: number | undefined,
  etag: Uint8Array | undefined,
) => void | Promise<void>;

export interface NotifyOptions {
  /** `con` waits for the acknowledgement, `non` for nothing; default `auto`: `non`, and `con` often enough (RFC 7641 §4.5). */
  readonly type?: 'con' | 'non' | 'auto';
}

/**
 * Settles when the peer has it. A call while one is pending supersedes it, keeping its back-off (RFC 7641 §4.5.2);
 * who must lose nothing awaits each. Rejects when the observation has ended or the peer did not answer.
 * A response with `Code.Empty` is not sent: it ends the observation without a word.
 */
export type Notify = (response: Response, options?: NotifyOptions) => Promise<'delivered' | 'superseded'>;

/**
 * A request with Observe 0 is accepted as an observation by a success that carries the Observe option (any value;
 * numbering is done below); without it `notify` rejects. A response with `Code.Empty` is not sent: a confirmable
 * request is acknowledged and that is all (RFC 7967 §2, RFC 7252 §8.2).
 */
export type Service = (request: Request, context: Context) => Promise<Response>;
export type Layer = (inner: Service) => Service;

/** The first layer is the outermost: it sees the request first and the response last. */
export function compose(service: Service, ...layers: readonly Layer[]): Service {
  return layers.reduceRight((inner, layer) => layer(inner), service);
}

/** Calls `over` with the cause when the exchange and its observation have ended. */
export function whenOver(context: Context, over: (cause: unknown) => void): void {
  if (context.whenOver !== undefined) context.whenOver(over);
  else {
    const { signal } = context;
    if (signal.aborted) over(signal.reason);
    else signal.addEventListener('abort', () => over(signal.reason), { once: true });
  }
}

/**
 * The context with some parts replaced. Not a spread: the signal of a context comes into being when it is first read,
 * because most exchanges need none, and a spread either reads it or loses it.
 */
export function extendContext(context: Context, parts: Partial<Context>): Context {
  return new ExtendedContext(context, parts);
}

class ExtendedContext implements Context {
  readonly peer: Peer;
  readonly notify?: Notify;
  readonly multicast?: true;
  readonly body?: AsyncIterable<Uint8Array>;
  readonly type?: 'con' | 'non';
  readonly onBlock?: BlockListener;
  private readonly inner: Context;
  private readonly parts: Partial<Context>;

  constructor(inner: Context, parts: Partial<Context>) {
    this.inner = inner;
    this.parts = parts;
    this.peer = parts.peer ?? inner.peer;
    const { notify = inner.notify, multicast = inner.multicast, body = inner.body } = parts;
    const { type = inner.type, onBlock = inner.onBlock } = parts;
    if (notify !== undefined) this.notify = notify;
    if (multicast !== undefined) this.multicast = multicast;
    if (body !== undefined) this.body = body;
    if (type !== undefined) this.type = type;
    if (onBlock !== undefined) this.onBlock = onBlock;
  }

  get signal(): AbortSignal {
    return this.parts.signal ?? this.inner.signal;
  }

  whenOver(over: (cause: unknown) => void): void {
    const { signal } = this.parts;
    whenOver(signal === undefined ? this.inner : { peer: this.peer, signal }, over);
  }

  get token(): Token | undefined {
    return this.parts.token ?? this.inner.token;
  }

  get sequence(): number | undefined {
    return this.parts.sequence ?? this.inner.sequence;
  }
}

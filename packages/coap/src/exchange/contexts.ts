// What a service learns about the exchange it serves, and what a layer learns about the request it carries.
// Signals come into being when they are read: an AbortController costs a microsecond and most exchanges need none.
import type { Peer } from '@lapwing/kernel';
import type { Token } from '../message/message.ts';
import type { ReceivedMessage } from '../message/udp.ts';
import type { Incoming } from '../reliability/incoming.ts';
import type { Listener } from './observation.ts';
import type { BlockListener, Context, Notify } from './service.ts';

/** For a request that is served. */
export class ServedContext implements Context {
  readonly peer: Peer;
  readonly notify?: Notify;
  readonly multicast?: true;
  private readonly message: ReceivedMessage;
  private readonly watch: (context: ServedContext) => void;
  private controller: AbortController | undefined = undefined;
  private ended = false;
  private cause: unknown = undefined;
  private over: ((cause: unknown) => void) | undefined = undefined;

  /** `watch` hears that somebody depends on the signal from now on. */
  constructor(incoming: Incoming, message: ReceivedMessage, watch: (context: ServedContext) => void) {
    this.peer = incoming.peer;
    this.message = message;
    this.watch = watch;
    if (incoming.multicast) this.multicast = true;
  }

  get token(): Token {
    return this.message.token;
  }

  /** With which it began. */
  get request(): ReceivedMessage {
    return this.message;
  }

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.ended) this.controller.abort(this.cause);
      else this.watch(this);
    }
    return this.controller.signal;
  }

  whenOver(over: (cause: unknown) => void): void {
    if (this.ended) {
      over(this.cause);
      return;
    }
    const { over: before } = this;
    this.over =
      before === undefined
        ? over
        : (cause) => {
            before(cause);
            over(cause);
          };
    this.watch(this);
  }

  /** Whether somebody wants to hear of its end. */
  get isHeld(): boolean {
    return this.controller !== undefined || this.over !== undefined;
  }

  end(cause: unknown): void {
    if (this.ended) return;
    this.ended = true;
    this.cause = cause;
    this.controller?.abort(cause);
    this.over?.(cause);
    this.over = undefined;
  }
}

/** For a request that observes. */
export class ObservedContext extends ServedContext {
  override readonly notify: Notify;
  readonly sequence: number | undefined;

  constructor(
    incoming: Incoming,
    message: ReceivedMessage,
    watch: (context: ServedContext) => void,
    notify: Notify,
    sequence?: number,
  ) {
    super(incoming, message, watch);
    this.notify = notify;
    this.sequence = sequence;
  }
}

/** For a request that is sent. */
export class AskingContext implements Context {
  readonly peer: Peer;
  readonly token?: Token;
  readonly type?: 'con' | 'non';
  readonly onBlock?: BlockListener;
  readonly onAcknowledged: (() => void) | undefined;
  readonly until: 'signal' | 'forgotten';
  readonly turn: 'queued' | 'now';
  /** What the caller gave; undefined when nobody can abort. */
  readonly given: AbortSignal | undefined;
  /** Hears notifications; no layer need stand between, so it is not `notify`. */
  readonly listener: Listener | undefined;
  readonly tag: unknown;
  private own: AbortController | undefined = undefined;

  constructor(peer: Peer, options: RequestOptions = {}) {
    const { signal, notify, tag, token, type, onBlock, onAcknowledged, until = 'signal', turn = 'queued' } = options;
    this.peer = peer;
    this.given = signal;
    this.listener = notify;
    this.tag = tag;
    this.onAcknowledged = onAcknowledged;
    this.until = until;
    this.turn = turn;
    if (token !== undefined) this.token = token;
    if (type !== undefined) this.type = type;
    if (onBlock !== undefined) this.onBlock = onBlock;
  }

  /** For the layers below one that stands in between: all but `onBlock`, which is for those above. */
  toward(peer: Peer, token: Token | undefined, notify: Listener | undefined): AskingContext {
    const { given, type, onAcknowledged, until, turn } = this;
    return new AskingContext(peer, {
      until,
      turn,
      ...(given === undefined ? {} : { signal: given }),
      ...(notify === undefined ? {} : { notify }),
      ...(type === undefined ? {} : { type }),
      ...(token === undefined ? {} : { token }),
      ...(onAcknowledged === undefined ? {} : { onAcknowledged }),
    });
  }

  get signal(): AbortSignal {
    if (this.given !== undefined) return this.given;
    this.own ??= new AbortController();
    return this.own.signal;
  }
}

export interface RequestOptions {
  /** Aborting rejects with its reason, forgets the exchange and ends an observation. */
  readonly signal?: AbortSignal;
  /** For requests with Observe 0: hears every fresh notification after the first response, bodies whole. */
  readonly notify?: Listener;
  /** Comes back with every notification. */
  readonly tag?: unknown;
  /** Confirmable unless 'non' (RFC 7252 §4.2, §4.3). */
  readonly type?: 'con' | 'non';
  /** Chosen by the caller, to find an observation again; default a fresh one. */
  readonly token?: Token;
  /** Receives the response's body in order, block by block; `payload` of the response is then empty. */
  readonly onBlock?: BlockListener;
  /** Ends an observation: `signal` (default), or only `forget`, which costs no signal while it lasts. */
  readonly until?: 'signal' | 'forgotten';
  /** `now` goes out beside whatever is unacknowledged, past NSTART (RFC 7252 §4.7); default `queued`. */
  readonly turn?: 'queued' | 'now';
  /** Hears that the peer has the request and will answer separately (RFC 7252 §5.2.2); never on a connection, which acknowledges nothing. */
  readonly onAcknowledged?: () => void;
}

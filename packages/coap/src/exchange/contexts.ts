// What a service learns about the exchange it serves, and what a layer learns about the request it carries.
// Signals come into being when they are read: an AbortController costs a microsecond and most exchanges need none.
import type { Peer } from '@lapwing/kernel';
import type { Token } from '../message/message.ts';
import type { ReceivedMessage } from '../message/udp.ts';
import type { Incoming } from '../reliability/duplicates.ts';
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

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.ended) this.controller.abort(this.cause);
      else this.watch(this);
    }
    return this.controller.signal;
  }

  end(cause: unknown): void {
    if (this.ended) return;
    this.ended = true;
    this.cause = cause;
    this.controller?.abort(cause);
  }
}

/** For a request that observes. */
export class ObservedContext extends ServedContext {
  override readonly notify: Notify;

  constructor(incoming: Incoming, message: ReceivedMessage, watch: (context: ServedContext) => void, notify: Notify) {
    super(incoming, message, watch);
    this.notify = notify;
  }
}

/** For a request that is sent. */
export class AskingContext implements Context {
  readonly peer: Peer;
  readonly notify?: Notify;
  readonly token?: Token;
  readonly type?: 'con' | 'non';
  readonly onBlock?: BlockListener;
  /** What the caller gave; undefined when nobody can abort. */
  readonly given: AbortSignal | undefined;
  private own: AbortController | undefined = undefined;

  constructor(
    peer: Peer,
    given: AbortSignal | undefined,
    parts: Pick<Context, 'notify' | 'token' | 'type' | 'onBlock'>,
  ) {
    this.peer = peer;
    this.given = given;
    if (parts.notify !== undefined) this.notify = parts.notify;
    if (parts.token !== undefined) this.token = parts.token;
    if (parts.type !== undefined) this.type = parts.type;
    if (parts.onBlock !== undefined) this.onBlock = parts.onBlock;
  }

  get signal(): AbortSignal {
    if (this.given !== undefined) return this.given;
    this.own ??= new AbortController();
    return this.own.signal;
  }
}

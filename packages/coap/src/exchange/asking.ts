// Asking (shell): turns the effects of the exchanges core into settled promises and heard notifications.
import { type Clock, Driver, formatAddress, type Instant, type Peer, type Random } from '@lapwing/kernel';
import type { BlockOut } from '../layers/block-out.ts';
import { type Message, type Request, type Response, type Token, Type } from '../message/message.ts';
import { Option } from '../message/options.ts';
import { encodeEmpty, encodeMessage, type ReceivedMessage } from '../message/udp.ts';
import type { LayerInput } from '../reliability/effects.ts';
import type { Incoming } from '../reliability/incoming.ts';
import type { Parameters } from '../reliability/parameters.ts';
import type { Sender, Transmission } from '../reliability/transmission.ts';
import type { Completion } from './asking-stack.ts';
import { AskingContext } from './contexts.ts';
import { Asking, type ExchangeEffect, type ExchangeInput, Exchanges } from './exchanges.ts';
import { closedError, describeRequest, type Failure, failureError, lostError } from './failures.ts';
import { Notice, Observation, type Observing } from './observation.ts';
import type { Context } from './service.ts';
import { keyOfToken, keyOfTokenAt, type TokenKey } from './tokens.ts';

/** Bytes of a token: in NoSec it is all that keeps a stranger from answering (RFC 7252 §5.3.1, §11.4). */
const TOKEN_LENGTH = 8;

/** The promise of a request, and what becomes of the answer before it settles. */
interface Promised {
  readonly resolve: (response: Response | Promise<Response>) => void;
  readonly reject: (reason: unknown) => void;
  readonly complete: Completion | undefined;
}

/** A request with the promise that waits for it. */
class Call extends Asking {
  readonly request: Request;
  readonly context: Context;
  readonly promised: Promised;
  signal: AbortSignal | undefined = undefined;
  aborted: (() => void) | undefined = undefined;

  constructor(token: TokenKey, request: Request, context: Context, promised: Promised) {
    super(context.peer, token, context.type !== 'non', observingOf(request, context));
    this.request = request;
    this.context = context;
    this.promised = promised;
  }

  get urgent(): boolean {
    return this.given?.turn === 'now';
  }

  /** What only the caller of the endpoint can say. */
  get given(): AskingContext | undefined {
    return this.context instanceof AskingContext ? this.context : undefined;
  }

  answered(response: Response): void {
    const { resolve, complete } = this.promised;
    resolve(complete === undefined ? response : complete(response, this.request, this.context));
  }

  stopListening(): void {
    if (this.aborted !== undefined) this.signal?.removeEventListener('abort', this.aborted);
    this.aborted = undefined;
    this.signal = undefined;
  }
}

class Ping implements Sender {
  readonly peer: Peer;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
  transmission: Transmission | undefined = undefined;
  lastId = -1;

  constructor(peer: Peer, resolve: () => void, reject: (reason: unknown) => void) {
    this.peer = peer;
    this.resolve = resolve;
    this.reject = reject;
  }
}

export interface AskingOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly parameters: Parameters;
  /** Bytes of the longest message. */
  readonly longest: number;
  readonly toLayer: (input: LayerInput) => void;
  /** Fetches the later blocks of notifications. */
  readonly blocks: BlockOut;
  /** Hears what a listener threw. */
  readonly failed: (error: unknown) => void;
  readonly count: (what: 'unknownToken' | 'wrongPeer' | 'unacceptableResponse' | 'staleNotification') => void;
}

export class AskingSide {
  private readonly options: AskingOptions;
  private readonly exchanges: Exchanges;
  private readonly driver: Driver<ExchangeInput, ExchangeEffect>;
  private pings: Set<Ping> | undefined = undefined;
  private closed = false;

  constructor(options: AskingOptions) {
    this.options = options;
    this.exchanges = new Exchanges(options.parameters);
    this.driver = new Driver(this.exchanges, options.clock, (effect) => this.run(effect));
  }

  get sizes(): { readonly open: number; readonly observations: number } {
    return this.exchanges.sizes;
  }

  freshToken(): Token {
    for (;;) {
      const token = this.options.random.bytes(TOKEN_LENGTH);
      if (this.exchanges.isFree(keyOfToken(token))) return token;
    }
  }

  /** The innermost service of asking. */
  ask(request: Request, context: Context, complete?: Completion): Promise<Response> {
    return new Promise((resolve, reject) => {
      if (this.closed) throw closedError();
      const signal = context instanceof AskingContext ? context.given : context.signal;
      signal?.throwIfAborted();
      const token = context.token ?? this.freshToken();
      const { code, options, payload } = request;
      const longest = context.peer.connection?.mtu ?? this.options.longest;
      const bytes = encodeMessage({ type: Type.Con, id: 0, token, code, options, payload }, longest);
      const call = new Call(keyOfToken(token), request, context, { resolve, reject, complete });
      if (signal !== undefined) this.listen(call, signal);
      this.driver.handle({ kind: 'ask', asking: call, bytes });
    });
  }

  ping(peer: Peer, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.closed) throw closedError();
      signal?.throwIfAborted();
      this.pings ??= new Set();
      const { pings } = this;
      const aborted = (): void => {
        pings.delete(ping);
        this.options.toLayer({ kind: 'cancel', sender: ping });
        reject(signal?.reason);
      };
      const done = (): void => {
        pings.delete(ping);
        signal?.removeEventListener('abort', aborted);
      };
      const ping = new Ping(
        peer,
        () => {
          done();
          resolve();
        },
        (reason) => {
          done();
          reject(reason);
        },
      );
      pings.add(ping);
      signal?.addEventListener('abort', aborted, { once: true });
      this.options.toLayer({ kind: 'send', peer, bytes: encodeEmpty(Type.Con, 0), sender: ping, confirmable: true });
    });
  }

  expect(peer: Peer, token: Token, observing: Observing): void {
    if (this.closed) throw closedError();
    const observation = new Observation(peer, keyOfToken(token), observing);
    this.driver.handle({ kind: 'expect', observation });
  }

  forget(peer: Peer, token: Token): void {
    this.driver.handle({ kind: 'forget', peer, token: keyOfToken(token) });
  }

  move(from: Peer, to: Peer, token: Token): void {
    this.driver.handle({ kind: 'move', from, to, token: keyOfToken(token) });
  }

  abandon(peer: Peer, token: Token, reason: unknown): void {
    const call = this.exchanges.waiting(peer, keyOfToken(token));
    if (call instanceof Call) this.withdraw(call, reason);
  }

  lost(peer: Peer): void {
    for (const ping of [...(this.pings ?? [])]) if (ping.peer.key === peer.key) ping.reject(lostError(peer));
    this.driver.handle({ kind: 'lost', peer });
  }

  close(): void {
    this.closed = true;
    for (const ping of [...(this.pings ?? [])]) ping.reject(closedError());
    this.driver.handle({ kind: 'close' });
  }

  // What the message layer reports

  response(message: ReceivedMessage, incoming: Incoming): void {
    const token = keyOfTokenAt(message.bytes, 4, message.tokenLength);
    this.driver.handle({ kind: 'response', token, message, incoming });
  }

  /** False when the sender is none of this side. */
  piggybacked(sender: Sender, message: ReceivedMessage): boolean {
    if (!(sender instanceof Asking)) return false;
    if (message.unacceptable === 0) this.driver.handle({ kind: 'piggybacked', asking: sender, message });
    else {
      this.options.count('unacceptableResponse');
      this.driver.handle({
        kind: 'failed',
        asking: sender,
        cause: { kind: 'unacceptable', option: message.unacceptable },
      });
    }
    return true;
  }

  acknowledged(sender: Sender): boolean {
    if (sender instanceof Ping) sender.resolve();
    else if (sender instanceof Asking) {
      this.driver.handle({ kind: 'acknowledged', asking: sender });
      // On a connection it is on its way, and no more is known (RFC 8323 §2.1).
      if (sender instanceof Call && sender.peer.connection === undefined) sender.given?.onAcknowledged?.();
    } else return false;
    return true;
  }

  failed(sender: Sender, cause: Failure): boolean {
    if (sender instanceof Ping) {
      // RFC 7252 §4.3: the reset is the pong.
      if (cause.kind === 'reset') sender.resolve();
      else sender.reject(failureError(cause, `ping to ${formatAddress(sender.peer.address)}`));
      return true;
    }
    if (!(sender instanceof Asking)) return false;
    this.driver.handle({ kind: 'failed', asking: sender, cause });
    return true;
  }

  // What the exchanges want

  private run(effect: ExchangeEffect): void {
    const { toLayer, count } = this.options;
    switch (effect.kind) {
      case 'send': {
        const { asking, bytes } = effect;
        toLayer({ kind: 'send', peer: asking.peer, bytes, sender: asking, confirmable: asking.confirmable });
        break;
      }
      case 'cancel':
        toLayer({ kind: 'cancel', sender: effect.asking });
        break;
      case 'answered':
        if (effect.asking instanceof Call) {
          this.settled(effect.asking, effect.asking.observing !== undefined);
          effect.asking.answered(toResponse(effect.message));
        }
        break;
      case 'failed':
        if (effect.asking instanceof Call) {
          const { request, peer } = effect.asking;
          this.fail(effect.asking, failureError(effect.cause, describeRequest(request, peer)));
        }
        break;
      case 'notify':
        this.notify(effect.observation, effect.message, effect.sequence, effect.at);
        break;
      case 'elsewhere': {
        const { observation, message, incoming } = effect;
        const { peer: from, token, listener } = observation;
        if (listener.knows?.(toResponse(message)) === true) {
          this.driver.handle({ kind: 'move', from, to: incoming.peer, token });
          this.driver.handle({ kind: 'response', token, message, incoming });
        } else {
          count('wrongPeer');
          toLayer({ kind: 'refuse', incoming });
        }
        break;
      }
      case 'stale':
        count('staleNotification');
        break;
      case 'accept':
        toLayer({ kind: 'accept', incoming: effect.incoming });
        break;
      case 'refuse':
        count(
          effect.why === 'unknown-token'
            ? 'unknownToken'
            : effect.why === 'wrong-peer'
              ? 'wrongPeer'
              : 'unacceptableResponse',
        );
        toLayer({ kind: 'refuse', incoming: effect.incoming });
        break;
      case 'closed':
        this.driver[Symbol.dispose]();
        break;
    }
  }

  private notify(observation: Observation, message: Message, sequence: number | undefined, at: Instant): void {
    const { peer, listener } = observation;
    const response = toResponse(message);
    const observed = new Notice(observation, sequence, at);
    const deliver = (whole: Response): void => {
      try {
        listener(whole, observed);
      } catch (error) {
        // A mistake of one listener must not reach the socket, where it would end the process.
        this.options.failed(error);
      }
    };
    const { request } = response.options.has(Option.Block2) ? observation : { request: undefined };
    // Without the request that began it nobody can ask for the rest: the listener gets what there is.
    if (request === undefined) {
      this.options.blocks.forget(observation);
      deliver(response);
    } else
      this.options.blocks.notified(
        (later, context) => this.ask(later, context),
        observation,
        request,
        new AskingContext(peer),
        response,
        deliver,
      );
  }

  private listen(call: Call, signal: AbortSignal): void {
    const aborted = (): void => this.withdraw(call, signal.reason);
    call.signal = signal;
    call.aborted = aborted;
    signal.addEventListener('abort', aborted, { once: true });
  }

  private withdraw(call: Call, reason: unknown): void {
    if (!call.done) this.driver.handle({ kind: 'abandon', asking: call });
    this.driver.handle({ kind: 'forget', peer: call.peer, token: call.token });
    call.promised.reject(reason);
  }

  /** An observation stays with its signal, unless only `forget` is to end it. */
  private settled(call: Call, observing: boolean): void {
    if (!observing || call.given?.until === 'forgotten') call.stopListening();
  }

  private fail(call: Call, error: Error): void {
    this.settled(call, false);
    call.promised.reject(error);
  }
}

/** As it was given, where no layer has put itself in between: then an observation needs nothing of its own for it. */
function observingOf(request: Request, context: Context): Observing | undefined {
  if (context instanceof AskingContext && context.listener !== undefined)
    return { request, listener: context.listener, tag: context.tag };
  const { notify } = context;
  return notify === undefined ? undefined : { request, listener: (response) => void notify(response), tag: undefined };
}

/** Free of the message, so that a spread of it loses nothing. */
function toResponse(message: Message): Response {
  return { code: message.code, options: message.options, payload: message.payload };
}

// Asking (shell): turns the effects of the exchanges core into settled promises and heard notifications.
import {
  type Clock,
  ClosedError,
  Driver,
  FormatError,
  formatAddress,
  type Instant,
  LimitError,
  type Peer,
  type Random,
  TimeoutError,
} from '@lapwing/kernel';
import { ResetError } from '../errors.ts';
import type { BlockOut } from '../layers/block-out.ts';
import { methodName } from '../message/code.ts';
import { type Message, type Request, type Response, type Token, Type } from '../message/message.ts';
import { nameOption, Option } from '../message/options.ts';
import { encodeEmpty, encodeMessage, type ReceivedMessage } from '../message/udp.ts';
import type { LayerInput } from '../reliability/effects.ts';
import type { Incoming } from '../reliability/incoming.ts';
import type { Parameters } from '../reliability/parameters.ts';
import type { Sender, Transmission } from '../reliability/transmission.ts';
import { AskingContext } from './contexts.ts';
import {
  Asking,
  type ExchangeEffect,
  type ExchangeInput,
  Exchanges,
  type Failure,
  type Listener,
  Observation,
} from './exchanges.ts';
import type { Context, Service } from './service.ts';
import { keyOfToken, keyOfTokenAt, type TokenKey, tokenOfKey } from './tokens.ts';

/** Bytes of a token: in NoSec it is all that keeps a stranger from answering (RFC 7252 §5.3.1, §11.4). */
const TOKEN_LENGTH = 8;

/** A request with the promise that waits for it. */
class Call extends Asking {
  readonly request: Request;
  readonly resolve: (response: Response) => void;
  readonly reject: (reason: unknown) => void;
  readonly onAcknowledged: (() => void) | undefined;
  readonly until: 'signal' | 'forgotten';
  readonly urgent: boolean;
  signal: AbortSignal | undefined = undefined;
  aborted: (() => void) | undefined = undefined;

  constructor(
    peer: Peer,
    token: TokenKey,
    request: Request,
    options: {
      readonly confirmable: boolean;
      readonly listener: Listener | undefined;
      readonly given: AskingContext | undefined;
    },
    resolve: (response: Response) => void,
    reject: (reason: unknown) => void,
  ) {
    const { confirmable, listener, given } = options;
    super(peer, token, confirmable, listener === undefined ? undefined : { request, listener });
    this.request = request;
    this.onAcknowledged = given?.onAcknowledged;
    this.until = given?.until ?? 'signal';
    this.urgent = given?.turn === 'now';
    this.resolve = resolve;
    this.reject = reject;
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
  private readonly calls = new Set<Call>();
  private readonly pings = new Set<Ping>();
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
  readonly ask: Service = (request, context) =>
    new Promise((resolve, reject) => {
      if (this.closed) throw closedError();
      const signal = context instanceof AskingContext ? context.given : context.signal;
      signal?.throwIfAborted();
      const token = context.token ?? this.freshToken();
      const { code, options, payload } = request;
      const longest = context.peer.connection?.mtu ?? this.options.longest;
      const bytes = encodeMessage({ type: Type.Con, id: 0, token, code, options, payload }, longest);
      const call = new Call(
        context.peer,
        keyOfToken(token),
        request,
        {
          confirmable: context.type !== 'non',
          listener: listenerOf(context),
          given: context instanceof AskingContext ? context : undefined,
        },
        resolve,
        reject,
      );
      if (signal !== undefined) this.listen(call, signal);
      this.calls.add(call);
      this.driver.handle({ kind: 'ask', asking: call, bytes });
    });

  ping(peer: Peer, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.closed) throw closedError();
      signal?.throwIfAborted();
      const aborted = (): void => {
        this.pings.delete(ping);
        this.options.toLayer({ kind: 'cancel', sender: ping });
        reject(signal?.reason);
      };
      const done = (): void => {
        this.pings.delete(ping);
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
      this.pings.add(ping);
      signal?.addEventListener('abort', aborted, { once: true });
      this.options.toLayer({ kind: 'send', peer, bytes: encodeEmpty(Type.Con, 0), sender: ping, confirmable: true });
    });
  }

  expect(peer: Peer, token: Token, listener: Listener, request: Request | undefined): void {
    if (this.closed) throw closedError();
    const observation = new Observation(peer, keyOfToken(token), listener, request);
    this.driver.handle({ kind: 'expect', observation });
  }

  forget(peer: Peer, token: Token): void {
    this.driver.handle({ kind: 'forget', peer, token: keyOfToken(token) });
  }

  abandon(peer: Peer, token: Token, reason: unknown): void {
    const call = this.exchanges.waiting(peer, keyOfToken(token));
    if (call instanceof Call) this.withdraw(call, reason);
  }

  lost(peer: Peer): void {
    for (const ping of [...this.pings]) if (ping.peer.key === peer.key) ping.reject(lostError(peer));
    this.driver.handle({ kind: 'lost', peer });
  }

  close(): void {
    this.closed = true;
    this.driver[Symbol.dispose]();
    for (const ping of [...this.pings]) ping.reject(closedError());
    for (const call of [...this.calls]) this.fail(call, closedError());
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
      if (sender instanceof Call) sender.onAcknowledged?.();
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
          effect.asking.resolve(toResponse(effect.message));
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
    }
  }

  private notify(observation: Observation, message: Message, sequence: number | undefined, at: Instant): void {
    const { peer, token, listener } = observation;
    const response = toResponse(message);
    const deliver = (whole: Response): void => {
      try {
        listener(whole, { peer, token: tokenOfKey(token), sequence, at });
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
    } else this.options.blocks.notified(this.ask, observation, request, new AskingContext(peer), response, deliver);
  }

  private listen(call: Call, signal: AbortSignal): void {
    const aborted = (): void => this.withdraw(call, signal.reason);
    call.signal = signal;
    call.aborted = aborted;
    signal.addEventListener('abort', aborted, { once: true });
  }

  private withdraw(call: Call, reason: unknown): void {
    this.calls.delete(call);
    if (!call.done) this.driver.handle({ kind: 'abandon', asking: call });
    this.driver.handle({ kind: 'forget', peer: call.peer, token: call.token });
    call.reject(reason);
  }

  /** An observation stays with its signal, unless only `forget` is to end it. */
  private settled(call: Call, observing: boolean): void {
    this.calls.delete(call);
    if (!observing || call.until === 'forgotten') call.stopListening();
  }

  private fail(call: Call, error: Error): void {
    this.settled(call, false);
    call.reject(error);
  }
}

/** As it was given, where no layer has put itself in between: then an observation needs nothing of its own for it. */
function listenerOf(context: Context): Listener | undefined {
  if (context instanceof AskingContext && context.listener !== undefined) return context.listener;
  const { notify } = context;
  return notify === undefined ? undefined : (response) => void notify(response);
}

/** Free of the message, so that a spread of it loses nothing. */
function toResponse(message: Message): Response {
  return { code: message.code, options: message.options, payload: message.payload };
}

function describeRequest(request: Request, peer: Peer): string {
  let path: string;
  try {
    path = `/${request.options.path.join('/')}`;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    path = '(no text)';
  }
  return `${methodName(request.code)} ${path} to ${formatAddress(peer.address)}`;
}

function failureError(cause: Failure, what: string): Error {
  switch (cause.kind) {
    case 'reset':
      return new ResetError(`${what}: reset by the peer`);
    case 'unacknowledged':
      return new TimeoutError(`${what}: no acknowledgement within ${Math.round(cause.waited)} ms`, cause.waited);
    case 'unanswered':
      return new TimeoutError(`${what}: no response within ${Math.round(cause.waited)} ms`, cause.waited);
    case 'busy':
      return new LimitError(`${what}: too many messages to this peer within the life of their ids`, 65_536);
    case 'lost':
      return new ClosedError(`${what}: the connection was lost`);
    case 'unacceptable':
      return new FormatError(`${what}: the response depends on ${nameOption(cause.option)}, which is not understood`);
  }
}

const closedError = (): ClosedError => new ClosedError('the endpoint is closed');
const lostError = (peer: Peer): ClosedError =>
  new ClosedError(`the connection to ${formatAddress(peer.address)} was lost`);

// A CoAP endpoint: owns one transport, sends requests and serves them on it, both roles to all peers.
// The stack, in the order in which it is built here:
//
//      request()  ▼                         ▲ serve: Service
//              echo                       errors
//              block-out                  block-in
//              oscore (if a context)      observe-in
//                 │                       oscore (if protected)
//                 ▼                         ▲
//              exchanges                    token ⇄ promise, notify, order of notifications
//              message-layer                only if !traits.reliable
//              udp | tcp codec              by traits.framing
//              Transport                    udp · tcp · tls · secure(udp) · sms · secure(sms)
import {
  type Address,
  type Clock,
  ClosedError,
  ConfigError,
  type Datagram,
  Driver,
  FormatError,
  type Peer,
  systemClock,
  systemRandom,
  type Transport,
  trace,
} from '@lapwing/kernel';
import type { EndpointOptions } from './endpoint-options.ts';
import { AskingSide } from './exchange/asking.ts';
import { type Ask, AskingStack } from './exchange/asking-stack.ts';
import { AskingContext, type RequestOptions } from './exchange/contexts.ts';
import type { Observing } from './exchange/observation.ts';
import type { Protection } from './exchange/protection.ts';
import { type KeptRelation, notifyPolicy } from './exchange/relations.ts';
import type { Service } from './exchange/service.ts';
import { ServingSide } from './exchange/serving.ts';
import { ServingStack } from './exchange/serving-stack.ts';
import { BlockIn, type BlockInOptions } from './layers/block-in.ts';
import { BlockOut, type BlockOutOptions } from './layers/block-out.ts';
import { Rooms } from './layers/block-sizes.ts';
import { Code, isRequest } from './message/code.ts';
import { makeResponse, type Request, type Response, type Token, Type } from './message/message.ts';
import { refusalOf } from './message/refusal.ts';
import { readStreamMessage, toStream } from './message/tcp.ts';
import { encodeAnswer, LONGEST_RECEIVED, Malformed, type ReceivedMessage, readMessage } from './message/udp.ts';
import type { KeptContact } from './reliability/contacts.ts';
import { DirectLayer } from './reliability/direct-layer.ts';
import type { LayerEffect, LayerInput } from './reliability/effects.ts';
import { MessageLayer } from './reliability/message-layer.ts';
import { transmissionParameters } from './reliability/parameters.ts';
import { type CounterName, EndpointCounters, type EndpointStats } from './stats.ts';

/** What is known of a peer, for an endpoint that takes the place of this one. */
export interface KeptPeer {
  readonly contact: KeptContact;
  readonly relations: readonly KeptRelation[];
}

const messages = trace('coap:message');
const drops = trace('coap:drop');

/** Without a service there is nothing to be found. */
const nothingHere: Service = () => Promise.resolve(makeResponse(Code.NotFound));

export class Endpoint implements AsyncDisposable {
  private readonly transport: Transport;
  private readonly clock: Clock;
  private readonly isStream: boolean;
  /** Bytes of a datagram beyond which nothing is looked at. */
  private readonly limit: number;
  private readonly heardLost: EndpointOptions['lost'];
  private readonly layer: MessageLayer | DirectLayer;
  private readonly driver: Driver<LayerInput, LayerEffect>;
  private readonly asking: AskingSide;
  private readonly serving: ServingSide;
  private readonly blocksOut: BlockOut;
  private readonly blocksIn: BlockIn;
  private readonly stack: AskingStack;
  private readonly protects: boolean;
  private readonly tally = new EndpointCounters();
  private closed = false;

  /** Opens the transport. Rejects with what it rejects with, or ConfigError for options out of range. */
  static async open(options: EndpointOptions): Promise<Endpoint> {
    const endpoint = new Endpoint(options);
    try {
      await options.transport.open({
        receive: (datagram) => endpoint.receive(datagram),
        lost: (peer, cause) => endpoint.lost(peer, cause),
        flow: (peer, state) => endpoint.driver.handle({ kind: 'flow', peer, state }),
      });
    } catch (error) {
      await endpoint[Symbol.asyncDispose]();
      throw error;
    }
    return endpoint;
  }

  private constructor(options: EndpointOptions) {
    const { transport, clock = systemClock, random = systemRandom, protection } = options;
    const { traits } = transport;
    this.transport = transport;
    this.clock = clock;
    this.isStream = traits.framing === 'rfc8323';
    this.heardLost = options.lost;
    const parameters = transmissionParameters(options.parameters, traits.pace);
    const toLayer = (input: LayerInput): void => this.driver.handle(input);
    const { mtu, longest = mtu } = traits;
    this.limit = Math.max(longest, LONGEST_RECEIVED);
    this.layer = traits.reliable ? new DirectLayer() : new MessageLayer(parameters, random, options.limits);
    this.driver = new Driver(this.layer, clock, (effect) => this.run(effect));
    const blocks: BlockInOptions & BlockOutOptions = { clock, random, mtu, ...options.blocks };
    this.blocksOut = new BlockOut(blocks);
    this.blocksIn = new BlockIn(blocks);
    this.asking = new AskingSide({
      blocks: this.blocksOut,
      clock,
      random,
      parameters,
      longest,
      toLayer,
      failed: (error) => this.mistake('listenerErrors', error),
      count: (what) => this.tally.add(what),
    });
    this.serving = new ServingSide({
      clock,
      stack: new ServingStack({
        serve: options.serve ?? nothingHere,
        layers: options.layers ?? [],
        blocks: this.blocksIn,
        protection,
        rooms: new Rooms(mtu, blocks.blockSize),
        unexpected: (error) => this.mistake('serviceErrors', error),
      }),
      policy: { ...notifyPolicy, ...options.notifications },
      diagnostics: options.diagnostics ?? 'authenticated',
      longest,
      toLayer,
      count: (what) => this.tally.add(what),
    });
    this.protects = protection !== undefined;
    this.stack = new AskingStack(this.asker(protection), this.blocksOut);
  }

  private asker(protection: Protection | undefined): Ask {
    const { asking, blocksOut: blocks } = this;
    const open: Ask = (request, context, complete) => asking.ask(request, context, complete);
    if (protection === undefined) return open;
    const guarded = protection.asking((request, context) => asking.ask(request, context), {
      blocks,
      freshToken: () => asking.freshToken(),
      expect: (peer, token, listener) => asking.expect(peer, token, { listener, tag: undefined, request: undefined }),
      forget: (peer, token) => asking.forget(peer, token),
      failed: (error) => this.mistake('listenerErrors', error),
    });
    return (request, context, complete) => {
      if (context.peer.identity.kind !== 'oscore') return open(request, context, complete);
      const answer = guarded(request, context);
      return complete === undefined ? answer : answer.then((response) => complete(response, request, context));
    };
  }

  /** Makes a peer of an address; rejects as the transport does. */
  connect(address: Address, signal?: AbortSignal): Promise<Peer> {
    return this.transport.connect(address, signal);
  }

  /** Gives up the connection with the peer, as when nobody answers on it any more: what waits there fails. Nothing happens where there are none. */
  disconnect(peer: Peer): void {
    if (this.transport.close === undefined) return;
    this.transport.close(roadTo(peer));
    this.lost(roadTo(peer), new ClosedError('the connection was closed here'));
  }

  /**
   * Resolves with the response, whatever its code. Rejects with TimeoutError when the peer stays silent, ResetError when
   * it resets, FormatError when the request fits no message or the response cannot be understood, LimitError when
   * message ids run out, ClosedError when the endpoint closes, or the signal's reason. To a peer of OSCORE also with
   * OscoreError, and with ConfigError where the endpoint has no protection: nothing goes there in the open.
   */
  request(to: Peer, request: Request, options: RequestOptions = {}): Promise<Response> {
    if (to.identity.kind === 'oscore' && !this.protects)
      return Promise.reject(new ConfigError(['protection: none, and the peer is one of OSCORE']));
    return this.stack.request(request, new AskingContext(to, options));
  }

  /**
   * Resolves when the peer answers an empty confirmable message with a reset (RFC 7252 §4.3), or a Ping with a Pong (RFC 8323
   * §5.4); rejects with TimeoutError, on a connection with ClosedError once it is given up.
   */
  ping(peer: Peer, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    const road = roadTo(peer);
    if (this.transport.ping !== undefined) return this.transport.ping(road, options.signal);
    return this.asking.ping(road, options.signal);
  }

  /** A token that names nothing of this endpoint yet: 8 random bytes. */
  freshToken(): Token {
    return this.asking.freshToken();
  }

  /** Withdraws a request that waits for its answer: it rejects with `reason`. What a signal does, without the cost of one. */
  abandon(peer: Peer, token: Token, reason: unknown): void {
    this.asking.abandon(roadTo(peer), token, reason);
  }

  /** Ends an observation without a word to the peer; its next notification is answered with a reset. */
  forget(peer: Peer, token: Token): void {
    this.asking.forget(roadTo(peer), token);
  }

  /** What is observed at one peer is expected from another from now on: the same device, at another address. */
  move(from: Peer, to: Peer, token: Token): void {
    this.asking.move(roadTo(from), roadTo(to), token);
  }

  /**
   * Takes up an observation that began elsewhere or before a restart. The request is needed where notifications come in
   * blocks. Throws ConfigError for peers of OSCORE: what ties their notifications to the request has not been kept.
   */
  expect(peer: Peer, token: Token, observing: Observing): void {
    if (peer.identity.kind === 'oscore') throw new ConfigError(['peer: observations under OSCORE begin anew']);
    this.asking.expect(peer, token, observing);
  }

  /**
   * Takes up an observation that the peer began at an endpoint in whose place this one is. False when it is not accepted any more.
   * Throws FormatError.
   */
  resumeRelation(peer: Peer, kept: KeptRelation): Promise<boolean> {
    return this.serving.resume(peer, kept);
  }

  /**
   * What an endpoint needs to know that takes the place of this one, with the same clock: with `recall` and `resumeRelation` it goes on with
   * the peer, who notices nothing. Undefined while something is under way with anybody, for peers of OSCORE, and on connections.
   */
  keep(peer: Peer): KeptPeer | undefined {
    const { layer, asking, blocksIn, blocksOut } = this;
    const { open, observations } = asking.sizes;
    if (!(layer instanceof MessageLayer) || peer.identity.kind === 'oscore' || open + observations > 0)
      return undefined;
    if (blocksIn.stats().transfers + blocksOut.stats().fetching > 0) return undefined;
    const contact = layer.keep(peer, this.clock.now());
    const relations = this.serving.keep(peer);
    return contact === undefined || relations === undefined ? undefined : { contact, relations };
  }

  /** What `keep` has said of the peer, before anything else is said to it or heard of it. */
  recall(peer: Peer, kept: KeptContact): void {
    this.driver.handle({ kind: 'recall', peer, kept });
  }

  /** A snapshot of every counter and size. */
  stats(): EndpointStats {
    return this.tally.snapshot({
      ...this.layer.sizes,
      ...this.asking.sizes,
      relations: this.serving.size,
      blocksIn: this.blocksIn.stats(),
      blocksOut: this.blocksOut.stats(),
    });
  }

  /** Rejects what is pending with ClosedError, ends every observation, closes the transport. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.serving.close();
    this.asking.close();
    this.blocksIn[Symbol.dispose]();
    this.driver[Symbol.dispose]();
    if (this.layer instanceof MessageLayer) this.layer.close();
    await this.transport[Symbol.asyncDispose]();
  }

  // Up: datagram → message → layer → exchange or service

  private receive(datagram: Datagram): void {
    if (this.closed) return;
    const { peer, bytes } = datagram;
    const multicast = datagram.multicast === true;
    this.tally.received(bytes.length);
    const message = this.isStream ? readStreamMessage(bytes) : readMessage(bytes, this.limit);
    if (message instanceof Malformed) {
      this.malformed(peer, bytes, message, multicast);
      return;
    }
    if (messages.hasSubscribers) messages.publish({ direction: 'in', peer, message });
    if (isRequest(message.code) && message.type <= Type.Non) {
      const refusal = refusalOf(message);
      if (refusal !== undefined) {
        this.refuse(peer, message, refusal, multicast);
        return;
      }
    }
    this.driver.handle({ kind: 'received', peer, message, multicast });
  }

  private malformed(peer: Peer, bytes: Uint8Array, what: Malformed, multicast: boolean): void {
    if (this.isStream) {
      // A peer that goes wrong here goes wrong again: there is nothing that could be lost or changed on the way.
      this.drop('malformed', peer, what.reason);
      const error = new FormatError(what.reason, what.offset);
      this.transport.close?.(peer, error);
      this.lost(peer, error);
      return;
    }
    const tooLong = bytes.length > this.limit;
    const headless = tooLong || bytes.length < 4 || (bytes[0] as number) >> 6 !== 1;
    this.drop(tooLong ? 'tooLong' : headless ? 'noMessage' : 'malformed', peer, what.reason);
    if (!headless) this.driver.handle({ kind: 'malformed', peer, bytes, multicast });
  }

  /** RFC 7252 §5.4.1, §5.8, §5.10.2: without a payload, and not at all where the request asked for no answer or a group. */
  private refuse(peer: Peer, message: ReceivedMessage, code: Code, multicast: boolean): void {
    this.drop(code === Code.BadOption ? 'badOption' : 'unservedRequest', peer, `refused with ${code}`);
    if (multicast || (code === Code.BadOption && message.type === Type.Non)) return;
    const bytes = encodeAnswer(message, makeResponse(code), this.transport.traits.mtu);
    this.driver.handle({ kind: 'refuse-request', peer, message, bytes });
  }

  private lost(peer: Peer, cause: Error): void {
    if (this.closed) return;
    this.driver.handle({ kind: 'lost', peer });
    this.asking.lost(peer);
    this.serving.lost(peer);
    try {
      this.heardLost?.(peer, cause);
    } catch (error) {
      this.mistake('listenerErrors', error);
    }
  }

  private run(effect: LayerEffect): void {
    switch (effect.kind) {
      case 'transmit':
        this.tally.sent(effect.bytes.length);
        if (messages.hasSubscribers) messages.publish({ direction: 'out', peer: effect.peer, bytes: effect.bytes });
        this.transport.send(effect.peer, this.isStream ? toStream(effect.bytes) : effect.bytes);
        break;
      case 'settled':
        this.transport.settled?.(effect.peer, effect.bytes);
        break;
      case 'request':
        void this.serving.serve(effect.incoming, effect.message);
        break;
      case 'response':
        this.asking.response(effect.message, effect.incoming);
        break;
      case 'piggybacked':
        if (!this.asking.piggybacked(effect.sender, effect.message)) this.serving.acknowledged(effect.sender);
        break;
      case 'acknowledged':
        if (!this.asking.acknowledged(effect.sender)) this.serving.acknowledged(effect.sender);
        break;
      case 'reset':
        this.tally.add('resetsReceived');
        if (!this.asking.failed(effect.sender, effect)) this.serving.failed(effect.sender, effect);
        break;
      case 'gave-up': {
        this.tally.add('gaveUp');
        const cause = { kind: 'unacknowledged', waited: effect.waited } as const;
        if (!this.asking.failed(effect.sender, cause)) this.serving.failed(effect.sender, cause);
        break;
      }
      case 'busy':
        this.tally.add('busy');
        if (!this.asking.failed(effect.sender, effect)) this.serving.failed(effect.sender, effect);
        break;
      case 'sent-again':
        this.tally.add('retransmissions');
        break;
      case 'forgotten':
        this.tally.add('contactsForgotten', effect.contacts);
        break;
      case 'drop':
        this.drop(effect.reason, effect.peer, effect.reason);
        break;
    }
  }

  private mistake(what: 'serviceErrors' | 'listenerErrors', error: unknown): void {
    this.tally.add(what);
    if (drops.hasSubscribers) drops.publish({ what, error });
  }

  private drop(what: CounterName, peer: Peer, reason: string): void {
    this.tally.add(what);
    if (drops.hasSubscribers) drops.publish({ peer, what, reason });
  }
}

/** Where messages for the peer go. */
const roadTo = (peer: Peer): Peer => peer.below ?? peer;

// Serving (shell): hands requests to the service, its response to the message layer, and keeps the relations of those
// who observe. An error of a service becomes a response and never more than that.
import { type Clock, ClosedError, FormatError, noBytes, type Peer, TimeoutError } from '@lapwing/kernel';
import { ResetError } from '../errors.ts';
import { Code, isSuccess } from '../message/code.ts';
import { makeResponse, type Request, type Response } from '../message/message.ts';
import { Option } from '../message/options.ts';
import { type AnswerHead, decodeMessage, encodeAnswer, type ReceivedMessage } from '../message/udp.ts';
import type { LayerInput } from '../reliability/effects.ts';
import { Incoming } from '../reliability/incoming.ts';
import type { Sender } from '../reliability/transmission.ts';
import { ObservedContext, ServedContext } from './contexts.ts';
import type { Failure } from './failures.ts';
import { type KeptRelation, type NotifyPolicy, Relation, Relations } from './relations.ts';
import type { Notify, NotifyOptions } from './service.ts';
import type { ServingStack } from './serving-stack.ts';
import { keyOfToken } from './tokens.ts';

export type ServingCount = 'serviceErrors' | 'unsendable' | 'diagnosticsWithheld' | 'relationsRefused';

export interface ServingOptions {
  readonly clock: Clock;
  readonly stack: ServingStack;
  readonly policy: NotifyPolicy;
  /** Whether a peer that has proved nothing about itself may read diagnostic payloads. */
  readonly diagnostics: 'authenticated' | 'everyone';
  /** Bytes of the longest message. */
  readonly longest: number;
  readonly toLayer: (input: LayerInput) => void;
  readonly count: (what: ServingCount) => void;
}

export class ServingSide {
  private readonly options: ServingOptions;
  private readonly relations = new Relations();
  /** Those whose signal somebody holds. */
  private readonly watched = new Set<ServedContext>();
  private readonly watch = (context: ServedContext): void => {
    if (this.closed) context.end(closedError());
    else this.watched.add(context);
  };
  private closed = false;
  /** Requests that have no answer yet. */
  private underway = 0;

  constructor(options: ServingOptions) {
    this.options = options;
  }

  get size(): number {
    return this.relations.size;
  }

  /** Never rejects. */
  async serve(incoming: Incoming, message: ReceivedMessage): Promise<void> {
    const { stack } = this.options;
    this.underway += 1;
    // Free of the message, so that a spread of it loses nothing.
    const request: Request = { code: message.code, options: message.options, payload: message.payload };
    if (!stack.isPlain(message)) {
      await this.serveLayered(incoming, message, request);
      this.underway -= 1;
      return;
    }
    const context = new ServedContext(incoming, message, this.watch);
    let response: Response;
    try {
      response = await stack.service(request, context);
      if (stack.isLarge(response, incoming.peer)) response = await stack.inBlocks(response, request, context);
    } catch (error) {
      response = await stack.refusal(error, request, context);
    }
    this.respond(incoming, message, response);
    if (context.isHeld) this.watched.delete(context);
    this.underway -= 1;
  }

  private async serveLayered(incoming: Incoming, message: ReceivedMessage, request: Request): Promise<void> {
    const { stack } = this.options;
    const isProtected = message.options.has(Option.Oscore);
    if (isProtected && !stack.unprotects) {
      // RFC 7252 §5.4.1: without its layer the option is one that is not understood.
      this.respond(incoming, message, makeResponse(incoming.confirmable ? Code.BadOption : Code.Empty));
      return;
    }
    const before = isProtected ? this.relations.find(incoming.peer, keyOfToken(message.token)) : undefined;
    const relation = this.observes(incoming, message);
    const context =
      relation === undefined
        ? new ServedContext(incoming, message, this.watch)
        : new ObservedContext(
            incoming,
            message,
            this.watch,
            (response, options) => this.notify(relation, response, options),
            relation.sequence,
          );
    if (relation !== undefined) relation.context = context;
    let response: Response;
    try {
      response = await stack.layered(request, context);
    } catch {
      // Services have their errors made into responses in layers/errors.ts: what arrives here is a mistake of a layer.
      this.options.count('serviceErrors');
      response = makeResponse(Code.InternalServerError);
    }
    this.respond(incoming, message, response);
    // Only what was verified ends what is there: the answer is protected then, and in the open otherwise.
    if (before !== undefined && response.options.has(Option.Oscore) && message.options.has(Option.Observe))
      this.end(before, new ClosedError('the observer has ended the observation'));
    if (relation === undefined) this.watched.delete(context);
    else if (isSuccess(response.code) && response.options.has(Option.Observe)) this.begin(relation);
    else this.end(relation, new ClosedError('the observation was not accepted'));
  }

  /** What the peer observes; undefined while something of it is under way. */
  keep(peer: Peer): readonly KeptRelation[] | undefined {
    if (this.underway > 0) return undefined;
    const all = this.relations.allOf(peer);
    const kept = all.flatMap((relation) => relation.keep() ?? []);
    return kept.length === all.length ? kept : undefined;
  }

  /**
   * Takes up a relation that began elsewhere: the service is asked again, and its answer goes to nobody. False when it does not accept
   * the observation any more; throws FormatError. Notifications are numbered from the one after its number on.
   */
  async resume(peer: Peer, kept: KeptRelation): Promise<boolean> {
    const { sequence } = kept;
    const message = decodeMessage(kept.request);
    const incoming = new Incoming(peer, message, false, this.options.clock.now());
    const relation = this.observes(incoming, message);
    if (relation === undefined) return false;
    const notify: Notify = (response, options) => this.notify(relation, response, options);
    const context = new ObservedContext(incoming, message, this.watch, notify, sequence);
    relation.context = context;
    relation.recall(kept);
    const { code, options, payload } = message;
    const response = await this.options.stack.layered({ code, options, payload }, context);
    const isAccepted = isSuccess(response.code) && response.options.has(Option.Observe);
    if (isAccepted) this.begin(relation);
    else this.end(relation, new ClosedError('the observation was not accepted'));
    return isAccepted;
  }

  acknowledged(sender: Sender): void {
    if (sender instanceof Relation) sender.delivered();
  }

  failed(sender: Sender, cause: Failure): void {
    if (!(sender instanceof Relation)) return;
    // Too fast for the ids there are: this notification is lost, the relation is not.
    if (cause.kind === 'busy') sender.supersede(undefined);
    else if (cause.kind === 'reset') this.end(sender, new ResetError('the observer has reset the notification'));
    else if (cause.kind === 'unacknowledged') {
      this.end(
        sender,
        new TimeoutError(`the observer has not acknowledged within ${Math.round(cause.waited)} ms`, cause.waited),
      );
    } else this.end(sender, new ClosedError('the connection to the observer was lost'));
  }

  lost(peer: Peer): void {
    const relations = this.relations.allOf(peer);
    const contexts = [...this.watched].filter((context) => context.peer.key === peer.key);
    // An error and its stack cost more than the end of a connection that nobody waits for.
    if (relations.length === 0 && contexts.length === 0) return;
    const cause = new ClosedError('the connection was lost');
    for (const relation of relations) this.end(relation, cause);
    for (const context of contexts) {
      this.watched.delete(context);
      context.end(cause);
    }
  }

  close(): void {
    this.closed = true;
    const cause = closedError();
    for (const relation of this.relations.all()) this.end(relation, cause);
    for (const context of this.watched) context.end(cause);
    this.watched.clear();
  }

  // Responses

  private respond(incoming: Incoming, message: ReceivedMessage, response: Response): void {
    if (this.closed) return;
    const { toLayer } = this.options;
    if (response.code === Code.Empty) {
      toLayer({ kind: 'respond', incoming, bytes: undefined });
      return;
    }
    toLayer({ kind: 'respond', incoming, bytes: this.encode(message, response, incoming.peer) });
  }

  /** A response that no message can carry is replaced by 5.00. */
  private encode(request: AnswerHead, response: Response, peer: Peer): Uint8Array {
    let content: Pick<Response, 'code' | 'options' | 'payload'> = response;
    if (response.code >= Code.BadRequest && response.payload.length > 0 && this.withholds(response, peer)) {
      this.options.count('diagnosticsWithheld');
      content = { ...response, payload: noBytes };
    }
    const longest = peer.connection?.mtu ?? this.options.longest;
    try {
      return encodeAnswer(request, content, longest);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.options.count('unsendable');
      return encodeAnswer(request, makeResponse(Code.InternalServerError), longest);
    }
  }

  /** RFC 7252 §5.5.2: without a Content-Format the payload of an error is text for people; a stranger needs none. */
  private withholds(response: Response, peer: Peer): boolean {
    return (
      this.options.diagnostics === 'authenticated' &&
      peer.identity.kind === 'none' &&
      !response.options.has(Option.ContentFormat)
    );
  }

  // Relations

  /** The relation that a request asks for; ends the one that it replaces or cancels (RFC 7641 §3.6, §4.1). */
  private observes(incoming: Incoming, message: ReceivedMessage): Relation | undefined {
    if (message.code !== Code.Get && message.code !== Code.Fetch) return undefined;
    const observe = message.options.observe;
    if (observe === undefined || incoming.multicast) return undefined;
    const { peer } = incoming;
    const { token } = message;
    const before = this.relations.find(peer, keyOfToken(token));
    // What is protected has not been verified yet (RFC 8613 §8.2): it ends nothing before it is.
    const stays = before !== undefined && message.options.has(Option.Oscore);
    if (before !== undefined && observe <= 1 && !stays)
      this.end(before, new ClosedError('the observer has ended the observation'));
    if (observe !== 0) return undefined;
    if (this.relations.of(peer) - (stays ? 1 : 0) >= this.options.policy.relationsPerPeer) {
      this.options.count('relationsRefused');
      return undefined;
    }
    const next = before?.sequence === undefined ? undefined : (before.sequence + 1) & 0xff_ffff;
    return new Relation(peer, message, this.options.clock.now(), next);
  }

  private begin(relation: Relation): void {
    if (relation.phase !== 'new' || this.closed) return;
    const replaced = this.relations.find(relation.peer, relation.key);
    if (replaced !== undefined) this.end(replaced, new ClosedError('the observer has begun anew'));
    relation.phase = 'live';
    this.relations.add(relation);
    // From now on it ends with its relation.
    if (relation.context !== undefined) this.watched.delete(relation.context);
    const { early } = relation;
    relation.early = undefined;
    if (early !== undefined) this.send(relation, early.response, early.options, early);
  }

  private end(relation: Relation, cause: Error): void {
    if (relation.transmission !== undefined) this.options.toLayer({ kind: 'cancel', sender: relation });
    this.relations.remove(relation);
    relation.end(cause);
    if (relation.context !== undefined) {
      this.watched.delete(relation.context);
      relation.context.end(cause);
    }
  }

  private notify(
    relation: Relation,
    response: Response,
    options: NotifyOptions = {},
  ): Promise<'delivered' | 'superseded'> {
    return new Promise((resolve, reject) => {
      if (relation.phase === 'ended') reject(relation.cause);
      else if (response.code === Code.Empty) {
        this.end(relation, new ClosedError('the observation was ended here'));
        resolve('delivered');
      } else if (relation.phase === 'live') this.send(relation, response, options, { resolve, reject });
      else {
        relation.early?.resolve('superseded');
        relation.early = { response, options, resolve, reject };
      }
    });
  }

  private send(
    relation: Relation,
    response: Response,
    options: NotifyOptions,
    pending: {
      readonly resolve: (outcome: 'delivered' | 'superseded') => void;
      readonly reject: (reason: unknown) => void;
    },
  ): void {
    const { clock, policy, toLayer } = this.options;
    const bytes = this.encode(relation.head, response, relation.peer);
    const open = relation.transmission !== undefined;
    // While one waits for its acknowledgement, the next takes over its place, and with it its type (RFC 7641 §4.5.2).
    const confirmable = open || relation.confirmsNext(options.type, policy, clock.now());
    relation.sequence = response.options.observe ?? relation.sequence;
    relation.supersede(pending);
    toLayer({ kind: 'send', peer: relation.peer, bytes, sender: relation, confirmable });
    if (!confirmable) relation.delivered();
    // RFC 7641 §4.2: an error, or a response without the option, is the last.
    if (isSuccess(response.code) && response.options.has(Option.Observe)) return;
    relation.phase = 'ended';
    relation.cause = new ClosedError('the observation has ended');
    this.relations.remove(relation);
    if (relation.context !== undefined) {
      this.watched.delete(relation.context);
      relation.context.end(relation.cause);
    }
  }
}

const closedError = (): ClosedError => new ClosedError('the endpoint is closed');

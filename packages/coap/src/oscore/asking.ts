// Asking under a context (RFC 8613 §8.1, §8.4): the request goes out protected, and nothing comes back that was not made
// for it. New keys are agreed upon on the way where there are none or the peer has lost them (Appendix B.2).
import { concatBytes, FormatError, formatAddress, type Peer, type Random } from '@lapwing/kernel';
import { AskingContext } from '../exchange/contexts.ts';
import type { Listener, Observed } from '../exchange/observation.ts';
import type { AskingGround } from '../exchange/protection.ts';
import { type Context, extendContext, type Service } from '../exchange/service.ts';
import { download } from '../layers/block-download.ts';
import { asksToObserve } from '../layers/observe-in.ts';
import { Code, describeCode, isSuccess } from '../message/code.ts';
import type { Request, Response, Token } from '../message/message.ts';
import { nameOption, Option } from '../message/options.ts';
import type { OscoreTally } from './counters.ts';
import { OscoreError } from './errors.ts';
import { type Generation, type LiveContext, ProtectedPeer } from './live.ts';
import type { LoadedContexts } from './loaded.ts';
import { Notifications, optionOf } from './notifications.ts';
import { type OpenedResponse, type ProtectedRequest, protectRequest, unprotectResponse } from './protect.ts';
import { firstId, lastId, rederive, unwrapIdContext } from './rederive.ts';

export interface AskingParts {
  readonly contexts: LoadedContexts;
  readonly random: Random;
  readonly tally: OscoreTally;
  /** Of an answer that a proxy has cut, in bytes. */
  readonly bodyLimit: number;
}

/** One request of somebody, however often it has to be sent. */
interface Task {
  readonly inner: Service;
  /** Through the protection again, for later blocks. */
  readonly again: Service;
  readonly ground: AskingGround;
  readonly request: Request;
  readonly context: Context;
  readonly peer: ProtectedPeer;
}

/** What came back, or the R2 with which the peer wants other keys. */
type Answer =
  | { readonly kind: 'response'; readonly response: Response }
  | { readonly kind: 'offer'; readonly offer: Uint8Array };

export class AskingProtection {
  private readonly parts: AskingParts;

  constructor(parts: AskingParts) {
    this.parts = parts;
  }

  /** Protects what is asked of its own peers, and nothing else. */
  over(inner: Service, ground: AskingGround): Service {
    const again: Service = (request, context) => {
      const { peer } = context;
      if (peer.identity.kind !== 'oscore') return inner(request, context);
      const task = { inner, again, ground, request, context };
      if (peer instanceof ProtectedPeer && !peer.live.isGone) return this.ask({ ...task, peer });
      // Not in the open, whoever made it.
      return this.parts.contexts.again(peer).then((found) => this.ask({ ...task, peer: found }));
    };
    return again;
  }

  private async ask(task: Task): Promise<Response> {
    const { live } = task.peer;
    if (live.isRederived) return this.askRederiving(task, live);
    if (live.current === undefined) throw noContext(task.peer);
    const answer = await this.exchange(task, live.current);
    if (answer.kind === 'response') return answer.response;
    throw unverified(task, 'it offers other keys, which this context is not made for');
  }

  // New keys (RFC 8613 Appendix B.2)

  private async askRederiving(task: Task, live: LiveContext): Promise<Response> {
    while (live.running !== undefined) await live.running;
    const { current } = live;
    if (current === undefined) return this.run(live, () => this.begin(task, live));
    let answer: Answer;
    try {
      answer = await this.exchange(task, current);
    } catch (error) {
      if (!asksForKeys(error)) throw error;
      if (live.current === current) live.current = undefined;
      return this.askRederiving(task, live);
    }
    if (answer.kind === 'response') return answer.response;
    const { offer } = answer;
    // Somebody else is about it already, and the offer may be void when that is done.
    if (live.running !== undefined || live.current !== current) return this.askRederiving(task, live);
    return this.run(live, () => this.finish(task, live, offer));
  }

  /** One at a time for each context. */
  private async run(live: LiveContext, steps: () => Promise<Response>): Promise<Response> {
    let done = (): void => undefined;
    live.running = new Promise((resolve) => {
      done = resolve;
    });
    try {
      return await steps();
    } finally {
      live.running = undefined;
      done();
    }
  }

  /** Step 1. A peer that takes any ID Context for granted has served the request. */
  private async begin(task: Task, live: LiveContext): Promise<Response> {
    const { contexts, random } = this.parts;
    const first = contexts.fresh(rederive(live.provisioned, firstId(random)));
    const answer = await this.exchange(task, first);
    if (answer.kind === 'offer') return this.finish(task, live, answer.offer);
    this.adopt(live, first);
    return answer.response;
  }

  /** Steps 3 and 5. */
  private async finish(task: Task, live: LiveContext, offer: Uint8Array): Promise<Response> {
    const { contexts, random } = this.parts;
    const third = contexts.fresh(rederive(live.provisioned, lastId(offer, random)));
    const answer = await this.exchange(task, third);
    if (answer.kind === 'offer') throw unverified(task, 'it offers other keys once more');
    // The peer has them now, and finds them by the kid alone.
    third.kidContext = undefined;
    this.adopt(live, third);
    return answer.response;
  }

  private adopt(live: LiveContext, generation: Generation): void {
    live.current = generation;
    this.parts.tally.add('rederived');
  }

  // One exchange

  private async exchange(task: Task, generation: Generation): Promise<Answer> {
    const taken = generation.next();
    const sequence = typeof taken === 'number' ? taken : await taken;
    const sent = protectRequest(generation.context, task.request, sequence, generation.kidContext);
    if (!asksToObserve(task.request) || !hears(task.context)) {
      const outer = await task.inner(sent.message, lower(task, task.context.token, undefined));
      return this.answer(task, generation, sent, outer);
    }
    return this.observe(task, generation, sent);
  }

  private async observe(task: Task, generation: Generation, sent: ProtectedRequest): Promise<Answer> {
    const { ground, context, peer } = task;
    const token = context.token ?? ground.freshToken();
    const notifications = new Notifications(generation, sent.binding, this.parts.tally);
    let observes = false;
    try {
      const outer = await task.inner(sent.message, lower(task, token, this.listener(task, token, notifications)));
      const answer = await this.answer(task, generation, sent, outer, notifications);
      observes = answer.kind === 'response' && answer.response.options.has(Option.Observe);
      return answer;
    } finally {
      // What the open part of the message says about an observation may not be so.
      if (!observes) ground.forget(peer.below, token);
    }
  }

  /** RFC 8613 §8.4, and Appendix B.2, step 3. */
  private async answer(
    task: Task,
    generation: Generation,
    { message, binding }: ProtectedRequest,
    first: Response,
    notifications?: Notifications,
  ): Promise<Answer> {
    const outer = first.options.has(Option.Block2) ? await this.together(task, message, first) : first;
    const option = optionOf(outer);
    if (option === undefined) {
      this.parts.tally.add('unprotectedAnswers');
      throw new OscoreError('unprotected', `${where(task)}: ${describeCode(outer.code)} in the open`, outer.code);
    }
    if (option === 'malformed') throw this.unverified(task, 'its OSCORE option is malformed');
    const { live } = task.peer;
    const { idContext } = generation.context;
    const offer = option.kidContext === undefined ? undefined : unwrapIdContext(option.kidContext);
    const isOffer = live.isRederived && offer !== undefined && idContext !== undefined;
    const context = isOffer ? rederive(live.provisioned, concatBytes(offer, idContext)) : generation.context;
    const opened = unprotectResponse(context, binding, outer, option);
    if (typeof opened === 'string') throw this.unverified(task, 'it was not made for this request');
    if (isOffer && opened.content.code === Code.Unauthorized) return { kind: 'offer', offer: new Uint8Array(offer) };
    refuseUnknown(task, opened);
    notifications?.began(opened.sequence);
    if (opened.sequence !== undefined) generation.heard(opened.sequence);
    return { kind: 'response', response: opened.content };
  }

  /** RFC 8613 §4.1.3.4.2: a proxy has cut the answer. */
  private together(task: Task, request: Request, first: Response): Promise<Response> {
    const { context, inner, peer } = task;
    const later = extendContext(
      { peer: peer.below, signal: context.signal },
      context.type === undefined ? {} : { type: context.type },
    );
    return download({ ask: inner, request, context: later, limit: this.parts.bodyLimit, onBlock: undefined }, first);
  }

  private listener(task: Task, token: Token, notifications: Notifications): Listener {
    const { ground, request, again } = task;
    const observation = {};
    const heard = (outer: Response, observed: Observed): void => {
      const opened = notifications.read(outer);
      if (opened === undefined) {
        // RFC 8613 §8.4: what is wrong with one message does not end the observation, though below it looks like an end.
        if (!isSuccess(outer.code) || !outer.options.has(Option.Observe)) ground.expect(observed.peer, token, hear);
        return;
      }
      const peer = peerNow(task.peer, observed.peer);
      const { sequence = 0 } = opened;
      const seen: Observed = {
        peer,
        token: observed.token,
        at: observed.at,
        tag: tagOf(task.context),
        sequence: observed.sequence === undefined ? undefined : sequence % 2 ** 24,
      };
      ground.blocks.notified(again, observation, request, new AskingContext(peer), opened.content, (whole) =>
        tell(task, whole, seen),
      );
    };
    const hear: Listener = Object.assign(heard, {
      knows: (outer: Response) => notifications.isNewest(outer),
      owns: (outer: Response) => notifications.owns(outer),
    });
    return hear;
  }

  private unverified(task: Task, why: string): OscoreError {
    this.parts.tally.add('unverifiedAnswers');
    return unverified(task, why);
  }
}

/** Whoever was asked, at the place that it is observed at now. */
function peerNow(asked: ProtectedPeer, below: Peer): ProtectedPeer {
  return asked.below.key === below.key ? asked : new ProtectedPeer(asked.live, below);
}

const tagOf = (context: Context): unknown => (context instanceof AskingContext ? context.tag : undefined);

function hears(context: Context): boolean {
  return context.notify !== undefined || (context instanceof AskingContext && context.listener !== undefined);
}

/** A mistake of one listener must not reach the socket. */
function tell({ context, ground }: Task, whole: Response, observed: Observed): void {
  try {
    if (context instanceof AskingContext && context.listener !== undefined) context.listener(whole, observed);
    else context.notify?.(whole).catch((error: unknown) => ground.failed(error));
  } catch (error) {
    ground.failed(error);
  }
}

/** The context for the layers below: the transport's peer, and notifications as they come. */
function lower({ context, peer }: Task, token: Token | undefined, listener: Listener | undefined): Context {
  if (context instanceof AskingContext) return context.toward(peer.below, token, listener);
  const own = { peer: peer.below, ...(token === undefined ? {} : { token }) };
  if (listener === undefined) return extendContext(context, own);
  return extendContext(context, { ...own, notify: hearing(peer.below, token, listener) });
}

function hearing(peer: Peer, token: Token | undefined, listener: Listener): NonNullable<Context['notify']> {
  return (response) => {
    const sequence = response.options.observe;
    listener(response, { peer, token: token ?? new Uint8Array(0), sequence, at: 0, tag: undefined });
    return Promise.resolve('delivered');
  };
}

/** RFC 7252 §5.4.1. */
function refuseUnknown(task: Task, { unacceptable }: OpenedResponse): void {
  if (unacceptable === 0) return;
  throw new FormatError(`${where(task)}: the response depends on ${nameOption(unacceptable)}, which is not understood`);
}

/** Whether what went wrong is mended by other keys: the peer has none of these, or they are used up. */
function asksForKeys(error: unknown): boolean {
  if (!(error instanceof OscoreError)) return false;
  const { problem, status } = error;
  return (
    problem === 'exhausted' ||
    (problem === 'unprotected' && (status === Code.Unauthorized || status === Code.BadRequest))
  );
}

const where = ({ peer }: Task): string => `OSCORE with ${formatAddress(peer.address)}`;
const unverified = (task: Task, why: string): OscoreError =>
  new OscoreError('unverified', `${where(task)}: an answer came, but ${why}`);
const noContext = (peer: Peer): OscoreError =>
  new OscoreError('no-context', `OSCORE with ${formatAddress(peer.address)}: no context for this peer`);

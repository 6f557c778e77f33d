// The exchanges core: which request or observation a response belongs to. Peer and token decide, nothing else
// (RFC 7252 §5.3.2); an idle observation is one small object and one map entry.
import { type Core, Deadlines, type Instant, type Peer } from '@lapwing/kernel';
import { isSuccess } from '../message/code.ts';
import type { Message } from '../message/message.ts';
import { Option } from '../message/options.ts';
import type { Incoming } from '../reliability/incoming.ts';
import type { Parameters } from '../reliability/parameters.ts';
import type { Sender, Transmission } from '../reliability/transmission.ts';
import type { Failure } from './failures.ts';
import { Observation, type Observing } from './observation.ts';
import { isNewer, sequenceOf } from './observe-order.ts';
import { type Tokened, TokenTable } from './token-table.ts';
import type { TokenKey } from './tokens.ts';

/** Somebody waits for a response. */
export class Asking implements Sender, Tokened<Asking> {
  readonly peer: Peer;
  readonly token: TokenKey;
  readonly confirmable: boolean;
  /** Set where the request observes. */
  readonly observing: Observing | undefined;
  transmission: Transmission | undefined = undefined;
  lastId = -1;
  startedAt: Instant = 0;
  acknowledged = false;
  /** Came under its token before it was acknowledged, and may have been its answer all the same (RFC 7252 §5.2.2). */
  crossing: Message | undefined = undefined;
  done = false;
  nextInBucket: Asking | undefined = undefined;

  constructor(peer: Peer, token: TokenKey, confirmable: boolean, observing: Observing | undefined) {
    this.peer = peer;
    this.token = token;
    this.confirmable = confirmable;
    this.observing = observing;
  }
}

export type ExchangeInput =
  | { readonly kind: 'ask'; readonly asking: Asking; readonly bytes: Uint8Array }
  /** A response of its own; `incoming` waits to hear whether somebody wants it. */
  | { readonly kind: 'response'; readonly token: TokenKey; readonly message: Message; readonly incoming: Incoming }
  | { readonly kind: 'piggybacked'; readonly asking: Asking; readonly message: Message }
  | { readonly kind: 'acknowledged'; readonly asking: Asking }
  | { readonly kind: 'failed'; readonly asking: Asking; readonly cause: Failure }
  | { readonly kind: 'abandon'; readonly asking: Asking }
  | { readonly kind: 'expect'; readonly observation: Observation }
  | { readonly kind: 'forget'; readonly peer: Peer; readonly token: TokenKey }
  /** What is observed there comes from another place from now on. */
  | { readonly kind: 'move'; readonly from: Peer; readonly to: Peer; readonly token: TokenKey }
  | { readonly kind: 'lost'; readonly peer: Peer }
  /** Whoever waits has waited for nothing. */
  | { readonly kind: 'close' };

export type ExchangeEffect =
  | { readonly kind: 'send'; readonly asking: Asking; readonly bytes: Uint8Array }
  | { readonly kind: 'cancel'; readonly asking: Asking }
  | { readonly kind: 'answered'; readonly asking: Asking; readonly message: Message }
  | { readonly kind: 'failed'; readonly asking: Asking; readonly cause: Failure }
  | {
      readonly kind: 'notify';
      readonly observation: Observation;
      readonly message: Message;
      readonly sequence: number | undefined;
      readonly at: Instant;
    }
  /** From another place than was asked: the listener of the observation can tell whether it is his all the same. */
  | {
      readonly kind: 'elsewhere';
      readonly observation: Observation;
      readonly message: Message;
      readonly incoming: Incoming;
    }
  /** Older than the newest so far (RFC 7641 §3.4). */
  | { readonly kind: 'stale'; readonly observation: Observation }
  | { readonly kind: 'accept'; readonly incoming: Incoming }
  | {
      readonly kind: 'refuse';
      readonly incoming: Incoming;
      readonly why: 'unknown-token' | 'wrong-peer' | 'unacceptable';
    }
  /** Nobody waits any more. */
  | { readonly kind: 'closed' };

export class Exchanges implements Core<ExchangeInput, ExchangeEffect> {
  private readonly parameters: Parameters;
  private readonly open = new TokenTable<Asking>();
  private readonly observed = new TokenTable<Observation>();
  /** Made with the first observation. */
  private requests: Map<string, string> | undefined = undefined;
  private readonly answersDue = new Deadlines<Asking>();
  private readonly effects: ExchangeEffect[] = [];
  private wake: Instant | undefined = undefined;

  constructor(parameters: Parameters) {
    this.parameters = parameters;
  }

  /** Requests that wait, observations that live. */
  get sizes(): { readonly open: number; readonly observations: number } {
    return { open: this.open.size, observations: this.observed.size };
  }

  /** No token of this endpoint may be used twice at once (RFC 7252 §5.3.1). */
  isFree(token: TokenKey): boolean {
    return !this.open.has(token) && !this.observed.has(token);
  }

  /** Whoever waits for an answer with that token. */
  waiting(peer: Peer, token: TokenKey): Asking | undefined {
    return this.open.find(peer, token);
  }

  get deadline(): Instant | undefined {
    return this.wake;
  }

  handle(input: ExchangeInput, now: Instant): readonly ExchangeEffect[] {
    this.clear();
    switch (input.kind) {
      case 'ask':
        this.ask(input.asking, input.bytes, now);
        break;
      case 'response':
        this.response(input.token, input.message, input.incoming, now);
        break;
      case 'piggybacked':
        this.answer(input.asking, input.message, now);
        break;
      case 'acknowledged':
        this.acknowledged(input.asking, now);
        break;
      case 'failed':
        if (input.cause.kind === 'unacknowledged' && input.asking.crossing !== undefined) this.crossed(input.asking);
        else this.fail(input.asking, input.cause);
        break;
      case 'abandon':
        this.close(input.asking);
        if (input.asking.transmission !== undefined) this.effects.push({ kind: 'cancel', asking: input.asking });
        break;
      case 'expect':
        this.observe(input.observation);
        break;
      case 'forget':
        this.observed.remove(input.peer, input.token);
        break;
      case 'move':
        this.move(input.from, input.to, input.token);
        break;
      case 'lost':
        this.lost(input.peer);
        break;
      case 'close':
        for (const asking of this.open) this.fail(asking, { kind: 'closed' });
        this.effects.push({ kind: 'closed' });
        break;
    }
    return this.effects;
  }

  expire(now: Instant): readonly ExchangeEffect[] {
    this.clear();
    if (this.wake === undefined || this.wake > now) return this.effects;
    for (let late = this.answersDue.take(now); late !== undefined; late = this.answersDue.take(now)) {
      if (late.crossing !== undefined) {
        this.crossed(late);
        continue;
      }
      // On a connection that it was sent says nothing of its arrival.
      const wasSeen = late.acknowledged && late.peer.connection === undefined;
      this.fail(late, { kind: 'unanswered', wasSeen, waited: now - late.startedAt });
    }
    this.wake = this.answersDue.earliest;
    return this.effects;
  }

  carriedOut(): void {
    this.clear();
  }

  private clear(): void {
    for (let left = this.effects.length; left > 0; left -= 1) this.effects.pop();
  }

  private ask(asking: Asking, bytes: Uint8Array, now: Instant): void {
    asking.startedAt = now;
    this.open.put(asking);
    if (!asking.confirmable) this.answerDue(asking, now + this.parameters.nonLifetime);
    this.effects.push({ kind: 'send', asking, bytes });
  }

  private response(token: TokenKey, message: Message, incoming: Incoming, now: Instant): void {
    const { peer } = incoming;
    const unacceptable = incoming.message?.unacceptable ?? 0;
    const asking = this.open.find(peer, token);
    // Most requests observe nothing, and need no look at what is observed.
    const isPlain = asking !== undefined && asking.observing === undefined;
    const observation = isPlain ? undefined : this.observed.find(peer, token);
    if (asking !== undefined && !(observation !== undefined && isCrossing(asking, message))) {
      this.effects.push(
        unacceptable === 0 ? { kind: 'accept', incoming } : { kind: 'refuse', incoming, why: 'unacceptable' },
      );
      // An answer of its own acknowledges the request (RFC 7252 §5.2.2), also when it overtook the acknowledgement.
      if (asking.transmission !== undefined) this.effects.push({ kind: 'cancel', asking });
      if (unacceptable === 0) this.answer(asking, message, now);
      else this.fail(asking, { kind: 'unacceptable', option: unacceptable });
      return;
    }
    if (observation === undefined) {
      this.fromElsewhere(token, message, incoming);
      return;
    }
    if (unacceptable !== 0) {
      this.effects.push({ kind: 'refuse', incoming, why: 'unacceptable' });
      return;
    }
    this.effects.push({ kind: 'accept', incoming });
    // What came before the request went out is no answer to it.
    if (asking !== undefined && asking.lastId >= 0 && asking.observing?.listener.owns === undefined)
      asking.crossing = message;
    if (!keepsObserving(message)) {
      this.observed.remove(peer, token);
      this.effects.push({ kind: 'notify', observation, message, sequence: undefined, at: now });
      return;
    }
    // RFC 8323 §7.1: in a connection the numbers mean nothing, and notifications are told apart by counting them. Whoever verifies them
    // has a number of his own, that nobody on the way can change (RFC 8613 §7.4.1).
    const ordered = peer.connection !== undefined || observation.listener.owns !== undefined;
    const sequence = ordered ? observation.sequence + 1 : sequenceOf(message);
    if (sequence !== undefined) {
      if (!ordered && observation.sequence >= 0 && !isNewer(sequence, now, observation.sequence, observation.freshAt)) {
        this.effects.push({ kind: 'stale', observation });
        return;
      }
      observation.sequence = sequence;
      observation.freshAt = Math.floor(now);
    }
    this.effects.push({ kind: 'notify', observation, message, sequence, at: now });
  }

  private fromElsewhere(token: TokenKey, message: Message, incoming: Incoming): void {
    const observation = this.observed.findAnywhere(token);
    // RFC 8323 §7.4: what is observed on a connection ends with it.
    const mayMove = observation?.listener.knows !== undefined && incoming.peer.connection === undefined;
    if (observation !== undefined && mayMove && (incoming.message?.unacceptable ?? 0) === 0)
      this.effects.push({ kind: 'elsewhere', observation, message, incoming });
    else {
      const known = observation !== undefined || this.open.has(token);
      this.effects.push({ kind: 'refuse', incoming, why: known ? 'wrong-peer' : 'unknown-token' });
    }
  }

  private move(from: Peer, to: Peer, token: TokenKey): void {
    const observation = this.observed.find(from, token);
    if (observation === undefined) return;
    this.observed.remove(from, token);
    observation.peer = to;
    this.observed.put(observation);
  }

  private acknowledged(asking: Asking, now: Instant): void {
    asking.acknowledged = true;
    if (asking.done) return;
    const { exchangeLifetime, ackTimeout } = this.parameters;
    // RFC 7252 §4.8.2: a peer processes a request for as long as that, if the answer has not come already.
    this.answerDue(asking, asking.crossing === undefined ? asking.startedAt + exchangeLifetime : now + ackTimeout);
  }

  /** No other answer comes: it was the one that came before the acknowledgement. If another comes after all, it is a notification. */
  private crossed(asking: Asking): void {
    const { crossing, observing } = asking;
    if (crossing === undefined || observing === undefined || asking.done) return;
    this.close(asking);
    // Nobody knows whose number that was: the next one is newer.
    this.observe(new Observation(asking.peer, asking.token, observing));
    this.effects.push({ kind: 'answered', asking, message: crossing });
  }

  private answer(asking: Asking, message: Message, now: Instant): void {
    if (asking.done) return;
    this.close(asking);
    const { observing } = asking;
    if (observing !== undefined && keepsObserving(message)) {
      const observation = new Observation(asking.peer, asking.token, observing);
      observation.sequence = sequenceOf(message) ?? -1;
      observation.freshAt = Math.floor(now);
      this.observe(observation);
    }
    this.effects.push({ kind: 'answered', asking, message });
  }

  private observe(observation: Observation): void {
    this.requests ??= new Map();
    this.observed.put(observation.share(this.requests));
  }

  private fail(asking: Asking, cause: Failure): void {
    if (asking.done) return;
    this.close(asking);
    this.effects.push({ kind: 'failed', asking, cause });
  }

  private close(asking: Asking): void {
    asking.done = true;
    this.open.remove(asking.peer, asking.token);
    this.answersDue.delete(asking);
  }

  private lost(peer: Peer): void {
    for (const asking of this.open) if (asking.peer.key === peer.key) this.fail(asking, { kind: 'lost' });
    for (const { peer: its, token } of this.observed) if (its.key === peer.key) this.observed.remove(its, token);
  }

  private answerDue(asking: Asking, at: Instant): void {
    this.answersDue.set(asking, at);
    if (this.wake === undefined || at < this.wake) this.wake = at;
  }
}

/** RFC 7641 §3.2, §3.3: a success with the Observe option; anything else is the last word. */
function keepsObserving(message: Message): boolean {
  return isSuccess(message.code) && message.options.has(Option.Observe);
}

/**
 * Whether that is no answer to the request, but of the observation under the same token which it asks for anew. Whoever listens may know
 * what was made for it; else it is of that before the request is acknowledged, since what the peer says to the request nearly always comes
 * with the acknowledgement or after it.
 */
function isCrossing({ observing, confirmable, acknowledged, peer }: Asking, message: Message): boolean {
  if (observing === undefined || !keepsObserving(message)) return false;
  const isIts = observing.listener.owns?.(message);
  return isIts === undefined ? peer.connection === undefined && confirmable && !acknowledged : !isIts;
}

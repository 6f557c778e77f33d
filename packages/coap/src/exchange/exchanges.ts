// The exchanges core: which request or observation a response belongs to. Peer and token decide, nothing else
// (RFC 7252 §5.3.2); an idle observation is one small object and one map entry.
import { type Core, Deadlines, type Duration, type Instant, type Peer } from '@lapwing/kernel';
import { isNewer, sequenceOf } from '../layers/observe-order.ts';
import { isSuccess } from '../message/code.ts';
import type { Message, Request, Response, Token } from '../message/message.ts';
import { OptionSet } from '../message/option-set.ts';
import { Option } from '../message/options.ts';
import type { Incoming } from '../reliability/incoming.ts';
import type { Parameters } from '../reliability/parameters.ts';
import type { Sender, Transmission } from '../reliability/transmission.ts';
import { type TokenKey, tokenOfKey } from './tokens.ts';

/** What a notification belongs to. One function can serve many observations, told apart by token. */
export interface Observed {
  readonly peer: Peer;
  readonly token: Token;
  /** Value of the Observe option (RFC 7641 §3.4); undefined on the last one. */
  readonly sequence: number | undefined;
  readonly at: Instant;
}

/** Hears the notifications of observations. */
export type Listener = (response: Response, observed: Observed) => void;

/** Somebody waits for a response. */
export class Asking implements Sender {
  readonly peer: Peer;
  readonly token: TokenKey;
  readonly confirmable: boolean;
  /** Set where the request observes. */
  readonly observing: { readonly request: Request; readonly listener: Listener } | undefined;
  transmission: Transmission | undefined = undefined;
  lastId = -1;
  startedAt: Instant = 0;
  done = false;

  constructor(peer: Peer, token: TokenKey, confirmable: boolean, observing: Asking['observing']) {
    this.peer = peer;
    this.token = token;
    this.confirmable = confirmable;
    this.observing = observing;
  }
}

/** Distinct requests of observations that are kept once; beyond it they are kept anew. */
const MOST_SHARED = 256;

/** What lives on between notifications. */
export class Observation {
  readonly peer: Peer;
  readonly token: TokenKey;
  readonly listener: Listener;
  /** The request, packed; empty when it is not known. */
  private packed: string;
  /** Of the newest notification so far (RFC 7641 §3.4); -1 before the first. */
  sequence = -1;
  /** When that came, in whole ms. */
  freshAt: Instant = 0;

  constructor(peer: Peer, token: TokenKey, listener: Listener, request?: Request) {
    this.peer = peer;
    this.token = token;
    this.listener = listener;
    this.packed = request === undefined ? '' : pack(request);
  }

  /** A fleet is observed with the same few requests: each is kept once. */
  share(pool: Map<string, string>): this {
    const known = pool.get(this.packed);
    if (known !== undefined) this.packed = known;
    else {
      if (pool.size >= MOST_SHARED) pool.clear();
      pool.set(this.packed, this.packed);
    }
    return this;
  }

  /** The request that began it, if it is known. */
  get request(): Request | undefined {
    return this.packed === '' ? undefined : unpack(this.packed);
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
  | { readonly kind: 'lost'; readonly peer: Peer };

export type Failure =
  | { readonly kind: 'reset' }
  | { readonly kind: 'unacknowledged'; readonly waited: Duration }
  | { readonly kind: 'unanswered'; readonly waited: Duration }
  | { readonly kind: 'busy' }
  | { readonly kind: 'lost' }
  /** The response has a critical option that is not understood (RFC 7252 §5.4.1). */
  | { readonly kind: 'unacceptable'; readonly option: number };

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
  /** Older than the newest so far (RFC 7641 §3.4). */
  | { readonly kind: 'stale'; readonly observation: Observation }
  | { readonly kind: 'accept'; readonly incoming: Incoming }
  | {
      readonly kind: 'refuse';
      readonly incoming: Incoming;
      readonly why: 'unknown-token' | 'wrong-peer' | 'unacceptable';
    };

export class Exchanges implements Core<ExchangeInput, ExchangeEffect> {
  private readonly parameters: Parameters;
  private readonly open = new Map<string, Asking>();
  private readonly observed = new Map<string, Observation>();
  private readonly requests = new Map<string, string>();
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
    return find(this.open, peer, token);
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
        if (!input.asking.done) this.answerDue(input.asking, input.asking.startedAt + this.parameters.exchangeLifetime);
        break;
      case 'failed':
        this.fail(input.asking, input.cause);
        break;
      case 'abandon':
        this.close(input.asking);
        if (input.asking.transmission !== undefined) this.effects.push({ kind: 'cancel', asking: input.asking });
        break;
      case 'expect':
        put(this.observed, input.observation.share(this.requests));
        break;
      case 'forget':
        remove(this.observed, input.peer, input.token);
        break;
      case 'lost':
        this.lost(input.peer);
        break;
    }
    return this.effects;
  }

  expire(now: Instant): readonly ExchangeEffect[] {
    this.clear();
    if (this.wake === undefined || this.wake > now) return this.effects;
    for (let late = this.answersDue.take(now); late !== undefined; late = this.answersDue.take(now)) {
      this.fail(late, { kind: 'unanswered', waited: now - late.startedAt });
    }
    this.wake = this.answersDue.earliest;
    return this.effects;
  }

  private clear(): void {
    for (let left = this.effects.length; left > 0; left -= 1) this.effects.pop();
  }

  private ask(asking: Asking, bytes: Uint8Array, now: Instant): void {
    asking.startedAt = now;
    put(this.open, asking);
    if (!asking.confirmable) this.answerDue(asking, now + this.parameters.nonLifetime);
    this.effects.push({ kind: 'send', asking, bytes });
  }

  private response(token: TokenKey, message: Message, incoming: Incoming, now: Instant): void {
    const { peer } = incoming;
    const unacceptable = incoming.message?.unacceptable ?? 0;
    const asking = find(this.open, peer, token);
    if (asking !== undefined) {
      this.effects.push(
        unacceptable === 0 ? { kind: 'accept', incoming } : { kind: 'refuse', incoming, why: 'unacceptable' },
      );
      // An answer of its own acknowledges the request (RFC 7252 §5.2.2), also when it overtook the acknowledgement.
      if (asking.transmission !== undefined) this.effects.push({ kind: 'cancel', asking });
      if (unacceptable === 0) this.answer(asking, message, now);
      else this.fail(asking, { kind: 'unacceptable', option: unacceptable });
      return;
    }
    const observation = find(this.observed, peer, token);
    if (observation === undefined) {
      const known = this.open.has(token) || this.observed.has(token);
      this.effects.push({ kind: 'refuse', incoming, why: known ? 'wrong-peer' : 'unknown-token' });
      return;
    }
    if (unacceptable !== 0) {
      this.effects.push({ kind: 'refuse', incoming, why: 'unacceptable' });
      return;
    }
    this.effects.push({ kind: 'accept', incoming });
    if (!keepsObserving(message)) {
      remove(this.observed, peer, token);
      this.effects.push({ kind: 'notify', observation, message, sequence: undefined, at: now });
      return;
    }
    // RFC 8323 §7.1: in a connection the numbers mean nothing, and notifications are told apart by counting them.
    const ordered = peer.connection !== undefined;
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

  private answer(asking: Asking, message: Message, now: Instant): void {
    if (asking.done) return;
    this.close(asking);
    const { observing } = asking;
    if (observing !== undefined && keepsObserving(message)) {
      const observation = new Observation(asking.peer, asking.token, observing.listener, observing.request);
      observation.sequence = sequenceOf(message) ?? -1;
      observation.freshAt = Math.floor(now);
      put(this.observed, observation.share(this.requests));
    }
    this.effects.push({ kind: 'answered', asking, message });
  }

  private fail(asking: Asking, cause: Failure): void {
    if (asking.done) return;
    this.close(asking);
    this.effects.push({ kind: 'failed', asking, cause });
  }

  private close(asking: Asking): void {
    asking.done = true;
    remove(this.open, asking.peer, asking.token);
    this.answersDue.delete(asking);
  }

  private lost(peer: Peer): void {
    for (const asking of [...this.open.values()]) if (asking.peer.key === peer.key) this.fail(asking, { kind: 'lost' });
    for (const [key, observation] of this.observed) if (observation.peer.key === peer.key) this.observed.delete(key);
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

// Our own tokens are random and thus keys by themselves. A caller may use one token with two peers:
// whoever comes second is found under its peer too.

interface Named {
  readonly peer: Peer;
  readonly token: TokenKey;
}

const longKey = (peer: Peer, token: TokenKey): string => `${token}|${peer.key}`;

function put<T extends Named>(map: Map<string, T>, item: T): void {
  const there = map.get(item.token);
  map.set(there === undefined || there.peer.key === item.peer.key ? item.token : longKey(item.peer, item.token), item);
}

function find<T extends Named>(map: ReadonlyMap<string, T>, peer: Peer, token: TokenKey): T | undefined {
  const there = map.get(token);
  return there?.peer.key === peer.key ? there : map.get(longKey(peer, token));
}

function remove<T extends Named>(map: Map<string, T>, peer: Peer, token: TokenKey): void {
  if (map.get(token)?.peer.key === peer.key) map.delete(token);
  else map.delete(longKey(peer, token));
}

// A request as a string of one character for each byte: a fifth of what its objects take.

function pack(request: Request): string {
  const options = request.options.encoded;
  const bytes = Buffer.allocUnsafe(3 + options.length + request.payload.length);
  bytes[0] = request.code;
  bytes.writeUInt16BE(options.length, 1);
  bytes.set(options, 3);
  bytes.set(request.payload, 3 + options.length);
  return bytes.toString('latin1');
}

function unpack(packed: string): Request {
  const end = 3 + packed.charCodeAt(1) * 256 + packed.charCodeAt(2);
  const options = tokenOfKey(packed.slice(3, end));
  return {
    code: packed.charCodeAt(0),
    options: OptionSet.view(options, 0, options.length),
    payload: tokenOfKey(packed.slice(end)),
  };
}

// Relations: who observes what here (RFC 7641 §1.2). A relation begins with a success that carries the Observe option
// and ends with a reset, silence, a new request with its token, or a notification that is none.
// Non-confirmable notifications are interspersed with confirmable ones often enough to notice who has left (§4.5).
import { type Duration, hours, type Instant, minutes, type Peer } from '@lapwing/kernel';
import { type Response, Type } from '../message/message.ts';
import { Option } from '../message/options.ts';
import { type AnswerHead, answerHead, encodeMessage, type ReceivedMessage } from '../message/udp.ts';
import type { Sender, Transmission } from '../reliability/transmission.ts';
import type { ServedContext } from './contexts.ts';
import type { NotifyOptions } from './service.ts';
import { keyOfToken, type TokenKey } from './tokens.ts';

export interface NotifyPolicy {
  /** At latest every so many notifications to one observer is confirmable; default 100. */
  readonly confirmEvery: number;
  /** At latest so long after the last confirmable one, in ms; default 120 000, never more than 24 h (RFC 7641 §4.5). */
  readonly confirmAfter: Duration;
  /** Relations that one peer may have; default 128. What comes above is answered without Observe. */
  readonly relationsPerPeer: number;
}

export const notifyPolicy: NotifyPolicy = { confirmEvery: 100, confirmAfter: minutes(2), relationsPerPeer: 128 };

const LONGEST_SILENCE = hours(24);

/** The number on the first response: also before notifications that were faster than it. */
export const FIRST_SEQUENCE = 1;

/** An observation of a peer, for an endpoint that takes the place of the one where it began. */
export interface KeptRelation {
  /** The bytes of the message with which it began. */
  readonly request: Uint8Array;
  /** Of its newest state, or above it (RFC 7641 §4.4). */
  readonly sequence: number;
  /** Non-confirmable notifications since a confirmable one, and when that was; default none since now. */
  readonly confirmed?: { readonly ago: number; readonly at: Instant };
}

interface Pending {
  readonly resolve: (outcome: 'delivered' | 'superseded') => void;
  readonly reject: (reason: unknown) => void;
}

interface Early extends Pending {
  readonly response: Response;
  readonly options: NotifyOptions;
}

export class Relation implements Sender {
  readonly peer: Peer;
  /** Whose token notifications carry. */
  readonly head: AnswerHead;
  readonly key: TokenKey;
  phase: 'new' | 'live' | 'ended' = 'new';
  transmission: Transmission | undefined = undefined;
  lastId = -1;
  /** The number of its newest notification; goes on from those of the relation that it replaces (RFC 7641 §4.4). */
  sequence: number | undefined;
  /** What its service holds. */
  context: ServedContext | undefined = undefined;
  /** Why it ended. */
  cause: Error | undefined = undefined;
  /** The notification whose fate is open. */
  pending: Pending | undefined = undefined;
  /** A notification before the first response. */
  early: Early | undefined = undefined;
  private sinceConfirmed = 0;
  private confirmedAt: Instant;

  constructor(peer: Peer, request: ReceivedMessage, now: Instant, sequence: number | undefined) {
    this.peer = peer;
    this.sequence = sequence;
    this.head = answerHead(request);
    this.key = keyOfToken(request.token);
    this.confirmedAt = now;
  }

  /** Whether the next notification goes out confirmable; counts it as sent. */
  confirmsNext(type: NotifyOptions['type'], policy: NotifyPolicy, now: Instant): boolean {
    const confirmed =
      type === 'con' ||
      this.sinceConfirmed + 1 >= policy.confirmEvery ||
      now - this.confirmedAt >= Math.min(policy.confirmAfter, LONGEST_SILENCE);
    // RFC 7641 §4.5 leaves no choice about one in 24 hours; an explicit 'non' overrules the rest.
    const confirmable = type === 'non' ? now - this.confirmedAt >= LONGEST_SILENCE : confirmed;
    if (confirmable) {
      this.sinceConfirmed = 0;
      this.confirmedAt = now;
    } else this.sinceConfirmed += 1;
    return confirmable;
  }

  /** Undefined while something of it is under way, and for one whose request is more than a message. */
  keep(): KeptRelation | undefined {
    const request = this.context?.request;
    const isQuiet = this.phase === 'live' && this.transmission === undefined && this.pending === undefined;
    if (!isQuiet || request === undefined || request.options.has(Option.Block1)) return undefined;
    const { token, code, options, payload } = request;
    return {
      request: encodeMessage({ type: Type.Non, id: 0, token, code, options, payload }),
      sequence: this.sequence ?? FIRST_SEQUENCE,
      confirmed: { ago: this.sinceConfirmed, at: this.confirmedAt },
    };
  }

  /** As it was kept. */
  recall({ sequence, confirmed }: KeptRelation): void {
    this.sequence = sequence;
    if (confirmed === undefined) return;
    this.sinceConfirmed = confirmed.ago;
    this.confirmedAt = confirmed.at;
  }

  /** Takes the place of a notification whose fate is open. */
  supersede(pending: Pending | undefined): void {
    this.pending?.resolve('superseded');
    this.pending = pending;
  }

  delivered(): void {
    this.pending?.resolve('delivered');
    this.pending = undefined;
  }

  /** Rejects what is pending; further notifications are refused with the same cause. */
  end(cause: Error): void {
    if (this.phase === 'ended') return;
    this.phase = 'ended';
    this.cause = cause;
    this.pending?.reject(cause);
    this.pending = undefined;
    this.early?.reject(cause);
    this.early = undefined;
  }
}

/** The live relations, by peer and token. */
export class Relations {
  private readonly peers = new Map<string, Map<TokenKey, Relation>>();
  private count = 0;

  get size(): number {
    return this.count;
  }

  of(peer: Peer): number {
    return this.peers.get(peer.key)?.size ?? 0;
  }

  find(peer: Peer, key: TokenKey): Relation | undefined {
    return this.peers.get(peer.key)?.get(key);
  }

  add(relation: Relation): void {
    let own = this.peers.get(relation.peer.key);
    if (own === undefined) {
      own = new Map();
      this.peers.set(relation.peer.key, own);
    }
    if (!own.has(relation.key)) this.count += 1;
    own.set(relation.key, relation);
  }

  remove(relation: Relation): void {
    const own = this.peers.get(relation.peer.key);
    if (own?.get(relation.key) !== relation) return;
    own.delete(relation.key);
    this.count -= 1;
    if (own.size === 0) this.peers.delete(relation.peer.key);
  }

  allOf(peer: Peer): readonly Relation[] {
    return [...(this.peers.get(peer.key)?.values() ?? [])];
  }

  all(): readonly Relation[] {
    return [...this.peers.values()].flatMap((own) => [...own.values()]);
  }
}

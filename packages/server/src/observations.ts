// Observations that this server holds: one record for each device and path or set of paths, which comes back with every notification.
// A repeated observe of a path keeps its token, so that the device replaces the relation instead of adding one (RFC 7641 §3.1).
import { Code, type Observed, ResetError, type Response, type Token } from '@lapwing/coap';
import { ClosedError, FormatError, LimitError, type Peer } from '@lapwing/kernel';
import type { ContentResult, Result } from '@lapwing/lwm2m';
import type { Underway } from './commands.ts';
import type { Contact } from './contact.ts';
import type { PerformOptions } from './device.ts';
import type { ServerEvents } from './events.ts';
import type { Exchange, Observer } from './exchange.ts';
import {
  type CancelOperation,
  CompositeRelation,
  isOfSame,
  isRelation,
  keyOfToken,
  type Live,
  ObservationRecord,
  type ObserveOperation,
  PartRecord,
  pathsOf,
  type Relation,
  relationsOf,
  tokenOf,
} from './observation-record.ts';
import { OperationPool } from './operation-pool.ts';
import type { Settings } from './options.ts';
import { isSamePlace } from './registration/identity.ts';
import { newsFor } from './sharing.ts';
import type { Telling } from './telling.ts';
import { Watch } from './watch.ts';

export interface ObservationEvents extends Pick<Telling, 'emit'> {
  ended(event: ServerEvents['observation-ended']): void;
  /** A notification has proved that the device is there now. */
  moved(contact: Contact, peer: Peer): void;
  /** Fewer want it than the device was asked for: it is to hear of that, by `narrow`, when it is awake. */
  narrowed(relation: CompositeRelation): void;
}

/** One of several that are asked for together. */
export interface Wanted {
  readonly operation: ObserveOperation;
  readonly tag: unknown;
}

type EndCause = ServerEvents['observation-ended']['cause'];
type Refusal = Extract<Result, { kind: 'refused' }>;

/** Requests to cancel one observation. */
const mostTries = 3;

export class Observations {
  private readonly exchange: Exchange;
  private readonly events: ObservationEvents;
  private readonly heard: (contact: Contact) => void;
  private readonly settings: Pick<Settings, 'limits' | 'unmarkedObserve'>;
  private held = 0;
  /** Those whose first answer is still to come: their token is in use. */
  private readonly asked = new Set<Relation>();
  private readonly operations = new OperationPool();
  private made = 0;

  /** `heard` is told of every notification's sender. */
  constructor(
    exchange: Exchange,
    events: ObservationEvents,
    heard: (contact: Contact) => void,
    settings: Pick<Settings, 'limits' | 'unmarkedObserve'>,
  ) {
    this.exchange = exchange;
    this.events = events;
    this.heard = heard;
    this.settings = settings;
  }

  get size(): number {
    return this.held;
  }

  of(contact: Contact): ObservationRecord[] {
    const records: ObservationRecord[] = [];
    for (let record = contact.observations; record !== undefined; record = record.next) records.push(record);
    return records.reverse();
  }

  private refuseBeyondLimit(contact: Contact, more: number): void {
    const { observations: most } = this.settings.limits;
    if (this.of(contact).length + more > most)
      throw new LimitError(`${contact.registration.name}: ${most} observations already`, most);
  }

  async observe(
    contact: Contact,
    operation: ObserveOperation,
    { tag, acknowledged }: Pick<PerformOptions, 'tag' | 'acknowledged'>,
    command: Underway,
  ): Promise<Result> {
    const before = this.find(contact, operation);
    if (before === undefined) this.refuseBeyondLimit(contact, 1);
    else this.exchange.requestOf(contact, operation);
    // The token of a part belongs to the others too.
    const isFree = before !== undefined && !(before instanceof PartRecord) && !this.asked.has(before);
    const key = isFree ? before.key : keyOfToken(contact.endpoint.freshToken());
    if (before !== undefined) this.end(before, 'replaced', undefined, isFree);
    this.made += 1;
    const record = new ObservationRecord(this.made, this.operations.shared(operation), key, tag, contact);
    // Known before the answer: a notification may overtake what follows it in this function.
    this.remember(record);
    this.asked.add(record);
    try {
      const options = { token: tokenOf(record), observing: this.observing(record), acknowledged };
      const result = await this.exchange.send(contact, record.operation, command, options);
      if (record.ended) contact.endpoint.forget(contact.registration.peer, options.token);
      else if (!this.isBegun(record, result)) this.end(record, 'refused');
      return result;
    } catch (error) {
      this.end(record, 'refused');
      throw error;
    } finally {
      this.asked.delete(record);
    }
  }

  /** A success without the Observe option begins no observation (RFC 7641 §3.1), unless that is told to be how devices are. */
  private isBegun(record: ObservationRecord, result: Result): boolean {
    if (result.kind !== 'content' || result.sequence !== undefined) return result.kind === 'content';
    const { contact } = record;
    // Under OSCORE notifications are tied to a request that is forgotten.
    if (this.settings.unmarkedObserve === 'over' || contact.registration.peer.identity.kind === 'oscore') return false;
    this.exchange.resume(contact, record.operation, tokenOf(record), this.observing(record));
    return true;
  }

  /**
   * Several paths in one composite (Core 1.2.1 §6.4.3). What each has now, in their order, undefined where there is nothing; undefined in
   * all when the device does not agree, and each has to be asked for by itself. Rejects as `observe`.
   */
  async observeTogether(
    contact: Contact,
    wanted: readonly Wanted[],
    command: Underway,
  ): Promise<readonly (ContentResult | undefined)[] | undefined> {
    this.refuseBeyondLimit(contact, wanted.length);
    const relation = this.makeRelation(contact, wanted, keyOfToken(contact.endpoint.freshToken()));
    const parts = [...relation.parts];
    this.asked.add(relation);
    try {
      const options = { token: tokenOf(relation), observing: this.observing(relation) };
      const result = await this.exchange.send(contact, relation.operation, command, options);
      if (relation.ended) contact.endpoint.forget(contact.registration.peer, options.token);
      if (result.kind !== 'content' || result.sequence === undefined) {
        this.endRelation(relation, 'refused');
        return undefined;
      }
      return parts.map((part) => {
        const { share, isGone } = newsFor(part, result);
        part.told = share.entries;
        if (isGone) this.end(part, 'refused');
        return part.ended ? undefined : share;
      });
    } catch (error) {
      this.endRelation(relation, 'refused');
      if (error instanceof FormatError || error instanceof ResetError) return undefined;
      throw error;
    } finally {
      this.asked.delete(relation);
    }
  }

  private makeRelation(contact: Contact, wanted: readonly Wanted[], key: string): CompositeRelation {
    const relation = new CompositeRelation(
      key,
      contact,
      wanted.flatMap(({ operation }) => pathsOf(operation)),
    );
    for (const { operation, tag } of wanted) {
      const before = this.find(contact, operation);
      if (before !== undefined) this.end(before, 'replaced');
      this.made += 1;
      this.remember(new PartRecord(this.made, this.operations.shared(operation), tag, relation));
    }
    return relation;
  }

  /** Ends here at once, whatever the device says: its next notification would be answered with a reset. */
  async cancel(contact: Contact, operation: CancelOperation, command: Underway): Promise<Result> {
    const record = this.find(contact, operation);
    if (record === undefined) return this.exchange.send(contact, operation, command);
    const isLast = !(record instanceof PartRecord) || record.relation.parts.length === 1;
    const relation = record instanceof PartRecord ? record.relation : record;
    this.end(record, 'cancelled');
    // The others go on: the device hears later that it is asked for less, and says now what there is.
    if (!isLast) return this.exchange.send(contact, operation, command);
    const token = tokenOf(relation);
    if (this.asked.has(relation)) {
      const reason = new ClosedError('cancelled before it was answered');
      contact.endpoint.abandon(contact.registration.peer, token, reason);
    }
    const cancel = relation instanceof CompositeRelation ? cancelOf(relation) : operation;
    for (let tries = 1; ; tries += 1) {
      const result = await this.exchange.send(contact, cancel, command, { token });
      // One with a number is no answer but a last notification that was quicker: the request may not have arrived.
      if (result.kind !== 'content' || result.sequence === undefined || tries === mostTries) return result;
    }
  }

  /**
   * What was observed before a restart, under its old token: the device does not know that there was one. False where that cannot
   * be: under OSCORE nobody knows any more which notification is the newest (RFC 8613 Appendix B.1.3).
   */
  takeUp(contact: Contact, operation: ObserveOperation, token: Token, tag: unknown): boolean {
    if (contact.registration.peer.identity.kind === 'oscore') return false;
    this.made += 1;
    const record = new ObservationRecord(this.made, this.operations.shared(operation), keyOfToken(token), tag, contact);
    this.remember(record);
    this.exchange.resume(contact, record.operation, token, this.observing(record));
    return true;
  }

  /** As `takeUp`, for several that share a relation. */
  takeUpTogether(contact: Contact, wanted: readonly Wanted[], token: Token): boolean {
    if (contact.registration.peer.identity.kind === 'oscore') return false;
    const relation = this.makeRelation(contact, wanted, keyOfToken(token));
    this.exchange.resume(contact, relation.operation, token, this.observing(relation));
    return true;
  }

  /** The live observation of that path. */
  live(contact: Contact, operation: ObserveOperation): Live | undefined {
    const observation = this.find(contact, operation);
    if (observation === undefined) return undefined;
    return { observation, token: tokenOf(observation), shared: observation instanceof PartRecord };
  }

  /** The registration ended, and with it whatever was observed. */
  endAll(contact: Contact): void {
    for (const record of this.of(contact)) this.end(record, 'registration-ended');
  }

  /**
   * The device speaks from another address now, and with the right to do so: what it is observed for goes on there. Where that is a new
   * connection the device has forgotten it with the old one (RFC 8323 §7.4), as it may with an association below OSCORE: returns what is
   * to be asked for anew.
   */
  follow(contact: Contact, previous: Peer): readonly Relation[] {
    const { peer } = contact.registration;
    const isProtected = peer.identity.kind === 'oscore';
    const { connection, identity } = peer.below ?? peer;
    const relations = relationsOf(this.of(contact));
    if (connection !== undefined) return relations;
    if (isProtected && identity.kind !== 'none') {
      for (const relation of relations) contact.endpoint.forget(previous, tokenOf(relation));
      return relations;
    }
    for (const relation of relations) {
      if (this.asked.has(relation)) continue;
      const token = tokenOf(relation);
      // Only the endpoint knows what ties its notifications to a protected request (RFC 8613 §8.4).
      if (isProtected) {
        contact.endpoint.move(previous, peer, token);
        continue;
      }
      contact.endpoint.forget(previous, token);
      this.exchange.resume(contact, relation.operation, token, this.observing(relation));
    }
    return [];
  }

  /** Asks for it again on a new connection; its answer is a state like any other. */
  async renew(
    contact: Contact,
    relation: Relation,
    command: Underway,
    tell: 'state' | 'news' = 'state',
  ): Promise<void> {
    if (relation.ended || this.asked.has(relation)) return;
    this.asked.add(relation);
    if (relation instanceof CompositeRelation) relation.narrow();
    try {
      const options = { token: tokenOf(relation), observing: this.observing(relation) };
      const result = await this.exchange.send(contact, relation.operation, command, options);
      if (relation.ended) contact.endpoint.forget(contact.registration.peer, options.token);
      else if (result.kind !== 'content' || result.sequence === undefined) this.endRelation(relation, 'refused');
      else this.tell(relation, result, tell);
    } catch {
      // Not sent, or not answered: there is no observation any more. The next registration may bring another.
      this.endRelation(relation, 'refused');
    } finally {
      this.asked.delete(relation);
    }
  }

  /** Some of those who shared it want it no more: the device is asked for what is left, under the same token, or to end it. */
  async narrow(contact: Contact, relation: CompositeRelation, command: Underway): Promise<void> {
    if (!relation.ended) await this.renew(contact, relation, command, 'news');
    else await this.exchange.send(contact, cancelOf(relation), command, { token: tokenOf(relation) });
  }

  /** One listener hears for all; whom it hears is on the tag. */
  private observing(relation: Relation): Observer {
    return { listener: this.notified, tag: relation };
  }

  private readonly notified = (response: Response, { tag, sequence, peer }: Observed): void => {
    if (!isRelation(tag) || tag.ended) return;
    const relation = tag;
    const { contact } = relation;
    this.heard(contact);
    if (peer.below !== undefined && !isSamePlace(contact.record.peer, peer)) this.events.moved(contact, peer);
    const { registration } = contact;
    let result: Result | undefined;
    try {
      result = this.exchange.read(contact, relation.operation, response);
    } catch (error) {
      const numbered = sequence === undefined ? {} : { sequence };
      for (const observation of relation instanceof CompositeRelation ? relation.parts : [relation])
        this.events.emit('notify-failed', { registration, observation, error: error as Error, ...numbered });
    }
    if (result?.kind === 'content') {
      this.tell(relation, sequence === undefined ? result : { ...result, sequence });
    }
    // RFC 7641 §3.2: an error, or a notification without a number, is the last.
    if (result?.kind === 'refused') this.endRelation(relation, 'refused', result);
    else if (sequence === undefined) this.endRelation(relation, 'refused');
  };

  private tell(relation: Relation, result: ContentResult, what: 'state' | 'news' = 'state'): void {
    if (relation instanceof CompositeRelation) this.deal(relation, result, what);
    else this.tellOne(relation, result);
  }

  /** Those hear it for whom there is news; where the device says nothing new to anybody, as it does at pmax, all do. */
  private deal(relation: CompositeRelation, result: ContentResult, what: 'state' | 'news'): void {
    const dealt = relation.parts.map((part) => ({ part, ...newsFor(part, result) }));
    const hasNews = what === 'news' || dealt.some(({ isNews }) => isNews);
    for (const { part, share, isNews, isGone } of dealt) {
      if (hasNews && !isNews) continue;
      part.told = share.entries;
      // By itself the device would have ended it with this answer.
      if (isGone) this.end(part, 'refused', { kind: 'refused', code: Code.NotFound });
      else this.tellOne(part, share);
    }
  }

  private tellOne(record: ObservationRecord, result: ContentResult): void {
    if (record.tag instanceof Watch) record.tag.put(result);
    this.events.emit('notify', { registration: record.contact.registration, observation: record, result });
  }

  private find(contact: Contact, operation: ObserveOperation | CancelOperation): ObservationRecord | undefined {
    let record = contact.observations;
    while (record !== undefined && !isOfSame(record.operation, operation)) record = record.next;
    return record;
  }

  private remember(record: ObservationRecord): void {
    this.held += 1;
    record.next = record.contact.observations;
    record.contact.observations = record;
  }

  private endRelation(relation: Relation, cause: EndCause, refusal?: Refusal): void {
    const records = relation instanceof CompositeRelation ? [...relation.parts] : [relation];
    for (const record of records) this.end(record, cause, refusal);
  }

  /** `keepsToken`: what comes under it is still to be acknowledged, for the one that follows. */
  private end(record: ObservationRecord, cause: EndCause, refusal?: Refusal, keepsToken = false): void {
    if (record.ended) return;
    const { contact } = record;
    record.ended = true;
    this.held -= 1;
    if (record instanceof PartRecord) this.leave(record, cause);
    else if (!keepsToken) contact.endpoint.forget(contact.registration.peer, tokenOf(record));
    if (contact.observations === record) contact.observations = record.next;
    else {
      for (let each = contact.observations; each !== undefined; each = each.next)
        if (each.next === record) each.next = record.next;
    }
    // What lasts ends when nobody wants it any more.
    const goesOn = cause === 'registration-ended' || cause === 'refused';
    if (record.tag instanceof Watch && !(record.tag.isLasting && goesOn)) record.tag.end();
    this.events.ended({ observation: record, cause, ...(refusal === undefined ? {} : { refusal }) });
  }

  /** The relation goes on for the others; with the last it ends. */
  private leave({ relation, contact }: PartRecord, cause: EndCause): void {
    relation.parts.splice(0, relation.parts.length, ...relation.parts.filter((part) => !part.ended));
    const isOver = relation.parts.length === 0;
    if (isOver) {
      relation.ended = true;
      contact.endpoint.forget(contact.registration.peer, tokenOf(relation));
    }
    // The last one that is cancelled takes the relation with it.
    if (cause === 'replaced' || (cause === 'cancelled' && !isOver)) this.events.narrowed(relation);
  }
}

const cancelOf = ({ paths }: CompositeRelation): CancelOperation => ({ op: 'cancel-observe-composite', paths });

// Observations that this server holds: one record for each device and path or set of paths, which comes back with every notification. A repeated observe of a path
// keeps its token, so that the device replaces the relation instead of adding one (RFC 7641 §3.1).
// A fleet has as many records as devices: a record is numbers and references, and its token one short string.
import type { Observed, Response, Token } from '@lapwing/coap';
import { LimitError, latin1At, type Peer } from '@lapwing/kernel';
import {
  baseOf,
  type ContentResult,
  equalPaths,
  formatPath,
  type Operation,
  type Path,
  type Result,
} from '@lapwing/lwm2m';
import type { Underway } from './commands.ts';
import type { Contact } from './contact.ts';
import type { PerformOptions } from './device.ts';
import type { Observation, ServerEvents } from './events.ts';
import type { Exchange, Observer } from './exchange.ts';
import { isSamePlace } from './registration/identity.ts';
import type { Telling } from './telling.ts';
import { Watch } from './watch.ts';

export type ObserveOperation = Extract<Operation, { op: 'observe' | 'observe-composite' }>;
export type CancelOperation = Extract<Operation, { op: 'cancel-observe' | 'cancel-observe-composite' }>;

export interface ObservationEvents extends Pick<Telling, 'emit'> {
  ended(event: ServerEvents['observation-ended']): void;
  /** A notification has proved that the device is there now. */
  moved(contact: Contact, peer: Peer): void;
}

export class ObservationRecord implements Observation {
  readonly id: number;
  readonly operation: ObserveOperation;
  /** The token, one character for each byte. */
  readonly key: string;
  readonly tag: unknown;
  readonly contact: Contact;
  /** The one before it on the same device. */
  next: ObservationRecord | undefined;
  ended: boolean;

  constructor(id: number, operation: ObserveOperation, key: string, tag: unknown, contact: Contact) {
    this.id = id;
    this.operation = operation;
    this.key = key;
    this.tag = tag;
    this.contact = contact;
    this.next = undefined;
    this.ended = false;
  }

  get name(): string {
    return this.contact.registration.name;
  }

  get path(): Path {
    return baseOf(this.operation);
  }

  get paths(): readonly Path[] {
    return pathsOf(this.operation);
  }
}

type EndCause = ServerEvents['observation-ended']['cause'];

/** Requests to cancel one observation. */
const mostTries = 3;
/** Distinct operations remembered; beyond it they are remembered anew. */
const capacity = 1024;

export class Observations {
  private readonly exchange: Exchange;
  private readonly events: ObservationEvents;
  private readonly heard: (contact: Contact) => void;
  private readonly limit: number;
  private held = 0;
  /** Those whose first answer is still to come: their token is in use. */
  private readonly asked = new Set<ObservationRecord>();
  /** Fleets are observed at the same few paths: one operation serves all devices. */
  private readonly operations = new Map<string, ObserveOperation>();
  private made = 0;

  /** `limit` is the number for one device; `heard` is told of every notification's sender. */
  constructor(exchange: Exchange, events: ObservationEvents, heard: (contact: Contact) => void, limit: number) {
    this.exchange = exchange;
    this.events = events;
    this.heard = heard;
    this.limit = limit;
  }

  get size(): number {
    return this.held;
  }

  of(contact: Contact): ObservationRecord[] {
    const records: ObservationRecord[] = [];
    for (let record = contact.observations; record !== undefined; record = record.next) records.push(record);
    return records.reverse();
  }

  async observe(
    contact: Contact,
    operation: ObserveOperation,
    { tag, acknowledged }: Pick<PerformOptions, 'tag' | 'acknowledged'>,
    command: Underway,
  ): Promise<Result> {
    const before = this.find(contact, operation);
    if (before === undefined && this.of(contact).length >= this.limit) {
      throw new LimitError(`${contact.registration.name}: ${this.limit} observations already`, this.limit);
    }
    const key = before === undefined || this.asked.has(before) ? keyOfToken(contact.endpoint.freshToken()) : before.key;
    if (before !== undefined) this.end(before, 'replaced');
    this.made += 1;
    const record = new ObservationRecord(this.made, this.shared(operation), key, tag, contact);
    // Known before the answer: a notification may overtake what follows it in this function.
    this.remember(record);
    this.asked.add(record);
    try {
      const options = { token: tokenOf(record), observing: this.observing(record), acknowledged };
      const result = await this.exchange.send(contact, record.operation, command, options);
      if (record.ended) contact.endpoint.forget(contact.registration.peer, options.token);
      else if (result.kind !== 'content' || result.sequence === undefined) this.end(record, 'refused');
      return result;
    } catch (error) {
      this.end(record, 'refused');
      throw error;
    } finally {
      this.asked.delete(record);
    }
  }

  /** Ends here at once, whatever the device says: its next notification would be answered with a reset. */
  async cancel(contact: Contact, operation: CancelOperation, command: Underway): Promise<Result> {
    const record = this.find(contact, operation);
    if (record === undefined) return this.exchange.send(contact, operation, command);
    this.end(record, 'cancelled');
    const token = tokenOf(record);
    for (let tries = 1; ; tries += 1) {
      const result = await this.exchange.send(contact, operation, command, { token });
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
    const record = new ObservationRecord(this.made, this.shared(operation), keyOfToken(token), tag, contact);
    this.remember(record);
    this.exchange.resume(contact, record.operation, token, this.observing(record));
    return true;
  }

  /** The live observation of that path, and its token. */
  live(
    contact: Contact,
    operation: ObserveOperation,
  ): { readonly observation: ObservationRecord; readonly token: Token } | undefined {
    const observation = this.find(contact, operation);
    return observation === undefined ? undefined : { observation, token: tokenOf(observation) };
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
  follow(contact: Contact, previous: Peer): readonly ObservationRecord[] {
    const { peer } = contact.registration;
    const isProtected = peer.identity.kind === 'oscore';
    const { connection, identity } = peer.below ?? peer;
    if (connection !== undefined) return this.of(contact);
    if (isProtected && identity.kind !== 'none') {
      for (const record of this.of(contact)) contact.endpoint.forget(previous, tokenOf(record));
      return this.of(contact);
    }
    for (const record of this.of(contact)) {
      if (this.asked.has(record)) continue;
      const token = tokenOf(record);
      // Only the endpoint knows what ties its notifications to a protected request (RFC 8613 §8.4).
      if (isProtected) {
        contact.endpoint.move(previous, peer, token);
        continue;
      }
      contact.endpoint.forget(previous, token);
      this.exchange.resume(contact, record.operation, token, this.observing(record));
    }
    return [];
  }

  /** Asks for it again on a new connection; its answer is a state like any other. */
  async renew(contact: Contact, record: ObservationRecord, command: Underway): Promise<void> {
    if (record.ended || this.asked.has(record)) return;
    this.asked.add(record);
    try {
      const options = { token: tokenOf(record), observing: this.observing(record) };
      const result = await this.exchange.send(contact, record.operation, command, options);
      if (record.ended) contact.endpoint.forget(contact.registration.peer, options.token);
      else if (result.kind !== 'content' || result.sequence === undefined) this.end(record, 'refused');
      else this.tell(record, result);
    } catch {
      // Not sent, or not answered: there is no observation any more. The next registration may bring another.
      this.end(record, 'refused');
    } finally {
      this.asked.delete(record);
    }
  }

  /** One listener hears for all; whom it hears is on the tag. */
  private observing(record: ObservationRecord): Observer {
    return { listener: this.notified, tag: record };
  }

  private readonly notified = (response: Response, { tag, sequence, peer }: Observed): void => {
    if (!(tag instanceof ObservationRecord) || tag.ended) return;
    const record = tag;
    const { contact } = record;
    this.heard(contact);
    if (peer.below !== undefined && !isSamePlace(contact.record.peer, peer)) this.events.moved(contact, peer);
    const { registration } = contact;
    let result: Result | undefined;
    try {
      result = this.exchange.read(contact, record.operation, response);
    } catch (error) {
      const numbered = sequence === undefined ? {} : { sequence };
      this.events.emit('notify-failed', { registration, observation: record, error: error as Error, ...numbered });
    }
    if (result?.kind === 'content') {
      this.tell(record, sequence === undefined ? result : { ...result, sequence });
    }
    // RFC 7641 §3.2: an error, or a notification without a number, is the last.
    if (result?.kind === 'refused') this.end(record, 'refused', result);
    else if (sequence === undefined) this.end(record, 'refused');
  };

  private tell(record: ObservationRecord, result: ContentResult): void {
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

  private end(record: ObservationRecord, cause: EndCause, refusal?: Extract<Result, { kind: 'refused' }>): void {
    if (record.ended) return;
    const { contact } = record;
    record.ended = true;
    this.held -= 1;
    contact.endpoint.forget(contact.registration.peer, tokenOf(record));
    if (contact.observations === record) contact.observations = record.next;
    else {
      for (let each = contact.observations; each !== undefined; each = each.next)
        if (each.next === record) each.next = record.next;
    }
    // What lasts ends when nobody wants it any more.
    const goesOn = cause === 'registration-ended' || cause === 'refused';
    if (record.tag instanceof Watch && !(record.tag.isLasting && goesOn)) record.tag.end();
    this.events.ended({
      observation: record,
      cause,
      ...(refusal === undefined ? {} : { refusal }),
    });
  }

  private shared(operation: ObserveOperation): ObserveOperation {
    if (operation.attributes !== undefined) return operation;
    const key = `${operation.op} ${pathsOf(operation).map(formatPath).join()} ${operation.accept ?? ''} ${'format' in operation ? operation.format : ''}`;
    const known = this.operations.get(key);
    if (known !== undefined) return known;
    if (this.operations.size >= capacity) this.operations.clear();
    this.operations.set(key, operation);
    return operation;
  }
}

export const isCancel = (operation: Operation): operation is CancelOperation =>
  operation.op === 'cancel-observe' || operation.op === 'cancel-observe-composite';

export const pathsOf = (operation: ObserveOperation | CancelOperation): readonly Path[] =>
  'path' in operation ? [operation.path] : operation.paths;

/** The same path, or the same paths in whatever order. */
function isOfSame(a: ObserveOperation, b: ObserveOperation | CancelOperation): boolean {
  if ('path' in a || 'path' in b) return 'path' in a && 'path' in b && equalPaths(a.path, b.path);
  return a.paths.length === b.paths.length && a.paths.every((path) => b.paths.some((each) => equalPaths(path, each)));
}

const keyOfToken = (token: Token): string => latin1At(token, 0, token.length);
const tokenOf = ({ key }: ObservationRecord): Token => Uint8Array.from(key, (character) => character.charCodeAt(0));

// Observations that this server holds: token to record, one for each device and path. A repeated observe of a path
// keeps its token, so that the device replaces the relation instead of adding one (RFC 7641 §3.1).
import { Code, type Observed, type Response, type Token } from '@lapwing/coap';
import { type Emitter, LimitError, toHex } from '@lapwing/kernel';
import { formatPath, type Operation, type Path, type Result } from '@lapwing/lwm2m';
import type { Contact } from './contact.ts';
import type { Observation, ServerEvents } from './events.ts';
import type { Exchange } from './exchange.ts';

export type ObserveOperation = Extract<Operation, { op: 'observe' }>;
export type CancelOperation = Extract<Operation, { op: 'cancel-observe' }>;

export class ObservationRecord implements Observation {
  readonly id: number;
  readonly operation: ObserveOperation;
  readonly token: Token;
  tag: unknown;
  contact: Contact;

  constructor(id: number, operation: ObserveOperation, token: Token, tag: unknown, contact: Contact) {
    this.id = id;
    this.operation = operation;
    this.token = token;
    this.tag = tag;
    this.contact = contact;
  }

  get name(): string {
    return this.contact.registration.name;
  }

  get path(): Path {
    return this.operation.path;
  }
}

type EndCause = ServerEvents['observation-ended']['cause'];

export class Observations {
  private readonly exchange: Exchange;
  private readonly events: Emitter<ServerEvents>;
  private readonly heard: (contact: Contact) => void;
  private readonly limit: number;
  private readonly records = new Map<string, ObservationRecord>();
  private made = 0;

  /** `limit` is the number for one device; `heard` is told of every notification's sender. */
  constructor(exchange: Exchange, events: Emitter<ServerEvents>, heard: (contact: Contact) => void, limit: number) {
    this.exchange = exchange;
    this.events = events;
    this.heard = heard;
    this.limit = limit;
  }

  get size(): number {
    return this.records.size;
  }

  of(contact: Contact): readonly Observation[] {
    return contact.observations ?? [];
  }

  async observe(contact: Contact, operation: ObserveOperation, tag: unknown, signal: AbortSignal): Promise<Result> {
    const before = this.find(contact, operation.path);
    if (before === undefined && (contact.observations?.length ?? 0) >= this.limit) {
      throw new LimitError(`${contact.registration.name}: ${this.limit} observations already`, this.limit);
    }
    if (before !== undefined) this.forget(before);
    const token = before?.token ?? contact.endpoint.freshToken();
    this.made += 1;
    const record = new ObservationRecord(this.made, shared(operation), token, tag, contact);
    // Known before the answer: a notification may overtake what follows it in this function.
    this.remember(record);
    if (before !== undefined) this.events.emit('observation-ended', { observation: before, cause: 'replaced' });
    try {
      const result = await this.exchange.send(contact, record.operation, signal, { token, notify: this.notified });
      if (result.kind !== 'content' || result.sequence === undefined) this.end(record, 'refused');
      return result;
    } catch (error) {
      this.end(record, 'refused');
      throw error;
    }
  }

  async cancel(contact: Contact, operation: CancelOperation, signal: AbortSignal): Promise<Result> {
    const record = this.find(contact, operation.path);
    const result = await this.exchange.send(
      contact,
      operation,
      signal,
      record === undefined ? {} : { token: record.token },
    );
    if (record !== undefined && this.records.get(toHex(record.token)) === record) this.end(record, 'cancelled');
    return result;
  }

  /** The registration ended, and with it whatever was observed. */
  endAll(contact: Contact): void {
    for (const record of [...(contact.observations ?? [])]) this.end(record, 'registration-ended');
  }

  private readonly notified = (response: Response, observed: Observed): void => {
    const record = this.records.get(toHex(observed.token));
    if (record === undefined) return;
    const { contact } = record;
    this.heard(contact);
    const { registration } = contact;
    let result: Result;
    try {
      result = this.exchange.read(contact, record.operation, response);
    } catch (error) {
      this.events.emit('notify-failed', { registration, observation: record, error: error as Error });
      return;
    }
    if (result.kind === 'content') {
      this.events.emit('notify', {
        registration,
        observation: record,
        result: observed.sequence === undefined ? result : { ...result, sequence: observed.sequence },
      });
    }
    if (result.kind === 'refused' || (observed.sequence === undefined && response.code !== Code.Content))
      this.end(record, 'refused');
  };

  private find(contact: Contact, path: Path): ObservationRecord | undefined {
    const text = formatPath(path);
    return contact.observations?.find((record) => formatPath(record.path) === text);
  }

  private remember(record: ObservationRecord): void {
    this.records.set(toHex(record.token), record);
    const { contact } = record;
    contact.observations = [...(contact.observations ?? []), record];
  }

  private forget(record: ObservationRecord): void {
    const { contact, token } = record;
    this.records.delete(toHex(token));
    contact.endpoint.forget(contact.registration.peer, token);
    const left = contact.observations?.filter((each) => each !== record) ?? [];
    contact.observations = left.length === 0 ? undefined : left;
  }

  private end(record: ObservationRecord, cause: EndCause): void {
    if (this.records.get(toHex(record.token)) !== record) return;
    this.forget(record);
    this.events.emit('observation-ended', { observation: record, cause });
  }
}

/** Fleets are observed at the same few paths: one operation object serves all devices. */
const operations = new Map<string, ObserveOperation>();

function shared(operation: ObserveOperation): ObserveOperation {
  if (operation.attributes !== undefined) return operation;
  const key = `${formatPath(operation.path)} ${operation.accept ?? ''}`;
  const known = operations.get(key);
  if (known !== undefined) return known;
  if (operations.size >= 1024) operations.clear();
  operations.set(key, operation);
  return operation;
}

// An operation becomes a request to one device, and its response a result: the meeting of the binding with the
// endpoint, the device's version and its definitions.
import type { Link, Observing, Request, RequestOptions, Response, Token } from '@lapwing/coap';
import type { Clock } from '@lapwing/kernel';
import {
  type Operation,
  type Result,
  readResponse,
  type TypeLookup,
  withAbsoluteTimes,
  writeRequest,
} from '@lapwing/lwm2m';
import type { Underway } from './commands.ts';
import type { Contact } from './contact.ts';
import { asUnsent } from './failure.ts';
import type { Models } from './models.ts';
import type { Registration } from './registration/registration.ts';

export type Observer = Pick<Observing, 'listener' | 'tag'>;

export interface ExchangeOptions {
  readonly token?: Token;
  /** Who hears the notifications. */
  readonly observing?: Observer;
  /** Default: the definitions that the device registered with. */
  readonly typeOf?: TypeLookup | undefined;
  /** The device has the request and will answer later. */
  readonly acknowledged?: (() => void) | undefined;
}

const nothing: readonly Link[] = [];

export class Exchange {
  private readonly models: Models;
  private readonly heard: (contact: Contact) => void;
  private readonly clock: Pick<Clock, 'wall'>;
  private readonly objectsBehind: (name: string, prefix: string) => readonly Link[] | undefined;

  /**
   * `heard` is told of every answer's sender; values with relative times are of the clock's now; `objectsBehind` gives the object
   * list of an end device, where it is known.
   */
  constructor(
    models: Models,
    heard: (contact: Contact) => void,
    clock: Pick<Clock, 'wall'>,
    objectsBehind: (name: string, prefix: string) => readonly Link[] | undefined,
  ) {
    this.objectsBehind = objectsBehind;
    this.models = models;
    this.heard = heard;
    this.clock = clock;
  }

  /** Throws what `send` would reject with where none can be made of it, before anything is given up for it. */
  requestOf({ record }: Contact, operation: Operation): Request {
    try {
      return writeRequest(operation, record);
    } catch (error) {
      throw asUnsent(error);
    }
  }

  /** How long a device may take is the endpoint's to say: 93 s to acknowledge, 247 s to answer (RFC 7252 §4.8.2). */
  send(contact: Contact, operation: Operation, command: Underway, options: ExchangeOptions = {}): Promise<Result> {
    const { record, endpoint } = contact;
    const { peer } = record;
    const { typeOf, acknowledged, observing } = options;
    const token = options.token ?? endpoint.freshToken();
    let request: Request;
    try {
      request = this.requestOf(contact, operation);
    } catch (error) {
      return Promise.reject(error);
    }
    command.withdraw = (reason) => endpoint.abandon(peer, token, reason);
    const asked: RequestOptions = {
      token,
      turn: command.urgent ? 'now' : 'queued',
      onAcknowledged: () => {
        // An observe keeps its turn: what comes after may be about the same relation.
        if (observing === undefined) command.taken();
        acknowledged?.();
      },
    };
    const answer = endpoint.request(
      peer,
      request,
      observing === undefined
        ? asked
        : { ...asked, notify: observing.listener, tag: observing.tag, until: 'forgotten' },
    );
    return answer.then((response) => {
      this.heard(contact);
      return this.read(contact, operation, response, typeOf);
    });
  }

  /** Takes up at the device's present address what was observed at another. */
  resume({ registration, endpoint }: Contact, operation: Operation, token: Token, observer: Observer): void {
    endpoint.expect(registration.peer, token, { ...observer, request: writeRequest(operation, registration) });
  }

  private typesFor(registration: Registration, operation: Operation): TypeLookup {
    const prefix = 'path' in operation ? operation.path.prefix : undefined;
    if (prefix === undefined) return this.models.typesOf(registration);
    const { name, version } = registration;
    return this.models.typesOf({ version, objects: this.objectsBehind(name, prefix) ?? nothing });
  }

  /** Throws FormatError for an answer that cannot be decoded. */
  read(
    { record }: Contact,
    operation: Operation,
    response: Response,
    typeOf = this.typesFor(record, operation),
  ): Result {
    const result = readResponse(operation, response, typeOf, record.rootPath);
    if (result.kind !== 'content') return result;
    const entries = withAbsoluteTimes(result.entries, this.clock);
    return entries === result.entries ? result : { ...result, entries };
  }
}

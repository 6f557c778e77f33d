// An operation becomes a request to one device, and its response a result: the meeting of the binding with the
// endpoint, the device's version and its definitions.
import type { Observed, Response, Token } from '@lapwing/coap';
import { type Clock, type Duration, deadlineSignal } from '@lapwing/kernel';
import { type Operation, type Result, readResponse, type TypeLookup, writeRequest } from '@lapwing/lwm2m';
import type { Contact } from './contact.ts';
import type { Models } from './models.ts';

export interface ExchangeOptions {
  readonly token?: Token;
  readonly notify?: (response: Response, observed: Observed) => void;
  /** Default: the definitions that the device registered with. */
  readonly typeOf?: TypeLookup | undefined;
  /** The device has the request and will answer later. */
  readonly acknowledged?: (() => void) | undefined;
}

export class Exchange {
  private readonly clock: Clock;
  private readonly models: Models;
  private readonly timeout: Duration;
  private readonly heard: (contact: Contact) => void;

  /** `timeout` covers an operation from sending to its answer; `heard` is told of every answer's sender. */
  constructor(clock: Clock, models: Models, timeout: Duration, heard: (contact: Contact) => void) {
    this.clock = clock;
    this.models = models;
    this.timeout = timeout;
    this.heard = heard;
  }

  async send(
    contact: Contact,
    operation: Operation,
    signal: AbortSignal,
    options: ExchangeOptions = {},
  ): Promise<Result> {
    const { registration, endpoint } = contact;
    const { typeOf, acknowledged, ...exchange } = options;
    const request = writeRequest(operation, registration);
    using deadline = deadlineSignal(this.clock, this.timeout, `${registration.name}: ${operation.op}`, signal);
    const response = await endpoint.request(registration.peer, request, {
      ...exchange,
      ...(acknowledged === undefined ? {} : { onAcknowledged: acknowledged }),
      signal: deadline.signal,
      // An observation outlives this call, and a signal for each of a million would cost more than all the rest.
      until: 'forgotten',
    });
    this.heard(contact);
    return this.read(contact, operation, response, typeOf);
  }

  /** Takes up at the device's present address what was observed at another. */
  resume(
    { registration, endpoint }: Contact,
    operation: Operation,
    token: Token,
    notify: (response: Response, observed: Observed) => void,
  ): void {
    endpoint.expect(registration.peer, token, notify, writeRequest(operation, registration));
  }

  /** Throws FormatError for an answer that cannot be decoded. */
  read(
    { registration }: Contact,
    operation: Operation,
    response: Response,
    typeOf = this.models.typesOf(registration),
  ): Result {
    return readResponse(operation, response, typeOf, registration.rootPath);
  }
}

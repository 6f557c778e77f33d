// The registration interface: POST /rd, POST /rd/<id>, DELETE /rd/<id> (Core 1.2.1 §6.2, §6.4). Decides who is let in;
// what follows from it is told to the server.
import {
  Code,
  ContentFormat,
  type Context,
  type Endpoint,
  makeResponse,
  Option,
  OptionSet,
  type Request,
  type Response,
  ResponseError,
} from '@lapwing/coap';
import type { Duration, Instant, Peer } from '@lapwing/kernel';
import {
  type ObjectList,
  ObjectLists,
  parseRegister,
  parseUpdate,
  type Registering,
  type RegistrationProblem,
  type Updating,
  versionTraits,
} from '@lapwing/lwm2m';
import { Contact } from '../contact.ts';
import type { Settings, Verdict } from '../options.ts';
import { RateLimit } from '../rate-limit.ts';
import { endpointOf, refusalOf } from '../security/ownership.ts';
import type { EndOfProcess, KeptRegistration } from '../stores/registration-store.ts';
import { Claims } from './claims.ts';
import { isSamePlace, mayContinue, sourceOf } from './identity.ts';
import { endOfKept, type Moment, RegistrationReader } from './kept.ts';
import { type Outcome, ownFaults, Refusal } from './refusal.ts';
import { RegistrationRecord } from './registration.ts';
import type { Registry } from './registry.ts';
import { TermsCache } from './terms.ts';

export interface RegistrationEvents {
  registered(contact: Contact, before: Contact | undefined): void;
  /** `sooner`: the registration may end earlier than before. */
  updated(contact: Contact, previous: RegistrationRecord, withObjects: boolean, sooner: boolean): void;
  deregistered(contact: Contact): void;
  /** It has been heard from another place, without an Update. */
  moved(contact: Contact, previous: RegistrationRecord): void;
  /** The credentials speak for another name. */
  notOwner(name: string, peer: Peer, listener: string, reason: string): void;
  /** A Register, for a fault of its own; `name` is what it calls itself. */
  refused(refusal: Refusal, name: string | undefined, peer: Peer, listener: string): void;
  /** Where a Register is answered only when it is kept for good: resolves then, rejects when that failed. */
  readonly keep?: ((contact: Contact) => Promise<void>) | undefined;
  /** Whether somebody who has proved to be it is still to be restored under the name. */
  isAwaited(name: string): boolean;
}

/** The Update that says no more than that the device is there: nearly all of them. */
const nothingNew: Updating = {
  kind: 'update',
  lifetime: undefined,
  binding: undefined,
  queueMode: undefined,
  smsNumber: undefined,
  parameters: new Map(),
};

/** Random bytes in the id of a registration. */
const ID_LENGTH = 12;
const base64url = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Seconds after which a client may come back (RFC 7252 §5.10.5, §5.9.3.4). */
const retryAfter = 10;

export class RegistrationInterface implements Disposable {
  private readonly settings: Settings;
  private readonly registry: Registry;
  private readonly events: RegistrationEvents;
  private readonly lists = new ObjectLists();
  private readonly terms = new TermsCache();
  private readonly reader = new RegistrationReader(this.lists, this.terms);
  private readonly rate: RateLimit;
  private readonly hostRate: RateLimit | undefined;
  private turns = 0;
  private readonly claims: Claims;
  private readonly tally = new Map<Outcome, number>();

  constructor(settings: Settings, registry: Registry, events: RegistrationEvents) {
    this.settings = settings;
    this.registry = registry;
    this.events = events;
    const { clock, limits } = settings;
    this.claims = new Claims({
      byName: (name) => registry.byName(name),
      isAwaited: (name) => events.isAwaited(name),
    });
    this.rate = new RateLimit(limits.registerRate, clock);
    this.hostRate = limits.hostRate === undefined ? undefined : new RateLimit(limits.hostRate, clock);
  }

  /** Stops its timers. */
  [Symbol.dispose](): void {
    this.rate[Symbol.dispose]();
    this.hostRate?.[Symbol.dispose]();
  }

  /** Requests by outcome since the start. */
  outcomes(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.tally);
  }

  /** For requests whose `path` begins with `rd`. Rejects with the ResponseError to answer. */
  async serve(
    request: Request,
    path: readonly string[],
    context: Context,
    listener: string,
    endpoint: Endpoint,
  ): Promise<Response> {
    const id = path[1];
    if (id === undefined) {
      if (request.code !== Code.Post) throw this.refuse('wrong-method', new ResponseError(Code.MethodNotAllowed));
      return this.register(request, context.peer, listener, endpoint).catch((error: unknown) => {
        if (error instanceof Refusal && ownFaults.has(error.outcome)) {
          const name = request.options.query.find((each) => each.startsWith('ep='))?.slice(3);
          this.events.refused(error, name, context.peer, listener);
        }
        throw error;
      });
    }
    const contact = path.length === 2 ? this.registry.byId(id) : undefined;
    // Whether somebody else's registration exists is nobody's business: both are 4.04. Who has the place of a secured one and comes
    // without its security is told so: it may well be the device.
    if (contact === undefined) throw this.refuse('unknown', new ResponseError(Code.NotFound));
    if (!mayContinue(contact.record.peer, context.peer) || contact.endpoint !== endpoint) {
      const isBare = context.peer.identity.kind === 'none' && contact.record.peer.identity.kind !== 'none';
      throw this.refuse('wrong-peer', new ResponseError(isBare ? Code.Forbidden : Code.NotFound));
    }
    if (request.code === Code.Post) return this.update(request, context.peer, contact);
    if (request.code !== Code.Delete) throw this.refuse('wrong-method', new ResponseError(Code.MethodNotAllowed));
    this.count('deregistered');
    this.events.deregistered(contact);
    return makeResponse(Code.Deleted);
  }

  private async register(request: Request, peer: Peer, listener: string, endpoint: Endpoint): Promise<Response> {
    const registering = parseRegister(request.options.query);
    if (registering.kind === 'problem') throw this.refuse('malformed', problemError(registering));
    const given = registering.name ?? (await this.ask(() => endpointOf(peer.identity, this.settings.security)));
    if (given === undefined) throw this.refuse('malformed', ResponseError.badRequest('ep missing'));
    const name = flat(given);
    const source = sourceOf(peer);
    // With its source: who registers as somebody else must not use up what the true device may do.
    if (!(this.hostRate?.take(source) ?? true) || !this.rate.take(source, name))
      throw this.refuse('too-often', comeBackLater(Code.TooManyRequests));
    this.refuseWhenFull(name);
    this.turns += 1;
    const turn = this.turns;
    const objectList = this.profileOf(name, registering, request, peer) ?? this.objectsOf(request);
    const lifetime = this.clamp(registering.lifetime ?? this.settings.lifetime.default);
    const verdict = await this.judge(name, registering, lifetime, peer, listener);
    this.refuseWhenBeaten(name, turn, peer, listener);
    const { clock } = this.settings;
    const wall = clock.wall();
    const registration = new RegistrationRecord({
      id: idOf(this.settings.random.bytes(ID_LENGTH)),
      name,
      peer,
      terms: this.terms.share({
        lifetime,
        version: registering.version,
        binding: registering.binding,
        queueMode: this.settings.queueMode?.(registering.parameters, registering.version) ?? registering.queueMode,
        parameters: registering.parameters,
      }),
      objectList,
      registeredAt: wall,
      updatedAt: wall,
      attributes: verdict?.attributes,
    });
    const permittedUntil = verdict?.expiresAt === undefined ? undefined : clock.now() + verdict.expiresAt - wall;
    const contact = new Contact(registration, endpoint, turn, this.endOf(lifetime, permittedUntil), permittedUntil);
    if (this.events.keep !== undefined) await this.keepFirst(contact, listener, this.events.keep);
    const before = this.registry.byName(name);
    if (before !== undefined) this.registry.remove(before);
    this.registry.add(contact);
    this.count('registered');
    this.events.registered(contact, before);
    return makeResponse(
      Code.Created,
      OptionSet.of([Option.LocationPath, 'rd'], [Option.LocationPath, registration.id]),
    );
  }

  /** A crash in between leaves a registration that its device does not know of: it registers again, and replaces it. */
  private async keepFirst(
    contact: Contact,
    listener: string,
    keep: (contact: Contact) => Promise<void>,
  ): Promise<void> {
    const { turn } = contact;
    const { name, peer } = contact.registration;
    try {
      using _claim = this.claims.enter(name, { turn, identity: peer.identity });
      await keep(contact);
    } catch (cause) {
      const { status, options } = comeBackLater(Code.ServiceUnavailable);
      throw this.refuse('not-kept', new ResponseError(status, 'could not be written down', { options, cause }));
    }
    this.refuseWhenBeaten(name, turn, peer, listener);
  }

  /** What a store has kept of a device, as it stands now; `before`: how the process that wrote it has ended. Throws FormatError for what is none. */
  restore(kept: KeptRegistration, peer: Peer, endpoint: Endpoint, moment: Moment, before: EndOfProcess): Contact {
    const registration = this.reader.read(kept, peer);
    const permittedUntil =
      kept.permittedUntil === undefined ? undefined : moment.now + kept.permittedUntil - moment.wall;
    const end = endOfKept(kept, registration.lifetime, before, moment);
    const contact = new Contact(registration, endpoint, 0, end, permittedUntil);
    contact.keeping = 'kept';
    this.registry.add(contact);
    return contact;
  }

  private update(request: Request, peer: Peer, contact: Contact): Response {
    const previous = contact.record;
    const { query } = request.options;
    const updating = query.length === 0 ? nothingNew : parseUpdate(query, previous.version);
    if (updating.kind === 'problem') throw this.refuse('malformed', problemError(updating));
    const withObjects = request.payload.length > 0;
    const objectList = withObjects ? this.objectsOf(request) : previous.objectList;
    const lifetime = updating.lifetime === undefined ? previous.lifetime : this.clamp(updating.lifetime);
    if (isSamePlace(previous.peer, peer)) previous.peer = peer;
    const updatedAt = this.settings.clock.wall();
    const isKnown = updating === nothingNew && objectList === previous.objectList && peer === previous.peer;
    if (!isKnown || !contact.noteUpdate(updatedAt)) {
      const terms = this.termsAfter(previous, updating, lifetime);
      contact.registration = previous.updated({ peer, terms, objectList, updatedAt });
      if (peer.key !== previous.peer.key) this.registry.moved(contact, previous.peer.key);
    }
    const endedAt = contact.expiresAt;
    contact.expiresAt = this.endOf(lifetime, contact.permittedUntil);
    this.count('updated');
    this.events.updated(contact, previous, withObjects, contact.expiresAt < endedAt);
    return makeResponse(Code.Changed);
  }

  /** It has proved by what it was asked for that it is at another place now: where it is spoken to, and all that changes. */
  moved(contact: Contact, peer: Peer): void {
    const previous = contact.registration;
    const { terms, objectList, updatedAt } = previous;
    contact.registration = previous.updated({ peer, terms, objectList, updatedAt });
    if (peer.key !== previous.peer.key) this.registry.moved(contact, previous.peer.key);
    this.events.moved(contact, previous);
  }

  private termsAfter(
    previous: RegistrationRecord,
    updating: Updating,
    lifetime: Duration,
  ): RegistrationRecord['terms'] {
    const { terms } = previous;
    if (updating.parameters.size === 0 && lifetime === terms.lifetime) return terms;
    const parameters = new Map([...terms.parameters, ...updating.parameters]);
    if (updating.queueMode === false) parameters.delete('Q');
    const chosen = this.settings.queueMode?.(parameters, terms.version);
    return this.terms.share({
      lifetime,
      version: terms.version,
      binding: updating.binding ?? terms.binding,
      queueMode: chosen ?? updating.queueMode ?? terms.queueMode,
      parameters,
    });
  }

  /**
   * The list that a profile stands for where none is sent: the one that the operator has given, else the one that this very
   * device has told before (Core 1.2.1 §6.2.1). Of what others have told under that id nothing is believed.
   */
  private profileOf(name: string, registering: Registering, request: Request, peer: Peer): ObjectList | undefined {
    const { profileId, version } = registering;
    if (profileId === undefined || request.payload.length > 0 || !versionTraits[version].profileIds) return undefined;
    const given = this.settings.profiles.get(profileId);
    if (given !== undefined) return given;
    const before = this.registry.byName(name)?.registration;
    if (before !== undefined && before.profileId === profileId && mayContinue(before.peer, peer))
      return before.objectList;
    throw this.refuse('unknown-profile', ResponseError.badRequest('profile unknown: send the object list'));
  }

  private objectsOf(request: Request): ObjectList {
    // Some devices call it text, some nothing at all.
    const { contentFormat = ContentFormat.LinkFormat } = request.options;
    if (contentFormat !== ContentFormat.LinkFormat && contentFormat !== ContentFormat.Text)
      throw this.refuse('malformed', new ResponseError(Code.UnsupportedContentFormat));
    const list = this.lists.parse(request.payload);
    if (list.kind === 'problem') throw this.refuse('malformed', problemError(list));
    return list;
  }

  private async judge(
    name: string,
    { parameters, version }: Registering,
    lifetime: Duration,
    peer: Peer,
    listener: string,
  ): Promise<Extract<Verdict, { allow: true }> | undefined> {
    const { authorize, security } = this.settings;
    this.refuseWhenKept(name, peer, listener);
    if (security !== undefined) {
      const reason = await this.ask(async () => {
        const found = await refusalOf(name, peer.identity, security);
        if (found === undefined) await security.used(name, peer.identity);
        return found;
      });
      if (reason !== undefined) throw this.notOwner(name, peer, listener, reason);
    }
    if (authorize === undefined) return undefined;
    const verdict = await this.ask(() => authorize({ name, parameters, peer, listener, version, lifetime }));
    if (verdict.allow) return verdict;
    const { code, reason } = verdict;
    throw this.refuse(
      'unauthorized',
      reason === undefined ? new ResponseError(code) : ResponseError.diagnostic(code, reason),
    );
  }

  /** What a store or a service says; without an answer nobody comes in. */
  private async ask<T>(question: () => Promise<T>): Promise<T> {
    try {
      return await question();
    } catch (cause) {
      const { status, options } = comeBackLater(Code.ServiceUnavailable);
      throw this.refuse('unjudged', new ResponseError(status, 'nobody could say', { options, cause }));
    }
  }

  private clamp(lifetime: Duration): Duration {
    const { min, max, endless, zero } = this.settings.lifetime;
    if (lifetime === Number.POSITIVE_INFINITY) return endless;
    return Math.min(Math.max(lifetime === 0 ? zero : lifetime, min), max);
  }

  /** The earlier of the lifetime's end and the permission's. */
  private endOf(lifetime: Duration, permittedUntil: Instant = Number.POSITIVE_INFINITY): Instant {
    return Math.min(this.settings.clock.now() + lifetime, permittedUntil);
  }

  /** Others may have come in while this one was judged or written down: the later counts, of those who have proved as much. */
  private refuseWhenBeaten(name: string, turn: number, peer: Peer, listener: string): void {
    this.refuseWhenFull(name);
    this.refuseWhenKept(name, peer, listener);
    if (this.claims.isOvertaken(name, { turn, identity: peer.identity }))
      throw this.refuse('overtaken', comeBackLater(Code.ServiceUnavailable));
  }

  private refuseWhenKept(name: string, peer: Peer, listener: string): void {
    if (this.claims.isKept(name, peer.identity))
      throw this.notOwner(name, peer, listener, 'this endpoint is registered by who has proved to be it');
  }

  private notOwner(name: string, peer: Peer, listener: string, reason: string): Refusal {
    this.events.notOwner(name, peer, listener, reason);
    return this.refuse('not-owner', ResponseError.diagnostic(Code.Forbidden, reason));
  }

  private refuseWhenFull(name: string): void {
    if (this.registry.size < this.settings.limits.registrations || this.registry.byName(name) !== undefined) return;
    throw this.refuse('full', comeBackLater(Code.ServiceUnavailable));
  }

  private refuse(outcome: Outcome, error: ResponseError): Refusal {
    this.count(outcome);
    return new Refusal(outcome, error);
  }

  private count(outcome: Outcome): void {
    this.tally.set(outcome, (this.tally.get(outcome) ?? 0) + 1);
  }
}

/** In base64url, one character for 6 bits (RFC 4648 §5); the runtime would make two arrays on the way. */
function idOf(bytes: Uint8Array): string {
  const codes: number[] = [];
  for (let i = 0; i < ID_LENGTH; i += 3) {
    const bits = ((bytes[i] as number) << 16) | ((bytes[i + 1] as number) << 8) | (bytes[i + 2] as number);
    for (let shift = 18; shift >= 0; shift -= 6) codes.push(base64url.charCodeAt((bits >> shift) & 63));
  }
  return String.fromCharCode(...codes);
}

/** A text of its own: parts of a query, and texts put together, keep alive what they were made of. */
const flat = (text: string): string => Buffer.from(text).toString();

function problemError({ code, reason }: RegistrationProblem): ResponseError {
  return ResponseError.diagnostic(code, reason);
}

function comeBackLater(code: number): ResponseError {
  return new ResponseError(code, undefined, { options: OptionSet.of([Option.MaxAge, retryAfter]) });
}

// Runs what the registration machine wants: requests to one server, and its answers back as inputs (Core 1.2.1 §6.2).
import {
  Code,
  ContentFormat,
  type Endpoint,
  isSuccess,
  makeRequest,
  Option,
  OptionSet,
  type Request,
  type Response,
  ResponseError,
} from '@lapwing/coap';
import {
  type Clock,
  ClosedError,
  Driver,
  type Duration,
  encodeUtf8,
  FormatError,
  type Instant,
  type Peer,
  type Random,
  seconds,
  TimeoutError,
} from '@lapwing/kernel';
import { formatRegister, formatUpdate, type Lwm2mVersion, versionBefore, versionTraits } from '@lapwing/lwm2m';
import type { AccountSettings } from '../accounts.ts';
import type { EngineEvent } from '../engine-events.ts';
import type { KeptRegistration } from '../persistence/registration.ts';
import { behind } from '../uri-prefix.ts';
import type { RetryPolicy } from './backoff.ts';
import {
  type RegistrationEffect,
  type RegistrationInput,
  RegistrationMachine,
  type RegistrationTerms,
} from './machine.ts';
import type { Phase } from './transitions.ts';

export interface SessionListener {
  phase(phase: Phase): void;
  event(event: EngineEvent): void;
  registered(): void;
  updated(): void;
  deregistered(): void;
  /** A Register, Update or Deregister was refused, or nobody answered it. */
  failed(error: Error): void;
  /** Every attempt of every sequence failed. */
  spent(): void;
}

/** How the server is reached: whoever `connect` resolves with is it. */
export interface RegistrationLink {
  readonly endpoint: Endpoint;
  readonly road: {
    /** Nothing goes through until `reopen`. */
    readonly isShut: boolean;
    reopen(): Promise<void>;
    connect(signal: AbortSignal): Promise<Peer>;
  };
  /** The server is known from now on. */
  reached(peer: Peer): Promise<void>;
}

/** What a Register tells, read at the moment that it is sent. */
export interface Registrant {
  /** Undefined: the credentials say it. */
  readonly name: string | undefined;
  /** The one to begin with: a server that does not speak it is asked in the one before (Core 1.2.1 §6.2.1). */
  readonly version: Lwm2mVersion;
  readonly profileId: string | undefined;
  readonly smsNumber: string | undefined;
  readonly parameters: Readonly<Record<string, string>>;
  lifetime(): Duration;
  retry(): RetryPolicy;
  /** Payload of Register and Update. */
  objectList(version: Lwm2mVersion): string;
}

/** A class, so that those of a fleet have one shape: how to try again may be written at any time. */
class Terms implements RegistrationTerms {
  readonly lifetime: Duration;
  readonly updateMargin: Duration;
  readonly awakeTime: Duration | undefined;
  readonly random: Random;
  private readonly registrant: Registrant;

  constructor(
    registrant: Registrant,
    { updateMargin, awakeTime, random }: Pick<RegistrationTerms, 'updateMargin' | 'awakeTime' | 'random'>,
  ) {
    this.registrant = registrant;
    this.lifetime = registrant.lifetime();
    this.updateMargin = updateMargin;
    this.awakeTime = awakeTime;
    this.random = random;
  }

  get retry(): RetryPolicy {
    return this.registrant.retry();
  }
}

export class RegistrationSession implements Disposable {
  private readonly account: AccountSettings;
  private readonly registrant: Registrant;
  private readonly link: RegistrationLink;
  private readonly listener: SessionListener;
  private readonly machine: RegistrationMachine;
  private readonly driver: Driver<RegistrationInput, RegistrationEffect>;
  /** The request under way: a newer one takes its place, and its answer comes too late. */
  private asking: AbortController | undefined;
  private closed = false;
  private spoken: Lwm2mVersion;
  /** The server does not know the profile: it is told what the device has (Core 1.2.1 §6.2.1). */
  private profileUnknown = false;
  /** The server as it was last reached; what comes from others is not answered. */
  private server: Peer | undefined;
  /** Key of the server as of before a restart, until it is reached. */
  private known: string | undefined;
  private again: Disposable | undefined;
  private readonly ambient: { readonly clock: Clock; readonly random: Random };

  constructor(
    account: AccountSettings,
    registrant: Registrant,
    link: RegistrationLink,
    ambient: { readonly clock: Clock; readonly random: Random },
    listener: SessionListener,
  ) {
    const { clock, random } = ambient;
    this.ambient = ambient;
    this.account = account;
    this.registrant = registrant;
    this.link = link;
    this.listener = listener;
    this.spoken = registrant.version;
    const { updateMargin, queueMode, awakeTime } = account;
    this.machine = new RegistrationMachine(
      new Terms(registrant, { updateMargin, awakeTime: queueMode ? awakeTime : undefined, random }),
    );
    this.driver = new Driver<RegistrationInput, RegistrationEffect>(this.machine, clock, (effect) => this.run(effect));
  }

  get phase(): Phase {
    return this.machine.phase;
  }

  /** What is spoken with this server. */
  get version(): Lwm2mVersion {
    return this.spoken;
  }

  get deadline(): Instant | undefined {
    return this.machine.deadline;
  }

  get peer(): Peer | undefined {
    return this.server;
  }

  handle(input: RegistrationInput): void {
    this.driver.handle(input);
  }

  /** Goes on with a registration from before a restart, which lives for so long yet. */
  restore({ location, peer, version }: Pick<KeptRegistration, 'location' | 'peer' | 'version'>, left: Duration): void {
    this.known = peer;
    this.spoken = version;
    this.driver.handle({ kind: 'restore', location, left });
  }

  get registration(): RegistrationMachine['registration'] {
    return this.machine.registration;
  }

  /** A message went to the server, or came from there: a device in queue mode listens for a while after it. */
  stirred(): void {
    if (this.account.queueMode) this.driver.handle({ kind: 'stirred' });
  }

  /**
   * A connection is gone, and with it what was observed on it: the server is to hear on a new one that the device is still there. Not
   * all devices of a server that was restarted at once.
   */
  lost(peer: Peer): void {
    if (this.server === undefined || (this.server.below ?? this.server).key !== peer.key) return;
    if (this.link.road.isShut) return;
    this.server = undefined;
    const { clock, random } = this.ambient;
    this.again?.[Symbol.dispose]();
    this.again = clock.at(clock.now() + random.fraction() * reconnectWithin, () => {
      if (!this.closed && this.server === undefined) this.driver.handle({ kind: 'trigger' });
    });
  }

  /** Silences it; nothing is sent any more. */
  [Symbol.dispose](): void {
    this.closed = true;
    this.again?.[Symbol.dispose]();
    this.withdraw('the client was closed');
    this.driver[Symbol.dispose]();
  }

  private run(effect: RegistrationEffect): void {
    switch (effect.kind) {
      case 'phase':
        if (effect.phase === 'suspended') this.withdraw('the engine was suspended');
        this.listener.phase(effect.phase);
        break;
      case 'event':
        this.listener.event(effect.event);
        break;
      case 'bootstrap':
        this.listener.spent();
        break;
      case 'register':
        void this.ask(behind(this.account.prefix, this.register()), () => this.listener.registered());
        break;
      case 'update':
        void this.ask(this.update(effect), () => this.listener.updated());
        break;
      case 'deregister':
        void this.ask(makeRequest(Code.Delete, at(effect.location)), () => this.listener.deregistered());
        break;
    }
  }

  private register(): Request {
    const { name, parameters, profileId, smsNumber } = this.registrant;
    const version = this.spoken;
    const query = formatRegister(
      {
        ...(name === undefined ? {} : { name }),
        ...(profileId === undefined ? {} : { profileId }),
        ...(smsNumber === undefined ? {} : { smsNumber }),
        lifetime: this.registrant.lifetime(),
        ...bindingOf(this.account.binding, version),
        queueMode: this.account.queueMode,
        parameters: Object.entries(parameters),
      },
      version,
    );
    const list = this.registrant.objectList(version);
    if (this.isProfileEnough) return makeRequest(Code.Post, at(['rd'], query));
    return makeRequest(Code.Post, withList(at(['rd'], query)), encodeUtf8(list));
  }

  /** The id of a profile stands for the list of objects (Core 1.2.1 §6.2.1). */
  private get isProfileEnough(): boolean {
    const { profileId } = this.registrant;
    return profileId !== undefined && versionTraits[this.spoken].profileIds && !this.profileUnknown;
  }

  /** True when a refused Register can be said in another way. */
  private adjust({ status }: ResponseError): boolean {
    if (status === Code.PreconditionFailed) {
      const older = versionBefore(this.spoken);
      this.spoken = older ?? this.registrant.version;
      return older !== undefined;
    }
    if (status !== Code.BadRequest || !this.isProfileEnough) return false;
    this.profileUnknown = true;
    return true;
  }

  private update({ location, withLifetime, withObjects }: Extract<RegistrationEffect, { kind: 'update' }>): Request {
    const query = formatUpdate(withLifetime ? { lifetime: this.registrant.lifetime() } : {}, this.spoken);
    const options = at(location, query);
    if (!withObjects) return makeRequest(Code.Post, options);
    return makeRequest(Code.Post, withList(options), encodeUtf8(this.registrant.objectList(this.spoken)));
  }

  /** One request, its outcome as an input; `done` is told after the machine knows. */
  private async ask(request: Request, done: () => void): Promise<void> {
    const own = new AbortController();
    this.withdraw('something newer is asked of the server');
    this.asking = own;
    const { signal } = own;
    let input: RegistrationInput;
    let told = done;
    try {
      const server = await this.reach(signal);
      input =
        server === undefined
          ? { kind: 'refused' }
          : this.outcome(await this.link.endpoint.request(server, request, { signal }));
    } catch (error) {
      input = error instanceof ResponseError ? this.refusal(error) : { kind: 'failed' };
      // Nobody listens there any more: what a restarted server has forgotten, the next attempt makes anew.
      if (error instanceof TimeoutError) this.hangUp();
      told = () => this.listener.failed(error as Error);
    }
    if (this.asking !== own || this.closed) return;
    this.asking = undefined;
    this.driver.handle(input);
    // What goes again at once in another way has not failed.
    if (input.kind !== 'refused' || input.changed === undefined) told();
  }

  /** Undefined for an Update to a server that takes the device for somebody else now: it has to be told everything anew. */
  private async reach(signal: AbortSignal): Promise<Peer | undefined> {
    const { server: before, known } = this;
    const { road } = this.link;
    const { isShut } = road;
    if (isShut) await road.reopen();
    else if (before !== undefined && this.machine.phase !== 'registering') return before;
    const server = await road.connect(signal);
    this.server = server;
    this.known = undefined;
    const expected = known ?? (isShut ? before?.key : undefined);
    if (this.machine.phase === 'updating' && expected !== undefined && expected !== server.key) return undefined;
    if (known !== undefined) await this.link.reached(server);
    return server;
  }

  private withdraw(reason: string): void {
    // An error is dear, and as a rule nothing is under way.
    this.asking?.abort(new ClosedError(reason));
    this.asking = undefined;
  }

  private refusal(error: ResponseError): RegistrationInput {
    const changed = this.machine.phase === 'registering' && this.adjust(error);
    return changed ? { kind: 'refused', changed } : refused(error);
  }

  private hangUp(): void {
    const { server } = this;
    if (server === undefined) return;
    this.server = undefined;
    this.link.endpoint.disconnect(server);
  }

  /** Throws ResponseError for a refusal, FormatError for a Register that was taken but has no place to be updated at. */
  private outcome({ code, options, payload }: Response): RegistrationInput {
    if (!isSuccess(code)) throw new ResponseError(code, undefined, { options, payload });
    const location = options.texts(Option.LocationPath);
    if (this.machine.phase === 'registering' && location.length === 0)
      throw new FormatError('the server took the registration but did not say where it is');
    return { kind: 'accepted', location };
  }
}

/** After a connection was lost. */
const reconnectWithin = seconds(1);

/** Longest wait that a server may ask for. */
const longestWait = 86_400;

/** RFC 7252 §5.9.3.4, RFC 8516 §3: when to come back stands in Max-Age. */
function refused({ status, options }: ResponseError): RegistrationInput {
  if (status !== Code.TooManyRequests && status !== Code.ServiceUnavailable) return { kind: 'refused' };
  const wait = options.uint(Option.MaxAge);
  return wait === undefined ? { kind: 'refused' } : { kind: 'refused', after: seconds(Math.min(wait, longestWait)) };
}

/** The letters of the roads (Core 1.2.1 §6.2.1), as far as the version has them. */
function bindingOf(letters: string, version: Lwm2mVersion): { readonly binding?: string } {
  const binding = [...letters].filter((letter) => versionTraits[version].bindings.includes(letter)).join('');
  return binding === '' ? {} : { binding };
}

function at(path: readonly string[], query: readonly string[] = []): OptionSet {
  return OptionSet.of(
    ...path.map((segment) => [Option.UriPath, segment] as const),
    ...query.map((part) => [Option.UriQuery, part] as const),
  );
}

const withList = (options: OptionSet): OptionSet => options.with(Option.ContentFormat, ContentFormat.LinkFormat);

// Runs what the registration machine wants: requests to one server, and its answers back as inputs (Core 1.2.1 §6.2).
import { Code, type Endpoint, isSuccess, Option, type Request, type Response, ResponseError } from '@lapwing/coap';
import {
  type Clock,
  ClosedError,
  Driver,
  type Duration,
  FormatError,
  type Instant,
  type Peer,
  type Random,
  seconds,
  TimeoutError,
} from '@lapwing/kernel';
import type { Lwm2mVersion } from '@lapwing/lwm2m';
import type { AccountSettings } from '../accounts.ts';
import type { EngineEvent } from '../engine-events.ts';
import type { KeptRegistration } from '../persistence/registration.ts';
import { type KeptProgress, type RegistrationEffect, type RegistrationInput, RegistrationMachine } from './machine.ts';
import { type Registrant, Terms } from './terms.ts';
import type { Phase } from './transitions.ts';

/** What a session has come to with its server. */
export interface KeptSession {
  /** Key of the server. */
  readonly peer: string;
  readonly version: Lwm2mVersion;
  readonly progress: KeptProgress;
}

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

export class RegistrationSession implements Disposable {
  private readonly link: RegistrationLink;
  private readonly listener: SessionListener;
  private readonly machine: RegistrationMachine;
  private readonly driver: Driver<RegistrationInput, RegistrationEffect>;
  /** The request under way: a newer one takes its place, and its answer comes too late. */
  private asking: AbortController | undefined;
  private closed = false;
  private readonly terms: Terms;
  /** The server as it was last reached; what comes from others is not answered. */
  private server: Peer | undefined;
  /** Key of the server as of before a restart, until it is reached. */
  private known: string | undefined;
  private again: Disposable | undefined;
  private isPinging = false;
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
    this.link = link;
    this.listener = listener;
    this.terms = new Terms(account, registrant, random);
    this.machine = new RegistrationMachine(this.terms);
    this.driver = new Driver<RegistrationInput, RegistrationEffect>(this.machine, clock, (effect) => this.run(effect));
  }

  get phase(): Phase {
    return this.machine.phase;
  }

  /** What is spoken with this server. */
  get version(): Lwm2mVersion {
    return this.terms.version;
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
    this.terms.restore(version);
    this.driver.handle({ kind: 'restore', location, left });
  }

  /** Undefined while something is asked of the server, and where there is no registration. */
  keep(): KeptSession | undefined {
    const progress = this.machine.keep();
    const { server, version } = this;
    if (progress === undefined || server === undefined || this.asking !== undefined || this.isPinging) return undefined;
    return { peer: server.key, version, progress };
  }

  /** That peer is the server, and what is spoken with it is known: from now on what it asks is heard. */
  recognize(server: Peer, version: Lwm2mVersion): void {
    this.server = server;
    this.terms.restore(version);
  }

  /** Goes on as another has left off, with a server that is recognized. */
  recall(kept: KeptProgress): void {
    this.driver.handle({ kind: 'recall', kept });
  }

  /** In queue mode, as it has to be written where a server is to read it (/1/x/7); undefined where it is not. */
  get writtenQueueMode(): boolean | undefined {
    const { isQueueModeWritten, isQueueing } = this.terms;
    return isQueueModeWritten ? isQueueing : undefined;
  }

  /** Something was written that may be about the roads: the server hears of it, if it is news. */
  bindingWritten(): void {
    if (this.terms.written()) this.driver.handle({ kind: 'binding-changed' });
  }

  /** Until when the device stays away because it was disabled; undefined where it was not. */
  get awayUntil(): Instant | undefined {
    return this.machine.awayUntil(this.ambient.clock.now());
  }

  get registration(): RegistrationMachine['registration'] {
    return this.machine.registration;
  }

  /** A message went to the server, or came from there: a device in queue mode listens for a while after it, another is alive. */
  stirred(): void {
    const { isQueueing, keepAlive } = this.terms;
    if (isQueueing || keepAlive !== undefined) this.driver.handle({ kind: 'stirred' });
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
        void this.ask(this.terms.register(), () => this.listener.registered());
        break;
      case 'update':
        void this.ask(this.terms.update(effect), () => this.listener.updated());
        break;
      case 'deregister':
        void this.ask(this.terms.deregister(effect), () => this.listener.deregistered());
        break;
      case 'ping':
        void this.ping();
        break;
    }
  }

  /** Where nobody acknowledges it, the way back may have been forgotten already: an Update says where the device is now. */
  private async ping(): Promise<void> {
    const { server } = this;
    if (server === undefined || this.isPinging) return;
    this.isPinging = true;
    try {
      await this.link.endpoint.ping(server);
    } catch (error) {
      if (error instanceof TimeoutError && !this.closed && this.server === server)
        this.driver.handle({ kind: 'trigger' });
    } finally {
      this.isPinging = false;
    }
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
    const changed = this.machine.phase === 'registering' && this.terms.adjust(error);
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

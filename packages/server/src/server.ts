// The LwM2M server: what it hears goes into the registry, what is asked of it goes out in order, what happens is told
// as events. The façade over the services of this package; every part has its own file.
import {
  Code,
  type Context,
  type EndpointStats,
  makeResponse,
  type Request,
  type Response,
  type Service,
} from '@lapwing/coap';
import { type Address, ConfigError, Driver, Emitter, type Events, type Identity, TimeoutError } from '@lapwing/kernel';
import { dataPath, lackingFor, type Operation, type Result } from '@lapwing/lwm2m';
import { Awake, type AwakeEffect, type AwakeInput } from './awake.ts';
import { Commands, type Underway, type Work } from './commands.ts';
import type { Contact } from './contact.ts';
import { Device, type PerformOptions } from './device.ts';
import { NotRegisteredError, UnsupportedError } from './errors.ts';
import type { Observation, ServerEvents } from './events.ts';
import { Exchange } from './exchange.ts';
import { type DtlsStats, type Listening, listen, revoke, type StreamStats } from './listen.ts';
import { Models } from './models.ts';
import { type ObservationRecord, Observations } from './observations.ts';
import { listenerName, type ServerOptions, type Settings, settingsOf } from './options.ts';
import { ExpiryWheel } from './registration/expiry.ts';
import { RegistrationInterface } from './registration/register.ts';
import type { Registration } from './registration/registration.ts';
import { Registry } from './registration/registry.ts';
import { isOf, isSame } from './security/changing.ts';
import { refusalOf } from './security/ownership.ts';
import type { DeviceCredential, DeviceSecurity, SecurityStore } from './security/store.ts';
import { SendInterface } from './send.ts';
import { Telling } from './telling.ts';

export interface ServerStats {
  readonly registrations: number;
  readonly observations: number;
  /** Under way or waiting. */
  readonly commands: number;
  /** Of the registration interface and of Send, by outcome. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Requests for what is not there, outside the registration interface. */
  readonly unserved: number;
  /** Errors that listeners of events have thrown. */
  readonly listenerErrors: number;
  /** By name of the listener. */
  readonly endpoints: Readonly<Record<string, EndpointStats>>;
  /** Those that are secured, by name of the listener. */
  readonly dtls: Readonly<Record<string, DtlsStats>>;
  /** Those that take connections, by name of the listener. */
  readonly streams: Readonly<Record<string, StreamStats>>;
}

export class Server implements AsyncDisposable {
  private readonly emitter = new Emitter<ServerEvents>((error, event) => this.listenerFailed(error, event));
  private readonly registry = new Registry();
  private readonly commands: Commands;
  private readonly exchange: Exchange;
  private readonly observing: Observations;
  private readonly registering: RegistrationInterface;
  private readonly expiry: ExpiryWheel<Contact>;
  private readonly expiries: Driver<Contact, Contact>;
  private readonly awake: Driver<AwakeInput<Contact>, AwakeEffect<Contact>>;
  private readonly sending: SendInterface;
  private readonly listening: Listening[] = [];
  private readonly telling = new Telling(this.emitter);
  private unserved = 0;
  private listenerErrors = 0;
  private closed = false;

  private readonly settings: Settings;

  private constructor(settings: Settings) {
    this.settings = settings;
    const { clock, limits } = settings;
    this.commands = new Commands(clock, limits.commands);
    const models = new Models(settings.library);
    this.exchange = new Exchange(models, this.heard, clock);
    this.observing = new Observations(this.exchange, this.telling, this.heard, limits.observations);
    this.sending = new SendInterface(settings, this.registry, models, this.sent);
    this.expiry = new ExpiryWheel();
    this.expiries = new Driver(this.expiry, clock, (contact) => this.end(contact, 'expired'));
    this.awake = new Driver(new Awake<Contact>(settings.awakeWindow), clock, this.woke);
    this.registering = new RegistrationInterface(settings, this.registry, {
      registered: this.registered,
      updated: this.updated,
      deregistered: (contact) => this.end(contact, 'deregistered'),
      notOwner: (name, peer, listener, reason) => this.emitter.emit('not-owner', { name, peer, listener, reason }),
    });
  }

  /** Binds every listener; rejects with ConfigError for bad options, and leaves nothing open when one cannot be bound. */
  static async listen(options: ServerOptions): Promise<Server> {
    const settings = settingsOf(options);
    const server = new Server(settings);
    try {
      for (const [i, listener] of options.listeners.entries()) {
        const name = listenerName(listener, i);
        const service: Service = (request, context) => server.serve(request, context, name);
        server.listening.push(await listen(listener, name, service, settings));
      }
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
    return server;
  }

  get events(): Events<ServerEvents> {
    return this.emitter;
  }

  /** Where the listeners are bound, in their order; those that have an address. */
  get addresses(): readonly Address[] {
    return this.listening.flatMap(({ address }) => (address === undefined ? [] : [address]));
  }

  /** Any name: whether it is registered matters only when something is asked of it. */
  device(name: string): Device {
    return new Device(name, this);
  }

  registration(name: string): Registration | undefined {
    return this.registry.byName(name)?.registration;
  }

  *registrations(): IterableIterator<Registration> {
    for (const contact of this.registry.values()) yield contact.registration;
  }

  observations(name: string): readonly Observation[] {
    const contact = this.registry.byName(name);
    return contact === undefined ? [] : this.observing.of(contact);
  }

  /** False while a device in queue mode sleeps, and for one that is not registered. */
  isAwake(name: string): boolean {
    const contact = this.registry.byName(name);
    return contact !== undefined && (!contact.registration.queueMode || contact.awakeUntil !== undefined);
  }

  /** Ends a registration from this side; the device finds out at its next Update. False when there was none. */
  drop(name: string): boolean {
    const contact = this.registry.byName(name);
    if (contact !== undefined) this.end(contact, 'deregistered');
    return contact !== undefined;
  }

  /**
   * Ends the DTLS associations and the connections of identities that may not come in any more, as after a credential was taken from the store; what
   * is registered by them ends too. Returns how many associations there were.
   */
  revoke(isRevoked: (identity: Identity) => boolean): number {
    for (const contact of [...this.registry.values()]) {
      if (isRevoked(contact.registration.peer.identity)) this.end(contact, 'deregistered');
    }
    return revoke(this.listening, isRevoked);
  }

  /**
   * Puts a credential into the store of `security`, and ends what a device has with another one of its identity, or what is
   * registered under the name by somebody whom it does not belong to. How many associations and connections ended. Changes that
   * are made to the store itself end nothing until the next start.
   */
  async putCredential(security: DeviceSecurity): Promise<number> {
    const store = this.storeOf();
    const before = await store.ofEndpoint(security.endpoint);
    await store.put(security);
    const after = await store.ofEndpoint(security.endpoint);
    return this.changed(security.endpoint, before, after);
  }

  /** Takes every credential of the name from the store, and ends what was made with them. How many associations and connections ended. */
  async removeCredentials(endpoint: string): Promise<number> {
    const store = this.storeOf();
    const before = await store.ofEndpoint(endpoint);
    await store.remove(endpoint);
    return this.changed(endpoint, before, []);
  }

  private storeOf(): SecurityStore {
    const { security } = this.settings;
    if (security === undefined) throw new ConfigError(['security: this server has no store of credentials']);
    return security;
  }

  private async changed(
    name: string,
    before: readonly DeviceCredential[],
    after: readonly DeviceCredential[],
  ): Promise<number> {
    const gone = before.filter((credential) => !after.some((each) => isSame(credential, each)));
    const ended = this.revoke((identity) => gone.some((credential) => isOf(credential, identity)));
    const identity = this.registry.byName(name)?.registration.peer.identity;
    if (identity !== undefined && (await refusalOf(name, identity, this.storeOf())) !== undefined) this.drop(name);
    return ended;
  }

  perform(name: string, operation: Operation, options: PerformOptions = {}): Promise<Result> {
    const contact = this.registry.byName(name);
    if (contact === undefined || contact.ended)
      return Promise.reject(new NotRegisteredError(`${name} is not registered`));
    const { version } = contact.registration;
    const lacking = lackingFor(operation, version);
    // Attributes that come with an Observe do no harm to a device that passes over them; some of 1.0 know them from a draft.
    if (lacking !== undefined && lacking !== 'observe-attributes')
      return Promise.reject(
        new UnsupportedError(`${name} speaks LwM2M ${version}, which has no ${operation.op} (${lacking})`),
      );
    const work: Work<Result> = (target, command) => this.ask(target, operation, options, command);
    return options.order === 'now'
      ? this.commands.runNow(contact, work, options)
      : this.commands.enqueue(contact, work, options);
  }

  stats(): ServerStats {
    return {
      registrations: this.registry.size,
      observations: this.observing.size,
      commands: this.commands.size,
      outcomes: { ...this.registering.outcomes(), ...this.sending.outcomes() },
      unserved: this.unserved,
      listenerErrors: this.listenerErrors,
      endpoints: Object.fromEntries(this.listening.map(({ name, endpoint }) => [name, endpoint.stats()])),
      dtls: Object.fromEntries(
        this.listening.flatMap(({ name, dtls }) => (dtls === undefined ? [] : [[name, dtls.stats()]])),
      ),
      streams: Object.fromEntries(
        this.listening.flatMap(({ name, streams }) => (streams === undefined ? [] : [[name, streams.stats()]])),
      ),
    };
  }

  /** Fails what waits, closes the sockets. Devices are not told: a restart is no reason for them to come anew. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.telling.close();
    this.expiries[Symbol.dispose]();
    this.registering[Symbol.dispose]();
    this.awake[Symbol.dispose]();
    const closed = new NotRegisteredError('the server was closed');
    for (const contact of this.registry.values()) {
      contact.ended = true;
      this.commands.abandon(contact, closed);
    }
    for (const { endpoint } of this.listening) await endpoint[Symbol.asyncDispose]();
  }

  private serve(request: Request, context: Context, listener: string): Promise<Response> {
    const { path } = request.options;
    const endpoint = this.listening.find(({ name }) => name === listener)?.endpoint;
    if (path[0] === 'rd' && endpoint !== undefined)
      return this.registering.serve(request, path, context, listener, endpoint);
    if (path[0] === dataPath && path.length === 1 && endpoint !== undefined)
      return this.sending.serve(request, context.peer, endpoint);
    this.unserved += 1;
    return Promise.resolve(makeResponse(Code.NotFound));
  }

  private ask(contact: Contact, operation: Operation, options: PerformOptions, command: Underway): Promise<Result> {
    const answer = this.send(contact, operation, options, command);
    if (!contact.registration.queueMode) return answer;
    // No answer means that it sleeps; an answer that makes no sense, or an operation that does not, means nothing.
    return answer.catch((error: unknown) => {
      if (error instanceof TimeoutError) this.awake.handle({ kind: 'silent', item: contact });
      throw error;
    });
  }

  private send(contact: Contact, operation: Operation, options: PerformOptions, command: Underway): Promise<Result> {
    switch (operation.op) {
      case 'observe':
      case 'observe-composite':
        return this.observing.observe(contact, operation, options, command);
      case 'cancel-observe':
      case 'cancel-observe-composite':
        return this.observing.cancel(contact, operation, command);
      default:
        return this.exchange.send(contact, operation, command, options);
    }
  }

  private readonly registered = (contact: Contact, before: Contact | undefined): void => {
    if (before !== undefined) {
      before.ended = true;
      this.expiry.forget(before);
      this.awake.handle({ kind: 'left', item: before });
      this.observing.endAll(before);
      this.commands.move(before, contact, new NotRegisteredError(`${contact.registration.name} registered anew`));
    }
    this.expiries.handle(contact);
    const { registration } = contact;
    this.telling.emit(
      'registered',
      before === undefined ? { registration } : { registration, replaced: before.registration },
    );
    this.spokenTo(contact);
  };

  private readonly updated = (
    contact: Contact,
    previous: Registration,
    withObjects: boolean,
    sooner: boolean,
  ): void => {
    if (sooner) this.expiries.handle(contact);
    const { registration } = contact;
    if (previous.queueMode && !registration.queueMode) this.awake.handle({ kind: 'left', item: contact });
    const moved = previous.peer !== registration.peer ? this.observing.follow(contact, previous.peer) : [];
    this.telling.emit('updated', { registration, previous, withObjects });
    this.spokenTo(contact, moved);
  };

  private readonly sent = (contact: Contact, report: Omit<ServerEvents['sent'], 'registration'>): void => {
    this.telling.emit('sent', { registration: contact.registration, ...report });
    this.spokenTo(contact);
  };

  /** Once the answer to its request is on its way: a device that is still waiting for its 2.01 has no ear for commands. */
  private spokenTo(contact: Contact, moved: readonly ObservationRecord[] = []): void {
    this.telling.between(() => {
      for (const record of moved) this.renew(contact, record);
      this.heard(contact);
      this.commands.pump(contact);
    });
  }

  private end(contact: Contact, event: 'deregistered' | 'expired'): void {
    if (contact.ended) return;
    contact.ended = true;
    this.registry.remove(contact);
    this.expiry.forget(contact);
    this.awake.handle({ kind: 'left', item: contact });
    this.observing.endAll(contact);
    const { registration } = contact;
    this.commands.abandon(contact, new NotRegisteredError(`${registration.name}: its registration ended`));
    this.telling.emit(event, { registration });
  }

  /** In its turn, like any command; what becomes of it is told by events. */
  private renew(contact: Contact, record: ObservationRecord): void {
    this.commands
      .enqueue(contact, (target, command) => this.observing.renew(target, record, command), {})
      .catch(() => undefined);
  }

  private readonly heard = (contact: Contact): void => {
    if (contact.registration.queueMode && !contact.ended) this.awake.handle({ kind: 'heard', item: contact });
  };

  private readonly woke = ({ kind, item }: AwakeEffect<Contact>): void => {
    this.telling.emit(kind, { registration: item.registration });
    if (kind === 'awake') this.commands.pump(item);
  };

  private listenerFailed(error: unknown, event: keyof ServerEvents): void {
    this.listenerErrors += 1;
    if (event !== 'listener-failed') this.emitter.emit('listener-failed', { event, error });
  }
}

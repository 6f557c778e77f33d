// The LwM2M server: what it hears goes into the registry, what is asked of it goes out in order, what happens is told
// as events. The façade over the services of this package; every part has its own file.
import { Code, type Context, makeResponse, type Request, type Response, type Service } from '@lapwing/coap';
import type { Oscore } from '@lapwing/coap/oscore';
import { type Address, Driver, Emitter, type Events, FormatError, type Identity } from '@lapwing/kernel';
import { dataPath, type EndDevice, isName, type Operation, type Result } from '@lapwing/lwm2m';
import { Asking } from './asking.ts';
import { Awake, type AwakeEffect, type AwakeInput } from './awake.ts';
import { Commands, type Work } from './commands.ts';
import { type Contact, isAwake, windowOf } from './contact.ts';
import { Device, type PerformOptions } from './device.ts';
import { EndDevices } from './end-devices.ts';
import { asError, NotRegisteredError } from './errors.ts';
import type { Observation, ServerEvents } from './events.ts';
import { Exchange } from './exchange.ts';
import { Keeping } from './keeping.ts';
import { type Listening, listen, revoke } from './listen.ts';
import { Models } from './models.ts';
import { type CancelOperation, isCancel, type Relation } from './observation-record.ts';
import { type ObservationEvents, Observations } from './observations.ts';
import { obstacleTo } from './obstacle.ts';
import { listenerName, type ServerOptions, type Settings, settingsOf } from './options.ts';
import type { QueueOptions } from './queue.ts';
import type { QueuedCommand } from './queued.ts';
import { ExpiryWheel } from './registration/expiry.ts';
import { RegistrationInterface } from './registration/register.ts';
import type { Registration, RegistrationRecord } from './registration/registration.ts';
import { Registry } from './registration/registry.ts';
import { CredentialChanges, type Holders } from './security/changing.ts';
import { protectionOf } from './security/contexts.ts';
import type { DeviceSecurity } from './security/store.ts';
import { byTree, type Report, SendInterface } from './send.ts';
import { Sleepers } from './sleepers.ts';
import { listenerStats, type ServerStats } from './stats.ts';
import { Telling } from './telling.ts';
import { keyOf } from './wish.ts';

export class Server implements AsyncDisposable {
  private readonly emitter = new Emitter<ServerEvents>((error, event) => this.listenerFailed(error, event));
  private readonly registry = new Registry();
  private readonly commands: Commands;
  private readonly exchange: Exchange;
  private readonly asking: Asking;
  private readonly observing: Observations;
  private readonly registering: RegistrationInterface;
  private readonly expiry = new ExpiryWheel<Contact>();
  private readonly expiries: Driver<Contact, Contact>;
  private readonly awake: Driver<AwakeInput<Contact>, AwakeEffect<Contact>>;
  private readonly sending: SendInterface;
  private readonly listening: Listening[] = [];
  private readonly telling = new Telling(this.emitter);
  private readonly keeping: Keeping;
  private readonly behind: EndDevices;
  private readonly oscore: Oscore | undefined;
  private readonly credentials: CredentialChanges;
  /** For `wakeBySms`. */
  readonly sleepers: Sleepers;
  private unserved = 0;
  private listenerErrors = 0;
  private closed = false;

  private constructor(settings: Settings) {
    const { clock, limits, stores } = settings;
    this.oscore = protectionOf({ ...settings, keyUse: stores.keyUse });
    this.commands = new Commands(clock, limits.commands);
    const models = new Models(settings.library);
    const host = { contactOf: (name: string) => this.registry.byName(name), emit: this.tell };
    this.behind = new EndDevices(
      { ...host, perform: (name, operation, options) => this.perform(name, operation, options) },
      { limit: limits.endDevices, follow: settings.endDevices === 'follow' },
    );
    this.exchange = new Exchange(models, this.heard, clock, (name, prefix) => this.behind.objectsOf(name, prefix));
    this.observing = new Observations(this.exchange, this.observed, this.heard, settings);
    this.sending = new SendInterface(settings, this.registry, models, this.sent);
    this.expiries = new Driver(this.expiry, clock, (contact) => this.end(contact, 'expired'));
    this.awake = new Driver(new Awake<Contact>(windowOf(settings.awakeWindow)), clock, this.woke);
    this.keeping = new Keeping(
      settings,
      {
        ...host,
        enqueue: (contact, work, options) => this.commands.enqueue(contact, work, options),
        ask: (contact, operation, options, underway) => this.asking.ask(contact, operation, options, underway),
        askTogether: (contact, wanted, underway) => this.asking.askTogether(contact, wanted, underway),
        end: (contact) => this.end(contact, 'deregistered'),
      },
      { observing: this.observing, listening: this.listening },
    );
    this.asking = new Asking(this.exchange, this.observing, this.keeping, (contact) =>
      this.awake.handle({ kind: 'silent', item: contact }),
    );
    const queued = (name: string): readonly QueuedCommand[] => this.queued(name);
    this.sleepers = new Sleepers({ ...settings, queued, registry: this.registry, listening: this.listening });
    this.credentials = new CredentialChanges(settings.security, this.holders, (error) =>
      this.telling.emit('store-failed', { error: asError(error) }),
    );
    this.registering = new RegistrationInterface(settings, this.registry, {
      registered: this.registered,
      updated: this.updated,
      moved: (contact, previous) => this.spokenTo(contact, this.followed(contact, previous)),
      deregistered: (contact) => this.end(contact, 'deregistered'),
      notOwner: (name, peer, listener, reason) => this.telling.emit('not-owner', { name, peer, listener, reason }),
      refused: ({ status, message }, name, peer, listener) =>
        this.telling.emit('register-refused', { name, peer, listener, code: status, reason: message }),
      keep: this.keeping.keepsRegistersFirst,
      isAwaited: (name) => this.keeping.isAwaited(name),
    });
  }

  /** Binds every listener; rejects with ConfigError for bad options, and leaves nothing open when one cannot be bound. */
  static async listen(options: ServerOptions): Promise<Server> {
    const settings = settingsOf(options);
    const server = new Server(settings);
    try {
      await server.keeping.read();
      for (const [i, listener] of options.listeners.entries()) {
        const name = listenerName(listener, i);
        const service: Service = (request, context) => server.serve(request, context, name);
        const opened = await listen(listener, name, service, { ...settings, oscore: server.oscore });
        server.listening.push(opened);
        // In the turn in which it opens, before it can hear anything.
        server.keeping.opened(opened, server.registering, (contact) => server.expiries.handle(contact));
      }
      server.keeping.start();
      for (const contact of server.registry.values()) server.behind.seen(contact);
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

  /** Behind a gateway that is registered, as it has told; none where `endDevices` is `ignore`. */
  endDevices(name: string): readonly EndDevice[] {
    return this.behind.of(name);
  }

  /** False while a device in queue mode sleeps, and for one that is not registered. */
  isAwake(name: string): boolean {
    return isAwake(this.registry.byName(name));
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
   * registered under the name by somebody whom it does not belong to, as whatever changes the store itself does. How many associations
   * and connections ended. Rejects with ConfigError without a store.
   */
  putCredential(security: DeviceSecurity): Promise<number> {
    return this.credentials.change(security.endpoint, security);
  }

  /** Takes every credential of the name from the store, and ends what was made with them. How many associations and connections ended. */
  removeCredentials(endpoint: string): Promise<number> {
    return this.credentials.change(endpoint, undefined);
  }

  perform(name: string, operation: Operation, options: PerformOptions = {}): Promise<Result> {
    // Not wanted from now on, whether the device is there to hear it or not.
    if (isCancel(operation)) this.forgetObservation(name, operation);
    const contact = this.registry.byName(name);
    const obstacle = obstacleTo(name, contact, operation);
    if (contact === undefined || obstacle !== undefined) return Promise.reject(obstacle);
    const work: Work<Result> = (target, command) => this.asking.ask(target, operation, options, command);
    if (options.order === 'now') return this.commands.runNow(contact, work, options);
    this.telling.wanted(contact);
    return this.commands.enqueue(contact, work, options);
  }

  /** See `Device.queue`: for a device that sleeps, or is not there. */
  queue(name: string, operation: Operation, options?: QueueOptions): Promise<QueuedCommand> {
    if (!isName(name)) return Promise.reject(new FormatError(`${JSON.stringify(name)} is no endpoint name`));
    const added = this.keeping.queue.add(name, operation, options);
    return added.finally(() => this.telling.wanted(this.registry.byName(name)));
  }

  /** Commands of a device that wait or are under way, in order. */
  queued(name: string): readonly QueuedCommand[] {
    return this.keeping.queue.of(name);
  }

  /** Until it has its outcome, and whoever wants to know was told. */
  queuedCommand(id: string): QueuedCommand | undefined {
    return this.keeping.queue.find(id);
  }

  /** A kept observation is not wanted any more, also where the device cannot be asked now: it is told by a reset later. */
  forgetObservation(name: string, operation: CancelOperation): void {
    this.keeping.wishes.forget(name, keyOf(operation));
  }

  stats(): ServerStats {
    return {
      registrations: this.registry.size,
      observations: this.observing.size,
      commands: this.commands.size,
      kept: this.keeping.stats(),
      endDevices: this.behind.stats(),
      outcomes: { ...this.registering.outcomes(), ...this.sending.outcomes() },
      unserved: this.unserved,
      listenerErrors: this.listenerErrors,
      ...listenerStats(this.listening, this.oscore),
    };
  }

  /** Fails what waits, closes the sockets. Devices are not told: a restart is no reason for them to come anew. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.telling.close();
    this.credentials[Symbol.dispose]();
    this.behind.close();
    this.expiries[Symbol.dispose]();
    this.registering[Symbol.dispose]();
    this.awake[Symbol.dispose]();
    // Before anything ends: what is kept is what there was.
    await this.keeping.close();
    for (const contact of this.registry.values()) {
      contact.ended = true;
      this.commands.abandon(contact, new NotRegisteredError('the server was closed'));
    }
    for (const { endpoint } of this.listening) await endpoint[Symbol.asyncDispose]();
    await this.oscore?.[Symbol.asyncDispose]();
  }

  private serve(request: Request, context: Context, listener: string): Promise<Response> {
    // What is answered now would not be written down any more. Whoever asks asks again, and is answered by the next process.
    if (this.closed) return new Promise(() => undefined);
    const { path } = request.options;
    const endpoint = this.listening.find(({ name }) => name === listener)?.endpoint;
    if (path[0] === 'rd' && endpoint !== undefined)
      return this.registering.serve(request, path, context, listener, endpoint);
    if (path[0] === dataPath && path.length === 1 && endpoint !== undefined)
      return this.sending.serve(request, context.peer, endpoint);
    this.unserved += 1;
    return Promise.resolve(makeResponse(Code.NotFound));
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
    this.keeping.registered(contact, before);
    this.behind.seen(contact);
    this.spokenTo(contact);
  };

  private readonly updated = (
    contact: Contact,
    previous: RegistrationRecord,
    withObjects: boolean,
    sooner: boolean,
  ): void => {
    if (sooner) this.expiries.handle(contact);
    const { record } = contact;
    if (previous.queueMode && !record.queueMode) this.awake.handle({ kind: 'left', item: contact });
    const again = this.followed(contact, previous);
    if (this.telling.has('updated'))
      this.telling.emit('updated', { registration: contact.registration, previous, withObjects });
    if (record.objectList !== previous.objectList) this.behind.seen(contact);
    this.spokenTo(contact, again);
  };

  /** It may be at another place now; what is to be observed anew there. */
  private followed(contact: Contact, previous: RegistrationRecord): readonly Relation[] {
    const again = previous.peer === contact.record.peer ? [] : this.observing.follow(contact, previous.peer);
    this.keeping.updated(contact, previous);
    return again;
  }

  private readonly sent = (contact: Contact, report: Report): void => {
    for (const each of byTree(report)) this.telling.emit('sent', { registration: contact.registration, ...each });
    this.spokenTo(contact);
  };

  /** Once the answer to its request is on its way: a device that is still waiting for its 2.01 has no ear for commands. */
  private spokenTo(contact: Contact, moved: readonly Relation[] = []): void {
    this.telling.between(() => {
      for (const relation of moved)
        this.inItsTurn(contact, (target, command) => this.observing.renew(target, relation, command));
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
    this.keeping.ended(contact);
    this.behind.ended(contact);
    this.telling.emit(event, { registration });
  }

  /** Like any command; what becomes of it is told by events. */
  private inItsTurn(contact: Contact, work: Work<void>): void {
    this.commands.enqueue(contact, work, {}).catch(() => undefined);
  }

  /** What is kept hears of an end before anybody can ask for the same again. */
  private readonly observed: ObservationEvents = {
    emit: (kind, event) => this.tell(kind, event),
    moved: (contact, peer) => this.registering.moved(contact, peer),
    narrowed: (relation) =>
      this.inItsTurn(relation.contact, (target, command) => this.observing.narrow(target, relation, command)),
    ended: (event) => {
      this.keeping.observationEnded(event);
      this.telling.emit('observation-ended', event);
    },
  };

  private readonly tell = <K extends keyof ServerEvents>(kind: K, event: ServerEvents[K]): void => {
    this.telling.emit(kind, event);
    this.behind.heard(kind, event);
  };

  private readonly holders: Holders = {
    identityOf: (name) => this.registry.byName(name)?.registration.peer.identity,
    revoke: (isRevoked) => this.revoke(isRevoked),
    drop: (name) => void this.drop(name),
    contexts: () => this.oscore,
  };

  private readonly heard = (contact: Contact): void => {
    if (contact.record.queueMode && !contact.ended) this.awake.handle({ kind: 'heard', item: contact });
  };

  private readonly woke = ({ kind, item }: AwakeEffect<Contact>): void => {
    this.telling.emit(kind, { registration: item.registration });
    if (kind !== 'awake') return;
    this.commands.pump(item);
    this.keeping.queue.resume(item.registration.name);
  };

  private listenerFailed(error: unknown, event: keyof ServerEvents): void {
    this.listenerErrors += 1;
    if (event !== 'listener-failed') this.emitter.emit('listener-failed', { event, error });
  }
}

// The LwM2M client: objects on one side, servers on the other. The façade over the parts of this package.
import { Code, ResponseError } from '@lapwing/coap';
import { type Clock, ConfigError, type Duration, deadlineSignal, Emitter, type Events } from '@lapwing/kernel';
import { type Entry, type Lwm2mVersion, type PathText, parsePath, under } from '@lapwing/lwm2m';
import { Account, type AccountStats, type SendOptions } from './account.ts';
import { type AccountSettings, accountsOf, changedRoads, defineAccountObjects, furnish } from './accounts.ts';
import type { Downgrade } from './bootstrap/consistency.ts';
import type { BootstrapFailure, BootstrapPhase } from './bootstrap/machine.ts';
import { type BootstrapListener, BootstrapSession } from './bootstrap/session.ts';
import { OscoreObject } from './builtin/oscore.ts';
import { SecurityObject } from './builtin/security.ts';
import { ServerObject } from './builtin/server.ts';
import type { EngineEvent } from './engine-events.ts';
import { SendError } from './errors.ts';
import type { ObjectStore, StoreEvents } from './objects/store.ts';
import { instanceKey } from './objects/tree.ts';
import { type ClientOptions, type Settings, settingsOf } from './options.ts';
import { RegistrationOrder } from './registration/order.ts';
import { isRegistered, type Phase } from './registration/transitions.ts';

/** Short server id and URI of the account that it is about. */
export interface About {
  readonly server: { readonly id: number; readonly uri: string };
}

export interface ClientEvents {
  registered: About;
  updated: About;
  deregistered: About;
  /** A Register, Update or Deregister failed. The first two are tried again by themselves. */
  failed: About & { readonly error: Error };
  /** Every attempt of the configured sequences failed. A bootstrap follows where there is a bootstrap server. */
  spent: About;
  /** What happens on the way to the servers, in the words of docs/reference/client-events.md; without a server where it is about a bootstrap. */
  engine: { readonly event: EngineEvent; readonly server?: About['server'] };
  phase: About & { readonly phase: Phase };
  'bootstrap-phase': { readonly phase: BootstrapPhase };
  /** What a bootstrap server has written is in force; the device registers at the servers that it names. */
  bootstrapped: {
    readonly uri: string;
    readonly servers: readonly About['server'][];
    /** Servers that are spoken to over a weaker road than before, where `bootstrap.downgrade` accepts that. */
    readonly downgrades: readonly Downgrade[];
  };
  /** Everything is as it was before. It is tried again by itself. */
  'bootstrap-failed': { readonly failure: BootstrapFailure; readonly error: Error };
  /** The bootstrap account was only for once (/0/x/12). */
  'bootstrap-account-purged': Record<string, never>;
  /** A listener of another event threw. The client goes on. */
  'listener-failed': { readonly event: string; readonly error: unknown };
}

/** Which server, and whose values. */
export interface SendChoice {
  /** Short server id; default the first. */
  readonly server?: number;
  /** Of an end device behind this one; default the device itself. */
  readonly prefix?: string;
}

export class Client implements AsyncDisposable {
  readonly name: string;
  readonly objects: ObjectStore;
  private readonly emitter = new Emitter<ClientEvents>((error, event) => {
    if (event !== 'listener-failed') this.emitter.emit('listener-failed', { event, error });
  });
  private readonly settings: Settings;
  private readonly clock: Clock;
  private readonly bootstrapping: BootstrapSession;
  private accounts: Account[] = [];
  private order = new RegistrationOrder([]);
  /** Instances that the options have made; they go with the client unless somebody else has written them since. */
  private furnished: readonly (readonly [number, number])[] = [];
  private readonly subscriptions: Disposable[] = [];
  /** While a configuration comes into force, accounts that are about to go need not hear of it. */
  private isChanging = false;
  private renewing: Promise<void> = Promise.resolve();
  private closed = false;

  private constructor(settings: Settings) {
    this.settings = settings;
    this.name = settings.name;
    this.objects = settings.objects;
    this.clock = settings.clock;
    this.bootstrapping = new BootstrapSession(settings, this.bootstrapListener());
  }

  /**
   * Opens a socket for each account and starts to register; without a server it starts with a bootstrap. Resolves before a
   * server has answered: `events` tell. Throws ConfigError for bad options, and for objects whose accounts make no sense.
   */
  static async start(options: ClientOptions): Promise<Client> {
    const client = new Client(settingsOf(options));
    try {
      await client.begin();
    } catch (error) {
      await client[Symbol.asyncDispose]();
      throw error;
    }
    return client;
  }

  get events(): Events<ClientEvents> {
    return this.emitter;
  }

  /** Of the account with that short server id; the first without one. */
  phase(id?: number): Phase | undefined {
    return this.find(id)?.phase;
  }

  get bootstrapPhase(): BootstrapPhase {
    return this.bootstrapping.phase;
  }

  /** The servers that are in force. */
  get servers(): readonly About['server'][] {
    return this.accounts.map(({ settings: { id, uri } }) => ({ id, uri }));
  }

  /** Sends an Update now. */
  update(id?: number): void {
    this.find(id)?.update();
  }

  /** Deregisters and stays away for `wait` ms. */
  disable(wait: Duration, id?: number): void {
    this.find(id)?.disable(wait);
  }

  /** Asks the bootstrap server for a configuration; false where there is none. Goes on as ever until there is a new one. */
  bootstrap(): boolean {
    return this.bootstrapping.start('request');
  }

  /** Spoken with that server now: the one asked for, or an older one that the server understands. */
  version(id?: number): Lwm2mVersion | undefined {
    return this.find(id)?.version;
  }

  /**
   * Sends values to a server that has not asked for them (Core 1.2.1 §6.4.5): what is at paths now, as far as it is there, or
   * entries, perhaps with times; paths are of the end device with the prefix, entries say themselves whose they are. Resolves when the server has them. Rejects
   * with SendError when nothing can be sent, ResponseError when the server refuses, TimeoutError when it does not answer.
   */
  async send(
    what: readonly PathText[] | readonly Entry[],
    { server, prefix, ...options }: SendOptions & SendChoice = {},
  ): Promise<void> {
    const account = this.find(server);
    if (account === undefined) throw new SendError('not-registered', `there is no server ${server ?? ''}`);
    const entries = what.flatMap((each: PathText | Entry) =>
      typeof each === 'string' ? account.present([under(prefix, parsePath(each))]) : [each],
    );
    await account.send(entries, options);
  }

  /** Of the account with that short server id; the first without one. */
  stats(id?: number): AccountStats | undefined {
    return this.find(id)?.stats();
  }

  /** Deregisters everywhere, as far as servers answer in time, and closes the sockets. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.closed = true;
    for (const subscription of this.subscriptions.splice(0)) subscription[Symbol.dispose]();
    await this.bootstrapping[Symbol.asyncDispose]();
    await this.renewing;
    await this.part(this.accounts.splice(0));
    for (const [object, instance] of this.furnished) this.objects.remove(object, instance);
    this.furnished = [];
  }

  private async begin(): Promise<void> {
    const later = (act: () => void): void => void this.clock.at(this.clock.now(), act);
    // Not before the answer to the Execute is on its way: a server that has lost the registration would not take it.
    defineAccountObjects(this.objects, {
      update: (instance) => later(() => this.at(instance)?.update()),
      disable: (instance) => later(() => this.at(instance)?.disable()),
      bootstrap: () => {
        if (!this.bootstrapping.start('request')) throw new ResponseError(Code.MethodNotAllowed);
      },
    });
    this.furnished = furnish(this.settings);
    const { accounts, problems } = accountsOf(this.settings);
    if (problems.length > 0) throw new ConfigError(problems);
    for (const account of accounts) this.accounts.push(await this.open(account));
    const { events } = this.objects;
    this.subscriptions.push(
      events.on('changed', (change) => this.changed(change)),
      events.on('list-changed', () => this.listChanged()),
    );
    const { endDevices } = this.settings;
    if (endDevices !== undefined)
      this.subscriptions.push(
        endDevices.events.on('changed', (change) => this.changed(change)),
        endDevices.events.on('list-changed', () => this.listChanged()),
      );
    this.line();
    if (this.accounts.length === 0) this.bootstrapping.start('fallback');
  }

  private changed({ paths }: Pick<StoreEvents['changed'], 'paths'>): void {
    if (this.isChanging) return;
    const roads = changedRoads(this.objects, paths);
    if (roads.size > 0) this.renewing = this.renewing.then(() => this.renew(roads));
    for (const account of this.accounts) account.changed(paths);
  }

  private listChanged(): void {
    if (!this.isChanging) for (const account of this.accounts) account.listChanged();
  }

  private bootstrapListener(): BootstrapListener {
    let touched: ReadonlySet<string> = new Set();
    return {
      phase: (phase) => this.emitter.emit('bootstrap-phase', { phase }),
      event: (event) => this.emitter.emit('engine', { event }),
      commit: (change) => {
        this.isChanging = true;
        try {
          touched = change();
        } finally {
          this.isChanging = false;
        }
        this.furnished = [];
      },
      finished: (uri, downgrades) => {
        const changes = touched;
        this.renewing = this.renewing.then(() => this.renew(changes));
        const servers = accountsOf(this.settings).accounts.map(({ id, uri: server }) => ({ id, uri: server }));
        this.emitter.emit('bootstrapped', { uri, servers, downgrades });
      },
      failed: (failure, error) => this.emitter.emit('bootstrap-failed', { failure, error }),
      purged: () => this.emitter.emit('bootstrap-account-purged', {}),
    };
  }

  /** Accounts whose instances were written or deleted go, and what is in force now begins. */
  private async renew(touched: ReadonlySet<string>): Promise<void> {
    const isTouched = ({ settings: { instance, security, oscore } }: Account): boolean =>
      touched.has(instanceKey(ServerObject.id, instance)) ||
      touched.has(instanceKey(SecurityObject.id, security)) ||
      (oscore !== undefined && touched.has(instanceKey(OscoreObject.id, oscore.instance)));
    const wanted = accountsOf(this.settings).accounts;
    const isReplaced = ({ settings }: Account): boolean =>
      wanted.some(({ id, uri }) => id === settings.id && uri === settings.uri);
    const gone = this.accounts.filter(isTouched);
    this.accounts = this.accounts.filter((account) => !gone.includes(account));
    // A Register takes the place of the registration before; only servers that are left for good are told.
    await Promise.all(gone.filter(isReplaced).map((account) => account[Symbol.asyncDispose]()));
    const parting = this.part(gone.filter((account) => !isReplaced(account)));
    for (const settings of wanted) {
      if (this.closed || this.at(settings.instance) !== undefined) continue;
      try {
        this.accounts.push(await this.open(settings));
      } catch (error) {
        this.emitter.emit('failed', { server: { id: settings.id, uri: settings.uri }, error: error as Error });
      }
    }
    this.accounts.sort((a, b) => a.settings.instance - b.settings.instance);
    if (!this.closed) this.line();
    this.listChanged();
    await parting;
  }

  /** Resolves when the servers have let go, or nobody waits any more. */
  private async part(accounts: readonly Account[]): Promise<void> {
    {
      using deadline = deadlineSignal(this.clock, this.settings.closeTimeout, 'Deregister');
      await Promise.all(accounts.map((account) => this.leave(account, deadline.signal)));
    }
    await Promise.all(accounts.map((account) => account[Symbol.asyncDispose]()));
  }

  private async leave(account: Account, signal: AbortSignal): Promise<void> {
    account.stop();
    while (account.phase !== 'idle' && !signal.aborted)
      await this.emitter.once('phase', { signal }).catch(() => undefined);
  }

  /** Accounts begin in their order; those that have begun before go on. */
  private line(): void {
    this.order = new RegistrationOrder(this.accounts.map(({ settings }) => settings));
    for (const { phase, settings } of this.accounts) {
      if (isRegistered(phase)) this.order.note(settings.instance, 'registered');
    }
    this.next();
  }

  private goOn(instance: number, outcome: 'registered' | 'failed'): void {
    this.order.note(instance, outcome);
    if (!this.closed) this.next();
  }

  private next(): void {
    for (const { instance } of this.order.begin()) this.at(instance)?.start();
  }

  private find(id: number | undefined): Account | undefined {
    return id === undefined ? this.accounts[0] : this.accounts.find(({ settings }) => settings.id === id);
  }

  /** By instance of object 1. */
  private at(instance: number): Account | undefined {
    return this.accounts.find(({ settings }) => settings.instance === instance);
  }

  private open(settings: AccountSettings): Promise<Account> {
    const { id, uri, bootstrapOnRegistrationFailure } = settings;
    const server = { id, uri };
    let opened: Account | undefined;
    const opening = Account.open(this.settings, settings, {
      phase: (phase) => {
        if (phase === 'registering' || phase === 'idle' || phase === 'disabled') opened?.forgetRelations();
        this.emitter.emit('phase', { server, phase });
      },
      event: (event) => this.emitter.emit('engine', { event, server }),
      registered: () => {
        if (this.accounts.every(({ phase }) => isRegistered(phase))) this.bootstrapping.registered();
        this.emitter.emit('registered', { server });
        this.goOn(settings.instance, 'registered');
      },
      updated: () => this.emitter.emit('updated', { server }),
      deregistered: () => this.emitter.emit('deregistered', { server }),
      bootstrap: () => void this.bootstrapping.start('request'),
      failed: (error) => this.emitter.emit('failed', { server, error }),
      spent: () => {
        this.emitter.emit('spent', { server });
        if (bootstrapOnRegistrationFailure) this.bootstrapping.start('fallback');
        this.goOn(settings.instance, 'failed');
      },
    });
    return opening.then((account) => {
      opened = account;
      return account;
    });
  }
}

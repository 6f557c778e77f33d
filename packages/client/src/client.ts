// The LwM2M client: objects on one side, servers on the other. The façade over the parts of this package.
import { Code, ResponseError } from '@lapwing/coap';
import { type Clock, ConfigError, type Duration, Emitter, type Events } from '@lapwing/kernel';
import {
  type AttributePatch,
  type Entry,
  type Lwm2mVersion,
  type Path,
  type PathText,
  parsePath,
  parsePrefixedPath,
  under,
} from '@lapwing/lwm2m';
import type { AccountStats } from './account-listener.ts';
import { accountsOf, changedRoads, defineAccountObjects, furnish, wantsMore, wantsOscore } from './accounts.ts';
import { Bootstrapping } from './bootstrap/bootstrapping.ts';
import type { BootstrapPhase } from './bootstrap/machine.ts';
import type { BootstrapListener } from './bootstrap/session.ts';
import { loadSecured } from './connect.ts';
import { earliest } from './earliest.ts';
import { SendError } from './errors.ts';
import type { About, ClientEvents } from './events.ts';
import { loadOscore } from './key-use.ts';
import { History, type HistoryOptions, type Series } from './notify/history.ts';
import { RegistryLock } from './objects/registry-lock.ts';
import type { ObjectStore, StoreEvents } from './objects/store.ts';
import { everything } from './operations/read.ts';
import type { SendOptions } from './operations/sends.ts';
import { Trees } from './operations/trees.ts';
import { writeAttributes } from './operations/write-attributes.ts';
import { type ClientOptions, saysOscore, settingsOf } from './options.ts';
import { wake } from './persistence/account-hibernation.ts';
import { encodeAccounts, isOfAccounts, keepAccounts, rememberAccounts } from './persistence/accounts.ts';
import { encodeHibernation, type Hibernation } from './persistence/hibernation.ts';
import { Keeper } from './persistence/keeper.ts';
import type { Phase } from './registration/transitions.ts';
import { Roster } from './roster.ts';
import type { Settings } from './settings.ts';

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
  private readonly keeper: Keeper | undefined;
  private readonly clock: Clock;
  private readonly bootstrapping: Bootstrapping;
  private readonly trees: Trees;
  private readonly history: History;
  private readonly roster: Roster;
  /** Instances that the options have made; they go with the client unless somebody else has written them since. */
  private furnished: readonly (readonly [number, number])[] = [];
  private readonly subscriptions: Disposable[] = [];
  private sending = 0;
  /** What the store could not do before those who have started the client can hear of it; undefined since then. */
  private early: unknown[] | undefined = [];
  /** A configuration comes into force: what becomes of the accounts is seen to when all of it is there. */
  private isChanging = false;
  /** What it has changed: accounts that are about to go need not hear of it, those that stay do. */
  private readonly untold: Path[] = [];
  private readonly registry = new RegistryLock(({ changed, listChanged }) => {
    if (changed.length > 0) this.roster.changed(changed);
    if (listChanged) this.listChanged();
  });

  private constructor(options: Settings, keepsKeyUse: boolean) {
    const { store } = options;
    this.keeper = store && new Keeper(store, (error) => this.storeFailed(error));
    const settings = this.keeper === undefined || keepsKeyUse ? options : { ...options, keyUse: this.keeper.keyUse };
    this.settings = settings;
    this.name = settings.name;
    this.objects = settings.objects;
    this.clock = settings.clock;
    this.trees = new Trees({
      store: settings.objects,
      endDevices: settings.endDevices,
      visible: everything,
      patience: settings,
    });
    this.bootstrapping = new Bootstrapping(settings, this.bootstrapListener());
    this.history = new History(
      this.clock,
      (path) => (path.kind === 'resource' ? this.trees.value(path) : undefined),
      (error) => this.emitter.emit('listener-failed', { event: 'accept', error }),
    );
    const { emitter, trees, history, keeper, bootstrapping } = this;
    this.roster = new Roster({ settings, emitter, trees, history, keeper, bootstrapping, load: () => this.parts() });
  }

  /**
   * Opens a socket for each account and starts to register; without a server it starts with a bootstrap. Resolves before a
   * server has answered: `events` tell. Throws ConfigError for bad options, and for objects whose accounts make no sense.
   */
  static async start(options: ClientOptions): Promise<Client> {
    if (saysOscore(options)) await loadOscore();
    const client = new Client(settingsOf(options), options.keyUse !== undefined);
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
    return this.roster.find(id)?.phase;
  }

  get bootstrapPhase(): BootstrapPhase {
    return this.bootstrapping.phase;
  }

  /** The servers that are in force. */
  get servers(): readonly About['server'][] {
    return this.roster.servers;
  }

  /**
   * Everything that `change` does with objects, of the device and of those behind it, is told in one round of notifications; what it
   * does with the device's own happens together or, when it throws, not at all.
   */
  batch<T>(change: () => T): T {
    using _ = this.lock();
    return this.objects.batch(change);
  }

  /** Servers are told of no change until the lock is disposed, and then of all of them in one round. Locks may overlap. */
  lock(): Disposable {
    return this.registry.lock();
  }

  /**
   * Keeps each value that is written to a resource, with its time: Read, Notify and Send in a format that knows times say what has
   * been since the same server was told last. Throws ConfigError for a size out of range, and for what is not one value.
   */
  record(path: PathText, options: HistoryOptions): Series {
    return this.history.record(parsePrefixedPath(path), options);
  }

  /**
   * Stands still: nothing is looked at, sent or heard until `resume`, and no timer runs. Registrations end meanwhile like others; values
   * are changed as ever, and looked at afterwards.
   */
  pause(): void {
    this.roster.each((account) => account.pause());
  }

  /** Gives up the sockets until `resume`. Observations go on: what is worth telling waits, as far as each server wants it (/1/x/6). */
  goOffline(): void {
    this.roster.each((account) => account.goOffline());
  }

  /** After `pause` or `goOffline`: an Update where the lifetime is not over, else a Register. */
  resume(): void {
    this.roster.each((account) => account.resume());
  }

  /**
   * How long until the engine has something to do by itself, in ms: a host may sleep so long, unless it has news itself or waits for an
   * answer (`phase` says so). Undefined when there is nothing to come.
   */
  nextWake(): Duration | undefined {
    const first = earliest(this.bootstrapping.deadline, this.roster.deadline);
    return first === undefined ? undefined : Math.max(0, first - this.clock.now());
  }

  /**
   * Closes the client without a word, and gives what another one needs to go on where it was (`hibernated` of its options): servers notice
   * nothing, as long as it is there before `wakeAfter` is over and hears what comes meanwhile. Undefined, and nothing has happened, while
   * something is under way or waits or is locked, and without a registration at each server, over UDP and without keys. Undefined also
   * with a store, a modem or a recorded series.
   */
  async hibernate(): Promise<Hibernation | undefined> {
    const { settings, registry, bootstrapping, history, roster, keeper, furnished } = this;
    const isBusy = this.sending > 0 || registry.isLocked || bootstrapping.phase !== 'idle';
    const lasts = keeper !== undefined || bootstrapping.deadline !== undefined || !history.isEmpty;
    const servers = isBusy || lasts ? undefined : roster.keep();
    if (servers === undefined) return undefined;
    const state = encodeHibernation({ accounts: encodeAccounts(settings), furnished, servers }, this.clock);
    const wakeAfter = this.nextWake();
    await this.close({ deregister: false });
    return { state, wakeAfter };
  }

  /** Sends an Update now. */
  update(id?: number): void {
    this.roster.find(id)?.update();
  }

  /** Deregisters and stays away for `wait` ms. */
  disable(wait: Duration, id?: number): void {
    this.roster.find(id)?.disable(wait);
  }

  /** Asks the bootstrap server for a configuration; false where there is none. Goes on as ever until there is a new one. */
  bootstrap(): boolean {
    return this.bootstrapping.start('request');
  }

  /** Spoken with that server now: the one asked for, or an older one that the server understands. */
  version(id?: number): Lwm2mVersion | undefined {
    return this.roster.find(id)?.version;
  }

  /**
   * Sends values to a server that has not asked for them (Core 1.2.1 §6.4.5): what is at paths now, as far as it is there, or
   * entries, perhaps with times; paths are of the end device with the prefix, entries say themselves whose they are. What has waited and
   * the server may not read any more is left out. Resolves when the server has them. Rejects with SendError when nothing can be sent,
   * ResponseError when the server refuses, TimeoutError when it does not answer.
   */
  async send(
    what: readonly PathText[] | readonly Entry[],
    { server, prefix, ...options }: SendOptions & SendChoice = {},
  ): Promise<void> {
    const account = this.roster.find(server);
    if (account === undefined) throw new SendError('not-registered', `there is no server ${server ?? ''}`);
    const { trees } = account;
    const wanted = what.map((each: PathText | Entry) =>
      typeof each === 'string' ? under(prefix, parsePath(each)) : each,
    );
    this.sending += 1;
    try {
      const fetched = trees.fetch(wanted.filter((each) => 'kind' in each));
      // What is known is sent as it was at the call.
      if (fetched !== undefined) await fetched;
      const entries = wanted.flatMap((each) => ('kind' in each ? trees.present([each]) : [each]));
      await account.send(entries, options);
    } finally {
      this.sending -= 1;
    }
  }

  /**
   * Whether a server, or the one with that short server id, observes something at, below or above the path: what nobody observes need
   * not be measured.
   */
  isObserved(path: PathText, id?: number): boolean {
    const at = parsePrefixedPath(path);
    return this.roster.some(
      ({ settings, relations }) => (id === undefined || settings.id === id) && relations.observes(at),
    );
  }

  /**
   * Steers what the server is told of a path as if it had written so itself (Core 1.2.1 §6.3.4): `{ pmin: 10 }`, null takes one away. The
   * server may write something else at any time, and a new registration begins without. Throws ResponseError as the server would be
   * answered, and 4.04 where there is no such server.
   */
  writeAttributes(path: PathText, attributes: AttributePatch, id?: number): void {
    const account = this.roster.find(id);
    if (account === undefined) throw new ResponseError(Code.NotFound, `there is no server ${id ?? ''}`);
    const at = parsePrefixedPath(path);
    const store = at.prefix === undefined ? this.objects : this.trees.behind(at.prefix);
    writeAttributes(store, { op: 'write-attributes', path: at, attributes }, account);
  }

  /** Of the account with that short server id; the first without one. */
  stats(id?: number): AccountStats | undefined {
    return this.roster.find(id)?.stats();
  }

  /** Deregisters everywhere, as far as servers answer in time, and closes the sockets. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** As disposing; without `deregister` servers are told nothing, and a client that is started on the same store goes on. */
  async close({ deregister = true }: { readonly deregister?: boolean } = {}): Promise<void> {
    this.roster.halt();
    for (const subscription of this.subscriptions.splice(0)) subscription[Symbol.dispose]();
    await this.bootstrapping[Symbol.asyncDispose]();
    await this.roster.close({ deregister });
    for (const [object, instance] of this.furnished) this.objects.remove(object, instance);
    this.furnished = [];
  }

  private async begin(): Promise<void> {
    const later = (act: () => void): void => void this.clock.at(this.clock.now(), act);
    // Not before the answer to the Execute is on its way: a server that has lost the registration would not take it.
    defineAccountObjects(this.objects, {
      update: (instance) => later(() => this.roster.at(instance)?.update()),
      disable: (instance) => later(() => this.roster.at(instance)?.disable()),
      bootstrap: () => {
        if (!this.bootstrapping.start('request')) throw new ResponseError(Code.MethodNotAllowed);
      },
      // A bootstrap server cannot know what will be spoken.
      version: (server) => (this.isChanging ? undefined : this.roster.find(server)?.version),
    });
    const { keeper, settings } = this;
    if (keeper !== undefined) rememberAccounts(keeper, settings);
    const hibernated = wake(settings, this.trees.typeOf);
    this.furnished = hibernated?.furnished ?? furnish(settings);
    this.keep();
    await this.parts();
    const { accounts, problems } = accountsOf(this.settings);
    if (problems.length > 0) throw new ConfigError(problems);
    const isFirst = settings.provisioning.first && this.bootstrapping.isPossible;
    if (isFirst) this.roster.hold();
    await this.roster.begin(accounts, hibernated?.servers);
    for (const events of [this.objects.events, this.settings.endDevices?.events]) {
      if (events === undefined) continue;
      this.subscriptions.push(
        events.on('changed', (change) => this.changed(change)),
        events.on('list-changed', () => this.listChanged()),
      );
    }
    if (isFirst) this.bootstrapping.start('request');
    else if (accounts.length === 0) this.bootstrapping.start('fallback');
    const { early = [] } = this;
    this.early = undefined;
    for (const error of early) later(() => this.storeFailed(error));
  }

  private storeFailed(error: unknown): void {
    if (this.early === undefined) this.emitter.emit('store-failed', { error });
    else this.early.push(error);
  }

  /** What the accounts need and is not loaded yet. */
  private parts(): Promise<unknown> | undefined {
    const roads = wantsMore(this.settings) ? loadSecured() : undefined;
    const oscore = wantsOscore(this.settings) ? loadOscore() : undefined;
    const bootstrap = this.bootstrapping.load();
    return roads === undefined && oscore === undefined ? bootstrap : Promise.all([roads, oscore, bootstrap]);
  }

  private changed({ paths }: Pick<StoreEvents['changed'], 'paths'>): void {
    this.history.changed(paths);
    if (!this.isChanging) {
      const roads = changedRoads(this.objects, paths);
      // Not before it is known what of the options counts no longer.
      if (paths.some(isOfAccounts)) this.keep();
      if (roads !== undefined) void this.roster.renew(roads);
    }
    if (this.registry.holds(paths)) return;
    if (this.isChanging) this.untold.push(...paths);
    else this.roster.changed(paths);
  }

  private listChanged(): void {
    if (!this.registry.holdsList() && !this.isChanging) this.roster.listChanged();
  }

  /** What makes up the accounts is written down as it is now. */
  private keep(): void {
    if (this.keeper !== undefined) keepAccounts(this.keeper, this.settings);
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
        this.keep();
        this.furnished = [];
      },
      finished: (uri, downgrades) => {
        void this.roster.renew(touched, this.untold.splice(0)).then(() => this.roster.release());
        const servers = accountsOf(this.settings).accounts.map(({ id, uri: server }) => ({ id, uri: server }));
        this.emitter.emit('bootstrapped', { uri, servers, downgrades });
      },
      failed: (failure, error) => {
        this.emitter.emit('bootstrap-failed', { failure, error });
        this.roster.release();
      },
      purged: () => this.emitter.emit('bootstrap-account-purged', {}),
    };
  }
}

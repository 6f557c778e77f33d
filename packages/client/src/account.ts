// One server of the device: its endpoint, its registration, what it observes and what is sent to it.
import { Code, ResponseError, type Service } from '@lapwing/coap';
import type { Duration, Instant, Peer } from '@lapwing/kernel';
import { contains, type Entry, instancePath, type Lwm2mVersion, type Path, rootPath } from '@lapwing/lwm2m';
import type { AccountListener, AccountStats } from './account-listener.ts';
import { AccountCaller, AccountService } from './account-service.ts';
import type { AccountSettings } from './accounts.ts';
import { ServerInstance } from './builtin/server.ts';
import { earliest } from './earliest.ts';
import { Hold } from './hold.ts';
import { Link } from './link.ts';
import { AttributeTable } from './notify/attribute-table.ts';
import type { HistoryReader } from './notify/history.ts';
import { Relations } from './notify/relations.ts';
import { Remembering } from './notify/remembering.ts';
import { type Caller, isOfRights, mayDo, Right } from './objects/access-control.ts';
import type { Watched } from './operations/observe.ts';
import type { Visible } from './operations/read.ts';
import { Sender } from './operations/send.ts';
import type { SendOptions } from './operations/sends.ts';
import { isForTaker } from './operations/taking.ts';
import { Trees } from './operations/trees.ts';
import { keepAccount, type LastingParts, recallAccount } from './persistence/account-hibernation.ts';
import { AccountState } from './persistence/account-state.ts';
import type { KeptAccount } from './persistence/hibernation.ts';
import type { AccountRecords } from './persistence/keeper.ts';
import { Radio } from './radio.ts';
import { RegistrationSession } from './registration/session.ts';
import { ToldObjects } from './registration/told-objects.ts';
import { isRegistered, type Phase } from './registration/transitions.ts';
import type { Settings } from './settings.ts';
import { awaitTriggers, type Triggers } from './trigger.ts';
import type { Shut } from './valve.ts';

export class Account implements AsyncDisposable {
  readonly settings: AccountSettings;
  private readonly link: Link;
  private readonly server: ServerInstance;
  private readonly session: RegistrationSession;
  /** What the server has written of its observations. */
  readonly attributes: AttributeTable;
  private readonly remembering: Remembering;
  /** What it observes. */
  readonly relations: Relations;
  private readonly device: Settings;
  private readonly caller: Caller;
  private triggers: Triggers | undefined;
  private readonly past: HistoryReader;
  /** Made when something is to be sent. */
  private made: Sender | undefined = undefined;
  private radio: Radio | undefined = undefined;
  private readonly listener: AccountListener;
  private readonly told: ToldObjects;
  private readonly hold: Hold;
  /** A registration from before a restart is about to go on. */
  private isRestored = false;
  /** Undefined where nothing outlives the process. */
  private readonly state: AccountState | undefined;
  private readonly records: AccountRecords | undefined;
  private readonly service: AccountService;

  private constructor(
    settings: Settings,
    account: AccountSettings,
    link: Link,
    past: HistoryReader,
    records: AccountRecords | undefined,
    listener: AccountListener,
  ) {
    this.settings = account;
    this.link = link;
    this.device = settings;
    this.past = past;
    this.listener = listener;
    this.server = new ServerInstance(settings.objects, account.instance);
    this.told = new ToldObjects(settings);
    const { keptNotifications = records?.notifications } = settings;
    this.remembering = new Remembering(keptNotifications, account.id);
    this.relations = new Relations(this.remembering);
    this.hold = new Hold(link, this.relations, account.idle);
    this.caller = new AccountCaller(account.id, settings.objects);
    this.records = records;
    this.attributes = new AttributeTable(
      () => this.server.defaults,
      () => this.state?.save(),
    );
    this.session = new RegistrationSession(
      account,
      {
        name: account.omitName ? undefined : settings.name,
        version: account.version,
        profileId: settings.profileId,
        smsNumber: settings.smsNumber,
        parameters: settings.parameters,
        written: this.server,
        lifetime: () => this.server.lifetime,
        retry: () => ({ ...account.retry, ...this.server.retry }),
        objectList: (version) => this.told.tell(version),
      },
      { endpoint: link.endpoint, road: link, reached: async (peer) => this.state?.takeUp(peer) },
      settings,
      {
        ...listener,
        phase: (phase) => this.entered(phase),
        registered: () => {
          this.triggers?.registered();
          listener.registered();
        },
        failed: (error) => {
          this.server.noteAlert(error, this.version);
          listener.failed(error);
        },
      },
    );
    const { session, attributes, relations } = this;
    this.state = records && new AccountState(records, { ...this.parts, clock: settings.clock, sender: this.sender });
    this.service = new AccountService(settings, session, this.state, {
      attributes,
      relations,
      notifications: () => this.server.notificationMode ?? account.notifications,
      caller: this.caller,
      storing: () => this.server.isStoring,
      past,
      stirred: () => session.stirred(),
      wanted: () => this.wanted(),
      held: () => this.hold.isOn,
      watched: (event) => this.watched(event),
    });
  }

  private get parts(): LastingParts {
    const { settings, link, session, attributes, relations, told } = this;
    return { settings, link, session, attributes, relations, told };
  }

  private get sender(): Sender {
    const { device, settings, server, link, past } = this;
    this.made ??= new Sender({
      uri: settings.uri,
      prefix: settings.prefix,
      server,
      endpoint: link.endpoint,
      past,
      clock: device.clock,
      rootPath: device.rootPath,
      storage: device.queuedSends,
      visible: this.visible,
      isBehind: (prefix) => device.endDevices?.get(prefix) !== undefined,
      version: () => this.version,
      open: () => (isRegistered(this.phase) && !this.hold.isOn ? this.session.peer : undefined),
      stirred: () => this.session.stirred(),
      unheard: () => this.session.handle({ kind: 'unheard' }),
      wanted: () => this.wanted(),
      changed: (waiting) => this.state?.saveQueue(waiting),
    });
    return this.made;
  }

  /** Opens the socket; registers when it is started. */
  static async open(
    settings: Settings,
    account: AccountSettings,
    past: HistoryReader,
    records: AccountRecords | undefined,
    listener: AccountListener,
  ): Promise<Account> {
    let service: Service = () => Promise.reject(new ResponseError(Code.ServiceUnavailable));
    let lost: (peer: Peer, cause: Error) => void = () => undefined;
    const radio = new Radio(settings.clock, listener);
    const link = await Link.open(account, settings, {
      serve: (request, context) => radio.served(service(request, context)),
      streams: (request) => isForTaker(settings.objects, settings.rootPath, request),
      lost: (peer, cause) => lost(peer, cause),
      moved: (direction) => radio.moved(direction),
      ...(records === undefined ? {} : { associations: records.associations, port: records.registration?.port }),
    });
    try {
      const opened = new Account(settings, account, link, past, records, listener);
      radio.of(opened, link.endpoint);
      opened.radio = radio;
      if (settings.keptNotifications !== undefined || records !== undefined) await opened.relations.recall();
      service = (request, context) => opened.service.serve(request, context);
      lost = (peer, cause) => {
        opened.server.noteAlert(cause, opened.version);
        opened.session.lost(peer);
      };
      opened.triggers = await awaitTriggers(account, settings, records?.triggerAssociations, {
        isAllowed: () => opened.server.isTriggered(opened.session.version),
        callee: opened,
      });
      return opened;
    } catch (error) {
      await link[Symbol.asyncDispose]();
      throw error;
    }
  }

  stats(): AccountStats {
    const { relations, remembering, link, triggers } = this;
    const notifications = remembering.stats();
    return {
      relations: relations.size,
      notifications,
      strangers: this.service.strangers,
      triggers: triggers?.stats(),
      ...link.stats(),
    };
  }

  get phase(): Phase {
    return this.session.phase;
  }

  get isSending(): boolean {
    return this.made?.isIdle === false;
  }

  /** Disabled, or about to be. */
  get isAway(): boolean {
    return this.session.awayUntil !== undefined;
  }

  /**
   * Goes on as before a restart: away where it was disabled, else with the registration, where there is one that lives; else begins to
   * register, after a delay where the server has one for the beginning (/1/x/14).
   */
  start(): void {
    const state = this.phase === 'idle' ? this.state : undefined;
    if (state?.stayAway()) return;
    const listed = state?.restore();
    if (listed === undefined) {
      this.session.handle({ kind: 'start', delay: this.settings.delay });
      return;
    }
    this.hold.begin();
    this.told.text = listed;
    this.isRestored = true;
  }

  /** What it has come to; undefined while something is under way, and where it cannot be taken up again from that. */
  keep(): KeptAccount | undefined {
    // What has a store goes on from there.
    const elsewhere = this.records ?? this.device.keptNotifications ?? this.triggers;
    return elsewhere !== undefined || this.isSending ? undefined : keepAccount(this.parts);
  }

  /** Goes on as it was kept, in place of `start`; nothing happens where that is not possible. */
  async recall(kept: KeptAccount): Promise<void> {
    if (await recallAccount(this.parts, kept)) this.listChanged();
  }

  stop(): void {
    this.session.handle({ kind: 'stop' });
  }

  /** Nothing is looked at, nothing goes out and nothing comes in until `resume`. */
  pause(): void {
    this.relations.each((relation) => relation.pause());
    this.suspend('deaf');
  }

  /** The socket is given up until `resume`; what is observed goes on, and what is worth telling waits. */
  goOffline(): void {
    this.suspend('closed');
  }

  resume(): void {
    this.session.handle({ kind: 'resume' });
    this.triggers?.resumed();
  }

  /** When the engine acts next by itself for this server. */
  get deadline(): Instant | undefined {
    return earliest(this.session.deadline, this.relations.deadline, this.triggers?.deadline);
  }

  get whileSuspended(): Shut {
    return this.hold.whileSuspended;
  }

  private suspend(how: Shut): void {
    this.hold.whileSuspended = how;
    if (this.phase === 'suspended') this.hold.shut(how);
    else this.session.handle({ kind: 'pause' });
    this.triggers?.suspended(how);
  }

  private entered(phase: Phase): void {
    if (phase === 'registering' || phase === 'idle' || phase === 'disabled') this.forgetRelations();
    if (phase === 'updating' && this.isRestored) {
      this.isRestored = false;
      // There may be other objects than before.
      this.listChanged();
    }
    this.hold.entered(phase);
    this.listener.phase(phase);
    this.radio?.stirred();
    if (phase !== 'updating' && phase !== 'suspended') this.state?.save();
    if (phase !== 'registered') return;
    const { writtenQueueMode } = this.session;
    if (writtenQueueMode !== undefined) this.server.writeQueueMode(writtenQueueMode);
    this.hold.end();
    this.made?.flush();
  }

  /** Something waits to go out: a device that only sleeps wakes for it. */
  private wanted(): void {
    if (this.phase === 'rx-off') this.session.handle({ kind: 'trigger' });
  }

  private watched(event: Watched): void {
    this.listener.watched(event);
    if (event.kind === 'notified' && event.outcome === 'unacknowledged') this.session.handle({ kind: 'unheard' });
  }

  comeForward(): void {
    this.session.handle({ kind: 'called' });
  }

  bootstrap(): void {
    this.listener.bootstrap();
  }

  update(): void {
    this.session.handle({ kind: 'trigger' });
  }

  /** Without a wait, as long as the server has written (/1/x/5). */
  disable(wait: Duration = this.server.disableTimeout): void {
    this.session.handle({ kind: 'disable', wait });
  }

  /** What is spoken with this server now. */
  get version(): Lwm2mVersion {
    return this.session.version;
  }

  /** Whether the server may read the instance. */
  private readonly visible: Visible = (object, instance) =>
    mayDo(this.device.objects, this.caller, Right.Read, object, instance);

  /** What the server may see. */
  get trees(): Trees {
    const { objects: store, endDevices } = this.device;
    return new Trees({ store, endDevices, visible: this.visible, patience: this.device });
  }

  /** Rejects as `Client.send` says. */
  send(present: readonly Entry[], options: SendOptions): Promise<void> {
    return this.sender.send(present, options);
  }

  /** Values changed, also those of the account's own instance of object 1. */
  changed(paths: readonly Path[]): void {
    this.relations.changed(paths.some(isOfRights) ? [rootPath] : paths);
    const own = instancePath(1, this.server.id);
    if (!paths.some((path) => contains(own, path))) return;
    this.session.handle({ kind: 'lifetime-changed', lifetime: this.server.lifetime });
    this.session.bindingWritten();
    this.relations.steered(rootPath);
  }

  /** Instances came or went: the server wants to know, unless it knows already. */
  listChanged(): void {
    const { trees } = this;
    this.attributes.retain((path) => trees.has(path));
    if (this.phase === 'idle' || !this.told.isNews(this.session.version)) return;
    this.session.handle({ kind: 'objects-changed' });
  }

  /**
   * A new registration, or none: what was observed under the old one is over (Core 1.2.1 §6.4.2); where nothing may be lost, what
   * it has to say is kept for the server to observe anew.
   */
  forgetRelations(): void {
    if (this.server.isStoring) this.relations.suspendAll();
    else this.relations.endAll();
    this.past.reset();
    this.attributes.clear();
  }

  /** The server is left for good, or begins anew: nothing of it is kept. */
  forget(): void {
    this.state?.[Symbol.dispose]();
    this.records?.forget();
  }

  /** What is written down stays. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.state?.[Symbol.dispose]();
    this.session[Symbol.dispose]();
    this.made?.[Symbol.dispose]();
    this.past[Symbol.dispose]();
    this.radio?.[Symbol.dispose]();
    await this.relations.close();
    await this.triggers?.[Symbol.asyncDispose]();
    await this.link[Symbol.asyncDispose]();
  }
}

// One server of the device: its endpoint, its registration, and what it observes. Everything that comes from there is
// served here; what comes from elsewhere is refused.
import { Code, type Context, isSuccess, type Request, type Response, ResponseError, type Service } from '@lapwing/coap';
import { type Duration, type Peer, TimeoutError } from '@lapwing/kernel';
import {
  contains,
  type Entry,
  formatObjectList,
  instancePath,
  isHiddenObject,
  type Lwm2mVersion,
  type Path,
  rootPath,
  versionTraits,
  writeRequest,
} from '@lapwing/lwm2m';
import type { AccountSettings } from './accounts.ts';
import { ServerInstance } from './builtin/server.ts';
import { SendError } from './errors.ts';
import { Link, type LinkStats } from './link.ts';
import { AttributeTable } from './notify/attribute-table.ts';
import { Relations } from './notify/relations.ts';
import { type NotificationStats, Remembering } from './notify/remembering.ts';
import { type Caller, mayDo, Right } from './objects/access-control.ts';
import { objectList } from './operations/discover.ts';
import type { Visible } from './operations/read.ts';
import { serveOperations } from './operations/serve.ts';
import { Trees } from './operations/trees.ts';
import type { Settings } from './options.ts';
import { RegistrationSession, type SessionListener } from './registration/session.ts';
import { isRegistered, type Phase } from './registration/transitions.ts';
import { type TriggerStats, Triggers } from './trigger.ts';

export interface AccountStats extends LinkStats {
  /** Observations of the server here. */
  readonly relations: number;
  readonly notifications: NotificationStats;
  /** Requests refused because they came from somebody else. */
  readonly strangers: number;
  /** Text messages from the server's number; undefined where none can wake the device. */
  readonly triggers: TriggerStats | undefined;
}

export interface SendOptions {
  /** Withdraws it, also while it is under way. */
  readonly signal?: AbortSignal;
  /** Content-Format; default by version, and for values with times SenML. */
  readonly format?: number;
}

export interface AccountListener extends SessionListener {
  /** The server has asked by text message for a bootstrap. */
  bootstrap(): void;
}

export class Account implements AsyncDisposable {
  readonly settings: AccountSettings;
  private readonly link: Link;
  private readonly server: ServerInstance;
  private readonly session: RegistrationSession;
  private readonly attributes: AttributeTable;
  private readonly remembering: Remembering;
  private readonly relations: Relations;
  private readonly device: Settings;
  private readonly caller: Caller;
  private triggers: Triggers | undefined;
  private listed = '';
  private strangers = 0;

  private constructor(settings: Settings, account: AccountSettings, link: Link, listener: SessionListener) {
    this.settings = account;
    this.link = link;
    this.device = settings;
    this.server = new ServerInstance(settings.objects, account.instance);
    this.remembering = new Remembering(settings.keptNotifications, account.id);
    this.relations = new Relations(this.remembering);
    this.caller = {
      id: account.id,
      // Accounts come and go with a bootstrap.
      get isAlone() {
        return settings.objects.objects.get(1)?.instances.size === 1;
      },
    };
    this.attributes = new AttributeTable(() => this.server.defaults);
    this.session = new RegistrationSession(
      account,
      {
        name: account.omitName ? undefined : settings.name,
        version: settings.version,
        profileId: settings.profileId,
        smsNumber: settings.smsNumber,
        parameters: settings.parameters,
        lifetime: () => this.server.lifetime,
        retry: () => ({ ...account.retry, ...this.server.retry }),
        objectList: (version) => {
          this.listed = this.objectsAsText(version);
          return this.listed;
        },
      },
      link,
      settings,
      listener,
    );
  }

  /** Opens the socket; registers when it is started. */
  static async open(settings: Settings, account: AccountSettings, listener: AccountListener): Promise<Account> {
    let service: Service = () => Promise.reject(new ResponseError(Code.ServiceUnavailable));
    let lost: (peer: Peer) => void = () => undefined;
    const link = await Link.open(account, settings, {
      serve: (request, context) => service(request, context),
      lost: (peer) => lost(peer),
    });
    try {
      const opened = new Account(settings, account, link, listener);
      const { attributes, relations } = opened;
      if (settings.keptNotifications !== undefined) await relations.recall();
      const { notifications } = account;
      const unheard = (): void => opened.session.handle({ kind: 'unheard' });
      const stirred = (): void => opened.session.stirred();
      const store = settings.objects;
      const operations = serveOperations({
        ...settings,
        get version() {
          return opened.session.version;
        },
        store,
        attributes,
        relations,
        notifications,
        caller: opened.caller,
        storing: () => opened.server.isStoring,
        stirred,
        unheard,
      });
      service = (request, context) => opened.serve(operations, request, context);
      lost = (peer) => opened.session.lost(peer);
      opened.triggers = await opened.awaitTriggers(listener);
      return opened;
    } catch (error) {
      await link[Symbol.asyncDispose]();
      throw error;
    }
  }

  stats(): AccountStats {
    const { relations, strangers, triggers } = this;
    const notifications = this.remembering.stats();
    return { relations: relations.size, notifications, strangers, triggers: triggers?.stats(), ...this.link.stats() };
  }

  get phase(): Phase {
    return this.session.phase;
  }

  /** After a delay where the server has one for the beginning (/1/x/14). */
  start(): void {
    this.session.handle({ kind: 'start', delay: this.settings.delay });
  }

  stop(): void {
    this.session.handle({ kind: 'stop' });
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

  /** What is at the paths now, as far as it is there and the server may read it. */
  present(paths: readonly Path[]): readonly Entry[] {
    const { objects: store, endDevices } = this.device;
    return new Trees({ store, endDevices, visible: this.visible }).present(paths);
  }

  /** Core 1.2.1 §6.4.5. Settles when the server has it; rejects as `Client.send` says. */
  async send(entries: readonly Entry[], { signal, format }: SendOptions): Promise<void> {
    const { peer, version } = this.session;
    if (peer === undefined || !isRegistered(this.phase))
      throw new SendError('not-registered', `the device is not registered at ${this.settings.uri}`);
    if (this.server.isMuted)
      throw new SendError('muted', `${this.settings.uri} wants nothing sent (/1/${this.server.id}/23)`);
    if (!versionTraits[version].capabilities.has('send'))
      throw new SendError('unsupported', `${this.settings.uri} is spoken to in LwM2M ${version}, which has no Send`);
    if (!entries.every(({ path }) => this.maySend(path)))
      throw new SendError('forbidden', 'keys are sent to nobody, and values to whom may read them');
    if (entries.length === 0) throw new SendError('nothing', 'there is nothing to send');
    const operation = { op: 'send', entries, ...(format === undefined ? {} : { format }) } as const;
    const request = writeRequest(operation, {
      version,
      rootPath: this.device.rootPath,
      formats: versionTraits[version].formats,
    });
    this.session.stirred();
    try {
      const response = await this.link.endpoint.request(peer, request, signal === undefined ? {} : { signal });
      if (!isSuccess(response.code)) throw new ResponseError(response.code, undefined, response);
    } catch (error) {
      if (error instanceof TimeoutError) this.session.handle({ kind: 'unheard' });
      throw error;
    }
  }

  private maySend(path: Path): boolean {
    if (path.kind === 'root' || path.kind === 'object') return true;
    if (isHiddenObject(path.object)) return false;
    if (path.prefix !== undefined) return this.device.endDevices?.get(path.prefix) !== undefined;
    return this.visible(path.object, path.instance);
  }

  /** Values changed, also those of the account's own instance of object 1. */
  changed(paths: readonly Path[]): void {
    this.relations.changed(paths);
    const own = instancePath(1, this.server.id);
    if (!paths.some((path) => contains(own, path))) return;
    this.session.handle({ kind: 'lifetime-changed', lifetime: this.server.lifetime });
    this.relations.steered(rootPath);
  }

  /** Instances came or went: the server wants to know, unless it knows already. */
  listChanged(): void {
    const { objects } = this.device.objects;
    const { endDevices } = this.device;
    this.attributes.retain((path) => {
      const { prefix } = path;
      const there = prefix === undefined ? objects : endDevices?.get(prefix)?.objects.objects;
      if (path.kind === 'root' || path.kind === 'object') return there !== undefined;
      return there?.get(path.object)?.instances.has(path.instance) ?? false;
    });
    if (this.phase === 'idle' || this.objectsAsText(this.session.version) === this.listed) return;
    this.session.handle({ kind: 'objects-changed' });
  }

  /**
   * A new registration, or none: what was observed under the old one is over (Core 1.2.1 §6.4.2); where nothing may be lost, what
   * it has to say is kept for the server to observe anew.
   */
  forgetRelations(): void {
    if (this.server.isStoring) this.relations.suspendAll();
    else this.relations.endAll();
    this.attributes.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.session[Symbol.dispose]();
    await this.relations.close();
    await this.triggers?.[Symbol.asyncDispose]();
    await this.link[Symbol.asyncDispose]();
  }

  private objectsAsText(version: Lwm2mVersion): string {
    const { rootPath, objects } = this.device;
    const { announcesFormats, formats } = versionTraits[version];
    return formatObjectList({
      rootPath,
      formats: announcesFormats ? formats : [],
      objects: objectList(objects, version),
    });
  }

  /** Undefined where no number may wake the device. */
  private async awaitTriggers({ bootstrap }: AccountListener): Promise<Triggers | undefined> {
    const { clock, random, rootPath } = this.device;
    const { waking, instance } = this.settings;
    if (waking === undefined) return undefined;
    const road = waking.connector({ ...waking, clock, random });
    const triggers = await Triggers.open({
      ...{ road, instance, rootPath, clock },
      isAllowed: () => this.server.isTriggered(this.session.version),
      act: (what) => (what === 'update' ? this.update() : bootstrap()),
    });
    // Under DTLS it is the device that begins, while the server cannot: so it does now, and what comes of it is heard or not.
    if (waking.credentials !== undefined) road.connect(waking.address).catch(() => undefined);
    return triggers;
  }

  private serve(operations: Service, request: Request, context: Context): Promise<Response> {
    if (context.peer.key !== this.session.peer?.key) {
      this.strangers += 1;
      return Promise.reject(new ResponseError(Code.Unauthorized));
    }
    this.session.stirred();
    if (isForBootstrap(request)) return Promise.reject(new ResponseError(Code.Unauthorized));
    return operations(request, context);
  }
}

/** What only a bootstrap server may ask, and only while it bootstraps (Core 1.2.1 §6.1.3). */
function isForBootstrap({ code, options: { path } }: Request): boolean {
  const [first] = path;
  if (first === undefined) return code === Code.Delete;
  return (first === 'bs' && path.length === 1) || (/^\d+$/.test(first) && isHiddenObject(Number(first)));
}

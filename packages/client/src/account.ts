// One server of the device: its endpoint, its registration, and what it observes. Everything that comes from there is
// served here; what comes from elsewhere is refused.
import {
  Code,
  type Context,
  Endpoint,
  type EndpointStats,
  type Request,
  type Response,
  ResponseError,
  type Service,
} from '@lapwing/coap';
import type { Duration, Peer } from '@lapwing/kernel';
import { contains, formatObjectList, instancePath, type Path, rootPath, versionTraits } from '@lapwing/lwm2m';
import type { AccountSettings } from './accounts.ts';
import { hiddenObjects } from './builtin/security.ts';
import { ServerInstance } from './builtin/server.ts';
import { AttributeTable } from './notify/attribute-table.ts';
import { Relations } from './notify/relations.ts';
import { objectList } from './operations/discover.ts';
import { serveOperations } from './operations/serve.ts';
import type { Settings } from './options.ts';
import type { Phase } from './registration/machine.ts';
import { RegistrationSession, type SessionListener } from './registration/session.ts';

export interface AccountStats {
  /** Observations of the server here. */
  readonly relations: number;
  /** Requests refused because they came from somebody else. */
  readonly strangers: number;
  readonly endpoint: EndpointStats;
}

export class Account implements AsyncDisposable {
  readonly settings: AccountSettings;
  private readonly endpoint: Endpoint;
  private readonly server: ServerInstance;
  private readonly session: RegistrationSession;
  private readonly attributes: AttributeTable;
  private readonly relations = new Relations();
  private readonly device: Settings;
  private listed = '';
  private strangers = 0;

  private constructor(settings: Settings, account: AccountSettings, endpoint: Endpoint, listener: SessionListener) {
    this.settings = account;
    this.endpoint = endpoint;
    this.device = settings;
    this.server = new ServerInstance(settings.objects, account.instance);
    this.attributes = new AttributeTable(() => this.server.defaults);
    this.session = new RegistrationSession(
      account,
      {
        name: settings.name,
        version: settings.version,
        parameters: settings.parameters,
        lifetime: () => this.server.lifetime,
        objectList: () => {
          this.listed = this.objectsAsText();
          return this.listed;
        },
      },
      endpoint,
      settings,
      listener,
    );
  }

  /** Opens the socket; registers when it is started. */
  static async open(settings: Settings, account: AccountSettings, listener: SessionListener): Promise<Account> {
    const { clock, random } = settings;
    const { address, credentials, serverName, cipherSuites } = account;
    const destination = { address, credentials, cipherSuites, clock, random };
    let service: Service = () => Promise.reject(new ResponseError(Code.ServiceUnavailable));
    let lost: (peer: Peer) => void = () => undefined;
    const endpoint = await Endpoint.open({
      transport: account.connector(serverName === undefined ? destination : { ...destination, serverName }),
      serve: (request, context) => service(request, context),
      lost: (peer) => lost(peer),
      clock,
      random,
    });
    try {
      const opened = new Account(settings, account, endpoint, listener);
      const { attributes, relations } = opened;
      const { notifications } = account;
      const unheard = (): void => opened.session.handle({ kind: 'unheard' });
      const store = settings.objects;
      const operations = serveOperations({ ...settings, store, attributes, relations, notifications, unheard });
      service = (request, context) => opened.serve(operations, request, context);
      lost = (peer) => opened.session.lost(peer);
      return opened;
    } catch (error) {
      await endpoint[Symbol.asyncDispose]();
      throw error;
    }
  }

  stats(): AccountStats {
    return { relations: this.relations.size, strangers: this.strangers, endpoint: this.endpoint.stats() };
  }

  get phase(): Phase {
    return this.session.phase;
  }

  start(): void {
    this.session.handle({ kind: 'start' });
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
    this.attributes.retain((path) => {
      if (path.kind === 'root' || path.kind === 'object') return true;
      return objects.get(path.object)?.instances.has(path.instance) ?? false;
    });
    if (this.phase === 'idle' || this.objectsAsText() === this.listed) return;
    this.session.handle({ kind: 'objects-changed' });
  }

  /** A new registration, or none: what was observed under the old one is over (Core 1.2.1 §6.4.2). */
  forgetRelations(): void {
    this.relations.endAll();
    this.attributes.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.session[Symbol.dispose]();
    this.relations.endAll();
    await this.endpoint[Symbol.asyncDispose]();
  }

  private objectsAsText(): string {
    const { version, rootPath, objects } = this.device;
    // Devices of 1.0 know no such announcement.
    const formats = version === '1.0' ? [] : versionTraits[version].formats;
    return formatObjectList({ rootPath, formats, objects: objectList(objects) });
  }

  private serve(operations: Service, request: Request, context: Context): Promise<Response> {
    if (context.peer.key !== this.session.peer?.key) {
      this.strangers += 1;
      return Promise.reject(new ResponseError(Code.Unauthorized));
    }
    if (isForBootstrap(request)) return Promise.reject(new ResponseError(Code.Unauthorized));
    return operations(request, context);
  }
}

/** What only a bootstrap server may ask, and only while it bootstraps (Core 1.2.1 §6.1.3). */
function isForBootstrap({ code, options: { path } }: Request): boolean {
  const [first] = path;
  if (first === undefined) return code === Code.Delete;
  return (first === 'bs' && path.length === 1) || hiddenObjects.has(/^\d+$/.test(first) ? Number(first) : -1);
}

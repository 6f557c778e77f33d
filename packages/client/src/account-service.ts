// What the server of an account asks is done with the objects of the device; what comes from elsewhere, and what only a bootstrap server
// may ask, is refused. Classes, so that those of a fleet have one shape.
import { Code, type Context, type Request, type Response, ResponseError, type Service } from '@lapwing/coap';
import { isHiddenObject } from '@lapwing/lwm2m';
import type { Caller } from './objects/access-control.ts';
import type { ObjectStore } from './objects/store.ts';
import { type Operated, serveOperations } from './operations/serve.ts';
import type { AccountState } from './persistence/account-state.ts';
import type { RegistrationSession } from './registration/session.ts';
import type { Settings } from './settings.ts';

/** The server of an account, as object 2 knows it. */
export class AccountCaller implements Caller {
  readonly id: number;
  private readonly store: ObjectStore;

  constructor(id: number, store: ObjectStore) {
    this.id = id;
    this.store = store;
  }

  /** Accounts come and go with a bootstrap. */
  get isAlone(): boolean {
    return this.store.objects.get(1)?.instances.size === 1;
  }
}

type OfAccount = Omit<
  Operated,
  'version' | 'store' | 'clock' | 'rootPath' | 'endDevices' | 'actionTimeout' | 'storage'
>;

/** What operations of one server work on: of the device, and of the account. */
class OperatedAccount implements Operated {
  private readonly settings: Settings;
  private readonly session: RegistrationSession;
  private readonly own: OfAccount;

  constructor(settings: Settings, session: RegistrationSession, own: OfAccount) {
    this.settings = settings;
    this.session = session;
    this.own = own;
  }

  get version() {
    return this.session.version;
  }
  get store() {
    return this.settings.objects;
  }
  get clock() {
    return this.settings.clock;
  }
  get rootPath() {
    return this.settings.rootPath;
  }
  get endDevices() {
    return this.settings.endDevices;
  }
  get actionTimeout() {
    return this.settings.actionTimeout;
  }
  get storage() {
    return this.settings.storedNotifications;
  }
  get attributes() {
    return this.own.attributes;
  }
  get relations() {
    return this.own.relations;
  }
  get notifications() {
    return this.own.notifications;
  }
  get caller() {
    return this.own.caller;
  }
  get storing() {
    return this.own.storing;
  }
  get past() {
    return this.own.past;
  }
  get stirred() {
    return this.own.stirred;
  }
  get wanted() {
    return this.own.wanted;
  }
  get held() {
    return this.own.held;
  }
  get watched() {
    return this.own.watched;
  }
}

export class AccountService {
  private readonly session: RegistrationSession;
  private readonly state: AccountState | undefined;
  private readonly operations: Service;
  private refused = 0;

  /** `state` is undefined where nothing outlives the process. */
  constructor(settings: Settings, session: RegistrationSession, state: AccountState | undefined, own: OfAccount) {
    this.session = session;
    this.state = state;
    this.operations = serveOperations(new OperatedAccount(settings, session, own));
  }

  /** Requests refused because they came from somebody else. */
  get strangers(): number {
    return this.refused;
  }

  serve(request: Request, context: Context): Promise<Response> {
    const { session, state } = this;
    if (context.peer.key !== session.peer?.key) {
      this.refused += 1;
      return Promise.reject(new ResponseError(Code.Unauthorized));
    }
    session.stirred();
    if (isForBootstrap(request)) return Promise.reject(new ResponseError(Code.Unauthorized));
    if (state === undefined || context.notify === undefined) return this.operations(request, context);
    return this.operations(request, context).then((response) => {
      state.answered(request, context, response);
      return response;
    });
  }
}

/** What only a bootstrap server may ask, and only while it bootstraps (Core 1.2.1 §6.1.3). */
function isForBootstrap({ code, options: { path } }: Request): boolean {
  const [first] = path;
  if (first === undefined) return code === Code.Delete;
  return (first === 'bs' && path.length === 1) || (/^\d+$/.test(first) && isHiddenObject(Number(first)));
}

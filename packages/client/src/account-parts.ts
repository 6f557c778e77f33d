// Small parts of an account that are looked up anew at each use: classes, so that those of a fleet have one shape.
import type { Lwm2mVersion } from '@lapwing/lwm2m';
import type { Caller } from './objects/access-control.ts';
import type { ObjectStore } from './objects/store.ts';
import type { Operated } from './operations/serve.ts';
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

/** What operations of one server work on. */
export class OperatedAccount implements Operated {
  private readonly settings: Settings;
  private readonly spoken: { readonly version: Lwm2mVersion };
  private readonly own: OfAccount;

  constructor(settings: Settings, spoken: { readonly version: Lwm2mVersion }, own: OfAccount) {
    this.settings = settings;
    this.spoken = spoken;
    this.own = own;
  }

  get version() {
    return this.spoken.version;
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

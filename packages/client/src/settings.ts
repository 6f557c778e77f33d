// The options of a client as its parts read them: checked, and complete.
import type { ContextParameters } from '@lapwing/coap/oscore';
import type { Address, Clock, Duration, Random } from '@lapwing/kernel';
import type { Lwm2mVersion } from '@lapwing/lwm2m';
import type { BootstrapTerms } from './bootstrap/machine.ts';
import type { Connector, Credentials } from './connect.ts';
import type { EndDevices } from './gateway/end-devices.ts';
import type { KeyUse } from './key-use.ts';
import type { NotificationStore } from './notify/notification-store.ts';
import type { ObjectStore } from './objects/store.ts';
import type { NotificationStorage } from './operations/observe.ts';
import type { SendStorage } from './operations/sends.ts';
import type { StateStore } from './persistence/store.ts';
import type { RetryPolicy } from './registration/backoff.ts';
import type { ServerSms, SmsAccess } from './sms.ts';
import type { Traffic } from './traffic.ts';

/** What an account has that objects 0 and 1 cannot say. */
export interface Habits {
  readonly queueMode: boolean;
  readonly omitName: boolean;
  readonly notifications: 'con' | 'auto';
  /** Where the server's instance of object 1 says nothing else. */
  readonly retry: RetryPolicy;
  readonly updateMargin: Duration;
  readonly awakeTime: Duration;
  readonly idle: 'listen' | 'deaf' | 'close';
  readonly keepAlive: Duration | undefined;
}

export interface FactoryAccount extends Habits {
  readonly uri: string;
  readonly id: number;
  readonly lifetime: Duration;
  readonly defaultMinimumPeriod: number;
  readonly defaultMaximumPeriod: number | undefined;
  readonly address: Address;
  readonly credentials: Credentials | undefined;
  readonly serverName: string | undefined;
  readonly sms: ServerSms | undefined;
  readonly oscore: ContextParameters | undefined;
}

export interface FactoryBootstrap {
  readonly uri: string;
  readonly credentials: Credentials | undefined;
  readonly oscore: ContextParameters | undefined;
  readonly holdOff: Duration;
  readonly accountTimeout: Duration;
}

export interface BootstrapSettings {
  /** Before the first Register, whatever servers there are. */
  readonly first: boolean;
  readonly pack: boolean;
  readonly keysInClear: 'refuse' | 'accept';
  readonly downgrade: 'refuse' | 'accept';
  readonly terms: BootstrapTerms;
}

export interface Settings {
  readonly name: string;
  /** What the factory has written, in force while nobody has written anything else. */
  readonly accounts: readonly FactoryAccount[];
  readonly bootstrap: FactoryBootstrap | undefined;
  readonly provisioning: BootstrapSettings;
  /** Of accounts that somebody else writes. */
  readonly provisioned: Habits;
  readonly authorities: readonly (Uint8Array | string)[];
  readonly connectors: Readonly<Record<string, Connector>>;
  readonly objects: ObjectStore;
  readonly endDevices: EndDevices | undefined;
  readonly version: Lwm2mVersion;
  readonly profileId: string | undefined;
  readonly sms: SmsAccess | undefined;
  readonly smsNumber: string | undefined;
  readonly rootPath: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly actionTimeout: Duration;
  readonly closeTimeout: Duration;
  /** What the client goes on from that hibernated; undefined for none. */
  readonly hibernated: Uint8Array | undefined;
  /** Where is kept what outlives the process; undefined for nowhere. */
  readonly store: StateStore | undefined;
  readonly keptNotifications: NotificationStore | undefined;
  readonly storedNotifications: NotificationStorage;
  readonly queuedSends: SendStorage;
  readonly keyUse: KeyUse;
  /** Of all its roads. */
  readonly traffic: Traffic;
  readonly clock: Clock;
  readonly random: Random;
}

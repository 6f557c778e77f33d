// Every setting of a client: the one place with defaults, ranges and units. Checked once; past it nothing is optional.
import { parseUri } from '@lapwing/coap';
import type { ContextParameters, KeyUseStore } from '@lapwing/coap/oscore';
import {
  type Address,
  type Clock,
  ConfigError,
  type Duration,
  encodeUtf8,
  isStackError,
  type Random,
  seconds,
  systemClock,
  systemRandom,
} from '@lapwing/kernel';
import { isName, type Lwm2mVersion, versions, versionTraits } from '@lapwing/lwm2m';
import { type BootstrapTerms, defaultBootstrapTerms } from './bootstrap/machine.ts';
import { checkOscore } from './builtin/oscore.ts';
import { addressOf, type Connector, type Credentials, connectorsOf, isSecured } from './connect.ts';
import type { EndDevices } from './gateway/end-devices.ts';
import { type HabitOptions, habitsOf } from './habits.ts';
import { type KeyUse, LateKeyUse } from './key-use.ts';
import type { NotificationStore } from './notify/notification-store.ts';
import { ObjectStore } from './objects/store.ts';
import type { NotificationStorage } from './operations/observe.ts';
import type { SendStorage } from './operations/sends.ts';
import type { StateStore } from './persistence/store.ts';
import type { BootstrapSettings, FactoryAccount, FactoryBootstrap, Settings } from './settings.ts';
import { checkServerSms, checkSmsAccess, type ServerSms, type SmsAccess } from './sms.ts';
import { Traffic } from './traffic.ts';

export interface ServerAccount extends HabitOptions {
  /** `coap://host:port`, `coaps://…`, `coap+tcp://…`, `coaps+tcp://…`, `coap+ws://…`, `coaps+ws://…`, or `tel:+…` where the device has a modem */
  readonly uri: string;
  /** What the device proves itself with over `coaps`, `coaps+tcp`, `coaps+ws` and `tel`, and what it trusts of the server. */
  readonly credentials?: Credentials;
  /** What to call the server in a handshake (/0/x/14); default its host, and for a number nothing. */
  readonly serverName?: string;
  /** The server's number, where it may wake the device by text message; default none. */
  readonly sms?: ServerSms;
  /**
   * What messages are protected with by OSCORE (RFC 8613), on whatever road: object 21. `senderId` is the device's. Without
   * algorithms AES-CCM-16-64-128 and HKDF with SHA-256.
   */
  readonly oscore?: ContextParameters;
  /** Short server id, 1 to 65 534; default 1, 2, … in order. */
  readonly id?: number;
  /** In ms, from 1 s; Infinity never ends; default 86 400 s. */
  readonly lifetime?: Duration;
  /** Default minimum period of notifications in seconds (/1/x/2); default 0. */
  readonly defaultMinimumPeriod?: number;
  /** Default maximum period of notifications in seconds (/1/x/3); default none. */
  readonly defaultMaximumPeriod?: number;
}

/** Where the device gets its servers from: when it knows none, when one cannot be reached any more, or when one says so. */
export interface BootstrapAccount {
  /** As those of servers. */
  readonly uri: string;
  /** What the device proves itself with over a secured road, and what it trusts of the bootstrap server. */
  readonly credentials?: Credentials;
  /** As those of servers. */
  readonly oscore?: ContextParameters;
  /** Before the first request, in ms (/0/x/11); default 0. */
  readonly holdOff?: Duration;
  /** The account goes so long after a bootstrap, in ms (/0/x/12); default 0, never. */
  readonly accountTimeout?: Duration;
}

/** What a device lets a bootstrap server do, and how patient it is with it. */
export interface BootstrapPolicy {
  /**
   * Asks the bootstrap server at the start also where there are servers already: they are registered at once it has finished, or once a
   * bootstrap has failed; default false.
   */
  readonly first?: boolean;
  /** Asks for everything in one answer first (Bootstrap-Pack, from 1.2 on); default: with 1.2. */
  readonly pack?: boolean;
  /** Keys that come over a road without security; default `refuse`. */
  readonly keysInClear?: 'refuse' | 'accept';
  /** A server that is there already gets weaker keys or none; default `refuse`. */
  readonly downgrade?: 'refuse' | 'accept';
  readonly terms?: Partial<BootstrapTerms>;
  /** Of the accounts that a bootstrap server writes: what objects 0 and 1 cannot say. Defaults as for `servers`. */
  readonly accounts?: Omit<HabitOptions, 'omitName'>;
}

export interface ClientOptions {
  /** Endpoint client name, 1 to 252 bytes. */
  readonly name: string;
  /** May be left out where there is a bootstrap server. Counts like `bootstrap` only while `objects` hold no account. */
  readonly servers?: readonly ServerAccount[];
  readonly bootstrap?: BootstrapAccount & BootstrapPolicy;
  /** Certificates that the device itself trusts, for bootstrapped accounts whose certificate usage builds paths (/0/x/15). */
  readonly authorities?: readonly (Uint8Array | string)[];
  /** What the device has; more can be added while it runs. */
  readonly objects?: ObjectStore;
  /** Those behind the device, where it is a gateway; made with the same `objects`; default none. */
  readonly endDevices?: EndDevices;
  /** Default 1.1. A server that does not speak it is spoken to in the newest older one that it understands. */
  readonly version?: Lwm2mVersion;
  /** Stands for the object list at servers that know the profile, from 1.2 on (Core 1.2.1 §6.2.1); default none. */
  readonly profileId?: string;
  /** The device's modem: servers can have numbers for URIs, and numbers that wake the device; default none. */
  readonly sms?: SmsAccess;
  /** Where the device can be woken by SMS by other means, up to 15 digits (E.164) with or without `+`; default `sms.msisdn`. */
  readonly smsNumber?: string;
  /** `/path` under which the objects stand; default none. */
  readonly rootPath?: string;
  /** Further parameters of Register. */
  readonly parameters?: Readonly<Record<string, string>>;
  /**
   * Sequence numbers and replay windows of OSCORE (RFC 8613 Appendix B.1): a store that outlives the process. Default none:
   * then keys are made anew with each server after every start (Appendix B.2), as Transport 1.1 §5.5.3 has it.
   */
  readonly keyUse?: KeyUseStore;
  /** Where notifications that a server must not lose (/1/x/6) outlive the process; default in `store`, or nowhere. */
  readonly keptNotifications?: NotificationStore;
  /** By URI scheme; default `coap` and `coaps` over UDP, `coap+tcp`, `coaps+tcp`, `coap+ws` and `coaps+ws`. */
  readonly connectors?: Readonly<Record<string, Connector>>;
  /** Longest wait for an executable's action before the server is told 5.03; default 30 s. */
  readonly actionTimeout?: Duration;
  /** Longest wait for the servers' answers to Deregister when the client is closed; default 5 s. */
  readonly closeTimeout?: Duration;
  /**
   * Keeps what outlives the process: accounts, registrations, attributes and observations of servers, handshakes, what waits to be said,
   * and the use of OSCORE's keys where `keyUse` is not given. A client that is started on it goes on with an Update, without bootstrap,
   * handshake or Register, as long as its lifetime is not over. One client for each store. Default: nothing is kept.
   */
  readonly store?: StateStore;
  /**
   * What `hibernate` has given of an earlier client with the same options and objects with the same values: it goes on where that one was,
   * without a word to anybody. Where accounts are others now, the device begins as ever. Not together with `store`.
   */
  readonly hibernated?: Uint8Array;
  /**
   * Of each observation, what is kept while its server cannot be reached and wants nothing lost (/1/x/6): so many notifications, 1 to
   * 1000, where the server has not said how many (`hqmax`), and what goes when there are more. Default 100, `oldest`.
   */
  readonly storedNotifications?: Partial<NotificationStorage>;
  /** What waits to be sent to one server (`queue` of `send`): 1 to 100 000, and what goes when there is more. Default 100, `oldest`. */
  readonly queuedSends?: Partial<SendStorage>;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** Parameters that the engine sends itself (Core 1.2.1 §6.2.1). */
const ours: ReadonlySet<string> = new Set(['ep', 'lt', 'lwm2m', 'b', 'Q', 'sms', 'pid']);
/** 2^32 - 1 s: what servers read. */
const longestLifetime = seconds(0xffff_ffff);
/** Bytes of one option of a query (RFC 7252 §5.10). */
const longestParameter = 255;

/** Throws ConfigError with every problem. */
export function settingsOf(options: ClientOptions): Settings {
  const problems: string[] = [];
  if (!isName(options.name)) problems.push('name: not 1 to 252 bytes without control characters');
  const { servers = [], authorities = [] } = options;
  const objects = options.objects ?? new ObjectStore();
  if (servers.length === 0 && options.bootstrap === undefined && !objects.objects.get(0)?.instances.size)
    problems.push('servers: none given');
  const { endDevices } = options;
  if (endDevices !== undefined && endDevices.gateway !== objects)
    problems.push('endDevices: made with the objects of another device');
  const version = options.version ?? '1.1';
  if (endDevices !== undefined && version === '1.0')
    problems.push('endDevices: a gateway speaks 1.1 at least (Gateway 1.1.1 §8)');
  if (!versions.includes(version)) problems.push(`version: '${version}' is not one of ${versions.join(', ')}`);
  const rootPath = options.rootPath ?? '';
  if (rootPath !== '' && !/^(\/[^/?#<>]+)+$/.test(rootPath)) problems.push(`rootPath: '${rootPath}' is not like /path`);
  const { profileId, smsNumber } = options;
  if (profileId !== undefined && (profileId === '' || encodeUtf8(`pid=${profileId}`).length > longestParameter))
    problems.push('profileId: empty or too long');
  if (smsNumber !== undefined && !/^\+?\d{1,15}$/.test(smsNumber))
    problems.push('smsNumber: not 1 to 15 digits (E.164), with or without +');
  const { sms } = options;
  checkSmsAccess(sms, problems);
  const connectors = { ...connectorsOf(sms), ...options.connectors };
  const accounts = servers.flatMap((server, i) => accountOf(server, i, { connectors, sms }, problems));
  const bootstrap = options.bootstrap === undefined ? undefined : bootstrapOf(options.bootstrap, connectors, problems);
  const provisioning = provisioningOf(options.bootstrap, version, problems);
  const provisioned = habitsOf(options.bootstrap?.accounts ?? {}, 'bootstrap.accounts', problems);
  if (new Set(accounts.map(({ id }) => id)).size !== accounts.length) problems.push('servers: two have the same id');
  const { parameters = {}, actionTimeout = seconds(30), closeTimeout = seconds(5) } = options;
  for (const [name, value] of Object.entries(parameters)) {
    if (ours.has(name) || name === '' || name.includes('=')) problems.push(`parameters: '${name}' cannot be set`);
    else if (encodeUtf8(`${name}=${value}`).length > longestParameter) problems.push(`parameters.${name}: too long`);
  }
  if (options.hibernated !== undefined && options.store !== undefined)
    problems.push('hibernated: a client with a store goes on from what is there');
  if (!(actionTimeout > 0)) problems.push(`actionTimeout: ${actionTimeout} is not above 0`);
  if (!(closeTimeout >= 0)) problems.push(`closeTimeout: ${closeTimeout} is below 0`);
  const storedNotifications: NotificationStorage = { limit: 100, drop: 'oldest', ...options.storedNotifications };
  const queuedSends: SendStorage = { limit: 100, drop: 'oldest', ...options.queuedSends };
  for (const [name, { limit }, most] of [
    ['storedNotifications', storedNotifications, 1000],
    ['queuedSends', queuedSends, 100_000],
  ] as const) {
    if (!(Number.isInteger(limit) && limit >= 1 && limit <= most))
      problems.push(`${name}.limit: ${limit} is not 1 to ${most}`);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    name: options.name,
    accounts,
    bootstrap,
    provisioning,
    provisioned,
    authorities,
    connectors,
    objects,
    endDevices,
    version,
    profileId,
    sms,
    smsNumber: smsNumber ?? sms?.msisdn,
    rootPath,
    parameters,
    actionTimeout,
    closeTimeout,
    hibernated: options.hibernated,
    store: options.store,
    keptNotifications: options.keptNotifications,
    storedNotifications,
    queuedSends,
    keyUse: options.keyUse === undefined ? inMemory() : { store: options.keyUse, recovery: 'stored' },
    traffic: new Traffic(objects),
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
  };
}

/** Whether some of it can only be checked when OSCORE is loaded. */
export function saysOscore({ servers = [], bootstrap }: ClientOptions): boolean {
  return bootstrap?.oscore !== undefined || servers.some(({ oscore }) => oscore !== undefined);
}

const inMemory = (): KeyUse => new LateKeyUse('rederived', ({ MemoryKeyUseStore }) => new MemoryKeyUseStore());

function accountOf(
  server: ServerAccount,
  index: number,
  { connectors, sms: access }: Pick<Settings, 'connectors' | 'sms'>,
  problems: string[],
): FactoryAccount[] {
  const at = `servers[${index}]`;
  const id = server.id ?? index + 1;
  const lifetime = server.lifetime ?? seconds(86_400);
  const minimum = server.defaultMinimumPeriod ?? 0;
  const maximum = server.defaultMaximumPeriod;
  const before = problems.length;
  if (!(Number.isInteger(id) && id >= 1 && id <= 65_534)) problems.push(`${at}.id: ${id} is not from 1 to 65534`);
  if (!(lifetime >= 1000)) problems.push(`${at}.lifetime: ${lifetime} ms is below a second`);
  else if (Number.isFinite(lifetime) && lifetime > longestLifetime)
    problems.push(`${at}.lifetime: ${lifetime} ms is above 2^32 s`);
  if (!(Number.isInteger(minimum) && minimum >= 0))
    problems.push(`${at}.defaultMinimumPeriod: ${minimum} is not a number of seconds`);
  if (maximum !== undefined && !(Number.isInteger(maximum) && maximum > 0)) {
    problems.push(`${at}.defaultMaximumPeriod: ${maximum} is not a number of seconds above 0`);
  }
  const habits = habitsOf(server, at, problems);
  const { uri, credentials, oscore, serverName, sms } = server;
  checkServerSms(sms, at, access, problems);
  checkContext(oscore, at, problems);
  const address = addressAt(uri, credentials, at, connectors, problems);
  if (address === undefined || problems.length !== before) return [];
  return [
    // One by one: what a spread makes has a shape of its own, in each device of a fleet.
    {
      queueMode: habits.queueMode,
      omitName: habits.omitName,
      notifications: habits.notifications,
      retry: habits.retry,
      updateMargin: habits.updateMargin,
      awakeTime: habits.awakeTime,
      idle: habits.idle,
      keepAlive: habits.keepAlive,
      uri,
      id,
      lifetime,
      defaultMinimumPeriod: minimum,
      defaultMaximumPeriod: maximum,
      address,
      credentials,
      serverName,
      sms,
      oscore,
    },
  ];
}

function bootstrapOf(
  account: BootstrapAccount,
  connectors: Readonly<Record<string, Connector>>,
  problems: string[],
): FactoryBootstrap {
  const { uri, credentials, oscore, holdOff = 0, accountTimeout = 0 } = account;
  for (const [name, wait] of Object.entries({ holdOff, accountTimeout })) {
    if (!(wait >= 0 && wait <= longestLifetime)) problems.push(`bootstrap.${name}: ${wait} is not from 0 to 2^32 s`);
  }
  checkContext(oscore, 'bootstrap', problems);
  addressAt(uri, credentials, 'bootstrap', connectors, problems);
  return { uri, credentials, oscore, holdOff, accountTimeout };
}

function checkContext(parameters: ContextParameters | undefined, at: string, problems: string[]): void {
  if (parameters === undefined) return;
  try {
    checkOscore(parameters);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems.map((problem) => `${at}.${problem}`));
  }
}

function provisioningOf(
  { first = false, pack, keysInClear = 'refuse', downgrade = 'refuse', terms = {} }: BootstrapPolicy = {},
  version: Lwm2mVersion,
  problems: string[],
): BootstrapSettings {
  const complete = { ...defaultBootstrapTerms, ...terms };
  for (const name of ['patience', 'firstWait', 'longestWait'] as const) {
    if (!(complete[name] > 0)) problems.push(`bootstrap.terms.${name}: ${complete[name]} is not above 0`);
  }
  if (!(complete.spread >= 0 && complete.spread <= 1))
    problems.push(`bootstrap.terms.spread: ${complete.spread} is not from 0 to 1`);
  const knowsPack = versions.includes(version) && versionTraits[version].bootstrap.pack;
  if (pack === true && !knowsPack) problems.push(`bootstrap.pack: ${version} has none`);
  return { first, pack: pack ?? knowsPack, keysInClear, downgrade, terms: complete };
}

/** Undefined, and a problem more, for a URI that nothing here can reach. */
function addressAt(
  uri: string,
  credentials: Credentials | undefined,
  at: string,
  connectors: Readonly<Record<string, Connector>>,
  problems: string[],
): Address | undefined {
  try {
    const parts = parseUri(uri);
    const { scheme } = parts;
    if (!Object.hasOwn(connectors, scheme))
      problems.push(`${at}.uri: nothing here speaks '${scheme}' (known: ${Object.keys(connectors).join(', ')})`);
    else if (isSecured(scheme) && credentials === undefined) problems.push(`${at}.credentials: ${scheme} needs some`);
    else return addressOf(parts);
  } catch (error) {
    problems.push(`${at}.uri: ${isStackError(error) ? error.message : String(error)}`);
  }
  return undefined;
}

// Every setting of a server: the one place with defaults, ranges and units. Checked once; past it nothing is optional.
import type { BlockOptions, Code, ParameterOptions } from '@lapwing/coap';
import type { KeyUseStore } from '@lapwing/coap/oscore';
import {
  type Clock,
  ConfigError,
  type Duration,
  days,
  encodeUtf8,
  type Peer,
  type Random,
  seconds,
  systemClock,
  systemRandom,
  type Transport,
} from '@lapwing/kernel';
import { DefinitionLibrary, type Lwm2mVersion, type ObjectList, parseObjectList } from '@lapwing/lwm2m';
import type { ListenerSecurity, StreamSecurity } from './listen.ts';
import type { CommandReceiver } from './queue.ts';
import type { Rate } from './rate-limit.ts';
import type { Registration } from './registration/registration.ts';
import type { SecurityStore } from './security/store.ts';
import type { CommandStore } from './stores/command-store.ts';
import type { ObservationStore } from './stores/observation-store.ts';
import type { RegistrationStore } from './stores/registration-store.ts';

/** Where devices come in; with `dtls`, only those that prove who they are. */
export type Listener = { readonly name?: string; readonly dtls?: ListenerSecurity } & (
  | {
      readonly via: 'udp';
      /** Loopback by default: without security a server does not face a network by itself. */
      readonly host?: string;
      readonly port: number;
    }
  /** CoAP over TCP, or over WebSockets at `/.well-known/coap`; with `tls`, only those who prove who they are. */
  | {
      readonly via: 'tcp' | 'ws';
      /** Loopback by default. */
      readonly host?: string;
      readonly port: number;
      readonly tls?: StreamSecurity;
      /** Bytes of the longest message (RFC 8323 §5.3.1); default 8 192. */
      readonly longestMessage?: number;
      /** Connections at once; default 150 000. */
      readonly connections?: number;
      /** Origins of web pages that may connect over WebSockets (RFC 6455 §10.2); default none. */
      readonly origins?: readonly string[];
    }
  | { readonly transport: Transport }
);

/** As given, or by position. */
export const listenerName = ({ name }: Listener, index: number): string => name ?? `listener-${index + 1}`;

/** A device that asks to be registered. */
export interface Candidate {
  readonly name: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly peer: Peer;
  /** Name of the listener that it came by. */
  readonly listener: string;
  readonly version: Lwm2mVersion;
  /** In ms, as asked for. */
  readonly lifetime: Duration;
}

export type Verdict =
  | {
      readonly allow: true;
      readonly attributes?: Readonly<Record<string, string>>;
      /** Unix time in ms at which the permission ends. */
      readonly expiresAt?: number;
    }
  | { readonly allow: false; readonly code: Code /** Diagnostic payload. */; readonly reason?: string };

/** Where a server keeps what outlives it. */
export interface Stores {
  readonly registrations?: RegistrationStore;
  readonly observations?: ObservationStore;
  readonly commands?: CommandStore;
  /**
   * Sequence numbers and replay windows of OSCORE (RFC 8613 Appendix B.1). Without it keys are made anew with each device after
   * every start (Appendix B.2), and devices that cannot do that do not come in.
   */
  readonly keyUse?: KeyUseStore;
}

export interface ServerOptions {
  readonly listeners: readonly Listener[];
  readonly clock?: Clock;
  readonly random?: Random;
  /** Definitions for reading and writing values; default: all that come with the package. */
  readonly library?: DefinitionLibrary;
  /**
   * Credentials of devices and the names that they speak for: what secured listeners know devices by, and who may register as whom.
   * Default: none, and an identity may call itself what it likes. A name that is registered by an identity goes to nobody without one.
   */
  readonly security?: SecurityStore;
  /** Asked at each Register before anything is stored, and after `security`; default: everybody. */
  readonly authorize?: (candidate: Candidate) => Promise<Verdict>;
  /**
   * What devices have that register with the id of a profile and without an object list, in the link format of such lists; a device
   * with an id that is not here is asked for its list (Core 1.2.1 §6.2.1). Default: none.
   */
  readonly profiles?: Readonly<Record<string, string>>;
  /**
   * Lifetimes outside are moved to the nearest end. Defaults 15 s, 365 days; `endless` for those without an end, default `max`; `default`
   * when none was sent, 86 400 s; `zero` for a 0 in LwM2M 1.0, where it does not say endless yet, default `min`.
   */
  readonly lifetime?: {
    readonly min?: Duration;
    readonly max?: Duration;
    readonly endless?: Duration;
    readonly default?: Duration;
    readonly zero?: Duration;
  };
  /** Queue mode: awake so long after each contact, in ms above 0, one for all or by device; default 93 s. */
  readonly awakeWindow?: Duration | ((registration: Registration) => Duration);
  /** Who is in queue mode; default by version: the letter Q in `b` before 1.1, the parameter `Q` from 1.1 on. */
  readonly queueMode?: (parameters: ReadonlyMap<string, string>, version: Lwm2mVersion) => boolean;
  /** How long requests are repeated and waited for; default as RFC 7252 §4.8 has it: 93 s, and 247 s for late answers. */
  readonly transmission?: ParameterOptions;
  /** Sizes and limits of transfers in blocks, both ways; defaults of the endpoint: 1 024 and 64 KiB. */
  readonly blocks?: BlockOptions;
  /** What outlives the process; default: nothing does. */
  readonly stores?: Stores;
  /** The tag of a kept observation, made of its note once for each distinct text; default: the note itself. */
  readonly tagOfNote?: (note: string) => unknown;
  /**
   * How kept observations are made again when a device registers anew, where its version has composites (1.1 on): `each` by itself, the
   * default; or `together`, in one composite (Core 1.2.1 §6.4.3), of which each hears what concerns it. A device that does not agree to
   * that is asked for each. It sends less, and whatever one path is written to wait for (`pmin`) counts for all only where all wait.
   */
  readonly keptObservations?: 'each' | 'together';
  /**
   * What it means that a device answers observe with a value and without the Observe option: the observation is `over` before it began
   * (RFC 7641 §3.1), the default; or it is `going-on`, since some devices leave the option out once and then notify.
   */
  readonly unmarkedObserve?: 'over' | 'going-on';
  /** Hears what becomes of queued commands; default: nobody but who holds their handles. */
  readonly receiver?: CommandReceiver;
  /**
   * Whether object 25 of each device that registers it is observed, so that end devices and their events are known; default `follow`.
   * Their paths can be asked for in any case.
   */
  readonly endDevices?: 'follow' | 'ignore';
  readonly limits?: {
    /** Registrations in all; default 1 000 000. */
    readonly registrations?: number;
    /** Commands of one device; default 100. */
    readonly commands?: number;
    /** Observations of one device; default 64. */
    readonly observations?: number;
    /** End devices of one gateway; default 4096. */
    readonly endDevices?: number;
    /** Queued commands of one device, default 10 000; of all, default 1 000 000. */
    readonly queued?: number;
    readonly queuedInAll?: number;
    /** Registers of one name from one host or credential; default 1 a second, 5 at once. */
    readonly registerRate?: Rate;
    /** Registers from one host or credential, whatever the names; default unlimited, since many devices may share one address. */
    readonly hostRate?: Rate;
  };
}

export interface Settings {
  readonly clock: Clock;
  readonly random: Random;
  readonly library: DefinitionLibrary;
  readonly security: SecurityStore | undefined;
  readonly authorize: ((candidate: Candidate) => Promise<Verdict>) | undefined;
  readonly profiles: ReadonlyMap<string, ObjectList>;
  readonly lifetime: Required<NonNullable<ServerOptions['lifetime']>>;
  readonly awakeWindow: Duration | ((registration: Registration) => Duration);
  readonly queueMode: ((parameters: ReadonlyMap<string, string>, version: Lwm2mVersion) => boolean) | undefined;
  readonly transmission: ParameterOptions;
  readonly blocks: BlockOptions;
  readonly stores: Stores;
  readonly tagOfNote: (note: string) => unknown;
  readonly keptObservations: 'each' | 'together';
  readonly unmarkedObserve: 'over' | 'going-on';
  readonly receiver: CommandReceiver | undefined;
  readonly endDevices: 'follow' | 'ignore';
  readonly limits: {
    readonly endDevices: number;
    readonly registrations: number;
    readonly commands: number;
    readonly observations: number;
    readonly queued: number;
    readonly queuedInAll: number;
    readonly registerRate: Rate;
    readonly hostRate: Rate | undefined;
  };
}

/** Throws ConfigError with every problem. */
export function settingsOf(options: ServerOptions): Settings {
  const { lifetime = {}, limits = {} } = options;
  const problems: string[] = [];
  const settings: Settings = {
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
    library: options.library ?? new DefinitionLibrary(),
    security: options.security,
    authorize: options.authorize,
    profiles: profilesOf(options.profiles ?? {}, problems),
    lifetime: {
      min: lifetime.min ?? seconds(15),
      max: lifetime.max ?? days(365),
      endless: lifetime.endless ?? lifetime.max ?? days(365),
      default: lifetime.default ?? seconds(86_400),
      zero: lifetime.zero ?? lifetime.min ?? seconds(15),
    },
    awakeWindow: options.awakeWindow ?? seconds(93),
    queueMode: options.queueMode,
    transmission: options.transmission ?? {},
    blocks: options.blocks ?? {},
    stores: options.stores ?? {},
    tagOfNote: options.tagOfNote ?? ((note) => note),
    keptObservations: options.keptObservations ?? 'each',
    unmarkedObserve: options.unmarkedObserve ?? 'over',
    receiver: options.receiver,
    endDevices: options.endDevices ?? 'follow',
    limits: {
      endDevices: limits.endDevices ?? 4096,
      registrations: limits.registrations ?? 1_000_000,
      commands: limits.commands ?? 100,
      observations: limits.observations ?? 64,
      queued: limits.queued ?? 10_000,
      queuedInAll: limits.queuedInAll ?? 1_000_000,
      registerRate: limits.registerRate ?? { perSecond: 1, burst: 5 },
      hostRate: limits.hostRate,
    },
  };
  const positive = (path: string, value: number): void => {
    if (!(value > 0)) problems.push(`${path}: ${value} is not above 0`);
  };
  problems.push(...listenerProblems(options.listeners, options.security));
  positive('lifetime.min', settings.lifetime.min);
  positive('lifetime.default', settings.lifetime.default);
  positive('lifetime.zero', settings.lifetime.zero);
  if (lifetime.endless !== undefined) positive('lifetime.endless', lifetime.endless);
  if (!(settings.lifetime.max >= settings.lifetime.min)) problems.push('lifetime.max: below lifetime.min');
  if (typeof settings.awakeWindow === 'number') positive('awakeWindow', settings.awakeWindow);
  positive('limits.registrations', settings.limits.registrations);
  positive('limits.commands', settings.limits.commands);
  positive('limits.observations', settings.limits.observations);
  positive('limits.endDevices', settings.limits.endDevices);
  positive('limits.queued', settings.limits.queued);
  positive('limits.queuedInAll', settings.limits.queuedInAll);
  for (const name of ['registerRate', 'hostRate'] as const) {
    const rate = settings.limits[name];
    if (rate === undefined) continue;
    positive(`limits.${name}.perSecond`, rate.perSecond);
    // A bucket of less than one token would never give one.
    if (!(rate.burst >= 1)) problems.push(`limits.${name}.burst: ${rate.burst} is below 1`);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return settings;
}

export function listenerProblems(
  listeners: readonly Listener[],
  security: SecurityStore | undefined,
): readonly string[] {
  const problems: string[] = [];
  if (listeners.length === 0) problems.push('listeners: none given');
  const names = listeners.map(listenerName);
  if (new Set(names).size !== names.length) problems.push('listeners: two have the same name');
  listeners.forEach((listener, i) => {
    const { dtls } = listener;
    const keys = dtls?.psk !== false && security !== undefined;
    if (dtls !== undefined && !keys && dtls.certificate === undefined && dtls.rawPublicKey === undefined)
      problems.push(
        `listeners[${i}].dtls: nobody could come in: give ` +
          `certificate or rawPublicKey, or the server security with pre-shared keys`,
      );
    if (dtls !== undefined && 'via' in listener && listener.via !== 'udp')
      problems.push(`listeners[${i}].dtls: over ${listener.via} it is tls`);
    const tls = 'tls' in listener ? listener.tls : undefined;
    if (tls !== undefined && (tls.psk === false || security === undefined) && tls.certificate === undefined)
      problems.push(
        `listeners[${i}].tls: nobody could come in: give certificate, or the server security with pre-shared keys`,
      );
    if (dtls?.rawPublicKey !== undefined && security === undefined)
      problems.push(`listeners[${i}].dtls.rawPublicKey: whose keys may come in? Give the server security`);
    if ('port' in listener && !(Number.isInteger(listener.port) && listener.port >= 0 && listener.port <= 65_535)) {
      problems.push(`listeners[${i}].port: ${listener.port} is not from 0 to 65535`);
    }
  });
  return problems;
}

function profilesOf(given: Readonly<Record<string, string>>, problems: string[]): ReadonlyMap<string, ObjectList> {
  const profiles = new Map<string, ObjectList>();
  for (const [id, text] of Object.entries(given)) {
    const list = parseObjectList(encodeUtf8(text));
    if (list.kind === 'objects') profiles.set(id, list);
    else problems.push(`profiles.${id}: ${list.reason}`);
  }
  return profiles;
}

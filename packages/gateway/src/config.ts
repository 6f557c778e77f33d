// A written configuration → a complete read-only one, or a ConfigError that lists every problem with its path. Past this file
// nothing is optional and nothing has a unit but ms and bytes. Values of secrets are in no message.
import type { BlockOptions, ParameterOptions } from '@lapwing/coap';
import { ConfigError, type Duration, encodeUtf8, FormatError, Secret, seconds } from '@lapwing/kernel';
import { formatPath, parsePath } from '@lapwing/lwm2m';
import { type BootstrapConfig, bootstrapOf } from './bootstrap/config.ts';
import { type Profile, profiles } from './compat.ts';
import { issueText } from './config-issues.ts';
import {
  authenticationOf,
  type HttpAuthentication,
  type ListenerConfig,
  listenersOf,
  type ModemConfig,
  modemsOf,
  noteMountpoint,
  noteNamesInTheOpen,
} from './config-listeners.ts';
import { rootSchema, type WrittenConfig } from './config-schema.ts';
import { type SecurityConfig, securityOf } from './config-security.ts';
import type { LogFormat, LogLevel } from './log.ts';
import { type StoreConfig, storeOf } from './store-key.ts';
import type { TlsFiles } from './tls-files.ts';
import type { BindAddress } from './units.ts';

export interface GatewayConfig {
  readonly lwm2m: Lwm2mConfig;
  readonly security: SecurityConfig;
  /** Undefined without a bootstrap server. */
  readonly bootstrap: BootstrapConfig | undefined;
  readonly mqtt: MqttConfig;
  /** The embedded database. */
  readonly store: StoreConfig;
  /** Directories with object XML files, to be read where they exist. */
  readonly modelDirs: readonly string[];
  readonly logLevel: LogLevel;
  /** `auto`: for people on a terminal, else JSON. */
  readonly logFormat: 'auto' | LogFormat;
  /** What was understood and has no effect, each with its path. */
  readonly warnings: readonly string[];
}

export type Uplink = 'response' | 'notify' | 'register' | 'update';
export interface Translator {
  readonly topic: string;
  readonly qos: 0 | 1 | 2;
}

export interface Lwm2mConfig {
  readonly profile: Profile;
  readonly lifetime: { readonly min: Duration; readonly max: Duration; readonly endless: Duration };
  readonly awakeWindow: Duration;
  readonly autoObserve: AutoObserve;
  readonly publishUpdates: 'always' | 'contains_object_list';
  readonly lifecycleEvents: boolean;
  readonly keptObservations: 'each' | 'together';
  readonly command: Translator;
  readonly uplinks: { readonly [uplink in Uplink]: Translator };
  readonly mountpoint: string;
  readonly listeners: readonly ListenerConfig[];
  readonly modems: readonly ModemConfig[];
  readonly authentication: HttpAuthentication | undefined;
  readonly blocks: BlockOptions;
  /** Commands a second when one message means several devices. */
  readonly commandRate: number;
  readonly transmission: ParameterOptions;
}

export type AutoObserve =
  | { readonly kind: 'none' }
  | { readonly kind: 'all' }
  | { readonly kind: 'paths'; readonly paths: readonly string[] };

export interface MqttConfig {
  readonly broker:
    | { readonly kind: 'embedded'; readonly bind: BindAddress; readonly maxConnections: number }
    | ExternalBroker;
  readonly username: string | undefined;
  readonly password: Secret | undefined;
  readonly clientId: string | undefined;
  readonly keepalive: Duration;
  readonly sessionExpiry: Duration;
  readonly buffer: { readonly messages: number; readonly bytes: number };
}

export interface ExternalBroker {
  readonly kind: 'external';
  readonly host: string;
  readonly port: number;
  readonly tls: TlsFiles | undefined;
}

/** `written` is what a configuration file holds. Throws ConfigError. `warnings` come from reading it. */
export function readConfig(written: unknown, warnings: readonly string[] = []): GatewayConfig {
  const result = rootSchema.safeParse(written, { reportInput: true });
  if (!result.success) throw new ConfigError(result.error.issues.flatMap((issue) => issueText(issue)));
  const found: string[] = [];
  const notes = [...warnings];
  const config = complete(result.data, found, notes);
  if (found.length > 0) throw new ConfigError(found);
  return config;
}

function complete(written: WrittenConfig, found: string[], notes: string[]): GatewayConfig {
  const { lwm2m } = written.gateway;
  const at = 'gateway.lwm2m';
  const { lifetime_min: min, lifetime_max: max = Math.max(min, seconds(86_400)) } = lwm2m;
  if (max < min) found.push(`${at}.lifetime_max: is below lifetime_min`);
  if (!lwm2m.enable) found.push(`${at}.enable: is false, so there is nothing to run`);
  noteUnused(lwm2m, at, notes);
  noteMountpoint(lwm2m.mountpoint, `${at}.mountpoint`, notes);
  const { command, ...uplinks } = lwm2m.translators;
  const listeners = listenersOf(lwm2m.listeners, `${at}.listeners`, found, notes);
  const modems = modemsOf(lwm2m.listeners, `${at}.listeners`, found, notes);
  noteNamesInTheOpen(listeners, modems, `${at}.listeners`, notes);
  return {
    lwm2m: {
      profile: profiles[lwm2m.compat],
      // Who wants an end to what has none by LwM2M has said which.
      lifetime: { min, max, endless: lwm2m.lifetime_max ?? Number.POSITIVE_INFINITY },
      awakeWindow: Math.ceil(lwm2m.qmode_time_window / 1000) * 1000,
      autoObserve: autoObserveOf(lwm2m.auto_observe, `${at}.auto_observe`, found),
      publishUpdates: lwm2m.update_msg_publish_condition,
      lifecycleEvents: lwm2m.lifecycle_events,
      keptObservations: lwm2m.kept_observations,
      command,
      uplinks,
      mountpoint: lwm2m.mountpoint,
      listeners,
      modems,
      authentication: authenticationOf(lwm2m.authentication, `${at}.authentication`, notes),
      blocks: blocksOf(lwm2m),
      commandRate: lwm2m.command_rate,
      transmission: {
        ackTimeout: lwm2m.transmission.ack_timeout,
        ackRandomFactor: lwm2m.transmission.ack_random_factor,
        maxRetransmit: lwm2m.transmission.max_retransmit,
      },
    },
    security: securityOf(written.security, written.psk_authentication, found),
    bootstrap: bootstrapOf(written.bootstrap, 'bootstrap', found, notes),
    mqtt: mqttOf(written.mqtt, found),
    store: storeOf(written.store, found),
    modelDirs: [lwm2m.xml_dir, written.models.dir].filter((dir) => dir !== undefined),
    logLevel: written.log.level,
    logFormat: written.log.format,
    warnings: notes,
  };
}

type WrittenLwm2m = WrittenConfig['gateway']['lwm2m'];

function noteUnused(lwm2m: WrittenLwm2m, at: string, notes: string[]): void {
  if (lwm2m.clientinfo_override !== undefined) notes.push(`${at}.clientinfo_override: has no effect, as in EMQX`);
  if (lwm2m.enable_stats === false) notes.push(`${at}.enable_stats: has no effect, counting is free`);
  if (lwm2m.idle_timeout !== undefined) {
    notes.push(`${at}.idle_timeout: has no effect, nothing is kept for a peer that is not registered`);
  }
  if (!lwm2m.blockwise.enable) {
    notes.push(`${at}.blockwise.enable: has no effect, what is longer than a datagram goes in blocks always`);
  }
}

/** Bytes of all bodies under way together, unless one alone may be longer. */
const allBodies = 16 * 1024 ** 2;

function blocksOf(lwm2m: WrittenLwm2m): BlockOptions {
  const { max_body_size: bodyLimit, exchange_lifetime: idle } = lwm2m.blockwise;
  const blockSize = lwm2m.blockwise.max_block_size ?? lwm2m.coap_max_block_size;
  return {
    bodyLimit,
    ...(blockSize === undefined ? {} : { blockSize }),
    limits: {
      bytes: Math.max(allBodies, bodyLimit),
      ...(idle === undefined ? {} : { idle, idleAuthenticated: idle }),
    },
  };
}

function autoObserveOf(written: WrittenLwm2m['auto_observe'], at: string, found: string[]): AutoObserve {
  if (written === true || written === 'on' || written === 'true') return { kind: 'all' };
  if (written === false || written === 'off' || written === 'false') return { kind: 'none' };
  const paths = (typeof written === 'string' ? written.split(',') : written)
    .map((path) => path.trim())
    .filter((path) => path !== '');
  for (const path of paths) {
    try {
      formatPath(parsePath(path));
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      found.push(`${at}: ${error.message}`);
    }
  }
  return { kind: 'paths', paths };
}

function mqttOf(written: WrittenConfig['mqtt'], found: string[]): MqttConfig {
  const external = written.broker === 'embedded' ? undefined : brokerUrl(written.broker, found);
  const username = written.username ?? decoded(external?.username, found);
  const password = written.password ?? decoded(external?.password, found);
  if ((username === undefined) !== (password === undefined)) found.push('mqtt: username and password belong together');
  const secure = external?.protocol === 'mqtts:';
  return {
    broker:
      external === undefined
        ? { kind: 'embedded', bind: written.bind, maxConnections: written.max_connections }
        : {
            kind: 'external',
            host: external.hostname.replace(/^\[|\]$/g, ''),
            port: external.port === '' ? (secure ? 8883 : 1883) : Number(external.port),
            tls: secure ? written.tls : undefined,
          },
    username,
    password: password === undefined ? undefined : new Secret(encodeUtf8(password)),
    clientId: written.client_id,
    keepalive: written.keepalive,
    sessionExpiry: written.session_expiry,
    buffer: { messages: written.buffer_messages, bytes: written.buffer_bytes },
  };
}

/** The runtime's own errors quote the address, and in it the password. */
function brokerUrl(text: string, found: string[]): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.hostname === '') found.push('mqtt.broker: is no address such as mqtt://host:1883');
  return url;
}

function decoded(part: string | undefined, found: string[]): string | undefined {
  if (part === undefined || part === '') return undefined;
  try {
    return decodeURIComponent(part);
  } catch {
    found.push('mqtt.broker: in its user name or password a % must be written %25');
    return undefined;
  }
}

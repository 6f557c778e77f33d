// A written configuration → a complete read-only one, or a ConfigError that lists every problem with its path. Past this file
// nothing is optional and nothing has a unit but ms and bytes. Values of secrets are in no message.
import { ConfigError, type Duration, encodeUtf8, FormatError, Secret } from '@lapwing/kernel';
import { formatPath, parsePath } from '@lapwing/lwm2m';
import type { z } from 'zod';
import type { AccessRule } from './access-rules.ts';
import { type Profile, profiles } from './compat.ts';
import { rootSchema, type WrittenAuthentication, type WrittenConfig } from './config-schema.ts';
import type { BindAddress } from './units.ts';

export interface GatewayConfig {
  readonly lwm2m: Lwm2mConfig;
  readonly mqtt: MqttConfig;
  /** Directories with object XML files, to be read where they exist. */
  readonly modelDirs: readonly string[];
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
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
  readonly lifetime: { readonly min: Duration; readonly max: Duration };
  readonly awakeWindow: Duration;
  readonly autoObserve: AutoObserve;
  readonly publishUpdates: 'always' | 'contains_object_list';
  readonly lifecycleEvents: boolean;
  readonly command: Translator;
  readonly uplinks: { readonly [uplink in Uplink]: Translator };
  readonly mountpoint: string;
  readonly listeners: readonly ListenerConfig[];
  readonly authentication: HttpAuthentication | undefined;
}

export type AutoObserve =
  | { readonly kind: 'none' }
  | { readonly kind: 'all' }
  | { readonly kind: 'paths'; readonly paths: readonly string[] };

export interface ListenerConfig {
  readonly name: string;
  readonly bind: BindAddress;
  readonly maxConnections: number;
  /** Registers in one second. */
  readonly maxConnectionRate: number;
  readonly authentication: HttpAuthentication | 'none' | 'inherited';
  readonly mountpoint: string | undefined;
  readonly accessRules: readonly AccessRule[];
}

export interface HttpAuthentication {
  readonly method: 'get' | 'post';
  readonly url: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: ReadonlyMap<string, string>;
  readonly timeout: Duration;
  /** Calls under way at once. */
  readonly concurrency: number;
}

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
  readonly tls:
    | {
        readonly verify: boolean;
        readonly caFile: string | undefined;
        readonly certFile: string | undefined;
        readonly keyFile: string | undefined;
      }
    | undefined;
}

/** Loopback only: without security a listener does not face a network by itself. */
const firstListener = { host: '127.0.0.1', port: 5683 };

/** `written` is what a configuration file holds. Throws ConfigError. `warnings` come from reading it. */
export function readConfig(written: unknown, warnings: readonly string[] = []): GatewayConfig {
  const result = rootSchema.safeParse(written, { reportInput: true });
  if (!result.success) throw new ConfigError(result.error.issues.flatMap((issue) => problems(issue, [])));
  const found: string[] = [];
  const notes = [...warnings];
  const config = complete(result.data, found, notes);
  if (found.length > 0) throw new ConfigError(found);
  return config;
}

function problems(issue: z.core.$ZodIssue, above: readonly PropertyKey[]): readonly string[] {
  const path = [...above, ...issue.path];
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => `${format([...path, key])}: unknown key`);
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    // Of several shapes the one that was meant has the deepest problem.
    const depth = (shape: readonly z.core.$ZodIssue[]): number =>
      Math.max(...shape.map((each) => each.path.length + (each.code === 'unrecognized_keys' ? 1 : 0)));
    const [best] = [...issue.errors].filter((shape) => shape.length > 0).sort((a, b) => depth(b) - depth(a));
    if (best !== undefined && depth(best) > 0) return best.flatMap((each) => problems(each, path));
  }
  const missing = 'input' in issue && issue.input === undefined;
  return [`${format(path)}: ${missing ? 'is missing' : issue.message}`];
}

function format(path: readonly PropertyKey[]): string {
  let text = '';
  for (const key of path)
    text += typeof key === 'number' ? `[${key}]` : `${text === '' ? '' : '.'}${String(key).slice(0, 64)}`;
  return text === '' ? 'the file' : text;
}

function complete(written: WrittenConfig, found: string[], notes: string[]): GatewayConfig {
  const { lwm2m } = written.gateway;
  const at = 'gateway.lwm2m';
  if (lwm2m.lifetime_max < lwm2m.lifetime_min) found.push(`${at}.lifetime_max: is below lifetime_min`);
  if (!lwm2m.enable) found.push(`${at}.enable: is false, so there is nothing to run`);
  noteUnused(lwm2m, at, notes);
  const { command, ...uplinks } = lwm2m.translators;
  return {
    lwm2m: {
      profile: profiles[lwm2m.compat],
      lifetime: { min: lwm2m.lifetime_min, max: lwm2m.lifetime_max },
      awakeWindow: Math.ceil(lwm2m.qmode_time_window / 1000) * 1000,
      autoObserve: autoObserveOf(lwm2m.auto_observe, `${at}.auto_observe`, found),
      publishUpdates: lwm2m.update_msg_publish_condition,
      lifecycleEvents: lwm2m.lifecycle_events,
      command,
      uplinks,
      mountpoint: lwm2m.mountpoint,
      listeners: listenersOf(lwm2m.listeners, `${at}.listeners`, found, notes),
      authentication: authenticationOf(lwm2m.authentication, `${at}.authentication`, notes),
    },
    mqtt: mqttOf(written.mqtt, found),
    modelDirs: [lwm2m.xml_dir, written.models.dir].filter((dir) => dir !== undefined),
    logLevel: written.log.level,
    warnings: notes,
  };
}

type WrittenLwm2m = WrittenConfig['gateway']['lwm2m'];

function noteUnused(lwm2m: WrittenLwm2m, at: string, notes: string[]): void {
  if (lwm2m.clientinfo_override !== undefined) notes.push(`${at}.clientinfo_override: has no effect, as in EMQX`);
  if (lwm2m.blockwise !== undefined || lwm2m.coap_max_block_size !== undefined) {
    notes.push(`${at}.blockwise: has no effect, block sizes are agreed with each device`);
  }
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

type WrittenUdp = NonNullable<Extract<WrittenLwm2m['listeners'], { udp?: unknown }>['udp']>[string];

function listenersOf(
  written: WrittenLwm2m['listeners'],
  at: string,
  found: string[],
  notes: string[],
): readonly ListenerConfig[] {
  const none: ListenerConfig = {
    name: 'default',
    bind: firstListener,
    maxConnections: Number.POSITIVE_INFINITY,
    maxConnectionRate: 1000,
    authentication: 'inherited',
    mountpoint: undefined,
    accessRules: [],
  };
  if (written === undefined) return [none];
  const udp: [string, WrittenUdp][] = [];
  const dtls: [string, { enable: boolean }][] = [];
  if (Array.isArray(written)) {
    for (const each of written) {
      if (each.type === 'udp') udp.push([each.name, each]);
      else dtls.push([each.name, each]);
    }
  } else {
    udp.push(...Object.entries(written.udp ?? {}));
    dtls.push(...Object.entries(written.dtls ?? {}));
  }
  for (const [name, { enable }] of dtls) {
    if (enable)
      found.push(`${at}.dtls.${name}: DTLS listeners are not available in this version; enable = false leaves it out`);
  }
  const enabled = udp.filter(([, { enable }]) => enable);
  if (enabled.length === 0) found.push(`${at}: none is enabled`);
  return enabled.map(([name, each]) => listenerOf(name, each, `${at}.udp.${name}`, notes));
}

function listenerOf(name: string, written: WrittenUdp, at: string, notes: string[]): ListenerConfig {
  for (const key of ['udp_options', 'health_check'] as const) {
    if (written[key] !== undefined) notes.push(`${at}.${key}: has no effect here`);
  }
  return {
    name,
    bind: written.bind,
    maxConnections: written.max_connections,
    maxConnectionRate: written.max_conn_rate,
    authentication: written.enable_authn
      ? (authenticationOf(written.authentication, `${at}.authentication`, notes) ?? 'inherited')
      : 'none',
    mountpoint: written.mountpoint,
    accessRules: written.access_rules,
  };
}

function authenticationOf(
  written: WrittenAuthentication | undefined,
  at: string,
  notes: string[],
): HttpAuthentication | undefined {
  if (written === undefined || !written.enable) return undefined;
  if (written.ssl?.enable && (written.ssl.verify === 'verify_none' || written.ssl.cacertfile !== undefined)) {
    notes.push(`${at}.ssl: certificates are always verified, against the system's authorities and NODE_EXTRA_CA_CERTS`);
  }
  return {
    method: written.method,
    url: written.url,
    headers: new Map(Object.entries(written.headers).map(([name, value]) => [name.toLowerCase(), value])),
    body: new Map(Object.entries(written.body)),
    timeout: written.request_timeout,
    concurrency: Math.min(1000, written.pool_size * written.enable_pipelining),
  };
}

function mqttOf(written: WrittenConfig['mqtt'], found: string[]): MqttConfig {
  const external = written.broker === 'embedded' ? undefined : new URL(written.broker);
  const username = written.username ?? decoded(external?.username);
  const password = written.password ?? decoded(external?.password);
  if ((username === undefined) !== (password === undefined)) found.push('mqtt: username and password belong together');
  const secure = external?.protocol === 'mqtts:';
  const { verify, cacertfile, certfile, keyfile } = written.tls;
  return {
    broker:
      external === undefined
        ? { kind: 'embedded', bind: written.bind, maxConnections: written.max_connections }
        : {
            kind: 'external',
            host: external.hostname.replace(/^\[|\]$/g, ''),
            port: external.port === '' ? (secure ? 8883 : 1883) : Number(external.port),
            tls: secure ? { verify, caFile: cacertfile, certFile: certfile, keyFile: keyfile } : undefined,
          },
    username,
    password: password === undefined ? undefined : new Secret(encodeUtf8(password)),
    clientId: written.client_id,
    keepalive: written.keepalive,
    sessionExpiry: written.session_expiry,
    buffer: { messages: written.buffer_messages, bytes: written.buffer_bytes },
  };
}

function decoded(part: string | undefined): string | undefined {
  return part === undefined || part === '' ? undefined : decodeURIComponent(part);
}

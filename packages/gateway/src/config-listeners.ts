// The listeners of a written configuration and the authentication service that each asks, complete; what has no effect here is
// noted, what cannot be is found wrong. DTLS listeners are refused, so that nobody takes an open port for a secured one.
import { isIP } from 'node:net';
import { type Duration, encodeUtf8 } from '@lapwing/kernel';
import type { AccessRule } from './access-rules.ts';
import type { WrittenAuthentication, WrittenConfig } from './config-schema.ts';
import type { BindAddress } from './units.ts';

export interface ListenerConfig {
  readonly name: string;
  readonly bind: BindAddress;
  readonly maxConnections: number;
  /** Registers in one second. */
  readonly maxConnectionRate: number;
  readonly authentication: HttpAuthentication | 'none' | 'inherited';
  readonly mountpoint: string | undefined;
  readonly accessRules: readonly AccessRule[];
  /** Bytes that the system may hold for the socket; undefined: the transport's default. */
  readonly buffers: { readonly receive: number | undefined; readonly send: number | undefined };
  readonly healthCheck: HealthCheck | undefined;
}

/** A datagram of a load balancer, and what it is answered with. */
export interface HealthCheck {
  readonly request: Uint8Array;
  readonly reply: Uint8Array;
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

/** Loopback only: without security a listener does not face a network by itself. */
const firstListener = { host: '127.0.0.1', port: 5683 };

type WrittenLwm2m = WrittenConfig['gateway']['lwm2m'];
type WrittenUdp = NonNullable<Extract<WrittenLwm2m['listeners'], { udp?: unknown }>['udp']>[string];

/** Problems go to `found`, what has no effect to `notes`. */
export function listenersOf(
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
    buffers: { receive: undefined, send: undefined },
    healthCheck: undefined,
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
  return enabled.map(([name, each]) => listenerOf(name, each, `${at}.udp.${name}`, found, notes));
}

function listenerOf(name: string, written: WrittenUdp, at: string, found: string[], notes: string[]): ListenerConfig {
  const { recbuf, sndbuf, ...others } = written.udp_options ?? {};
  for (const key of Object.keys(others)) notes.push(`${at}.udp_options.${key}: has no effect here`);
  if (written.acceptors !== undefined) notes.push(`${at}.acceptors: has no effect here`);
  if (isIP(written.bind.host) === 0) found.push(`${at}.bind: needs an IP address, not a host name`);
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
    buffers: { receive: recbuf, send: sndbuf },
    healthCheck:
      written.health_check === undefined
        ? undefined
        : { request: encodeUtf8(written.health_check.request), reply: encodeUtf8(written.health_check.reply) },
  };
}

const withoutEffect = [
  'connect_timeout',
  'hostname_resolution',
  'allowed_hosts',
  'max_retries',
  'retry_interval',
] as const;

/** Undefined when there is none, or when it is turned off. */
export function authenticationOf(
  written: WrittenAuthentication | undefined,
  at: string,
  notes: string[],
): HttpAuthentication | undefined {
  if (written === undefined || !written.enable) return undefined;
  if (written.ssl?.enable && (written.ssl.verify === 'verify_none' || written.ssl.cacertfile !== undefined)) {
    notes.push(`${at}.ssl: certificates are always verified, against the system's authorities and NODE_EXTRA_CA_CERTS`);
  }
  for (const key of withoutEffect) if (written[key] !== undefined) notes.push(`${at}.${key}: has no effect here`);
  return {
    method: written.method,
    url: written.url,
    headers: new Map(Object.entries(written.headers).map(([name, value]) => [name.toLowerCase(), value])),
    body: new Map(Object.entries(written.body)),
    timeout: written.request_timeout,
    concurrency: Math.min(1000, written.pool_size * written.enable_pipelining),
  };
}

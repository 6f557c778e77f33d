// The listeners of a written configuration and the authentication service that each asks, complete; what has no effect here is
// noted, what cannot be is found wrong.
import { isIP } from 'node:net';
import { type Duration, encodeUtf8, Secret } from '@lapwing/kernel';
import { cipherSuites, type ListenerSecurity } from '@lapwing/server';
import type { AccessRule } from './access-rules.ts';
import type { WrittenAuthentication, WrittenConfig } from './config-schema.ts';
import type { BindAddress } from './units.ts';

export interface ListenerConfig {
  readonly type: 'udp' | 'dtls';
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
  /** Undefined for UDP without DTLS. */
  readonly dtls: DtlsConfig | undefined;
}

/** Files are read when the gateway starts. */
export interface DtlsConfig {
  readonly certificate:
    | { readonly file: string; readonly keyFile: string; readonly password: Secret | undefined }
    | undefined;
  readonly authoritiesFile: string | undefined;
  readonly rawKeyFile: string | undefined;
  readonly clientAuthentication: 'required' | 'optional' | 'none';
  readonly psk: boolean;
  /** IANA names; empty: the default. */
  readonly suites: readonly string[];
  readonly handshakeTimeout: Duration;
  readonly handshakesPerHost: number;
  readonly resumption: boolean;
  readonly connectionId: NonNullable<ListenerSecurity['connectionId']>;
  readonly extendedMasterSecret: 'required' | 'optional';
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
type WrittenDtls = NonNullable<Extract<WrittenLwm2m['listeners'], { dtls?: unknown }>['dtls']>[string];

/** Problems go to `found`, what has no effect to `notes`. */
export function listenersOf(
  written: WrittenLwm2m['listeners'],
  at: string,
  found: string[],
  notes: string[],
): readonly ListenerConfig[] {
  const none: ListenerConfig = {
    type: 'udp',
    name: 'default',
    bind: firstListener,
    maxConnections: Number.POSITIVE_INFINITY,
    maxConnectionRate: 1000,
    authentication: 'inherited',
    mountpoint: undefined,
    accessRules: [],
    buffers: { receive: undefined, send: undefined },
    healthCheck: undefined,
    dtls: undefined,
  };
  if (written === undefined) return [none];
  const udp: [string, WrittenUdp][] = [];
  const dtls: [string, WrittenDtls][] = [];
  if (Array.isArray(written)) {
    for (const each of written) {
      if (each.type === 'udp') udp.push([each.name, each]);
      else dtls.push([each.name, each]);
    }
  } else {
    udp.push(...Object.entries(written.udp ?? {}));
    dtls.push(...Object.entries(written.dtls ?? {}));
  }
  const listeners: ListenerConfig[] = [];
  for (const [name, each] of udp) {
    if (each.enable) listeners.push(listenerOf('udp', name, each, `${at}.udp.${name}`, found, notes));
  }
  for (const [name, each] of dtls) {
    if (!each.enable) continue;
    const path = `${at}.dtls.${name}`;
    const dtls = dtlsOf(each.dtls_options, `${path}.dtls_options`, found, notes);
    listeners.push({ ...listenerOf('dtls', name, each, path, found, notes), dtls });
  }
  if (listeners.length === 0) found.push(`${at}: none is enabled`);
  return listeners;
}

function listenerOf(
  type: ListenerConfig['type'],
  name: string,
  written: WrittenUdp,
  at: string,
  found: string[],
  notes: string[],
): ListenerConfig {
  const { recbuf, sndbuf, ...others } = written.udp_options ?? {};
  for (const key of Object.keys(others)) notes.push(`${at}.udp_options.${key}: has no effect here`);
  if (written.acceptors !== undefined) notes.push(`${at}.acceptors: has no effect here`);
  if (isIP(written.bind.host) === 0) found.push(`${at}.bind: needs an IP address, not a host name`);
  return {
    type,
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
    dtls: undefined,
  };
}

/** EMQX's `dtls_options` that mean nothing here: what they choose is decided, or done otherwise. */
const dtlsWithoutEffect: ReadonlySet<string> = new Set([
  'session_tickets',
  'depth',
  'versions',
  'secure_renegotiate',
  'client_renegotiation',
  'honor_cipher_order',
  'hibernate_after',
  'dhfile',
  'log_level',
  'user_lookup_fun',
  'partial_chain',
  'verify_peer_ext_key_usage',
  'enable_crl_check',
  'ocsp',
  'gc_after_handshake',
  'managed_certs',
]);

const noRevocation = ': revocation is not checked, give the endpoint another credential to withdraw a certificate';
/** What is said besides where somebody may rely on it. */
const instead: ReadonlyMap<string, string> = new Map([
  ['enable_crl_check', noRevocation],
  ['ocsp', noRevocation],
]);

function dtlsOf(written: WrittenDtls['dtls_options'], at: string, found: string[], notes: string[]): DtlsConfig {
  for (const key of Object.keys(written))
    if (dtlsWithoutEffect.has(key)) notes.push(`${at}.${key}: has no effect here${instead.get(key) ?? ''}`);
  const { certfile, keyfile, cacertfile, password, verify, fail_if_no_peer_cert: needed, cid } = written;
  if ((certfile === undefined) !== (keyfile === undefined)) found.push(`${at}: certfile and keyfile belong together`);
  if (needed && verify !== 'verify_peer') found.push(`${at}.fail_if_no_peer_cert: needs verify = verify_peer`);
  if (verify === 'verify_peer' && cacertfile === undefined) found.push(`${at}.verify: verify_peer needs a cacertfile`);
  // EMQX's default. Whoever comes in so may register under any name that has no credentials.
  if (certfile !== undefined && clientAuthenticationOf(written) !== 'required')
    notes.push(
      `${at}: devices without a certificate are let in and prove nothing: ` +
        'verify = verify_peer, cacertfile and fail_if_no_peer_cert = true ask for one',
    );
  return {
    certificate:
      certfile === undefined || keyfile === undefined
        ? undefined
        : {
            file: certfile,
            keyFile: keyfile,
            password: password === undefined ? undefined : new Secret(encodeUtf8(password)),
          },
    authoritiesFile: verify === 'verify_peer' ? cacertfile : undefined,
    rawKeyFile: written.rpk_keyfile,
    clientAuthentication: clientAuthenticationOf(written),
    psk: written.psk,
    suites: suitesOf(written.ciphers, `${at}.ciphers`, found, notes),
    handshakeTimeout: written.handshake_timeout,
    handshakesPerHost: written.max_handshakes_per_host,
    resumption: written.reuse_sessions,
    connectionId: cid === false ? false : cid === true ? {} : connectionIdOf(cid),
    extendedMasterSecret: written.extended_master_secret,
  };
}

/** A raw key says nothing of itself: where they are taken, devices show theirs. */
function clientAuthenticationOf(written: WrittenDtls['dtls_options']): DtlsConfig['clientAuthentication'] {
  if (written.fail_if_no_peer_cert || written.rpk_keyfile !== undefined) return 'required';
  return written.verify === 'verify_peer' ? 'optional' : 'none';
}

type WrittenConnectionId = Exclude<WrittenDtls['dtls_options']['cid'], boolean>;

function connectionIdOf({ length, node }: WrittenConnectionId): NonNullable<ListenerSecurity['connectionId']> {
  return node === undefined ? { length } : { length, node };
}

/** EMQX's lists name many suites; those that there are not, or that are too weak, are noted and left out. */
function suitesOf(ciphers: readonly string[], at: string, found: string[], notes: string[]): readonly string[] {
  const suites: string[] = [];
  for (const name of ciphers) {
    const suite = cipherSuites.find((each) => each.name === name || each.opensslName === name);
    if (suite !== undefined) suites.push(suite.name);
    else notes.push(`${at}: ${name.slice(0, 64)} is left out: not available in DTLS 1.2 here`);
  }
  if (ciphers.length > 0 && suites.length === 0)
    found.push(`${at}: none of these is available; there are ${cipherSuites.map(({ name }) => name).join(', ')}`);
  return suites;
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

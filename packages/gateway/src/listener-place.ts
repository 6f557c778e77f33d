// Where a listener listens, over what, and how that is secured: the part of a written listener that has nothing to do with
// registrations, complete.
import { isIP } from 'node:net';
import { type Duration, encodeUtf8, Secret } from '@lapwing/kernel';
import { cipherSuites, type ListenerSecurity } from '@lapwing/server';
import type { WrittenPlace } from './listener-schema.ts';
import type { WrittenDtlsOptions, WrittenSslOptions } from './security-schema.ts';
import type { BindAddress } from './units.ts';

export type PlaceConfig = DatagramPlace | StreamPlace;

export interface DatagramPlace {
  readonly type: 'udp' | 'dtls';
  readonly name: string;
  readonly bind: BindAddress;
  /** Bytes that the system may hold for the socket; undefined: the transport's default. */
  readonly buffers: { readonly receive: number | undefined; readonly send: number | undefined };
  readonly healthCheck: HealthCheck | undefined;
  /** Undefined for UDP without DTLS. */
  readonly dtls: DtlsConfig | undefined;
}

export interface StreamPlace {
  readonly type: 'tcp' | 'tls' | 'ws' | 'wss';
  readonly name: string;
  readonly bind: BindAddress;
  /** Bytes of the longest message. */
  readonly longestMessage: number;
  /** Connections at once; undefined: the transport's default. */
  readonly connections: number | undefined;
  /** Of web pages that may connect. */
  readonly origins: readonly string[];
  /** Undefined without TLS. */
  readonly tls: TlsConfig | undefined;
}

/** Where nothing is configured: without security a listener does not face a network by itself. */
export const udpOnLoopback = (port: number): DatagramPlace => ({
  type: 'udp',
  name: 'default',
  bind: { host: '127.0.0.1', port },
  buffers: { receive: undefined, send: undefined },
  healthCheck: undefined,
  dtls: undefined,
});

/** Name under which a server knows a listener. */
export const listenerName = ({ type, name }: { readonly type: string; readonly name: string }): string =>
  `${type}:${name}`;

export const isDatagrams = (place: PlaceConfig): place is DatagramPlace =>
  place.type === 'udp' || place.type === 'dtls';

/** How whoever comes in proves who he is; undefined where nobody has to. */
export const securityOf = (place: PlaceConfig): DtlsConfig | TlsConfig | undefined =>
  isDatagrams(place) ? place.dtls : place.tls;

/** What DTLS and TLS have in common. Files are read when the gateway starts. */
export interface TlsConfig {
  readonly certificate:
    | { readonly file: string; readonly keyFile: string; readonly password: Secret | undefined }
    | undefined;
  readonly authoritiesFile: string | undefined;
  readonly clientAuthentication: 'required' | 'optional' | 'none';
  readonly psk: boolean;
  readonly handshakeTimeout: Duration;
}

export interface DtlsConfig extends TlsConfig {
  readonly rawKeyFile: string | undefined;
  /** IANA names; empty: the default. */
  readonly suites: readonly string[];
  readonly handshakesPerHost: number;
  readonly associationsPerIdentity: number;
  /** How long an association lives without a word of its device. */
  readonly idleTimeout: Duration;
  readonly resumption: boolean;
  readonly connectionId: NonNullable<ListenerSecurity['connectionId']>;
  readonly extendedMasterSecret: 'required' | 'optional';
}

/** A datagram of a load balancer, and what it is answered with. */
export interface HealthCheck {
  readonly request: Uint8Array;
  readonly reply: Uint8Array;
}

/** One more for each, so that who lost a connection can come anew before that is known. */
const connectionsOf = (devices: number): number | undefined =>
  devices === Number.POSITIVE_INFINITY ? undefined : Math.min(1_000_000, 2 * devices);

/** `devices`: how many there may be, where that is known. Problems go to `found`, what has no effect to `notes`. */
export function placeOf(
  written: WrittenPlace,
  at: string,
  found: string[],
  notes: string[],
  devices = Number.POSITIVE_INFINITY,
): PlaceConfig {
  const { name, bind } = written;
  if (written.acceptors !== undefined) notes.push(`${at}.acceptors: has no effect here`);
  if (isIP(bind.host) === 0) found.push(`${at}.bind: needs an IP address, not a host name`);
  if (written.type === 'udp' || written.type === 'dtls') {
    const { recbuf, sndbuf, ...others } = written.udp_options ?? {};
    for (const key of Object.keys(others)) notes.push(`${at}.udp_options.${key}: has no effect here`);
    const { health_check: check } = written;
    return {
      type: written.type,
      name,
      bind,
      buffers: { receive: recbuf, send: sndbuf },
      healthCheck:
        check === undefined ? undefined : { request: encodeUtf8(check.request), reply: encodeUtf8(check.reply) },
      dtls: written.type === 'udp' ? undefined : dtlsOf(written.dtls_options, `${at}.dtls_options`, found, notes),
    };
  }
  for (const key of Object.keys(written.tcp_options ?? {})) notes.push(`${at}.tcp_options.${key}: has no effect here`);
  return {
    type: written.type,
    name,
    bind,
    longestMessage: written.max_message_size,
    connections: connectionsOf(devices),
    origins: 'websocket' in written ? written.websocket.check_origins : [],
    tls: 'ssl_options' in written ? tlsOf(written.ssl_options, `${at}.ssl_options`, found, notes) : undefined,
  };
}

/** EMQX's options that mean nothing here: what they choose is decided, or done otherwise. */
const optionsWithoutEffect: ReadonlySet<string> = new Set([
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

/** Node.js and its OpenSSL choose these. */
const sslWithoutEffect: ReadonlySet<string> = new Set([
  ...optionsWithoutEffect,
  'ciphers',
  'reuse_sessions',
  'cacerts',
]);

const noRevocation = ': revocation is not checked, give the endpoint another credential to withdraw a certificate';
/** What is said besides where somebody may rely on it. */
const instead: ReadonlyMap<string, string> = new Map([
  ['enable_crl_check', noRevocation],
  ['ocsp', noRevocation],
]);

function tlsOf(
  written: WrittenSslOptions | WrittenDtlsOptions,
  at: string,
  found: string[],
  notes: string[],
  withoutEffect: ReadonlySet<string> = sslWithoutEffect,
): TlsConfig {
  for (const key of Object.keys(written))
    if (withoutEffect.has(key)) notes.push(`${at}.${key}: has no effect here${instead.get(key) ?? ''}`);
  const { certfile, keyfile, cacertfile, password, verify, fail_if_no_peer_cert: needed } = written;
  if ((certfile === undefined) !== (keyfile === undefined)) found.push(`${at}: certfile and keyfile belong together`);
  if (needed && verify !== 'verify_peer') found.push(`${at}.fail_if_no_peer_cert: needs verify = verify_peer`);
  if (verify === 'verify_peer' && cacertfile === undefined) found.push(`${at}.verify: verify_peer needs a cacertfile`);
  const clientAuthentication = clientAuthenticationOf(written);
  // EMQX's default. Whoever comes in so may register under any name that has no credentials.
  if (certfile !== undefined && clientAuthentication !== 'required')
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
    clientAuthentication,
    psk: written.psk,
    handshakeTimeout: written.handshake_timeout,
  };
}

function dtlsOf(written: WrittenDtlsOptions, at: string, found: string[], notes: string[]): DtlsConfig {
  const { cid } = written;
  return {
    ...tlsOf(written, at, found, notes, optionsWithoutEffect),
    rawKeyFile: written.rpk_keyfile,
    suites: suitesOf(written.ciphers, `${at}.ciphers`, found, notes),
    handshakesPerHost: written.max_handshakes_per_host,
    associationsPerIdentity: written.max_associations_per_identity,
    idleTimeout: written.idle_timeout,
    resumption: written.reuse_sessions,
    connectionId: cid === false ? false : cid === true ? {} : connectionIdOf(cid),
    extendedMasterSecret: written.extended_master_secret,
  };
}

/** A raw key says nothing of itself: where they are taken, devices show theirs. */
function clientAuthenticationOf(written: WrittenSslOptions | WrittenDtlsOptions): TlsConfig['clientAuthentication'] {
  if (written.fail_if_no_peer_cert || written.rpk_keyfile !== undefined) return 'required';
  return written.verify === 'verify_peer' ? 'optional' : 'none';
}

type WrittenConnectionId = Exclude<WrittenDtlsOptions['cid'], boolean>;

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

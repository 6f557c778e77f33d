// Configuration to endpoints: the only file of this package that knows sockets and DTLS.
import {
  type BlockOptions,
  Endpoint,
  type ParameterOptions,
  type Service,
  type StreamTransport,
  secureWebSocketTransport,
  type TlsAcceptance,
  tcpTransport,
  tlsTransport,
  udpTransport,
  webSocketTransport,
} from '@lapwing/coap';
import {
  type CertificateAndKey,
  type CredentialStore,
  type DtlsTransport,
  type Material,
  type RawKey,
  type RefusedRecord,
  secure,
} from '@lapwing/dtls';
import type { Address, Clock, Duration, Identity, Random, Transport } from '@lapwing/kernel';
import type { Listener } from './options.ts';
import type { SecurityStore } from './security/store.ts';

export type { StreamStats } from '@lapwing/coap';
export type { CertificateAndKey, DtlsStats, Material, RawKey, RefusedRecord } from '@lapwing/dtls';
export { cipherSuites } from '@lapwing/dtls';

/** How a listener is secured by DTLS 1.2, and by what devices may prove who they are. */
export interface ListenerSecurity {
  /** Pre-shared keys of the server's `security`; default true. */
  readonly psk?: boolean;
  /** What the server shows to devices that want a certificate; with it, devices may show theirs. */
  readonly certificate?: CertificateAndKey;
  /** Who vouches for the certificates of devices. */
  readonly authorities?: readonly Material[];
  /** What the server shows to devices that want a raw public key; theirs are those of the server's `security`. */
  readonly rawPublicKey?: RawKey;
  /** Whether devices must prove themselves in suites with certificates or raw keys; default 'required'. */
  readonly clientAuthentication?: 'required' | 'optional' | 'none';
  /** IANA names of cipher suites, best first; default: all that are safe (see @lapwing/dtls). */
  readonly suites?: readonly string[];
  /** Connection ids (RFC 9146): bytes of ours, default 8; `node` begins each, so that a cluster can route. `false`: none. */
  readonly connectionId?:
    | { readonly length?: number; readonly node?: { readonly id: number; readonly bytes: number } }
    | false;
  /** RFC 7627; 'optional' lets devices in that do not know it. Default 'required'. */
  readonly extendedMasterSecret?: 'required' | 'optional';
  /** Longest handshake, in ms; default 30 s. */
  readonly handshakeTimeout?: Duration;
  /** Unfinished handshakes of one host; more have to wait. Default 100: many devices may share one address. */
  readonly handshakesPerHost?: number;
  /** DTLS associations of one identity; beyond, the one that was quiet longest goes. Default 8. */
  readonly associationsPerIdentity?: number;
  /** Sessions and tickets that save a device the next full handshake; default true. */
  readonly resumption?: boolean;
  /** Where associations outlive the process; default: nowhere. */
  readonly associations?: AssociationStore;
}

/** How a listener for connections is secured by TLS 1.2 and 1.3. Raw public keys are not in node:tls. */
export interface StreamSecurity {
  /**
   * Pre-shared keys of the server's `security`, with TLS 1.2; default true. node:tls waits for no answer, so that only a store that
   * answers at once has any.
   */
  readonly psk?: boolean;
  /** What the server shows of itself; with it, devices may show theirs. */
  readonly certificate?: CertificateAndKey;
  /** Who vouches for the certificates of devices. */
  readonly authorities?: readonly Material[];
  /** Whether devices must prove themselves in suites with certificates; default 'required'. */
  readonly clientAuthentication?: 'required' | 'optional' | 'none';
  /** Longest handshake, in ms; default 30 s. */
  readonly handshakeTimeout?: Duration;
}

/** Keeps DTLS associations for the next process. What it holds are keys. */
export interface AssociationStore {
  /** Everything that was written and not taken away, by its keys. */
  read(): Iterable<readonly [key: string, record: Uint8Array]>;
  /** Replaces what is kept under `key`; undefined takes it away. Need not be on disk when it returns. */
  write(key: string, association: Uint8Array | undefined): void;
  /**
   * The same, and on disk when it returns, also when the power fails, with everything that was written before; throws when
   * that is not possible. Seldom called; no record number is used that does not rest on it.
   */
  writeNow(key: string, record: Uint8Array): void;
  /** Told at the start what of `read` is of no use any more, and why: it may be taken away. */
  refused?(records: readonly RefusedRecord[]): void;
}

export interface Listening {
  readonly name: string;
  readonly endpoint: Endpoint;
  /** Where it is bound; undefined for transports that do not say. */
  readonly address: Address | undefined;
  /** Undefined for a listener without DTLS. */
  readonly dtls: DtlsTransport | undefined;
  /** Undefined for a listener without connections. */
  readonly streams: StreamTransport | undefined;
}

export interface Ambient {
  readonly clock: Clock;
  readonly random: Random;
  readonly security: SecurityStore | undefined;
  readonly transmission: ParameterOptions;
  readonly blocks: BlockOptions;
}

/** Rejects when the address cannot be bound, with ConfigError for what cannot secure it. */
export async function listen(listener: Listener, name: string, serve: Service, ambient: Ambient): Promise<Listening> {
  const { clock, random, transmission, blocks } = ambient;
  const streams = 'via' in listener && listener.via !== 'udp' ? streamsFor(listener, ambient) : undefined;
  const road: Transport & { readonly address?: Address | undefined } = streams ?? datagramsFor(listener, clock);
  const dtls = listener.dtls === undefined ? undefined : secured(road, listener.dtls, ambient);
  const endpoint = await Endpoint.open({
    transport: dtls ?? road,
    serve,
    clock,
    random,
    parameters: transmission,
    blocks,
  });
  return { name, endpoint, address: road.address, dtls, streams };
}

function datagramsFor(listener: Listener, clock: Clock): Transport & { readonly address?: Address | undefined } {
  if ('transport' in listener) return listener.transport;
  return udpTransport({ host: listener.host ?? '127.0.0.1', port: listener.port, clock });
}

type StreamListener = Extract<Listener, { via: 'tcp' | 'ws' }>;

function streamsFor(listener: StreamListener, { clock, random, security }: Ambient): StreamTransport {
  const { via, host, port, tls, longestMessage, connections } = listener;
  const options = {
    ...{ port, clock, random },
    ...(host === undefined ? {} : { host }),
    ...(longestMessage === undefined ? {} : { longestReceived: longestMessage }),
    ...(connections === undefined ? {} : { connections }),
  };
  if (tls === undefined) return via === 'tcp' ? tcpTransport(options) : webSocketTransport(options);
  const { handshakeTimeout } = tls;
  const secure = {
    ...options,
    accept: acceptanceOf(tls, security),
    ...(handshakeTimeout === undefined ? {} : { handshakeTimeout }),
  };
  return via === 'tcp' ? tlsTransport(secure) : secureWebSocketTransport(secure);
}

function acceptanceOf(wanted: StreamSecurity, security: SecurityStore | undefined): TlsAcceptance {
  const { certificate, authorities, clientAuthentication } = wanted;
  return {
    ...(security === undefined || wanted.psk === false
      ? {}
      : {
          psk: (identity) => {
            const found = security.byPskIdentity(identity);
            return found instanceof Promise ? undefined : keyOf(found);
          },
        }),
    ...(certificate === undefined ? {} : { certificate }),
    ...(authorities === undefined ? {} : { authorities }),
    ...(clientAuthentication === undefined ? {} : { clientAuthentication }),
  };
}

function secured(road: Transport, wanted: ListenerSecurity, { clock, random, security }: Ambient): DtlsTransport {
  const { associationsPerIdentity: perIdentity } = wanted;
  const { associations, suites, connectionId, extendedMasterSecret, handshakeTimeout } = wanted;
  const transport = secure(road, {
    accept: credentialsOf(wanted, security),
    clock,
    random,
    ...(suites === undefined ? {} : { suites }),
    ...(connectionId === undefined ? {} : { connectionId }),
    ...(extendedMasterSecret === undefined ? {} : { extendedMasterSecret }),
    ...(handshakeTimeout === undefined ? {} : { timers: { accept: handshakeTimeout } }),
    limits: {
      halfOpenPerHost: wanted.handshakesPerHost ?? 100,
      ...(perIdentity === undefined ? {} : { perIdentity }),
    },
    ...(wanted.resumption === false ? { resumption: false as const } : {}),
    ...(associations === undefined ? {} : { journal: associations }),
  });
  if (associations !== undefined) {
    const { refused } = transport.restore(associations.read());
    if (refused.length > 0) associations.refused?.(refused);
  }
  return transport;
}

/** What DTLS asks during a handshake, answered by the store of credentials. */
function credentialsOf(wanted: ListenerSecurity, security: SecurityStore | undefined): CredentialStore {
  const { certificate, rawPublicKey, authorities, clientAuthentication } = wanted;
  return {
    ...(security === undefined || wanted.psk === false
      ? {}
      : {
          psk: (identity) => {
            const found = security.byPskIdentity(identity);
            return found instanceof Promise ? found.then(keyOf) : keyOf(found);
          },
        }),
    ...(certificate === undefined ? {} : { certificate: () => certificate }),
    ...(authorities === undefined ? {} : { acceptCertificate: { trust: { roots: authorities, hostName: false } } }),
    ...(rawPublicKey === undefined || security === undefined
      ? {}
      : {
          rawPublicKey,
          acceptRawPublicKey: (spki) => {
            const found = security.byPublicKey(spki);
            return found instanceof Promise ? found.then((security) => security !== undefined) : found !== undefined;
          },
        }),
    ...(clientAuthentication === undefined ? {} : { clientAuthentication }),
  };
}

function keyOf(found: Awaited<ReturnType<SecurityStore['byPskIdentity']>>) {
  return found?.credential.kind === 'psk' ? found.credential.key : undefined;
}

/** Ends the associations and connections of an identity that may not come in any more; how many there were. */
export function revoke(listening: readonly Listening[], isRevoked: (identity: Identity) => boolean): number {
  let ended = 0;
  for (const { dtls, streams } of listening) ended += (dtls ?? streams)?.revoke(isRevoked) ?? 0;
  return ended;
}

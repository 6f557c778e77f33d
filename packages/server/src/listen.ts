// Configuration to endpoints: the only file of this package that knows sockets and DTLS.
import { type BlockOptions, Endpoint, type ParameterOptions, type Service, udpTransport } from '@lapwing/coap';
import type { Oscore } from '@lapwing/coap/oscore';
import {
  checkTlsMaterial,
  type StreamTransport,
  secureWebSocketTransport,
  type TlsAcceptance,
  tcpTransport,
  tlsTransport,
  webSocketTransport,
} from '@lapwing/coap/streams';
import {
  AlertError,
  type CertificateAndKey,
  type CredentialStore,
  checkCredentialStore,
  type DtlsTransport,
  describeAlert,
  HandshakeError,
  type Material,
  type RawKey,
  type RefusedRecord,
  secure,
} from '@lapwing/dtls';
import {
  type Address,
  type Clock,
  ConfigError,
  type Duration,
  type Identity,
  type Peer,
  type Random,
  type Transport,
} from '@lapwing/kernel';
import type { Listener } from './options.ts';
import { type Admission, markOf, markOfAuthorities } from './security/mark.ts';
import type { SecurityStore } from './security/store.ts';

export type { StreamStats, TlsHandshakeTrace } from '@lapwing/coap/streams';
export type {
  AlertTrace,
  CertificateAndKey,
  DtlsStats,
  HandshakeTrace,
  Material,
  RawKey,
  RefusedRecord,
} from '@lapwing/dtls';
export { cipherSuites, dateProblemOf, keyExchangeOfCertificate, keyExchangeOfRawKey } from '@lapwing/dtls';

/** How a listener is secured by DTLS 1.2, and by what devices may prove who they are. */
export interface ListenerSecurity {
  /** Pre-shared keys of the server's `security`; default true. */
  readonly psk?: boolean;
  /**
   * What the server shows to devices that want a certificate; with it, devices may show theirs. Read anew at each handshake: behind a getter
   * it may be replaced while devices go on with what they have agreed on.
   */
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
  /** A DTLS association of whose device nothing is heard for so long ends, in ms; default 30 days, from a minute to ten years. */
  readonly idleTimeout?: Duration;
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
  /** Everything that was written and not taken away. */
  read(): Iterable<KeptAssociation>;
  /** Replaces what is kept under `key`; undefined takes it and its credential away. Need not be on disk when it returns. */
  write(key: string, association: Uint8Array | undefined): void;
  /**
   * The same, and on disk when it returns, also when the power fails, with everything that was written before; throws when
   * that is not possible. Seldom called; no record number is used that does not rest on it.
   */
  writeNow(key: string, record: Uint8Array): void;
  /** A mark of the credential that the association of this key was made with, before or after it is written. It shows no key. */
  proved(key: string, credential: string): void;
  /** Told at the start of what was not taken up, if there was any; it is out of the store already. */
  passedOver?(what: PassedOver): void;
}

export interface KeptAssociation {
  readonly key: string;
  readonly bytes: Uint8Array;
  /** As `proved` had it; without one its device has to shake hands anew. */
  readonly credential: string | undefined;
}

/** Associations that were kept, and are no more: their devices have to shake hands anew. */
export interface PassedOver {
  /** Those that are damaged, too old, or were made with connection ids of another kind. */
  readonly refused: readonly RefusedRecord[];
  /** How many were made with a credential that is another today, or that is not let in any more. */
  readonly revoked: number;
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
  /** Undefined where nobody has a context. */
  readonly oscore: Oscore | undefined;
  readonly transmission: ParameterOptions;
  readonly blocks: BlockOptions;
}

/** Rejects when the address cannot be bound, with ConfigError for what cannot secure it. */
export async function listen(listener: Listener, name: string, serve: Service, ambient: Ambient): Promise<Listening> {
  const { clock, random, transmission, blocks, oscore } = ambient;
  const streams = 'via' in listener && listener.via !== 'udp' ? streamsFor(listener, ambient) : undefined;
  const road: Transport & { readonly address?: Address | undefined } = streams ?? datagramsFor(listener, clock);
  if (listener.dtls !== undefined) checkListenerSecurity(listener.dtls, `listeners.${name}.dtls.`);
  const dtls = listener.dtls === undefined ? undefined : await secured(road, listener.dtls, ambient);
  const endpoint = await Endpoint.open({
    transport: dtls ?? road,
    serve,
    clock,
    random,
    parameters: transmission,
    blocks,
    ...(oscore === undefined ? {} : { protection: oscore }),
  });
  return { name, endpoint, address: road.address, dtls, streams };
}

function datagramsFor(listener: Listener, clock: Clock): Transport & { readonly address?: Address | undefined } {
  if ('transport' in listener) return listener.transport;
  return udpTransport({ host: listener.host ?? '127.0.0.1', port: listener.port, clock });
}

type StreamListener = Extract<Listener, { via: 'tcp' | 'ws' }>;

function streamsFor(listener: StreamListener, { clock, random, security }: Ambient): StreamTransport {
  const { via, host, port, tls, longestMessage, connections, origins } = listener;
  const options = {
    ...{ port, clock, random },
    ...(host === undefined ? {} : { host }),
    ...(longestMessage === undefined ? {} : { longestReceived: longestMessage }),
    ...(connections === undefined ? {} : { connections }),
    ...(origins === undefined ? {} : { origins }),
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

async function secured(
  road: Transport,
  wanted: ListenerSecurity,
  { clock, random, security }: Ambient,
): Promise<DtlsTransport> {
  const admission = admissionOf(wanted, security);
  const { associationsPerIdentity: perIdentity, idleTimeout: idle } = wanted;
  const { associations, suites, connectionId, extendedMasterSecret, handshakeTimeout } = wanted;
  const transport = secure(road, {
    accept: credentialsOf(wanted, security),
    clock,
    random,
    ...(suites === undefined ? {} : { suites }),
    ...(connectionId === undefined ? {} : { connectionId }),
    ...(extendedMasterSecret === undefined ? {} : { extendedMasterSecret }),
    timers: {
      ...(handshakeTimeout === undefined ? {} : { accept: handshakeTimeout }),
      ...(idle === undefined ? {} : { idle }),
    },
    limits: {
      halfOpenPerHost: wanted.handshakesPerHost ?? 100,
      ...(perIdentity === undefined ? {} : { perIdentity }),
    },
    ...(wanted.resumption === false ? { resumption: false as const } : {}),
    ...(associations === undefined
      ? {}
      : {
          journal: associations,
          onEstablished: ({ peer }) => prove(peer, associations, admission),
        }),
  });
  if (associations !== undefined) await takeUp(transport, associations, admission);
  return transport;
}

/**
 * Whether certificates and keys are what they should be and belong together, as a listener finds out when it opens. Throws
 * ConfigError whose problems begin with `certificate.chain`, `certificate.privateKey`, `rawPublicKey` or `authorities`.
 */
export function checkListenerSecurity(
  { certificate, rawPublicKey, authorities }: ListenerSecurity,
  /** What stands before each of them. */
  at = '',
): void {
  const roots = 'acceptCertificate.trust.roots';
  try {
    checkCredentialStore({
      ...(certificate === undefined ? {} : { certificate: () => certificate }),
      ...(rawPublicKey === undefined ? {} : { rawPublicKey }),
      ...(authorities === undefined ? {} : { acceptCertificate: { trust: { roots: authorities } } }),
    });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(error.problems.map((problem) => at + problem.replace(roots, 'authorities')));
  }
}

/** The same of a listener for connections. */
export function checkStreamSecurity({ certificate, authorities = [] }: StreamSecurity): void {
  checkTlsMaterial(certificate, authorities);
}

function admissionOf(wanted: ListenerSecurity, store: SecurityStore | undefined): Admission {
  const { authorities, clientAuthentication = 'required' } = wanted;
  return {
    store,
    psk: wanted.psk !== false,
    rawPublicKeys: wanted.rawPublicKey !== undefined,
    authorities: authorities === undefined ? undefined : markOfAuthorities(authorities),
    anonymous: clientAuthentication !== 'required',
  };
}

/** Once without a mark, as when the store does not answer, an association ends with the process. */
function prove(peer: Peer, associations: AssociationStore, admission: Admission): void {
  const mark = markOf(peer.identity, admission);
  const proved = (credential: string | undefined): void => {
    if (credential !== undefined) associations.proved(peer.key, credential);
  };
  if (mark instanceof Promise) mark.then(proved, () => undefined);
  else proved(mark);
}

/** Associations of the process before: those that are whole, and that would be let in today with the credential they have. */
async function takeUp(transport: DtlsTransport, associations: AssociationStore, admission: Admission): Promise<void> {
  const credentials = new Map<string, string | undefined>();
  const records: (readonly [key: string, record: Uint8Array])[] = [];
  for (const { key, bytes, credential } of associations.read()) {
    records.push([key, bytes]);
    credentials.set(key, credential);
  }
  const { refused } = transport.restore(records);
  for (const { key } of refused) associations.write(key, undefined);
  let revoked = 0;
  for (const peer of [...transport.peers()]) {
    const mark = markOf(peer.identity, admission);
    const wanted = mark instanceof Promise ? await mark : mark;
    if (wanted !== undefined && wanted === credentials.get(peer.key)) continue;
    transport.close(peer);
    associations.write(peer.key, undefined);
    revoked += 1;
  }
  if (refused.length + revoked > 0) associations.passedOver?.({ refused, revoked });
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
    ...(certificate === undefined ? {} : { certificate: () => wanted.certificate ?? certificate }),
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

/** In one word, to count by: the name of the alert, or what became of a handshake without one. */
export function handshakeProblem(error: Error): string {
  if (error instanceof AlertError) return describeAlert(error.description);
  return error instanceof HandshakeError ? error.problem : 'other';
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

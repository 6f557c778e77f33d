// A configured listener → what a server listens on: sockets, and how they are secured. Load balancers are answered on the way: a
// datagram that equals `health_check.request` gets `health_check.reply` and is no CoAP.
import { type UdpCounters, type UdpTransport, udpTransport } from '@lapwing/coap';
import { type Address, equalBytes, type Peer, type TransportSink, type TransportTraits } from '@lapwing/kernel';
import type { AssociationStore, Listener, SecurityStore } from '@lapwing/server';
import { type DatagramPlace, type HealthCheck, isDatagrams, type PlaceConfig } from './listener-place.ts';
import { checkAdmission, followCertificate, securityOfListener, securityOfStreams } from './listener-security.ts';
import type { Ears } from './watched-files.ts';

export interface OpenedListener {
  readonly listener: Listener;
  /** Of the URIs by which devices come. */
  readonly scheme: string;
  /** Undefined for connections. */
  readonly socket: UdpTransport | undefined;
  /** Shows devices what the files of the certificate hold now, see `followCertificate`; there with DTLS. */
  readonly follow?: (ears: Ears) => Promise<Disposable>;
}

const schemes = {
  udp: 'coap',
  dtls: 'coaps',
  tcp: 'coap+tcp',
  tls: 'coaps+tcp',
  ws: 'coap+ws',
  wss: 'coaps+ws',
} as const;

/**
 * Files are read, nothing is bound yet. `name` is the server's for it, `at` its path in the configuration; `associationsOf` a listener
 * with DTLS outlive the process. Throws ConfigError for files that do not hold what they should.
 */
export async function openedListener(
  place: PlaceConfig,
  name: string,
  at: string,
  associationsOf: ((listener: string) => AssociationStore) | undefined,
): Promise<OpenedListener> {
  const scheme = schemes[place.type];
  if (isDatagrams(place)) {
    const socket = openListener(place);
    const { dtls: config } = place;
    if (config === undefined) return { scheme, socket, listener: { name, transport: socket } };
    const options = optionsOf(place, at);
    const dtls = await securityOfListener(config, options, associationsOf?.(name));
    const follow = (ears: Ears): Promise<Disposable> => followCertificate(dtls, config, options, ears);
    return { scheme, socket, listener: { name, transport: socket, dtls }, follow };
  }
  const { bind, longestMessage, connections, origins, tls } = place;
  const secured = tls === undefined ? {} : { tls: await securityOfStreams(tls, optionsOf(place, at)) };
  const via = place.type === 'ws' || place.type === 'wss' ? 'ws' : 'tcp';
  const limits = { longestMessage, origins, ...(connections === undefined ? {} : { connections }) };
  return { scheme, socket: undefined, listener: { name, via, ...bind, ...limits, ...secured } };
}

/** Reads the files of a listener, and opens nothing. Throws ConfigError. */
export async function checkListener(place: PlaceConfig, at: string): Promise<void> {
  const options = optionsOf(place, at);
  if (isDatagrams(place)) {
    if (place.dtls !== undefined) await securityOfListener(place.dtls, options, undefined);
  } else if (place.tls !== undefined) await securityOfStreams(place.tls, options);
}

/** Throws ConfigError for a listener that no device could come in over. */
export async function checkSomebodyComes(
  place: PlaceConfig,
  at: string,
  credentials: SecurityStore | undefined,
): Promise<void> {
  const rawKeyFile = isDatagrams(place) ? place.dtls?.rawKeyFile : undefined;
  const config = isDatagrams(place) ? place.dtls : place.tls;
  if (config !== undefined) await checkAdmission(config, rawKeyFile, optionsOf(place, at), credentials);
}

const optionsOf = ({ type }: PlaceConfig, at: string): string =>
  `${at}.${type === 'dtls' ? 'dtls_options' : 'ssl_options'}`;

/** Throws ConfigError for a host that is no address. */
export function openListener({ bind, buffers, healthCheck }: DatagramPlace): UdpTransport {
  const socket = udpTransport({
    ...bind,
    ...(buffers.receive === undefined ? {} : { recvBufferSize: buffers.receive }),
    ...(buffers.send === undefined ? {} : { sendBufferSize: buffers.send }),
  });
  return healthCheck === undefined ? socket : new HealthChecked(socket, healthCheck);
}

class HealthChecked implements UdpTransport {
  private readonly socket: UdpTransport;
  private readonly check: HealthCheck;

  constructor(socket: UdpTransport, check: HealthCheck) {
    this.socket = socket;
    this.check = check;
  }

  get traits(): TransportTraits {
    return this.socket.traits;
  }

  get address(): UdpTransport['address'] {
    return this.socket.address;
  }

  counters(): UdpCounters {
    return this.socket.counters();
  }

  open(sink: TransportSink): Promise<void> {
    const { request, reply } = this.check;
    return this.socket.open({
      receive: (datagram) => {
        if (equalBytes(datagram.bytes, request)) this.socket.send(datagram.peer, reply);
        else sink.receive(datagram);
      },
      lost: (peer, cause) => sink.lost(peer, cause),
    });
  }

  connect(address: Address, signal?: AbortSignal): Promise<Peer> {
    return this.socket.connect(address, signal);
  }

  send(peer: Peer, bytes: Uint8Array): void {
    this.socket.send(peer, bytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.socket[Symbol.asyncDispose]();
  }
}

// A configured listener → what a server listens on: sockets, and how they are secured. Load balancers are answered on the way: a
// datagram that equals `health_check.request` gets `health_check.reply` and is no CoAP.
import { type UdpCounters, type UdpTransport, udpTransport } from '@lapwing/coap';
import { type Address, equalBytes, type Peer, type TransportSink, type TransportTraits } from '@lapwing/kernel';
import type { AssociationStore, Listener, ListenerSecurity, StreamSecurity } from '@lapwing/server';
import { checkAdmission, type Known, noteDates } from './listener-admission.ts';
import { type DatagramPlace, type HealthCheck, isDatagrams, type PlaceConfig, securityOf } from './listener-place.ts';
import { certificateFiles, followCertificate, securityOfListener, securityOfStreams } from './listener-security.ts';
import { type Ears, stampOf } from './watched-files.ts';

export interface OpenedListener {
  readonly listener: Listener;
  /** Of the URIs by which devices come. */
  readonly scheme: string;
  /** Undefined for connections. */
  readonly socket: UdpTransport | undefined;
  /** Shows devices what the files of the certificate hold now, see `followCertificate`; there with DTLS. */
  readonly follow?: (ears: Ears) => Disposable;
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
    // What changes while the others open is seen too.
    const stamp = await stampOf(certificateFiles(config));
    const dtls = await securityOfListener(config, options, associationsOf?.(name));
    const follow = (ears: Ears): Disposable => followCertificate(dtls, config, options, ears, stamp);
    return { scheme, socket, listener: { name, transport: socket, dtls }, follow };
  }
  const { bind, longestMessage, connections, origins, tls } = place;
  const secured = tls === undefined ? {} : { tls: await securityOfStreams(tls, optionsOf(place, at)) };
  const via = place.type === 'ws' || place.type === 'wss' ? 'ws' : 'tcp';
  const limits = { longestMessage, origins, ...(connections === undefined ? {} : { connections }) };
  return { scheme, socket: undefined, listener: { name, via, ...bind, ...limits, ...secured } };
}

/** Reads the files of a listener, and opens nothing. What to warn of; throws ConfigError. */
export async function checkListener(place: PlaceConfig, at: string, wall: number): Promise<readonly string[]> {
  const options = optionsOf(place, at);
  const security = await securityAt(place, options);
  return security === undefined ? [] : noteDates(security, options, wall);
}

/** What of a listener is of no use. Throws ConfigError for one that no device could come in over. */
export async function checkSomebodyComes(place: PlaceConfig, at: string, known: Known): Promise<readonly string[]> {
  const options = optionsOf(place, at);
  const config = securityOf(place);
  const security = await securityAt(place, options);
  return config === undefined || security === undefined ? [] : checkAdmission(config, options, known, security);
}

async function securityAt(place: PlaceConfig, options: string): Promise<ListenerSecurity | StreamSecurity | undefined> {
  if (isDatagrams(place)) return place.dtls && securityOfListener(place.dtls, options, undefined);
  return place.tls && securityOfStreams(place.tls, options);
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

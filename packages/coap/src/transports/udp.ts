// UDP sockets (shell). A peer is an address: its key is the address as text, and a small cache gives out the same
// Peer object for the same address without building that text again. Nothing is resolved for a packet: names are
// looked up once, in `connect`.
import { createSocket, type Socket } from 'node:dgram';
import { isIP } from 'node:net';
import {
  type Address,
  afterTurn,
  type Clock,
  ClosedError,
  ConfigError,
  formatAddress,
  type Peer,
  systemClock,
  type Transport,
  type TransportSink,
  type TransportTraits,
  untilAborted,
} from '@lapwing/kernel';
import { canonicalHost, systemLookUp } from './look-up.ts';
import { PeerCache } from './peer-cache.ts';

export interface UdpOptions {
  /** Address to bind; default `127.0.0.1`. One with a colon is IPv6. `::` takes IPv4 too, as `::ffff:` addresses. */
  readonly host?: string;
  /** Default 0: the system chooses. */
  readonly port?: number;
  /** Groups to listen to (RFC 7252 §8), at the same port; also the only multicast addresses that `connect` accepts. */
  readonly groups?: readonly string[];
  /** Bytes in one send; default 1 152 (RFC 7252 §4.6). */
  readonly mtu?: number;
  /** Bytes the system may hold for us; default 4 MiB, cut down silently where the system allows less. */
  readonly recvBufferSize?: number;
  readonly sendBufferSize?: number;
  readonly clock?: Clock;
}

export interface UdpCounters {
  readonly received: number;
  readonly receivedBytes: number;
  readonly sent: number;
  readonly sentBytes: number;
  /** Refused by the system: unreachable, too long, no buffer. */
  readonly sendErrors: number;
  /** Reported by the socket later, such as port unreachable (ICMP). */
  readonly socketErrors: number;
  /** From port 0, which nobody can answer. */
  readonly unanswerable: number;
}

type UdpAddress = Extract<Address, { via: 'udp' | 'tcp' }>;

export interface UdpTransport extends Transport {
  /** Where it is bound; throws ClosedError before `open` and after closing. */
  readonly address: UdpAddress;
  counters(): UdpCounters;
}

/** A transport over one UDP socket. Throws ConfigError for a host that is no address or a port out of range. */
export function udpTransport(options: UdpOptions = {}): UdpTransport {
  return new DatagramTransport(options);
}

const LOOPBACK = '127.0.0.1';

/** Datagrams that wait for the end of a turn; more go at once. */
const MOST_AT_ONCE = 64;

class DatagramTransport implements UdpTransport {
  readonly traits: TransportTraits;
  private readonly host: string;
  private readonly port: number;
  private readonly family: 4 | 6;
  private readonly groups: readonly string[];
  private readonly socket: Socket;
  private readonly groupSockets: Socket[] = [];
  private readonly clock: Clock;
  private readonly bufferSizes: { readonly recv: number; readonly send: number };
  private readonly peers = new PeerCache();
  /** What goes out at the end of this turn. */
  private outgoing: { readonly peer: Peer; readonly bytes: Uint8Array }[] = [];
  private readonly tally = {
    received: 0,
    receivedBytes: 0,
    sent: 0,
    sentBytes: 0,
    sendErrors: 0,
    socketErrors: 0,
    unanswerable: 0,
  };
  private sink: TransportSink | undefined;
  private bound: UdpAddress | undefined;
  private closed = false;

  constructor(options: UdpOptions) {
    this.host = options.host ?? LOOPBACK;
    this.port = options.port ?? 0;
    this.groups = options.groups ?? [];
    const family = isIP(this.host);
    const problems: string[] = [];
    if (family === 0) problems.push(`host: ${this.host} is no IP address`);
    if (!(Number.isInteger(this.port) && this.port >= 0 && this.port <= 65_535)) problems.push(`port: ${this.port}`);
    if (this.groups.length > 0 && /^(0\.0\.0\.0|::)$/.test(this.host)) {
      problems.push(
        'groups: need a host of their own; at a wildcard the system delivers what was sent to a group twice',
      );
    }
    for (const group of this.groups) if (!isMulticast(group)) problems.push(`groups: ${group} is no multicast address`);
    if (problems.length > 0) throw new ConfigError(problems);
    this.family = family === 6 ? 6 : 4;
    this.clock = options.clock ?? systemClock;
    this.bufferSizes = { recv: options.recvBufferSize ?? 4 * 1024 * 1024, send: options.sendBufferSize ?? 1024 * 1024 };
    this.traits = { reliable: false, framing: 'rfc7252', mtu: options.mtu ?? 1152 };
    this.socket = this.makeSocket();
  }

  get address(): UdpAddress {
    if (this.bound === undefined) throw new ClosedError('the socket is not bound');
    return this.bound;
  }

  counters(): UdpCounters {
    return { ...this.tally };
  }

  async open(sink: TransportSink): Promise<void> {
    if (this.sink !== undefined || this.closed) throw new ClosedError('a transport is opened once');
    this.sink = sink;
    const { socket } = this;
    await this.bind(socket, this.host, this.port);
    const { address, port } = socket.address();
    this.bound = { via: 'udp', host: address, port };
    this.listen(socket, sink, undefined);
    // A socket of its own for each group: nothing else tells what was sent to a group from what was sent to us.
    for (const group of this.groups) {
      const own = this.makeSocket();
      this.groupSockets.push(own);
      await this.bind(own, group, port);
      own.addMembership(group, this.host);
      this.listen(own, sink, true);
    }
  }

  async connect(address: Address, signal?: AbortSignal): Promise<Peer> {
    signal?.throwIfAborted();
    if (address.via !== 'udp') throw new ConfigError([`address: ${address.via} is not udp`]);
    const host = isIP(address.host) === 0 ? await this.resolve(address.host, signal) : canonicalHost(address.host);
    const refusal = this.refuses(host, address.port);
    if (refusal !== undefined) throw new ConfigError([`address: ${formatAddress({ ...address, host })} ${refusal}`]);
    const mapped = this.family === 6 && isIP(host) === 4 ? `::ffff:${host}` : host;
    return this.peers.at(mapped, address.port);
  }

  /** With the turn of the event loop: whoever is woken by the first datagram then finds the others there. */
  send(peer: Peer, bytes: Uint8Array): void {
    if (this.outgoing.length === 0) afterTurn(this.flush);
    this.outgoing.push({ peer, bytes });
    if (this.outgoing.length >= MOST_AT_ONCE) this.flush();
  }

  private readonly flush = (): void => {
    const { outgoing } = this;
    if (outgoing.length === 0) return;
    this.outgoing = [];
    for (const { peer, bytes } of outgoing) this.sendNow(peer, bytes);
  };

  private sendNow(peer: Peer, bytes: Uint8Array): void {
    const { address } = peer;
    if (this.bound === undefined || address.via === 'sms') return;
    try {
      this.socket.send(bytes, address.port, address.host);
      this.tally.sent += 1;
      this.tally.sentBytes += bytes.length;
    } catch {
      this.tally.sendErrors += 1;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    // What was said before the end, such as a last acknowledgement, still goes.
    this.flush();
    this.bound = undefined;
    const sockets = [this.socket, ...this.groupSockets];
    await Promise.all(sockets.map((socket) => new Promise<void>((resolve) => void socket.close(resolve))));
  }

  private makeSocket(): Socket {
    return createSocket({
      type: this.family === 6 ? 'udp6' : 'udp4',
      // Only addresses come here, so there is nothing to look up; the system's resolver would cost a turn per packet.
      lookup: (host, _options, done) => done(null, host, this.family),
    });
  }

  private async bind(socket: Socket, address: string, port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind({ port, address }, () => {
        socket.removeListener('error', reject);
        resolve();
      });
    });
    // An error of the socket concerns one datagram that was sent (ICMP): never a reason to stop.
    socket.on('error', () => {
      this.tally.socketErrors += 1;
    });
    socket.setRecvBufferSize(this.bufferSizes.recv);
    socket.setSendBufferSize(this.bufferSizes.send);
  }

  private listen(socket: Socket, sink: TransportSink, multicast: true | undefined): void {
    const { tally, clock } = this;
    socket.on('message', (bytes, from) => {
      tally.received += 1;
      tally.receivedBytes += bytes.length;
      if (from.port === 0) {
        tally.unanswerable += 1;
        return;
      }
      const peer = this.peers.at(from.address, from.port);
      const at = clock.now();
      sink.receive(multicast === undefined ? { peer, bytes, at } : { peer, bytes, at, multicast });
    });
  }

  private async resolve(host: string, signal: AbortSignal | undefined): Promise<string> {
    const found = await untilAborted(systemLookUp(host), signal);
    const address = this.family === 6 ? found[0] : found.find((each) => isIP(each) === 4);
    if (address !== undefined) return canonicalHost(address);
    throw new ConfigError([`address: ${host} has only IPv6 addresses, and this socket is bound to ${this.host}`]);
  }

  /** Where nothing may be sent, whatever a configuration or a peer says. */
  private refuses(host: string, port: number): string | undefined {
    if (!(Number.isInteger(port) && port > 0 && port <= 65_535)) return 'has no port';
    if (this.family === 4 && isIP(host) === 6) return `is IPv6, and this socket is bound to ${this.host}`;
    if (host === '255.255.255.255') return 'is a broadcast address';
    if (host === '0.0.0.0' || host === '::') return 'is no address of a peer';
    if (isMulticast(host) && !this.groups.includes(host)) return 'is a multicast address';
    if (this.bound !== undefined && port === this.bound.port && host === this.bound.host) return 'is our own';
    return undefined;
  }
}

function isMulticast(host: string): boolean {
  if (isIP(host) === 6) return /^ff/i.test(host);
  const first = Number.parseInt(host, 10);
  return first >= 224 && first <= 239;
}

// UDP for who speaks first, to hosts of either family (shell): a socket is opened when the first peer needs it. On a road of its own
// each: a system without IPv6 still reaches what has IPv4, and what is on this machine is spoken to from loopback.
import { createSocket } from 'node:dgram';
import { isIP } from 'node:net';
import {
  type Address,
  ClosedError,
  ConfigError,
  type Peer,
  type Transport,
  type TransportSink,
  type TransportTraits,
} from '@lapwing/kernel';
import { canonicalHost } from './look-up.ts';
import { type UdpOptions, type UdpTransport, udpTransport } from './udp.ts';

export type DiallerOptions = Omit<UdpOptions, 'host' | 'port' | 'groups'> & {
  /**
   * Where the port is remembered, so that the dialler that takes the place of another is still known by its address: it is bound to
   * again where it is free. Default: any port.
   */
  readonly bound?: { port?: number };
};

/** `connect` takes addresses, no names (see `byName`), and rejects where the system knows no way to them. Nothing is sent for that. */
export function udpDialler(options: DiallerOptions = {}): Transport {
  return new Dialler(options);
}

class Dialler implements Transport {
  readonly traits: TransportTraits;
  private readonly options: DiallerOptions;
  /** By the address that they are bound to. */
  private readonly sockets = new Map<string, UdpTransport>();
  private readonly opening = new Map<string, Promise<UdpTransport>>();
  private sink: TransportSink | undefined;
  private closed = false;

  constructor(options: DiallerOptions) {
    this.options = options;
    this.traits = { reliable: false, framing: 'rfc7252', mtu: options.mtu ?? 1152 };
  }

  open(sink: TransportSink): Promise<void> {
    if (this.sink !== undefined || this.closed) return Promise.reject(new ClosedError('a transport is opened once'));
    this.sink = sink;
    return Promise.resolve();
  }

  async connect(address: Address, signal?: AbortSignal): Promise<Peer> {
    signal?.throwIfAborted();
    if (address.via !== 'udp') throw new ConfigError([`address: ${address.via} is not udp`]);
    const host = canonicalHost(address.host);
    if (isIP(host) === 0) throw new ConfigError([`address: ${host} is a name, and only addresses can be dialled here`]);
    const socket = await this.socketFor(host);
    signal?.throwIfAborted();
    const peer = await socket.connect({ ...address, host }, signal);
    await checkWay(host, address.port);
    signal?.throwIfAborted();
    return peer;
  }

  send(peer: Peer, bytes: Uint8Array): void {
    if (peer.address.via === 'udp') this.sockets.get(localHostFor(peer.address.host))?.send(peer, bytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await Promise.allSettled(this.opening.values());
    await Promise.all([...this.sockets.values()].map((socket) => socket[Symbol.asyncDispose]()));
    this.sockets.clear();
  }

  private socketFor(host: string): Promise<UdpTransport> {
    const local = localHostFor(host);
    const known = this.opening.get(local);
    if (known !== undefined) return known;
    // Where it cannot be bound, such as without IPv6, the next attempt may find the system in another state.
    const opening = this.bind(local).catch((error: unknown) => {
      this.opening.delete(local);
      throw error;
    });
    this.opening.set(local, opening);
    return opening;
  }

  private async bind(local: string): Promise<UdpTransport> {
    const { sink } = this;
    if (sink === undefined || this.closed) throw new ClosedError('the transport is not open');
    const { bound } = this.options;
    const socket = await this.again(bound?.port, local, sink);
    if (bound !== undefined) bound.port = socket.address.port;
    this.sockets.set(local, socket);
    return socket;
  }

  private async again(port: number | undefined, local: string, sink: TransportSink): Promise<UdpTransport> {
    const { bound: _, ...options } = this.options;
    if (port !== undefined) {
      const socket = udpTransport({ ...options, host: local, port });
      try {
        await socket.open(sink);
        return socket;
      } catch {
        // Somebody else has it now.
        await socket[Symbol.asyncDispose]();
      }
    }
    const socket = udpTransport({ ...options, host: local });
    await socket.open(sink);
    return socket;
  }
}

/** Where to bind to reach an address: its own family, and loopback for loopback. */
export function localHostFor(host: string): string {
  if (host.includes(':')) return host === '::1' ? '::1' : '::';
  return /^127\./.test(host) ? '127.0.0.1' : '0.0.0.0';
}

/** RFC 6724 §5, rule 1: to connect a UDP socket sends nothing, and fails where there is no route. */
async function checkWay(host: string, port: number): Promise<void> {
  const family = isIP(host) === 6 ? 6 : 4;
  const probe = createSocket({
    type: family === 6 ? 'udp6' : 'udp4',
    lookup: (name, _options, done) => done(null, name, family),
  });
  try {
    await new Promise<void>((resolve, reject) => {
      probe.once('error', reject);
      probe.connect(port, host, (error?: Error) => (error ? reject(error) : resolve()));
    });
  } finally {
    probe.close();
  }
}

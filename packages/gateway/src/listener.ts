// A configured listener → a UDP transport that the server listens on, answering load balancers on the way: a datagram that
// equals `health_check.request` gets `health_check.reply` and is no CoAP.
import { type UdpCounters, type UdpTransport, udpTransport } from '@lapwing/coap';
import { type Address, equalBytes, type Peer, type TransportSink, type TransportTraits } from '@lapwing/kernel';
import type { HealthCheck, ListenerConfig } from './config-listeners.ts';

/** Throws ConfigError for a host that is no address. */
export function openListener({ bind, buffers, healthCheck }: ListenerConfig): UdpTransport {
  const socket = udpTransport({
    ...bind,
    ...(buffers.receive === undefined ? {} : { recvBufferSize: buffers.receive }),
    ...(buffers.send === undefined ? {} : { sendBufferSize: buffers.send }),
  });
  return healthCheck === undefined ? socket : new HealthChecked(socket, healthCheck);
}

export class HealthChecked implements UdpTransport {
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

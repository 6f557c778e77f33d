// CoAP over WebSockets (RFC 8323 §4): sockets of the machine, plain or with TLS, under WebSockets under a transport over streams.
import { type Address, type ByteStream, type Random, type StreamRoad, systemRandom } from '@lapwing/kernel';
import type { StreamOptions } from './stream-options.ts';
import { type StreamTransport, streamTransport } from './streams.ts';
import { type TcpOptions, tcpRoad } from './tcp.ts';
import { type TlsOptions, tlsRoad } from './tls.ts';
import { WebSocketStream } from './web-socket.ts';

export interface WebSocketOptions {
  /** Origins of web pages that may connect (RFC 6455 §10.2), such as `https://app.example`; default none. */
  readonly origins?: readonly string[];
}

/** `coap+ws`. Throws ConfigError for options out of range. */
export function webSocketTransport(options: TcpOptions & WebSocketOptions = {}): StreamTransport {
  return streamTransport(webSocketRoad(tcpRoad(options), options), options);
}

/** `coaps+ws`. Throws ConfigError as `tlsTransport` does. */
export function secureWebSocketTransport(options: TlsOptions & WebSocketOptions): StreamTransport {
  return streamTransport(webSocketRoad(tlsRoad(options, 'http/1.1'), options), options);
}

/** WebSockets over any road of streams. */
export function webSocketRoad(inner: StreamRoad, options: WebSocketOptions & StreamOptions): StreamRoad {
  return new WebSocketRoad(inner, options);
}

class WebSocketRoad implements StreamRoad {
  private readonly inner: StreamRoad;
  private readonly longest: number;
  private readonly origins: readonly string[];
  private readonly random: Random;

  constructor(
    inner: StreamRoad,
    { longestReceived = 8192, origins = [], random = systemRandom }: WebSocketOptions & StreamOptions,
  ) {
    this.inner = inner;
    this.longest = longestReceived;
    this.origins = origins;
    this.random = random;
  }

  get address(): Address | undefined {
    return this.inner.address;
  }

  open(accept: (stream: ByteStream) => void): Promise<void> {
    return this.inner.open((stream) => accept(this.over(stream, 'server')));
  }

  async connect(address: Address, signal?: AbortSignal): Promise<ByteStream> {
    return this.over(await this.inner.connect(address, signal), 'client');
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.inner[Symbol.asyncDispose]();
  }

  private over(stream: ByteStream, role: 'client' | 'server'): WebSocketStream {
    const { longest, origins, random } = this;
    return new WebSocketStream(stream, { role, longest, origins, random });
  }
}

// CoAP over TCP (RFC 8323 §3): sockets of the machine under a transport over streams.
import { connect, createServer } from 'node:net';
import { nobody, type StreamRoad } from '@lapwing/kernel';
import { NodeStream, remoteOf } from './node-stream.ts';
import { eachFamily, type ListenOptions, type SocketKind, socketRoad } from './sockets.ts';
import type { StreamOptions } from './stream-options.ts';
import { type StreamTransport, streamTransport } from './streams.ts';

export interface TcpOptions extends ListenOptions, StreamOptions {}

/** Both roles on one transport. Throws ConfigError for options out of range. */
export function tcpTransport(options: TcpOptions = {}): StreamTransport {
  return streamTransport(tcpRoad(options), options);
}

export function tcpRoad(options: TcpOptions): StreamRoad {
  return socketRoad(plain, options, options.connections);
}

const plain: SocketKind = {
  serve: (accept) =>
    createServer({ pauseOnConnect: false }, (socket) => {
      // Before anything hears of it, an error must not end the process.
      socket.on('error', () => undefined);
      const remote = remoteOf(socket);
      if (remote === undefined) socket.destroy();
      else accept(new NodeStream(socket, remote, nobody));
    }),
  connect: (address, ready) => {
    const socket = connect({ host: address.host, port: address.port, ...eachFamily }, () =>
      ready(new NodeStream(socket, { ...address, via: 'tcp' }, nobody)),
    );
    return socket;
  },
};

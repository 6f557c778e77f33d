// What makes a service centre of a UDP port: messages to a number leave as datagrams to a host, and what comes back is sent from that
// number. Concatenated ones are put together and cut on the way (shell).
import { createSocket, type Socket } from 'node:dgram';
import type { Messenger } from '../messenger.ts';

export interface UdpBridgeOptions {
  /** Of the number that stands for the host. */
  readonly messenger: Messenger;
  readonly host: string;
  readonly port: number;
}

/** Senders that have a socket each, so that the host can tell them apart. */
const MOST_SENDERS = 256;

export class UdpBridge implements AsyncDisposable {
  private readonly options: UdpBridgeOptions;
  private readonly sockets = new Map<string, Socket>();
  private readonly listening: Disposable;

  constructor(options: UdpBridgeOptions) {
    this.options = options;
    const { host, port } = options;
    this.listening = options.messenger.receive(undefined, ({ from, bytes }) => {
      this.socketOf(from).send(bytes, port, host);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.listening[Symbol.dispose]();
    const sockets = [...this.sockets.values()];
    this.sockets.clear();
    await Promise.all(sockets.map((socket) => new Promise<void>((done) => void socket.close(() => done()))));
  }

  private socketOf(sender: string): Socket {
    const known = this.sockets.get(sender);
    if (known !== undefined) return known;
    if (this.sockets.size >= MOST_SENDERS) {
      const [[oldest, socket] = []] = this.sockets;
      socket?.close();
      this.sockets.delete(oldest ?? '');
    }
    const socket = createSocket({ type: this.options.host.includes(':') ? 'udp6' : 'udp4' });
    // Nobody there: what was sent is lost, as messages are.
    socket.on('error', () => undefined);
    socket.on('message', (bytes) => this.options.messenger.send(sender, bytes));
    this.sockets.set(sender, socket);
    return socket;
  }
}

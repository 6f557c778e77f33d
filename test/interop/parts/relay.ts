// A NAT between two peers: what comes to its port goes on to another one from a port of its own, and back. It can take
// another port in the middle of a conversation, lose datagrams, and knows how large they were.
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';

export class Relay implements AsyncDisposable {
  readonly port: number;
  readonly #inner: Socket;
  readonly #target: number;
  #outer: Socket;
  #client: RemoteInfo | undefined;
  #largest = { toServer: 0, toClient: 0 };
  readonly #lost = { toServer: 0, toClient: 0 };

  private constructor(inner: Socket, outer: Socket, target: number) {
    this.port = inner.address().port;
    this.#inner = inner;
    this.#outer = outer;
    this.#target = target;
    inner.on('message', (bytes, from) => {
      this.#client = from;
      this.#largest.toServer = Math.max(this.#largest.toServer, bytes.length);
      if (this.#loses('toServer')) return;
      this.#outer.send(bytes, this.#target, '127.0.0.1');
    });
    this.#listen();
  }

  /** Between any one client and the server at this port. */
  static async start(target: number): Promise<Relay> {
    return new Relay(await bound(), await bound(), target);
  }

  /** The largest datagram in each direction so far, in bytes. */
  get largest(): { readonly toServer: number; readonly toClient: number } {
    return this.#largest;
  }

  /** Loses the next datagrams of a direction. */
  lose(direction: 'toServer' | 'toClient', count: number): void {
    this.#lost[direction] += count;
  }

  /** From now on the server sees the client at another port; nothing comes through the old one any more. */
  async move(): Promise<void> {
    const old = this.#outer;
    this.#outer = await bound();
    this.#listen();
    old.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#inner.close();
    this.#outer.close();
    await Promise.resolve();
  }

  #listen(): void {
    this.#outer.on('message', (bytes) => {
      this.#largest.toClient = Math.max(this.#largest.toClient, bytes.length);
      if (this.#client === undefined || this.#loses('toClient')) return;
      this.#inner.send(bytes, this.#client.port, this.#client.address);
    });
  }

  #loses(direction: 'toServer' | 'toClient'): boolean {
    if (this.#lost[direction] === 0) return false;
    this.#lost[direction] -= 1;
    return true;
  }
}

async function bound(): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

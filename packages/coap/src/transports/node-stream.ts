// A socket of the machine as a stream: what is written in one turn of the event loop leaves in one piece.
import type { Socket } from 'node:net';
import { type Address, afterTurn, type ByteStream, type Identity, type StreamSink } from '@lapwing/kernel';

/** Silence after which the system asks whether the other end still stands, in ms. */
const KEEP_ALIVE = 120_000;

export class NodeStream implements ByteStream {
  readonly remote: Address;
  readonly identity: Identity;
  private readonly socket: Socket;
  private corked = false;

  constructor(socket: Socket, remote: Address, identity: Identity) {
    this.socket = socket;
    this.remote = remote;
    this.identity = identity;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE);
  }

  get backlog(): number {
    return this.socket.writableLength;
  }

  open(sink: StreamSink): void {
    const { socket } = this;
    let cause: Error | undefined;
    socket.on('data', (bytes: Buffer) => sink.data(bytes));
    socket.on('drain', () => sink.drained());
    socket.on('end', () => sink.ended());
    socket.on('error', (error) => {
      cause = error;
    });
    socket.on('close', () => sink.closed(cause));
  }

  write(bytes: Uint8Array): boolean {
    const { socket } = this;
    if (socket.destroyed || socket.writableEnded) return true;
    if (!this.corked) {
      this.corked = true;
      socket.cork();
      afterTurn(this.uncork);
    }
    return socket.write(bytes);
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  end(): void {
    this.socket.destroySoon();
  }

  destroy(): void {
    this.socket.destroy();
  }

  private readonly uncork = (): void => {
    this.corked = false;
    this.socket.uncork();
  };
}

/** Undefined for a socket that is not connected any more. */
export function remoteOf({ remoteAddress, remotePort }: Socket): Address | undefined {
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  return { via: 'tcp', host: remoteAddress, port: remotePort };
}

// Streams that are secured one by one over another road (shell): each is a stream of Node.js in both directions, which node:tls takes
// for a socket.
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { type Address, type ByteStream, ConfigError, type StreamRoad } from '@lapwing/kernel';
import { connected } from './sockets.ts';

type HostAddress = Extract<Address, { host: string }>;

/** What secures one stream. */
export interface StreamSecuring {
  /** `accept` is called when somebody is let in. */
  secureServer(stream: Duplex, remote: Address, accept: (stream: ByteStream) => void): void;
  /** `ready` is called once, as of `SocketKind`. */
  secureClient(stream: Duplex, address: HostAddress, ready: (stream: ByteStream | Error) => void): Socket;
}

export function streamsOver(inner: StreamRoad, securing: StreamSecuring): StreamRoad {
  return {
    get address() {
      return inner.address;
    },
    open: (accept) => inner.open((stream) => securing.secureServer(new StreamDuplex(stream), stream.remote, accept)),
    connect: async (address, signal) => {
      if (address.via === 'sms') throw new ConfigError([`address: ${address.via} has no streams`]);
      const duplex = new StreamDuplex(await inner.connect(address, signal));
      return connected((ready) => securing.secureClient(duplex, address, ready), address, signal);
    },
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  };
}

class StreamDuplex extends Duplex {
  private readonly stream: ByteStream;
  /** Told when what was written has left. */
  private written: (() => void) | undefined;

  constructor(stream: ByteStream) {
    super({ allowHalfOpen: false });
    this.stream = stream;
    stream.open({
      data: (bytes) => {
        if (!this.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))) stream.pause();
      },
      drained: () => {
        const { written } = this;
        this.written = undefined;
        written?.();
      },
      ended: () => this.push(null),
      closed: (cause) => this.destroy(cause),
    });
  }

  override _read(): void {
    this.stream.resume();
  }

  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    if (this.stream.write(new Uint8Array(chunk))) done();
    else this.written = done;
  }

  override _final(done: () => void): void {
    this.stream.end();
    done();
  }

  override _destroy(cause: Error | null, done: (cause: Error | null) => void): void {
    this.stream.destroy();
    done(cause);
  }
}

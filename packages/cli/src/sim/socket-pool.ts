// A few sockets for many devices (shell): each device has a line at one of them, and another one when it moves.
import { type UdpTransport, udpTransport } from '@lapwing/coap';
import {
  type Address,
  type Clock,
  LimitError,
  type Peer,
  type Random,
  randomInteger,
  type Transport,
  type TransportSink,
  type TransportTraits,
} from '@lapwing/kernel';
import { Switchboard } from './switchboard.ts';

export interface SocketPoolOptions {
  readonly count: number;
  /** An address to bind to. */
  readonly host: string;
  readonly clock: Clock;
  readonly random: Random;
  /** More is said than one socket can number. */
  readonly refused: (error: Error) => void;
}

export class SocketPool implements AsyncDisposable {
  private readonly sockets: PooledSocket[];

  private constructor(sockets: PooledSocket[]) {
    this.sockets = sockets;
  }

  /** Rejects as a socket does. */
  static async open(options: SocketPoolOptions): Promise<SocketPool> {
    const sockets = Array.from({ length: options.count }, () => new PooledSocket(options));
    const shared = new SocketPool(sockets);
    try {
      await Promise.all(sockets.map((socket) => socket.open()));
    } catch (error) {
      await shared[Symbol.asyncDispose]();
      throw error;
    }
    return shared;
  }

  /** Of that device, at another socket than the last time. */
  line(device: number, time: number): Transport {
    const socket = this.sockets[(device + time) % this.sockets.length] as PooledSocket;
    return new Line(socket, device);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.sockets.map((socket) => socket[Symbol.asyncDispose]()));
  }
}

class PooledSocket implements AsyncDisposable {
  private readonly options: SocketPoolOptions;
  private readonly board: Switchboard;
  private readonly socket: UdpTransport;
  private readonly lines = new Map<number, Line>();

  constructor(options: SocketPoolOptions) {
    this.options = options;
    this.board = new Switchboard(randomInteger(options.random, 65_536));
    this.socket = udpTransport({ host: options.host });
  }

  get traits(): TransportTraits {
    return this.socket.traits;
  }

  open(): Promise<void> {
    return this.socket.open({
      receive: (datagram) => {
        const found = this.board.incoming(datagram.bytes);
        if (found !== undefined) this.lines.get(found.line)?.sink?.receive({ ...datagram, bytes: found.bytes });
      },
      lost: () => undefined,
    });
  }

  connect(address: Address, signal?: AbortSignal): Promise<Peer> {
    return this.socket.connect(address, signal);
  }

  send(device: number, peer: Peer, bytes: Uint8Array): void {
    const { clock, refused } = this.options;
    const outgoing = this.board.outgoing(device, bytes, clock.now());
    if (outgoing !== undefined) this.socket.send(peer, outgoing);
    else refused(new LimitError('more messages than one socket can number: take more sockets', 65_536));
  }

  plug(device: number, line: Line): void {
    this.lines.set(device, line);
  }

  unplug(device: number, line: Line): void {
    if (this.lines.get(device) === line) this.lines.delete(device);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.socket[Symbol.asyncDispose]();
  }
}

class Line implements Transport {
  readonly traits: TransportTraits;
  private readonly socket: PooledSocket;
  private readonly device: number;
  sink: TransportSink | undefined;

  constructor(socket: PooledSocket, device: number) {
    this.socket = socket;
    this.device = device;
    this.traits = socket.traits;
  }

  open(sink: TransportSink): Promise<void> {
    this.sink = sink;
    this.socket.plug(this.device, this);
    return Promise.resolve();
  }

  connect(address: Address, signal?: AbortSignal): Promise<Peer> {
    return this.socket.connect(address, signal);
  }

  send(peer: Peer, bytes: Uint8Array): void {
    this.socket.send(this.device, peer, bytes);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.sink = undefined;
    this.socket.unplug(this.device, this);
    return Promise.resolve();
  }
}

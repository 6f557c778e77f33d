// A device's own socket, or its line at a shared one, on a road where datagrams are lost and addresses change (shell). What is lost decides the device's chance.
import { udpTransport } from '@lapwing/coap';
import type { Address, Peer, Transport, TransportSink, TransportTraits } from '@lapwing/kernel';

export interface Weather {
  /** Whether this datagram is lost. */
  drops(): boolean;
  count(what: 'datagramsSent' | 'datagramsReceived' | 'datagramsLost'): void;
}

/** Of one device, which has little to say at once. */
const bufferSize = 64 * 1024;

/** At any port of that address of ours. */
export const ownSocket = (host: string): Transport =>
  udpTransport({ host, recvBufferSize: bufferSize, sendBufferSize: bufferSize });

export class Road implements Transport {
  readonly traits: TransportTraits;
  private readonly make: () => Transport;
  private readonly weather: Weather;
  private socket: Transport;
  private sink: TransportSink | undefined;
  private moving: Promise<void> = Promise.resolve();
  private closed = false;

  /** `make` is called again for each other address. */
  constructor(make: () => Transport, weather: Weather) {
    this.make = make;
    this.weather = weather;
    this.socket = make();
    this.traits = this.socket.traits;
  }

  async open(sink: TransportSink): Promise<void> {
    this.sink = sink;
    await this.socket.open(this.through(sink));
  }

  connect(address: Address, signal?: AbortSignal): Promise<Peer> {
    return this.socket.connect(address, signal);
  }

  send(peer: Peer, bytes: Uint8Array): void {
    this.weather.count('datagramsSent');
    if (this.weather.drops()) this.weather.count('datagramsLost');
    else this.socket.send(peer, bytes);
  }

  /** From now on the device has another address; nobody is told. Rejects where the system has no socket left. */
  move(): Promise<void> {
    this.moving = this.moving.then(() => this.moveNow());
    return this.moving;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.closed = true;
    await this.moving.catch(() => undefined);
    await this.socket[Symbol.asyncDispose]();
  }

  private async moveNow(): Promise<void> {
    if (this.sink === undefined || this.closed) return;
    const before = this.socket;
    const next = this.make();
    try {
      await next.open(this.through(this.sink));
    } catch (error) {
      await next[Symbol.asyncDispose]();
      throw error;
    }
    this.socket = next;
    await before[Symbol.asyncDispose]();
  }

  private through(sink: TransportSink): TransportSink {
    const { weather } = this;
    return {
      receive: (datagram) => {
        weather.count('datagramsReceived');
        if (weather.drops()) weather.count('datagramsLost');
        else sink.receive(datagram);
      },
      lost: (peer, cause) => sink.lost(peer, cause),
    };
  }
}

// A device's own socket, or its line at a shared one, on a road where datagrams are lost and addresses change (shell). What is lost decides the device's chance.
import { udpTransport } from '@lapwing/coap';
import type { Address, Datagram, Peer, Transport, TransportSink, TransportTraits } from '@lapwing/kernel';

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

/** Datagrams that wait for a device that is being woken; of more the newest are lost. */
const mostWaiting = 16;

interface Rest {
  readonly heard: () => void;
  readonly waiting: Datagram[];
}

export class Road implements Transport, TransportSink {
  readonly traits: TransportTraits;
  private readonly make: () => Transport;
  private readonly weather: Weather;
  private socket: Transport;
  private sink: TransportSink | undefined;
  private moving: Promise<void> | undefined;
  /** The socket stays without an engine. */
  private rests: Rest | undefined;
  private isOpen = false;

  /** `make` is called again for each other address. */
  constructor(make: () => Transport, weather: Weather) {
    this.make = make;
    this.weather = weather;
    this.socket = make();
    this.traits = this.socket.traits;
  }

  /** Of an engine that takes the place of another the socket is open already. */
  async open(sink: TransportSink): Promise<void> {
    this.sink = sink;
    if (this.isOpen) return;
    await this.socket.open(this);
    this.isOpen = true;
  }

  connect(address: Address, signal?: AbortSignal): Promise<Peer> {
    return this.socket.connect(address, signal);
  }

  send(peer: Peer, bytes: Uint8Array): void {
    this.weather.count('datagramsSent');
    if (this.weather.drops()) this.weather.count('datagramsLost');
    else this.socket.send(peer, bytes);
  }

  /** Whether the next engine finds it open. */
  get isResting(): boolean {
    return this.rests !== undefined;
  }

  /**
   * The engine goes, and comes again: until `wake` what is received waits, `heard` is told of the first, and disposing closes nothing. Nothing
   * happens where it is not open.
   */
  rest(heard: () => void): void {
    if (this.isOpen) this.rests ??= { heard, waiting: [] };
  }

  /** The engine is there: what has waited is for it. */
  wake(): void {
    const { rests, sink } = this;
    this.rests = undefined;
    for (const datagram of rests?.waiting ?? []) sink?.receive(datagram);
  }

  /** From now on the device has another address; nobody is told. Rejects where the system has no socket left. */
  move(): Promise<void> {
    this.moving = (this.moving ?? Promise.resolve()).then(() => this.moveNow());
    return this.moving;
  }

  receive(datagram: Datagram): void {
    const { weather, rests } = this;
    weather.count('datagramsReceived');
    const hasRoom = rests === undefined || rests.waiting.length < mostWaiting;
    if (weather.drops() || !hasRoom) weather.count('datagramsLost');
    else if (rests === undefined) this.sink?.receive(datagram);
    else if (rests.waiting.push(datagram) === 1) rests.heard();
  }

  lost(peer: Peer, cause: Error): void {
    this.sink?.lost(peer, cause);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.sink = undefined;
    if (this.rests === undefined) await this.close();
  }

  /** Also while nobody is there. */
  async close(): Promise<void> {
    this.rests = undefined;
    this.isOpen = false;
    await this.moving?.catch(() => undefined);
    await this.socket[Symbol.asyncDispose]();
  }

  private async moveNow(): Promise<void> {
    if (!this.isOpen) return;
    const before = this.socket;
    const next = this.make();
    try {
      await next.open(this);
    } catch (error) {
      await next[Symbol.asyncDispose]();
      throw error;
    }
    this.socket = next;
    await before[Symbol.asyncDispose]();
  }
}

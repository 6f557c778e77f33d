// Streams in memory, under the weather of a memory network: what is lost there comes late here, in order and cut into pieces
// at random places. A host that is dark hears nothing and is not heard; what it was sent arrives when it is lit again, or,
// where the host has forgotten the connection meanwhile, is answered with a reset.
import { type Duration, minutes, seconds } from '../clock.ts';
import { ClosedError } from '../errors.ts';
import type { ByteStream, StreamRoad, StreamSink } from '../stream.ts';
import { type Address, formatAddress, nobody } from '../transport.ts';
import type { MemoryNetwork, UdpAddress } from './memory-network.ts';

/** What one retransmission costs. */
const again: Duration = seconds(1);
/** How long TCP repeats itself to a host that does not answer. */
const patience: Duration = minutes(15);
/** How long a connection is tried. */
const connectPatience: Duration = minutes(2);
/** Bytes under way after which a writer is asked to wait. */
const highWater = 65_536;

export class MemoryStreamNetwork {
  readonly network: MemoryNetwork;
  private readonly listening = new Map<string, MemoryRoad>();

  constructor(network: MemoryNetwork) {
    this.network = network;
  }

  /** Listens at `host`:`port` once it is opened; without a port it only connects. */
  road(host: string, port?: number): MemoryRoad {
    return new MemoryRoad(this, host, port);
  }

  attach(place: string, road: MemoryRoad): void {
    if (this.listening.has(place)) throw new ClosedError(`memory streams: ${place} is taken`);
    this.listening.set(place, road);
  }

  detach(place: string, road: MemoryRoad): void {
    if (this.listening.get(place) === road) this.listening.delete(place);
  }

  at(address: Address): MemoryRoad | undefined {
    return this.listening.get(formatAddress(address));
  }

  /** One way, as the weather is. */
  latency(): Duration {
    const { link, random } = this.network;
    return Math.max(0, link.latency + (random.fraction() * 2 - 1) * link.jitter);
  }
}

export class MemoryRoad implements StreamRoad {
  readonly host: string;
  private readonly streams: MemoryStreamNetwork;
  private readonly port: number | undefined;
  private readonly live = new Set<MemoryStream>();
  private accept: ((stream: ByteStream) => void) | undefined;
  private bound: UdpAddress | undefined;
  private closed = false;

  constructor(streams: MemoryStreamNetwork, host: string, port: number | undefined) {
    this.streams = streams;
    this.host = host;
    this.port = port;
  }

  get address(): Address | undefined {
    return this.bound;
  }

  open(accept: (stream: ByteStream) => void): Promise<void> {
    if (this.port === undefined) return Promise.resolve();
    const address: UdpAddress = { via: 'tcp', host: this.host, port: this.port };
    try {
      this.streams.attach(formatAddress(address), this);
    } catch (error) {
      return Promise.reject(error);
    }
    this.bound = address;
    this.accept = accept;
    return Promise.resolve();
  }

  connect(address: Address, signal?: AbortSignal): Promise<ByteStream> {
    const { network } = this.streams;
    const { clock } = network;
    const started = clock.now();
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      if (address.via === 'sms') return reject(new ClosedError('memory streams: no numbers here'));
      let timer: Disposable;
      const aborted = (): void => {
        timer[Symbol.dispose]();
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', aborted, { once: true });
      const done = (): void => signal?.removeEventListener('abort', aborted);
      const attempt = (): void => {
        if (this.closed) {
          done();
          return;
        }
        if (network.isDark(this.host) || network.isDark(address.host) || network.random.chance(network.link.loss)) {
          if (clock.now() - started < connectPatience) timer = clock.at(clock.now() + again, attempt);
          else {
            done();
            reject(new ClosedError(`memory streams: nobody answers at ${formatAddress(address)}`));
          }
          return;
        }
        done();
        const target = this.streams.at(address);
        if (target?.accept !== undefined) resolve(this.pair(target, address));
        else reject(new ClosedError(`memory streams: nobody listens at ${formatAddress(address)}`));
      };
      timer = clock.at(clock.now() + 2 * this.streams.latency(), attempt);
    });
  }

  /** Both ends of a new connection. */
  private pair(target: MemoryRoad, address: UdpAddress): MemoryStream {
    const here: UdpAddress = { via: 'tcp', host: this.host, port: this.streams.network.freePort() };
    const mine = new MemoryStream(this.streams, this.live, here, address);
    const theirs = new MemoryStream(this.streams, target.live, address, here);
    mine.other = theirs;
    theirs.other = mine;
    target.accept?.(theirs);
    return mine;
  }

  /** A host that is dark goes without a word. */
  [Symbol.asyncDispose](): Promise<void> {
    this.closed = true;
    this.accept = undefined;
    if (this.bound !== undefined) this.streams.detach(formatAddress(this.bound), this);
    for (const stream of [...this.live]) {
      if (this.streams.network.isDark(this.host)) stream.vanish();
      else if (!stream.isEnding) stream.destroy();
    }
    return Promise.resolve();
  }
}

type Piece = Uint8Array | 'end' | 'reset';

class MemoryStream implements ByteStream {
  readonly remote: UdpAddress;
  readonly identity = nobody;
  other: MemoryStream | undefined;
  backlog = 0;
  isEnding = false;
  private readonly streams: MemoryStreamNetwork;
  private readonly siblings: Set<MemoryStream>;
  private readonly here: UdpAddress;
  /** On its way to the other side, oldest first. */
  private readonly underWay: Piece[] = [];
  private timer: Disposable | undefined;
  private stuckSince: number | undefined;
  private sink: StreamSink | undefined;
  private paused = false;
  private waits = false;
  private closed = false;

  constructor(streams: MemoryStreamNetwork, siblings: Set<MemoryStream>, here: UdpAddress, remote: UdpAddress) {
    this.streams = streams;
    this.siblings = siblings;
    this.here = here;
    this.remote = remote;
    siblings.add(this);
  }

  open(sink: StreamSink): void {
    this.sink = sink;
    this.other?.hurry();
  }

  write(bytes: Uint8Array): boolean {
    if (this.closed || this.isEnding) return true;
    this.backlog += bytes.length;
    const { random } = this.streams.network;
    const copy = new Uint8Array(bytes);
    const cut = random.chance(0.5) ? random.between(0, copy.length) : 0;
    for (const part of [copy.subarray(0, cut), copy.subarray(cut)]) if (part.length > 0) this.put(part);
    this.waits = this.backlog > highWater;
    return !this.waits;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    this.other?.hurry();
  }

  end(): void {
    if (this.closed || this.isEnding) return;
    this.isEnding = true;
    this.put('end');
  }

  destroy(): void {
    if (this.closed) return;
    this.underWay.length = 0;
    this.backlog = 0;
    this.put('reset');
    this.close(undefined);
  }

  /** As when the power fails. */
  vanish(): void {
    this.underWay.length = 0;
    this.timer?.[Symbol.dispose]();
    this.timer = undefined;
    this.close(undefined);
  }

  private put(piece: Piece): void {
    this.underWay.push(piece);
    this.schedule(this.streams.latency());
  }

  private schedule(wait: Duration): void {
    if (this.timer !== undefined) return;
    const { clock } = this.streams.network;
    this.timer = clock.at(clock.now() + wait, () => {
      this.timer = undefined;
      this.carry();
    });
  }

  /** The other side reads again. */
  private hurry(): void {
    if (this.underWay.length > 0) this.schedule(0);
  }

  /** What can arrive now arrives. */
  private carry(): void {
    const { other } = this;
    const { network } = this.streams;
    if (other === undefined) return;
    if (
      network.isDark(this.here.host) ||
      network.isDark(this.remote.host) ||
      network.random.chance(network.link.loss)
    ) {
      const now = network.clock.now();
      this.stuckSince ??= now;
      if (now - this.stuckSince < patience) this.schedule(again);
      else this.close(new ClosedError('memory streams: the other side does not answer'));
      return;
    }
    this.stuckSince = undefined;
    while (this.underWay.length > 0) {
      if (other.closed) {
        this.underWay.length = 0;
        this.close(new ClosedError('memory streams: reset by the other side'));
        return;
      }
      const [piece] = this.underWay;
      if (piece === 'reset') other.close(new ClosedError('memory streams: reset by the other side'));
      else if (other.sink === undefined || (other.paused && piece !== 'end')) return;
      this.underWay.shift();
      if (piece === 'end') {
        other.sink?.ended();
        this.close(undefined);
      } else if (piece instanceof Uint8Array) {
        this.backlog -= piece.length;
        other.sink?.data(piece);
      }
    }
    if (!this.waits) return;
    this.waits = false;
    this.sink?.drained();
  }

  private close(cause: Error | undefined): void {
    if (this.closed) return;
    this.closed = true;
    this.siblings.delete(this);
    this.sink?.closed(cause);
  }
}

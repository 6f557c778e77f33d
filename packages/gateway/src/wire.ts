// The stream between the MQTT library and its socket (shell). The library opens the connection, keeps it alive and subscribes;
// publications at QoS 0 and 1 are written beside it, and whatever is written in one turn of the event loop leaves in one write:
// that is most of what makes a gateway's publishing cheap.
import { Duplex } from 'node:stream';
import { afterTurn } from '@lapwing/kernel';
import { FrameFilter, type MqttVersion, type Publication, publishCapacity, writePublish } from './frames.ts';

export interface WireEvents {
  acknowledged(id: number, reason: number): void;
  /** The socket takes data again after `congested` was true. */
  drained(): void;
}

const slabSize = 65_536;
/** Bytes that may wait in the socket before publications are held back. */
const congestion = 1024 * 1024;
const spareSlabs = 4;

export class Wire extends Duplex {
  private readonly socket: Duplex;
  private readonly version: MqttVersion;
  private readonly events: WireEvents;
  private readonly frames: FrameFilter;
  private readonly spare: Buffer[] = [];
  private slab: Buffer = Buffer.allocUnsafeSlow(slabSize);
  private used = 0;
  private scheduled = false;
  private waiting = 0;

  constructor(socket: Duplex, version: MqttVersion, events: WireEvents) {
    super({ emitClose: true, allowHalfOpen: false });
    this.socket = socket;
    this.version = version;
    this.events = events;
    this.frames = new FrameFilter({
      acknowledged: (id, reason) => events.acknowledged(id, reason),
      other: (bytes) => this.pass(bytes),
    });
    socket.on('data', (chunk: Buffer) => this.frames.read(chunk));
    socket.on('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
  }

  /** True while the socket is too far behind to be given more. */
  get congested(): boolean {
    return this.waiting + this.used > congestion;
  }

  publish(publication: Publication): void {
    const needed = publishCapacity(publication);
    if (this.used + needed > this.slab.length) this.makeRoom(needed);
    this.used = writePublish(this.slab, this.used, publication, this.version);
    this.schedule();
  }

  /** Resolves when everything written so far has left, or the socket is gone. */
  finish(): Promise<void> {
    return new Promise((resolve) => {
      this.flush();
      if (this.socket.destroyed) resolve();
      this.socket.once('close', resolve);
      this.socket.end(resolve);
    });
  }

  override _read(): void {
    this.socket.resume();
  }

  // Answered at once, always: the library writes a packet in several pieces in one go, and none of ours may come between.
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.used + chunk.length > this.slab.length) this.makeRoom(chunk.length);
    chunk.copy(this.slab, this.used);
    this.used += chunk.length;
    this.schedule();
    done();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.flush();
    this.socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.socket.destroy();
    done(error);
  }

  private pass(bytes: Buffer): void {
    if (!this.push(bytes)) this.socket.pause();
  }

  private makeRoom(needed: number): void {
    this.flush();
    if (needed > this.slab.length) this.slab = Buffer.allocUnsafeSlow(needed);
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    afterTurn(this.turn);
  }

  private readonly turn = (): void => {
    this.scheduled = false;
    this.flush();
  };

  private flush(): void {
    if (this.used === 0 || this.destroyed) return;
    const { slab, used } = this;
    this.slab = this.spare.pop() ?? Buffer.allocUnsafeSlow(slabSize);
    this.used = 0;
    this.waiting += used;
    this.socket.write(slab.subarray(0, used), () => {
      const before = this.congested;
      this.waiting -= used;
      if (slab.length === slabSize && this.spare.length < spareSlabs) this.spare.push(slab);
      if (before && !this.congested && !this.destroyed) this.events.drained();
    });
  }
}

// What stands between a stranger's TCP connection and the embedded broker, so that nobody chooses the broker's memory or holds it
// up: packets are measured before they are kept (MQTT 3.1.1 §2.2), the first is a short CONNECT, each is whole in time, and who
// does not read what it subscribed to is cut off instead of making everybody wait.
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { type Clock, type Duration, seconds } from '@lapwing/kernel';

export interface GuardLimits {
  /** Bytes of the first packet, which anybody may send; default 8 KiB. */
  readonly firstPacket: number;
  /** Bytes of a packet of a client that is let in; default 1 MiB, as EMQX has it. */
  readonly packet: number;
  /** For a packet from its first byte to its last, and for the first from the start; default 10 s. */
  readonly patience: Duration;
  /** Bytes that wait for a client which does not read; default 4 MiB. */
  readonly backlog: number;
}

export const guardLimits: GuardLimits = {
  firstPacket: 8192,
  packet: 1024 ** 2,
  patience: seconds(10),
  backlog: 4 * 1024 ** 2,
};

const connectType = 1;
/** Digits of a length at most (MQTT 3.1.1 §2.2.3). */
const maxDigits = 4;

/** Follows packets through a stream by their lengths. State only. */
export class PacketMeter {
  private readonly limits: GuardLimits;
  private packets = 0;
  /** Digits of the length that were read; -1 outside of a header. */
  private digits = -1;
  private length = 0;
  /** Bytes of the packet that are still to come. */
  private left = 0;

  constructor(limits: GuardLimits) {
    this.limits = limits;
  }

  /** Whole packets so far. */
  get count(): number {
    return this.packets;
  }

  get isWithin(): boolean {
    return this.digits >= 0 || this.left > 0;
  }

  /** Why the stream is not to be read any further, if it is not. */
  read(bytes: Uint8Array): string | undefined {
    let at = 0;
    while (at < bytes.length) {
      if (this.left === 0) {
        const problem = this.headerByte(bytes[at] ?? 0);
        if (problem !== undefined) return problem;
        at += 1;
        continue;
      }
      const taken = Math.min(this.left, bytes.length - at);
      this.left -= taken;
      at += taken;
      if (this.left === 0) this.packets += 1;
    }
    return undefined;
  }

  private headerByte(byte: number): string | undefined {
    if (this.digits < 0) {
      if (this.packets === 0 && byte >> 4 !== connectType) return 'the first packet is no CONNECT';
      this.digits = 0;
      this.length = 0;
      return undefined;
    }
    this.length += (byte & 0x7f) * 128 ** this.digits;
    this.digits += 1;
    if (byte >= 0x80) return this.digits < maxDigits ? undefined : 'a length of more than four digits';
    const { firstPacket, packet } = this.limits;
    if (this.length > (this.packets === 0 ? firstPacket : packet)) return 'a packet is too long';
    this.digits = -1;
    this.left = this.length;
    if (this.length === 0) this.packets += 1;
    return undefined;
  }
}

/** A stream for the broker in the place of `socket`. `cut` hears why the connection was given up. */
export class GuardedSocket extends Duplex {
  private readonly socket: Socket;
  private readonly clock: Clock;
  private readonly limits: GuardLimits;
  private readonly cut: (why: string) => void;
  private readonly meter: PacketMeter;
  private deadline: Disposable | undefined;

  constructor(socket: Socket, clock: Clock, cut: (why: string) => void, limits = guardLimits) {
    super({ emitClose: true, allowHalfOpen: false });
    this.socket = socket;
    this.clock = clock;
    this.cut = cut;
    this.limits = limits;
    this.meter = new PacketMeter(limits);
    this.arm();
    socket.on('data', (chunk: Buffer) => this.arrived(chunk));
    socket.on('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
  }

  override _read(): void {
    this.socket.resume();
  }

  // Answered at once: the broker waits for nobody. What piles up meanwhile is the socket's, up to the limit.
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.socket.write(chunk);
    if (this.socket.writableLength > this.limits.backlog) this.giveUp('does not read what it subscribed to');
    done();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.deadline?.[Symbol.dispose]();
    this.socket.destroy();
    done(error);
  }

  private arrived(chunk: Buffer): void {
    if (this.destroyed) return;
    const { meter } = this;
    const before = meter.count;
    const problem = meter.read(chunk);
    if (problem !== undefined) {
      this.giveUp(problem);
      return;
    }
    if (meter.count > before) {
      this.deadline?.[Symbol.dispose]();
      this.deadline = undefined;
    }
    if (meter.isWithin && this.deadline === undefined) this.arm();
    if (!this.push(chunk)) this.socket.pause();
  }

  private arm(): void {
    const { clock, limits } = this;
    this.deadline = clock.at(clock.now() + limits.patience, () => this.giveUp('takes too long over a packet'));
  }

  private giveUp(why: string): void {
    if (this.destroyed) return;
    this.cut(why);
    this.destroy();
  }
}

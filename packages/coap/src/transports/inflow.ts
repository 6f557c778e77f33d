// What a peer may make us do on one connection: so many requests that wait for their answer, so many messages a second that
// say nothing, so many pongs. Above it reading stops, and TCP passes that on to the peer (RFC 8323 §2.3).
import { type Instant, seconds } from '@lapwing/kernel';

/** Pongs in a second. */
const MOST_PONGS = 100;
/** Messages in a second that say nothing but that the peer is there. */
const MOST_IDLE = 1000;

export class Inflow {
  private readonly most: number;
  private readonly mostBytes: number;
  /** Requests that wait for their answer. */
  pending = 0;
  private pendingBytes = 0;
  private isFull = false;
  private second: Instant = Number.NEGATIVE_INFINITY;
  private pongs = 0;
  private idle = 0;
  private quiet = false;

  constructor(most: number, mostBytes: number) {
    this.most = most;
    this.mostBytes = mostBytes;
  }

  /** Whether the next message is to be read. */
  get isOpen(): boolean {
    return !this.isFull && !this.quiet;
  }

  took(bytes: number): void {
    this.pending += 1;
    this.pendingBytes += bytes;
    if (this.pending >= this.most || this.pendingBytes >= this.mostBytes) this.isFull = true;
  }

  /** Reading goes on once half of it is done: to stop and go for each message would cost more than the messages. */
  settled(bytes: number): void {
    this.pending = Math.max(0, this.pending - 1);
    this.pendingBytes = Math.max(0, this.pendingBytes - bytes);
    if (this.pending <= this.most / 2 && this.pendingBytes <= this.mostBytes / 2) this.isFull = false;
  }

  /** A message that says nothing; gives when the next is to be read where there were too many. */
  heardNothing(now: Instant): Instant | undefined {
    if (now - this.second >= seconds(1)) {
      this.second = now;
      this.pongs = 0;
      this.idle = 0;
    }
    this.idle += 1;
    if (this.idle < MOST_IDLE) return undefined;
    this.quiet = true;
    return this.second + seconds(1);
  }

  quietIsOver(): void {
    this.quiet = false;
  }

  takePong(): boolean {
    this.pongs += 1;
    return this.pongs <= MOST_PONGS;
  }
}

// What a log has to say since it has said something last (object 20, resources 4016 and 4017): sent by itself, not more often than a server
// wants, and gone from here when the server has it. It is apart from what LogStart and LogStop collect.
import { type Clock, concatBytes, type Duration, type Instant, seconds } from '@lapwing/kernel';

export interface IncrementsOptions {
  /** Bytes that are kept. */
  readonly room: number;
  /** Resolves when the server has them. */
  readonly send: (bytes: Uint8Array) => Promise<void>;
  readonly clock: Clock;
}

export class LogIncrements implements Disposable {
  private readonly options: IncrementsOptions;
  private events: Uint8Array[] = [];
  private size = 0;
  private interval: Duration = 0;
  private next: Instant = Number.NEGATIVE_INFINITY;
  private isSending = false;
  private timer: Disposable | undefined;

  constructor(options: IncrementsOptions) {
    this.options = options;
  }

  /** Least time between two of them, in seconds; 0 for none. */
  every(interval: number): void {
    this.interval = seconds(interval);
    if (interval === 0) this.forget(this.events.length);
    this.arm();
  }

  append(event: Uint8Array): void {
    if (this.interval === 0) return;
    this.events.push(event);
    this.size += event.length;
    while (this.size > this.options.room && this.events.length > 1) this.forget(1);
    this.arm();
  }

  /** Nothing is sent any more. */
  [Symbol.dispose](): void {
    this.every(0);
  }

  private arm(): void {
    this.timer?.[Symbol.dispose]();
    this.timer = undefined;
    if (this.interval === 0 || this.events.length === 0 || this.isSending) return;
    const { clock } = this.options;
    this.timer = clock.at(Math.max(clock.now(), this.next), () => void this.send());
  }

  private async send(): Promise<void> {
    const { clock, send } = this.options;
    const sent = new Set(this.events);
    this.isSending = true;
    this.next = clock.now() + this.interval;
    try {
      await send(concatBytes(...sent));
      // Of what was sent some may have gone for want of room.
      this.forget(this.events.filter((event) => sent.has(event)).length);
    } catch {
      // It goes with the next.
    }
    this.isSending = false;
    this.arm();
  }

  /** The oldest. */
  private forget(count: number): void {
    for (const event of this.events.splice(0, count)) this.size -= event.length;
  }
}

// Time under the test's hand. `advance` runs what is due in order, and lets promises settle
// between two instants, so that a day of protocol passes in milliseconds.
import type { Clock, Duration, Instant } from '../clock.ts';

interface Alarm {
  readonly at: Instant;
  readonly order: number;
  readonly wake: () => void;
}

export interface VirtualClockOptions {
  /** Unix time in ms at the start; default 2026-01-01T00:00Z. */
  readonly wall?: number;
  /**
   * Turns of the event loop between two instants, default 1; more where something under test takes several for one thing, as node:tls
   * does.
   */
  readonly turns?: number;
}

export class VirtualClock implements Clock {
  private time: Instant = 0;
  private wallOffset: number;
  private readonly alarms: Alarm[] = [];
  private made = 0;
  private readonly turns: number;

  constructor(options: VirtualClockOptions = {}) {
    this.turns = options.turns ?? 1;
    this.wallOffset = options.wall ?? 1_767_225_600_000;
  }

  now(): Instant {
    return this.time;
  }

  wall(): number {
    return this.time + this.wallOffset;
  }

  /** Moves the wall clock only, as an administrator or NTP would. */
  shiftWall(by: Duration): void {
    this.wallOffset += by;
  }

  at(instant: Instant, wake: () => void): Disposable {
    const alarm: Alarm = { at: instant, order: this.made, wake };
    this.made += 1;
    let low = 0;
    let high = this.alarms.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.alarms[middle] as Alarm).at <= instant) low = middle + 1;
      else high = middle;
    }
    this.alarms.splice(low, 0, alarm);
    return {
      [Symbol.dispose]: () => {
        const index = this.alarms.indexOf(alarm);
        if (index >= 0) this.alarms.splice(index, 1);
      },
    };
  }

  /** Alarms that wait. */
  get pending(): number {
    return this.alarms.length;
  }

  /** The earliest alarm. */
  get next(): Instant | undefined {
    return this.alarms[0]?.at;
  }

  /** Runs everything due within `by` ms, in order, settling promises in between. */
  async advance(by: Duration): Promise<void> {
    const end = this.time + by;
    await this.settle();
    for (;;) {
      const alarm = this.alarms[0];
      if (alarm === undefined || alarm.at > end) break;
      this.alarms.shift();
      this.time = Math.max(this.time, alarm.at);
      alarm.wake();
      await this.settle();
    }
    this.time = end;
    await this.settle();
  }

  private async settle(): Promise<void> {
    for (let turn = 0; turn < this.turns; turn += 1) await settle();
  }

  /** As `advance`, but without promises: for tests of cores and drivers alone. */
  advanceNow(by: Duration): void {
    const end = this.time + by;
    for (;;) {
      const alarm = this.alarms[0];
      if (alarm === undefined || alarm.at > end) break;
      this.alarms.shift();
      this.time = Math.max(this.time, alarm.at);
      alarm.wake();
    }
    this.time = end;
  }
}

/** Lets every promise chain run out that needs nothing but other promises. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

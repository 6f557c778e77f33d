// Time as an argument: instants, durations and the one clock that everything is given.
// The only file that names the machine's timers.

/** Milliseconds on a monotonic clock whose zero means nothing. */
export type Instant = number & { readonly __instant?: never };
/** Milliseconds. */
export type Duration = number & { readonly __duration?: never };

export interface Clock {
  /** Monotonic: never goes back, untouched by changes of the wall clock. */
  now(): Instant;
  /** Milliseconds since 1970-01-01T00:00Z, as the machine believes. */
  wall(): number;
  /** Calls `wake` once, at `instant` or as soon after it as possible; never synchronously. Dispose to cancel. */
  at(instant: Instant, wake: () => void): Disposable;
}

export const seconds = (n: number): Duration => n * 1000;
export const minutes = (n: number): Duration => n * 60_000;
export const hours = (n: number): Duration => n * 3_600_000;
export const days = (n: number): Duration => n * 86_400_000;

/** A timer of the runtime cannot wait longer than 2^31-1 ms (24.8 days); longer waits are made of legs. */
const LONGEST_LEG = 0x7fff_ffff;

/** As exact and as fast as `performance.now()`, whose first use loads a dozen modules of the runtime: a millisecond of a client's start. */
function monotonic(): Instant {
  const time = process.hrtime();
  return time[0] * 1000 + time[1] / 1e6;
}

class SystemTimer implements Disposable {
  private readonly instant: Instant;
  private readonly wake: () => void;
  private timer: NodeJS.Timeout | undefined;

  constructor(instant: Instant, wake: () => void) {
    this.instant = instant;
    this.wake = wake;
    this.arm();
  }

  private arm(): void {
    const wait = Math.max(0, Math.ceil(this.instant - monotonic()));
    this.timer = setTimeout(this.due, Math.min(wait, LONGEST_LEG));
  }

  private readonly due = (): void => {
    if (monotonic() < this.instant) this.arm();
    else {
      this.timer = undefined;
      this.wake();
    }
  };

  [Symbol.dispose](): void {
    if (this.timer !== undefined) clearTimeout(this.timer);
    this.timer = undefined;
  }
}

/** The machine's clock. Its timers keep the process alive while they wait. */
export const systemClock: Clock = {
  now: monotonic,
  wall: () => Date.now(),
  at: (instant, wake) => new SystemTimer(instant, wake),
};

/** Runs `turn` after the input that is already waiting has been handled, before the next timer; for writes collected over one turn. */
export function afterTurn(turn: () => void): void {
  setImmediate(turn);
}

// Core of the IPSO timer 3340: an input, an output, and what of the one becomes of the other.
//
//   1 one-shot       the input comes on, or a trigger: on for the delay, whatever the input does then
//   2 interval       on with the input, off after the delay or with the input
//   3 pick-up        on when the input has been on for the delay, off with the input
//   4 drop-out       on with the input, off when the input has been off for the delay
//   0                off
//
// After it has gone off, nothing begins before the rearm delay is over (minimum off-time).
import type { Core, Duration, Instant } from '@lapwing/kernel';

/** Resource 5526. */
export const TimerMode = { Off: 0, OneShot: 1, Interval: 2, PickUp: 3, DropOut: 4 } as const;
export type TimerMode = (typeof TimerMode)[keyof typeof TimerMode];

export type TimerInput =
  | { readonly kind: 'input'; readonly isOn: boolean }
  /** Resource 5523. */
  | { readonly kind: 'trigger' }
  | { readonly kind: 'configure'; readonly mode: TimerMode; readonly delay: Duration; readonly rearm: Duration };

export type TimerEffect = { readonly kind: 'output'; readonly isOn: boolean };

const none: readonly TimerEffect[] = [];

export class TimerCore implements Core<TimerInput, TimerEffect> {
  private mode: TimerMode;
  private delay: Duration;
  private rearm: Duration;
  private input = false;
  private output = false;
  /** When the output changes by itself. */
  private due: Instant | undefined;
  /** Nothing begins before. */
  private armedAt: Instant = Number.NEGATIVE_INFINITY;

  constructor({ mode, delay, rearm }: Omit<Extract<TimerInput, { kind: 'configure' }>, 'kind'>) {
    this.mode = mode;
    this.delay = delay;
    this.rearm = rearm;
  }

  get deadline(): Instant | undefined {
    return this.due;
  }

  /** Until the operation that runs is over. */
  remaining(now: Instant): Duration {
    return this.due === undefined ? 0 : Math.max(0, this.due - now);
  }

  handle(input: TimerInput, now: Instant): readonly TimerEffect[] {
    switch (input.kind) {
      case 'configure':
        this.mode = input.mode;
        this.delay = input.delay;
        this.rearm = input.rearm;
        this.due = undefined;
        return this.turn(false, now);
      case 'trigger':
        return this.begin(now);
      case 'input':
        if (input.isOn === this.input) return none;
        this.input = input.isOn;
        return input.isOn ? this.rises(now) : this.falls(now);
    }
  }

  expire(now: Instant): readonly TimerEffect[] {
    if (this.due === undefined || this.due > now) return none;
    this.due = undefined;
    return this.turn(this.mode === TimerMode.PickUp, now);
  }

  private rises(now: Instant): readonly TimerEffect[] {
    switch (this.mode) {
      case TimerMode.Off:
        return none;
      case TimerMode.OneShot:
      case TimerMode.Interval:
      case TimerMode.PickUp:
        return this.begin(now);
      case TimerMode.DropOut:
        // On again before it has gone off: it stays on.
        if (this.output) {
          this.due = undefined;
          return none;
        }
        return now < this.armedAt ? none : this.turn(true, now);
    }
  }

  private falls(now: Instant): readonly TimerEffect[] {
    switch (this.mode) {
      case TimerMode.Off:
      case TimerMode.OneShot:
        return none;
      case TimerMode.Interval:
      case TimerMode.PickUp:
        this.due = undefined;
        return this.turn(false, now);
      case TimerMode.DropOut:
        if (this.output) this.due = now + this.delay;
        return none;
    }
  }

  /** One operation, unless one is running or it is too early. */
  private begin(now: Instant): readonly TimerEffect[] {
    if (this.mode === TimerMode.Off || this.due !== undefined || now < this.armedAt) return none;
    this.due = now + this.delay;
    return this.mode === TimerMode.PickUp ? none : this.turn(true, now);
  }

  private turn(isOn: boolean, now: Instant): readonly TimerEffect[] {
    if (isOn === this.output) return none;
    this.output = isOn;
    if (!isOn) this.armedAt = now + this.rearm;
    return [{ kind: 'output', isOn }];
  }
}

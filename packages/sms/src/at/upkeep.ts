// When a modem is looked after that says nothing: asked whether it still has what it was told, and read whole, since what it should have
// told of may have been missed. A core.
import { type Core, type Duration, type Instant, minutes, seconds } from '@lapwing/kernel';

export type UpkeepInput =
  /** It was set up, and read whole. */
  | { readonly kind: 'up'; readonly announces: boolean }
  | { readonly kind: 'down' }
  /** Something makes doubt whether it still has its settings. */
  | { readonly kind: 'doubted' }
  /** Something had to be left in the memory for now. */
  | { readonly kind: 'left' }
  /** It was read whole, and nothing left. */
  | { readonly kind: 'swept' };

/** Asks for the settings; then, with `sweep`, for all messages. */
export interface UpkeepEffect {
  readonly sweep: boolean;
}

/** Between two questions whether the settings hold, unless it is told otherwise. */
export const checkEvery: Duration = minutes(1);
/** Doubts within this are one. */
const DOUBTS_APART: Duration = seconds(1);
/** Between two readings of the whole memory: of a modem that tells of messages, and of one that does not. */
const SWEEP_EVERY: Duration = minutes(10);
const POLL_EVERY: Duration = seconds(15);
/** Waits before what was left is tried again; the last one from then on. */
const LEFT_AGAIN: readonly Duration[] = [2, 10, 30, 60].map(seconds);

export class Upkeep implements Core<UpkeepInput, UpkeepEffect> {
  private readonly checkEvery: Duration;
  private sweepEvery: Duration = SWEEP_EVERY;
  private checkAt: Instant | undefined;
  private sweepAt: Instant = 0;
  private checked: Instant = 0;
  /** Readings since the last one that left nothing. */
  private tries = 0;

  constructor(every: Duration = checkEvery) {
    this.checkEvery = every;
  }

  /** Undefined while it is down. */
  get deadline(): Instant | undefined {
    return this.checkAt === undefined ? undefined : Math.min(this.checkAt, this.sweepAt);
  }

  handle(input: UpkeepInput, now: Instant): readonly UpkeepEffect[] {
    if (input.kind === 'up') {
      this.sweepEvery = input.announces ? SWEEP_EVERY : POLL_EVERY;
      this.tries = 0;
      this.checked = now;
      this.checkAt = now + this.checkEvery;
      this.sweepAt = now + this.sweepEvery;
    }
    if (this.checkAt === undefined) return none;
    switch (input.kind) {
      case 'up':
        break;
      case 'down':
        this.checkAt = undefined;
        break;
      case 'doubted':
        this.checkAt = Math.min(this.checkAt, this.checked + DOUBTS_APART);
        break;
      case 'left': {
        const wait = LEFT_AGAIN[Math.min(this.tries, LEFT_AGAIN.length - 1)] as Duration;
        this.sweepAt = Math.min(this.sweepAt, now + wait);
        break;
      }
      case 'swept':
        this.tries = 0;
        this.sweepAt = now + this.sweepEvery;
        break;
    }
    return this.expire(now);
  }

  expire(now: Instant): readonly UpkeepEffect[] {
    if (this.checkAt === undefined || Math.min(this.checkAt, this.sweepAt) > now) return none;
    const sweep = this.sweepAt <= now;
    this.checked = now;
    this.checkAt = now + this.checkEvery;
    if (sweep) {
      this.tries += 1;
      this.sweepAt = now + this.sweepEvery;
    }
    return [{ sweep }];
  }
}

const none: readonly UpkeepEffect[] = [];

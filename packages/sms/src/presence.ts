// Whether there is a modem now, and the wait for one that is being brought back (shell). What waits has its time, and is told when that is
// over.
import type { Clock, Duration, Instant } from '@lapwing/kernel';
import { seconds } from '@lapwing/kernel';
import { ModemError } from './at/failures.ts';
import { CentreError } from './smpp/failures.ts';

/** Whether nothing took the message: then it is certainly not on its way, and may go when there is a modem, or a centre, again. */
export const isUntaken = (error: unknown): boolean =>
  (error instanceof ModemError || error instanceof CentreError) &&
  (error.problem === 'gone' || error.problem === 'silent');

/** Between two attempts with a modem that will not take a message and does not say that it is away. */
const AGAIN_AFTER: Duration = seconds(1);

export class Presence {
  private readonly clock: Clock;
  private away: { readonly cause: Error | undefined } | undefined;
  private readonly waiting = new Set<() => void>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  get isAway(): boolean {
    return this.away !== undefined;
  }

  left(cause: Error | undefined): void {
    this.away = { cause };
  }

  /** It is there, or nobody waits for it any more. */
  returned(): void {
    this.away = undefined;
    for (const wake of [...this.waiting]) wake();
  }

  /**
   * Resolves when it is there; rejects with ModemError at `until`, which is `patience` after the wait began. `why` it is waited for, where
   * the modem has not said.
   */
  async there(until: Instant, patience: Duration, why?: unknown): Promise<void> {
    const { away } = this;
    const now = this.clock.now();
    const wait = away === undefined ? Math.min(until, now + AGAIN_AFTER) : until;
    if (now < until) await this.sleep(wait);
    if (this.clock.now() < until || (away !== undefined && !this.isAway)) return;
    throw new ModemError({ kind: 'late', waited: patience }, 'sms', { cause: away?.cause ?? why });
  }

  private sleep(until: Instant): Promise<void> {
    return new Promise((resolve) => {
      const over = (): void => {
        timer[Symbol.dispose]();
        this.waiting.delete(over);
        resolve();
      };
      const timer = this.clock.at(until, over);
      this.waiting.add(over);
    });
  }
}

// What comes before somebody listens: a modem has messages of the time in which nobody was there, and whoever is to hear them may be starting
// yet. They stay unsettled for a while, in the modem's memory.
import type { Clock, Duration } from '@lapwing/kernel';

/** Messages that wait; beyond, they are nobody's. */
const MOST_EARLY = 64;

export class Early<Message> implements Disposable {
  private waiting: Message[] = [];
  private isOver = false;
  private readonly timer: Disposable;

  /** `over` gets what nobody has wanted within `patience`. */
  constructor(clock: Clock, patience: Duration, over: (left: readonly Message[]) => void) {
    this.timer = clock.at(clock.now() + patience, () => {
      this.isOver = true;
      over(this.take());
    });
  }

  /** False when it is too late for that, or there are too many. */
  keep(message: Message): boolean {
    if (this.isOver || this.waiting.length >= MOST_EARLY) return false;
    this.waiting.push(message);
    return true;
  }

  /** All of them: somebody listens who did not before. */
  take(): readonly Message[] {
    return this.waiting.splice(0);
  }

  [Symbol.dispose](): void {
    this.isOver = true;
    this.timer[Symbol.dispose]();
  }
}

// Changes on their way into a store (shell): in order, what comes while one write is under way goes with the next, and what
// failed is tried again with everything behind it.
import type { Clock, Duration } from '@lapwing/kernel';

interface Waiting<Change> {
  readonly change: Change;
  readonly told: (written: boolean) => void;
}

export interface WriteBehindOptions<Change> {
  readonly write: (changes: readonly Change[]) => Promise<unknown>;
  readonly clock: Clock;
  /** Told of writes that failed. */
  readonly failed: (error: unknown) => void;
}

const pause: Duration = 1000;
/** Changes in one write. */
const batch = 500;
/** Changes that wait for a store that fails; beyond it the oldest are given up, and told as a failure. */
const limit = 100_000;

export class WriteBehind<Change> {
  private readonly options: WriteBehindOptions<Change>;
  private waiting: Waiting<Change>[] = [];
  /** The first of them, which the store has now. */
  private underway = 0;
  private writing: Promise<void> | undefined;
  private last: Promise<boolean> = Promise.resolve(true);
  private timer: Disposable | undefined;
  private closed = false;

  constructor(options: WriteBehindOptions<Change>) {
    this.options = options;
  }

  get pending(): number {
    return this.waiting.length;
  }

  /** True once it is kept for good; false when the first try failed, and it is tried again. */
  add(change: Change): Promise<boolean> {
    this.last = new Promise((told) => {
      this.waiting.push({ change, told });
      if (this.waiting.length > limit) {
        // What is on its way has to be found again when it has arrived.
        this.waiting.splice(this.underway, 1)[0]?.told(false);
        this.options.failed(new Error(`more than ${limit} changes wait for the store`));
      }
      if (this.timer === undefined) this.start();
    });
    return this.last;
  }

  /** When everything so far is kept for good: true; false when it fails just now. */
  drained(): Promise<boolean> {
    return this.waiting.length === 0 ? Promise.resolve(true) : this.last;
  }

  /** The last try. */
  async close(): Promise<void> {
    this.closed = true;
    this.timer?.[Symbol.dispose]();
    await this.writing;
    if (this.waiting.length > 0) await this.write();
  }

  private start(): void {
    this.writing ??= Promise.resolve()
      .then(() => this.write())
      .finally(() => {
        this.writing = undefined;
        // What came after the last look.
        if (this.waiting.length > 0 && this.timer === undefined && !this.closed) this.start();
      });
  }

  private async write(): Promise<void> {
    const { write, clock, failed } = this.options;
    this.timer = undefined;
    while (this.waiting.length > 0) {
      const taken = this.waiting.slice(0, batch);
      this.underway = taken.length;
      try {
        await write(taken.map(({ change }) => change));
        this.underway = 0;
        this.waiting.splice(0, taken.length);
        for (const { told } of taken) told(true);
      } catch (error) {
        this.underway = 0;
        failed(error);
        for (const { told } of taken) told(false);
        if (this.closed) return;
        this.timer = clock.at(clock.now() + pause, () => {
          this.timer = undefined;
          this.start();
        });
        return;
      }
    }
  }
}

// Couples a core to a clock: runs its effects in order, keeps exactly one timer for it, and
// publishes every step on the channel `core:step`. Re-entrant calls (an effect that causes an
// input) queue behind the step that is running.
import type { Clock, Instant } from './clock.ts';
import type { Core } from './core.ts';
import { trace } from './trace.ts';

const steps = trace('core:step');

export class Driver<Input, Effect> implements Disposable {
  private readonly core: Core<Input, Effect>;
  private readonly clock: Clock;
  private readonly run: (effect: Effect) => void;
  private readonly waiting: Input[] = [];
  private busy = false;
  private closed = false;
  private timer: Disposable | undefined;
  private armedFor: Instant | undefined;

  /** Armed from birth: a core may be born with a deadline. */
  constructor(core: Core<Input, Effect>, clock: Clock, run: (effect: Effect) => void) {
    this.core = core;
    this.clock = clock;
    this.run = run;
    this.arm();
  }

  handle(input: Input): void {
    if (this.closed) return;
    if (this.busy) {
      this.waiting.push(input);
      return;
    }
    this.step(input);
    while (this.waiting.length > 0 && !this.closed) this.step(this.waiting.shift() as Input);
    this.arm();
  }

  [Symbol.dispose](): void {
    this.closed = true;
    this.waiting.length = 0;
    this.timer?.[Symbol.dispose]();
    this.timer = undefined;
  }

  private step(input: Input): void {
    this.busy = true;
    try {
      const effects = this.core.handle(input, this.clock.now());
      if (steps.hasSubscribers) steps.publish({ core: this.core.constructor.name, input, effects: [...effects] });
      for (let i = 0; i < effects.length; i += 1) this.run(effects[i] as Effect);
      this.core.carriedOut?.();
    } finally {
      this.busy = false;
    }
  }

  private arm(): void {
    const deadline = this.core.deadline;
    if (deadline === this.armedFor) return;
    // A later deadline keeps the earlier timer: waking early is harmless, and re-arming per message is not free.
    if (this.timer !== undefined && deadline !== undefined && this.armedFor !== undefined && deadline > this.armedFor)
      return;
    this.timer?.[Symbol.dispose]();
    this.timer = undefined;
    this.armedFor = undefined;
    if (deadline === undefined || this.closed) return;
    this.armedFor = deadline;
    this.timer = this.clock.at(deadline, this.due);
  }

  private readonly due = (): void => {
    this.timer = undefined;
    this.armedFor = undefined;
    if (this.closed) return;
    this.busy = true;
    try {
      const effects = this.core.expire(this.clock.now());
      if (effects.length > 0 && steps.hasSubscribers) {
        steps.publish({ core: this.core.constructor.name, effects: [...effects] });
      }
      for (let i = 0; i < effects.length; i += 1) this.run(effects[i] as Effect);
      this.core.carriedOut?.();
    } finally {
      this.busy = false;
    }
    while (this.waiting.length > 0 && !this.closed) this.step(this.waiting.shift() as Input);
    this.arm();
  };
}

// IPSO timer 3340: the core on a clock, with what servers read and write of it.
import { type Clock, Driver, seconds, systemClock } from '@lapwing/kernel';
import type { Value } from '@lapwing/lwm2m';
import { Timer as TimerObject } from '@lapwing/lwm2m/objects/timer';
import { Behind } from '../../objects/behind.ts';
import { within } from '../../objects/checks.ts';
import type { Instance } from '../../objects/instance.ts';
import type { ObjectStore } from '../../objects/store.ts';
import type { Measuring } from '../../objects/tree.ts';
import { onWritten } from '../../objects/written.ts';
import { RunningTime } from './running-time.ts';
import { TimerCore, type TimerEffect, type TimerInput, TimerMode } from './timer-core.ts';

export interface TimerOptions {
  readonly objects: ObjectStore;
  /** Default 0. */
  readonly instance?: number;
  /** Default one-shot. */
  readonly mode?: TimerMode;
  /** In seconds. */
  readonly delay: number;
  /** In seconds, from the end of one operation to the next; default 0. */
  readonly minimumOffTime?: number;
  readonly applicationType?: string;
  /** Hears of each change of the output. */
  readonly output?: (state: 'on' | 'off') => void;
  readonly clock?: Clock;
}

const { resources } = TimerObject;
const timers = new Behind<Timer>();
const longest = 0xffff_ffff;

export class Timer implements Disposable, Measuring {
  private readonly objects: ObjectStore;
  private readonly clock: Clock;
  private readonly instance: Instance<typeof TimerObject>;
  private readonly core: TimerCore;
  private readonly driver: Driver<TimerInput, TimerEffect>;
  private readonly subscription: Disposable;
  private readonly output: TimerOptions['output'];
  private readonly on: RunningTime;
  private input = false;
  private inputs = 0;
  private outputs = 0;

  constructor(options: TimerOptions) {
    const { objects, instance = 0, mode = TimerMode.OneShot, delay, minimumOffTime = 0, clock = systemClock } = options;
    this.objects = objects;
    this.clock = clock;
    this.output = options.output;
    this.on = new RunningTime(clock);
    objects.define(TimerObject, {
      check: within(
        [resources.delayDuration.id, 'delay', 0, longest],
        [resources.minimumOffTime.id, 'minimum off-time', 0, longest],
        [resources.timerMode.id, 'timer mode', TimerMode.Off, TimerMode.DropOut],
      ),
      readers: {
        remainingTime: (at) => timers.get(objects, at)?.remaining ?? 0,
        cumulativeTime: (at) => (timers.get(objects, at)?.on.total ?? 0) / 1000,
      },
    });
    this.core = new TimerCore({ mode, delay: seconds(delay), rearm: seconds(minimumOffTime) });
    this.driver = new Driver(this.core, clock, ({ isOn }) => this.turned(isOn));
    const values = {
      delayDuration: delay,
      minimumOffTime,
      timerMode: mode,
      onOff: false,
      digitalInputCounter: 0,
      counter: 0,
      remainingTime: 0,
      digitalState: false,
      cumulativeTime: 0,
      ...(options.applicationType === undefined ? {} : { applicationType: options.applicationType }),
      trigger: () => this.trigger(),
    };
    this.instance = objects.add(TimerObject, instance, values, this);
    timers.set(objects, instance, this);
    this.subscription = onWritten(objects, TimerObject.id, instance, (written) => this.takeWritten(written));
  }

  /** In seconds, of the operation that runs. */
  get remaining(): number {
    return this.core.remaining(this.clock.now()) / 1000;
  }

  /** Begins an operation, as a server does by resource 5523. */
  trigger(): void {
    this.driver.handle({ kind: 'trigger' });
  }

  /** The input is on or off, as a server says by resource 5850. */
  set(state: 'on' | 'off'): void {
    this.instance.set({ onOff: state === 'on' });
    this.takeInput(state === 'on');
  }

  /** What somebody at the device writes (LocalAccess): the counter of the input goes on from there. */
  take(resource: number, { value }: Value): boolean {
    if (resource !== resources.digitalInputCounter.id) return false;
    this.inputs = Number(value);
    this.instance.set({ digitalInputCounter: this.inputs });
    return true;
  }

  /** Lets go of the instance. */
  [Symbol.dispose](): void {
    this.driver[Symbol.dispose]();
    this.subscription[Symbol.dispose]();
    timers.delete(this.objects, this.instance.id);
    this.objects.remove(TimerObject.id, this.instance.id);
  }

  private takeWritten(written: ReadonlySet<number>): void {
    const { delayDuration, minimumOffTime, timerMode, onOff, counter, cumulativeTime } = resources;
    if ([delayDuration, minimumOffTime, timerMode].some(({ id }) => written.has(id)))
      this.driver.handle({
        kind: 'configure',
        mode: (this.instance.get('timerMode') ?? TimerMode.OneShot) as TimerMode,
        delay: seconds(this.instance.get('delayDuration') ?? 0),
        rearm: seconds(this.instance.get('minimumOffTime') ?? 0),
      });
    if (written.has(counter.id)) this.outputs = this.instance.get('counter') ?? 0;
    // Whatever is written, it begins anew from nothing (resource 5544).
    if (written.has(cumulativeTime.id)) this.on.reset();
    if (written.has(onOff.id)) this.takeInput(this.instance.get('onOff') === true);
  }

  private takeInput(isOn: boolean): void {
    if (isOn === this.input) return;
    this.input = isOn;
    if (isOn) {
      this.inputs += 1;
      this.on.run();
    } else this.on.halt();
    this.instance.set({ digitalInputCounter: this.inputs });
    this.driver.handle({ kind: 'input', isOn });
  }

  private turned(isOn: boolean): void {
    if (isOn) this.outputs += 1;
    this.instance.set({ digitalState: isOn, counter: this.outputs });
    this.output?.(isOn ? 'on' : 'off');
  }
}

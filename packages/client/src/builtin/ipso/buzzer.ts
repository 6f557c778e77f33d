// IPSO buzzer 3338: servers turn it on; it goes off by itself after its delay, and stays off for a while.
import { type Clock, Driver, seconds, systemClock } from '@lapwing/kernel';
import { Buzzer as BuzzerObject } from '@lapwing/lwm2m/objects/buzzer';
import { within } from '../../objects/checks.ts';
import type { Instance } from '../../objects/instance.ts';
import type { ObjectStore } from '../../objects/store.ts';
import { onWritten } from '../../objects/written.ts';
import { stampOf } from './stamp.ts';
import { TimerCore, type TimerEffect, type TimerInput, TimerMode } from './timer-core.ts';

export interface BuzzerOptions {
  readonly objects: ObjectStore;
  /** Default 0. */
  readonly instance?: number;
  /** How loud, in percent; default 50. */
  readonly level?: number;
  /** How long it sounds, in seconds; 0 until it is turned off; default 1. */
  readonly delay?: number;
  /** How long it is silent in between, in seconds; default 0. */
  readonly minimumOffTime?: number;
  readonly applicationType?: string;
  /** Hears when it is to sound, and how loud, and when to be silent. */
  readonly sound?: (level: number | undefined) => void;
  readonly clock?: Clock;
}

const { resources } = BuzzerObject;
const longest = 0xffff_ffff;

export class Buzzer implements Disposable {
  private readonly objects: ObjectStore;
  private readonly clock: Clock;
  private readonly instance: Instance<typeof BuzzerObject>;
  private readonly driver: Driver<TimerInput, TimerEffect>;
  private readonly subscription: Disposable;
  private readonly sound: BuzzerOptions['sound'];
  private isSounding = false;

  constructor(options: BuzzerOptions) {
    const { objects, instance = 0, level = 50, delay = 1, minimumOffTime = 0, clock = systemClock } = options;
    this.objects = objects;
    this.clock = clock;
    this.sound = options.sound;
    objects.define(BuzzerObject, {
      check: within(
        [resources.level.id, 'level', 0, 100],
        [resources.delayDuration.id, 'delay', 0, longest],
        [resources.minimumOffTime.id, 'minimum off-time', 0, longest],
      ),
    });
    this.driver = new Driver(new TimerCore(planOf(delay, minimumOffTime)), clock, ({ isOn }) => this.turned(isOn));
    this.instance = objects.add(BuzzerObject, instance, {
      onOff: false,
      level,
      delayDuration: delay,
      minimumOffTime,
      ...stampOf(clock),
      ...(options.applicationType === undefined ? {} : { applicationType: options.applicationType }),
    });
    this.subscription = onWritten(objects, BuzzerObject.id, instance, (written) => {
      if (written.has(resources.delayDuration.id) || written.has(resources.minimumOffTime.id)) this.configure();
      if (written.has(resources.onOff.id)) this.set(this.instance.get('onOff') === true ? 'on' : 'off');
    });
  }

  /** As a server does by resource 5850. */
  set(state: 'on' | 'off'): void {
    this.driver.handle({ kind: 'input', isOn: state === 'on' });
    // Asked for too early it does not sound, and says so.
    this.driver.handle({ kind: 'input', isOn: this.isSounding });
    this.instance.set({ onOff: this.isSounding, ...stampOf(this.clock) });
  }

  /** Lets go of the instance. */
  [Symbol.dispose](): void {
    this.driver[Symbol.dispose]();
    this.subscription[Symbol.dispose]();
    this.objects.remove(BuzzerObject.id, this.instance.id);
  }

  private configure(): void {
    const { instance } = this;
    const plan = planOf(instance.get('delayDuration') ?? 0, instance.get('minimumOffTime') ?? 0);
    this.driver.handle({ kind: 'configure', ...plan });
  }

  private turned(isOn: boolean): void {
    this.isSounding = isOn;
    this.instance.set({ onOff: isOn, ...stampOf(this.clock) });
    this.sound?.(isOn ? (this.instance.get('level') ?? 0) : undefined);
    // It has gone off by itself: the next time that it is asked for begins anew.
    if (!isOn) this.driver.handle({ kind: 'input', isOn: false });
  }
}

/** On for the delay; without one, as long as can be said. */
const planOf = (delay: number, minimumOffTime: number) => ({
  mode: TimerMode.Interval,
  delay: seconds(delay > 0 ? delay : longest),
  rearm: seconds(minimumOffTime),
});

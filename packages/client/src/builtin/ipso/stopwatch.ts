// IPSO stopwatch 3350: how long it has been on since somebody had that forgotten, and how often it was turned on.
import { type Clock, seconds, systemClock } from '@lapwing/kernel';
import { Stopwatch as StopwatchObject } from '@lapwing/lwm2m/objects/stopwatch';
import { Behind } from '../../objects/behind.ts';
import { within } from '../../objects/checks.ts';
import { Place } from '../../objects/place.ts';
import type { ObjectStore } from '../../objects/store.ts';
import { RunningTime } from './running-time.ts';
import { stampOf } from './stamp.ts';

export interface StopwatchOptions {
  readonly objects: ObjectStore;
  /** Default 0. */
  readonly instance?: number;
  readonly applicationType?: string;
  readonly clock?: Clock;
}

const { cumulativeTime, onOff } = StopwatchObject.resources;
const watches = new Behind<Stopwatch>();
const longest = 0xffff_ffff;

export class Stopwatch implements Disposable {
  private readonly objects: ObjectStore;
  private readonly clock: Clock;
  private readonly place: Place<typeof StopwatchObject>;
  private readonly on: RunningTime;
  private isRunning = false;

  constructor({ objects, instance = 0, applicationType, clock = systemClock }: StopwatchOptions) {
    this.objects = objects;
    this.clock = clock;
    this.on = new RunningTime(clock);
    this.place = new Place({
      objects,
      definition: StopwatchObject,
      instance,
      policy: {
        check: within([cumulativeTime.id, 'time', 0, longest]),
        readers: { cumulativeTime: (at) => watches.get(objects, at)?.time ?? 0 },
      },
      values: { cumulativeTime: 0, onOff: false, digitalInputCounter: 0, ...stampOf(clock), applicationType },
      written: (resources) => {
        if (resources.has(cumulativeTime.id)) this.on.reset(seconds(this.place.written(cumulativeTime.id) ?? 0));
        if (resources.has(onOff.id)) this.set(this.place.instance.get('onOff') === true ? 'on' : 'off');
      },
    });
    watches.set(objects, instance, this);
  }

  /** In seconds. */
  get time(): number {
    return this.on.total / 1000;
  }

  /** It runs or stands still from now on, as a server says by resource 5850. */
  set(state: 'on' | 'off'): void {
    const isOn = state === 'on';
    if (isOn === this.isRunning) return;
    this.isRunning = isOn;
    if (isOn) this.on.run();
    else this.on.halt();
    const count = this.place.instance.get('digitalInputCounter') ?? 0;
    this.place.instance.set({
      onOff: isOn,
      cumulativeTime: this.time,
      digitalInputCounter: isOn ? count + 1 : count,
      ...stampOf(this.clock),
    });
  }

  /** Counts from nothing, and goes on where it runs. */
  reset(): void {
    this.on.reset();
    this.place.instance.set({ cumulativeTime: 0, ...stampOf(this.clock) });
  }

  /** Lets go of the instance. */
  [Symbol.dispose](): void {
    watches.delete(this.objects, this.place.instance.id);
    this.place[Symbol.dispose]();
  }
}

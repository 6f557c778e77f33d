// IPSO dimmer 3343: a control that somebody turns, at the device or as a server; it is off at nothing. It knows for how long it has been on and
// off.
import { type Clock, systemClock } from '@lapwing/kernel';
import { Dimmer as DimmerObject } from '@lapwing/lwm2m/objects/dimmer';
import { Behind } from '../../objects/behind.ts';
import { within } from '../../objects/checks.ts';
import { Place } from '../../objects/place.ts';
import type { ObjectStore } from '../../objects/store.ts';
import { RunningTime } from './running-time.ts';

export interface DimmerOptions {
  readonly objects: ObjectStore;
  /** Default 0. */
  readonly instance?: number;
  /** Percent; default 0. */
  readonly level?: number;
  /** Hears what a server wants. */
  readonly changed?: (level: number) => void;
  readonly applicationType?: string;
  readonly clock?: Clock;
}

const { level: levelResource, onTime, offTime } = DimmerObject.resources;
const dimmers = new Behind<Dimmer>();

export class Dimmer implements Disposable {
  private readonly objects: ObjectStore;
  private readonly place: Place<typeof DimmerObject>;
  private readonly times: { readonly on: RunningTime; readonly off: RunningTime };

  constructor({ objects, instance = 0, level = 0, changed, applicationType, clock = systemClock }: DimmerOptions) {
    this.objects = objects;
    this.times = { on: new RunningTime(clock), off: new RunningTime(clock) };
    const read = (which: 'on' | 'off') => (at: number) =>
      Math.floor((dimmers.get(objects, at)?.times[which].total ?? 0) / 1000);
    this.place = new Place({
      objects,
      definition: DimmerObject,
      instance,
      policy: {
        check: within([levelResource.id, 'level', 0, 100]),
        readers: { onTime: read('on'), offTime: read('off') },
      },
      values: { level, onTime: 0, offTime: 0, applicationType },
      written: (resources) => {
        // Whatever is written, it begins anew from nothing (resources 5852, 5854).
        if (resources.has(onTime.id)) this.times.on.reset();
        if (resources.has(offTime.id)) this.times.off.reset();
        if (!resources.has(levelResource.id)) return;
        this.follow();
        changed?.(this.level);
      },
    });
    dimmers.set(objects, instance, this);
    this.follow();
  }

  /** Percent. */
  get level(): number {
    return this.place.instance.get('level') ?? 0;
  }

  /** Somebody at the device turns it. Throws ResponseError for what is not from 0 to 100. */
  set(level: number): void {
    this.place.instance.set({ level });
    this.follow();
  }

  /** Lets go of the instance. */
  [Symbol.dispose](): void {
    dimmers.delete(this.objects, this.place.instance.id);
    this.place[Symbol.dispose]();
  }

  private follow(): void {
    const isOn = this.level > 0;
    this.times[isOn ? 'on' : 'off'].run();
    this.times[isOn ? 'off' : 'on'].halt();
  }
}

// IPSO time 3333: what time it is, by the clock of the device or as a server has set it.
import { type Clock, systemClock } from '@lapwing/kernel';
import { Time as TimeObject } from '@lapwing/lwm2m/objects/time';
import { Behind } from '../../objects/behind.ts';
import { Place } from '../../objects/place.ts';
import type { ObjectStore } from '../../objects/store.ts';

export interface TimeOptions {
  readonly objects: ObjectStore;
  /** Default 0. */
  readonly instance?: number;
  readonly applicationType?: string;
  readonly clock?: Clock;
}

const { currentTime, fractionalTime } = TimeObject.resources;
const times = new Behind<TimeKeeper>();

export class TimeKeeper implements Disposable {
  private readonly objects: ObjectStore;
  private readonly clock: Clock;
  private readonly place: Place<typeof TimeObject>;
  /** Between the wall clock and what a server has written, in ms. */
  private offset = 0;

  constructor({ objects, instance = 0, applicationType, clock = systemClock }: TimeOptions) {
    this.objects = objects;
    this.clock = clock;
    this.place = new Place({
      objects,
      definition: TimeObject,
      instance,
      policy: {
        readers: {
          currentTime: (at) => Math.floor((times.get(objects, at)?.wall ?? 0) / 1000),
          fractionalTime: (at) => ((times.get(objects, at)?.wall ?? 0) % 1000) / 1000,
        },
      },
      values: { currentTime: 0, fractionalTime: 0, applicationType },
      written: (resources) => this.takeWritten(resources),
    });
    times.set(objects, instance, this);
  }

  /** Unix time in ms as the object has it. */
  get wall(): number {
    return this.clock.wall() + this.offset;
  }

  /** Lets go of the instance. */
  [Symbol.dispose](): void {
    times.delete(this.objects, this.place.instance.id);
    this.place[Symbol.dispose]();
  }

  /** What is written stands in the tree; what is read is what has become of it. */
  private takeWritten(resources: ReadonlySet<number>): void {
    const writtenAt = ({ id }: { readonly id: number }): number | undefined =>
      resources.has(id) ? (this.place.written(id) ?? 0) * 1000 : undefined;
    const whole = writtenAt(currentTime) ?? Math.floor(this.wall / 1000) * 1000;
    const rest = writtenAt(fractionalTime) ?? 0;
    this.offset = whole + rest - this.clock.wall();
  }
}

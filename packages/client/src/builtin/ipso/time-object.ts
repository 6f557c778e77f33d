// IPSO time 3333: what time it is, by the clock of the device or as a server has set it.
import { type Clock, systemClock } from '@lapwing/kernel';
import { Time as TimeObject } from '@lapwing/lwm2m/objects/time';
import { Behind } from '../../objects/behind.ts';
import type { ObjectStore } from '../../objects/store.ts';
import { onWritten } from '../../objects/written.ts';

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
  private readonly id: number;
  private readonly subscription: Disposable;
  /** Between the wall clock and what a server has written, in ms. */
  private offset = 0;

  constructor({ objects, instance = 0, applicationType, clock = systemClock }: TimeOptions) {
    this.objects = objects;
    this.clock = clock;
    this.id = instance;
    objects.define(TimeObject, {
      readers: {
        currentTime: (at) => Math.floor((times.get(objects, at)?.wall ?? 0) / 1000),
        fractionalTime: (at) => ((times.get(objects, at)?.wall ?? 0) % 1000) / 1000,
      },
    });
    objects.add(TimeObject, instance, {
      currentTime: 0,
      fractionalTime: 0,
      ...(applicationType === undefined ? {} : { applicationType }),
    });
    times.set(objects, instance, this);
    this.subscription = onWritten(objects, TimeObject.id, instance, (resources) => this.takeWritten(resources));
  }

  /** Unix time in ms as the object has it. */
  get wall(): number {
    return this.clock.wall() + this.offset;
  }

  /** Lets go of the instance. */
  [Symbol.dispose](): void {
    this.subscription[Symbol.dispose]();
    times.delete(this.objects, this.id);
    this.objects.remove(TimeObject.id, this.id);
  }

  /** What is written stands in the tree; what is read is what has become of it. */
  private takeWritten(resources: ReadonlySet<number>): void {
    const contents = this.objects.objects.get(TimeObject.id)?.instances.get(this.id)?.contents;
    const numberAt = (resource: number): number => {
      const value = contents?.get(resource);
      return value !== undefined && 'value' in value ? Number(value.value) : 0;
    };
    const whole = resources.has(currentTime.id) ? numberAt(currentTime.id) * 1000 : Math.floor(this.wall / 1000) * 1000;
    const rest = resources.has(fractionalTime.id) ? numberAt(fractionalTime.id) * 1000 : 0;
    this.offset = whole + rest - this.clock.wall();
  }
}

// IPSO sensors of up to three axes: accelerometer 3313, magnetometer 3314 with its compass, gyrometer 3334 with least and most of each axis.
import { type Clock, systemClock } from '@lapwing/kernel';
import type { Accelerometer } from '@lapwing/lwm2m/objects/accelerometer';
import { Gyrometer } from '@lapwing/lwm2m/objects/gyrometer';
import { Magnetometer } from '@lapwing/lwm2m/objects/magnetometer';
import type { Instance } from '../../objects/instance.ts';
import type { ObjectStore } from '../../objects/store.ts';
import { stampOf } from './stamp.ts';

export interface Axes {
  readonly x: number;
  readonly y?: number;
  readonly z?: number;
  /** Of a magnetometer: degrees from north, 0 to 360. */
  readonly compass?: number;
}

export interface AxesSensorOptions extends Axes {
  readonly objects: ObjectStore;
  readonly definition: typeof Accelerometer | typeof Magnetometer | typeof Gyrometer;
  /** Default 0. */
  readonly instance?: number;
  readonly units?: string;
  /** Of each axis; not of a magnetometer. */
  readonly range?: readonly [least: number, most: number];
  readonly applicationType?: string;
  readonly clock?: Clock;
}

export class AxesSensor implements Disposable {
  private readonly objects: ObjectStore;
  private readonly clock: Clock;
  private readonly definition: AxesSensorOptions['definition'];
  private readonly instance: Instance<typeof Gyrometer>;
  private extremes: Readonly<Record<string, number>>;
  private last: Axes;

  constructor(options: AxesSensorOptions) {
    const { objects, definition, instance = 0, units, range, applicationType, clock = systemClock } = options;
    this.objects = objects;
    this.clock = clock;
    this.definition = definition;
    this.last = axesOf(options);
    this.extremes = extremesOf(this.last, {});
    this.instance = objects.add(definition as typeof Gyrometer, instance, {
      ...(this.values as { xValue: number }),
      ...(units === undefined ? {} : { sensorUnits: units }),
      ...(range === undefined || definition === Magnetometer
        ? {}
        : { minRangeValue: range[0], maxRangeValue: range[1] }),
      ...(applicationType === undefined ? {} : { applicationType }),
      ...(definition === Gyrometer ? { resetMinAndMaxMeasuredValues: () => this.reset() } : {}),
    });
  }

  /** All axes at once; those that are not said are not known. */
  measure(axes: Axes): void {
    this.last = axesOf(axes);
    this.extremes = extremesOf(this.last, this.extremes);
    const unknown = { yValue: undefined, zValue: undefined };
    this.instance.set({ ...unknown, ...this.values });
  }

  /** Lets go of the instance. */
  [Symbol.dispose](): void {
    this.objects.remove(this.instance.definition.id, this.instance.id);
  }

  private reset(): void {
    this.extremes = extremesOf(this.last, {});
    this.instance.set(this.extremes);
  }

  private get values(): object {
    const { x, y, z, compass } = this.last;
    return {
      xValue: x,
      ...(y === undefined ? {} : { yValue: y }),
      ...(z === undefined ? {} : { zValue: z }),
      ...(compass === undefined || this.definition !== Magnetometer ? {} : { compassDirection: compass }),
      ...(this.definition === Gyrometer ? this.extremes : {}),
      ...stampOf(this.clock),
    };
  }
}

/** Throws RangeError for what is no number. */
function axesOf({ x, y, z, compass }: Axes): Axes {
  for (const value of [x, y, z, compass])
    if (value !== undefined && !Number.isFinite(value)) throw new RangeError(`${value} was not measured`);
  if (compass !== undefined && !(compass >= 0 && compass <= 360))
    throw new RangeError(`${compass} is not from 0 to 360 degrees`);
  return {
    x,
    ...(y === undefined ? {} : { y }),
    ...(z === undefined ? {} : { z }),
    ...(compass === undefined ? {} : { compass }),
  };
}

function extremesOf(axes: Axes, before: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  const extremes: Record<string, number> = { ...before };
  for (const axis of ['x', 'y', 'z'] as const) {
    const value = axes[axis];
    if (value === undefined) continue;
    const [least, most] = [`min${axis.toUpperCase()}Value`, `max${axis.toUpperCase()}Value`];
    extremes[least] = Math.min(value, extremes[least] ?? value);
    extremes[most] = Math.max(value, extremes[most] ?? value);
  }
  return extremes;
}

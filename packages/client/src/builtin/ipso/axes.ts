// IPSO sensors of up to three axes: accelerometer 3313, magnetometer 3314 with its compass, gyrometer 3334 with least and most of each axis.
import { type Clock, systemClock } from '@lapwing/kernel';
import type { ObjectDefinition, Value } from '@lapwing/lwm2m';
import type { Accelerometer } from '@lapwing/lwm2m/objects/accelerometer';
import { Gyrometer } from '@lapwing/lwm2m/objects/gyrometer';
import { Magnetometer } from '@lapwing/lwm2m/objects/magnetometer';
import type { Instance } from '../../objects/instance.ts';
import type { ObjectStore } from '../../objects/store.ts';
import type { Measuring } from '../../objects/tree.ts';
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

const keys = { x: 'xValue', y: 'yValue', z: 'zValue', compass: 'compassDirection' } as const;
const axes = ['x', 'y', 'z'] as const;
/** Of a gyrometer. */
const extremes = {
  x: ['minXValue', 'maxXValue'],
  y: ['minYValue', 'maxYValue'],
  z: ['minZValue', 'maxZValue'],
} as const;

export class AxesSensor implements Disposable, Measuring {
  private readonly objects: ObjectStore;
  private readonly clock: Clock;
  private readonly instance: Instance<typeof Gyrometer>;

  constructor(options: AxesSensorOptions) {
    const { objects, definition, instance = 0, units, range, applicationType, clock = systemClock } = options;
    this.objects = objects;
    this.clock = clock;
    const isGyrometer = definition === Gyrometer;
    const values = {
      ...valuesOf(options, definition),
      ...(isGyrometer ? extremesOf(options) : {}),
      ...stampOf(clock),
      ...(units === undefined ? {} : { sensorUnits: units }),
      ...(range === undefined || definition === Magnetometer
        ? {}
        : { minRangeValue: range[0], maxRangeValue: range[1] }),
      ...(applicationType === undefined ? {} : { applicationType }),
      ...(isGyrometer ? { resetMinAndMaxMeasuredValues: () => this.reset() } : {}),
    };
    this.instance = objects.add(definition as typeof Gyrometer, instance, values, this);
  }

  /** All axes at once; those that are not said are not known. Throws RangeError for what is no number. */
  measure(measured: Axes): void {
    const { instance } = this;
    const unknown = { yValue: undefined, zValue: undefined };
    this.instance.set({
      ...unknown,
      ...valuesOf(measured, instance.definition),
      ...(this.isGyrometer ? extremesOf(measured, (key) => instance.get(key)) : {}),
      ...stampOf(this.clock),
    });
  }

  /** What somebody at the device writes (LocalAccess) is measured; the other axes are as they were. */
  take(resource: number, { value }: Value): boolean {
    const { resources } = this.instance.definition as ObjectDefinition;
    const axis = [...axes, 'compass' as const].find((each) => resources[keys[each]]?.id === resource);
    if (axis === undefined) return false;
    this.measure({ ...this.last, [axis]: Number(value) });
    return true;
  }

  /** Lets go of the instance. */
  [Symbol.dispose](): void {
    this.objects.remove(this.instance.definition.id, this.instance.id);
  }

  private reset(): void {
    this.instance.set(extremesOf(this.last));
  }

  private get isGyrometer(): boolean {
    return this.instance.definition === Gyrometer;
  }

  private get last(): Axes {
    const { instance } = this;
    const known = Object.entries(keys).flatMap(([axis, key]) => {
      const value = instance.get(key as 'xValue');
      return value === undefined ? [] : [[axis, value] as const];
    });
    return { x: 0, ...Object.fromEntries(known) };
  }
}

/** Throws RangeError for what is no number. */
function valuesOf(measured: Axes, definition: ObjectDefinition): { readonly xValue: number } {
  const values: Record<string, number> = {};
  for (const axis of [...axes, 'compass' as const]) {
    const value = measured[axis];
    if (value === undefined || !Object.hasOwn(definition.resources, keys[axis])) continue;
    if (!Number.isFinite(value)) throw new RangeError(`${value} was not measured`);
    if (axis === 'compass' && !(value >= 0 && value <= 360))
      throw new RangeError(`${value} is not from 0 to 360 degrees`);
    values[keys[axis]] = value;
  }
  return values as { xValue: number };
}

type Extreme = (typeof extremes)[keyof typeof extremes][number];

function extremesOf(
  measured: Axes,
  before: (key: Extreme) => number | undefined = () => undefined,
): Partial<Record<Extreme, number>> {
  const found: Partial<Record<Extreme, number>> = {};
  for (const axis of axes) {
    const value = measured[axis];
    if (value === undefined) continue;
    const [least, most] = extremes[axis];
    found[least] = Math.min(value, before(least) ?? value);
    found[most] = Math.max(value, before(most) ?? value);
  }
  return found;
}

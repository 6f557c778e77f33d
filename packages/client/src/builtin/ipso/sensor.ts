// IPSO sensors of one value (3300, 3301, 3303, 3304, 3315 to 3330, 3346): the value, when it was measured, and between which it has been since
// a server last asked to forget that.
import { type Clock, systemClock } from '@lapwing/kernel';
import type { Acidity } from '@lapwing/lwm2m/objects/acidity';
import type { Altitude } from '@lapwing/lwm2m/objects/altitude';
import type { Barometer } from '@lapwing/lwm2m/objects/barometer';
import type { Concentration } from '@lapwing/lwm2m/objects/concentration';
import type { Conductivity } from '@lapwing/lwm2m/objects/conductivity';
import type { Current } from '@lapwing/lwm2m/objects/current';
import type { Depth } from '@lapwing/lwm2m/objects/depth';
import type { Distance } from '@lapwing/lwm2m/objects/distance';
import type { Frequency } from '@lapwing/lwm2m/objects/frequency';
import type { GenericSensor } from '@lapwing/lwm2m/objects/generic-sensor';
import type { Humidity } from '@lapwing/lwm2m/objects/humidity';
import type { Illuminance } from '@lapwing/lwm2m/objects/illuminance';
import type { Load } from '@lapwing/lwm2m/objects/load';
import type { Loudness } from '@lapwing/lwm2m/objects/loudness';
import type { Percentage } from '@lapwing/lwm2m/objects/percentage';
import type { Power } from '@lapwing/lwm2m/objects/power';
import type { PowerFactor } from '@lapwing/lwm2m/objects/power-factor';
import type { Pressure } from '@lapwing/lwm2m/objects/pressure';
import type { Rate } from '@lapwing/lwm2m/objects/rate';
import type { Temperature } from '@lapwing/lwm2m/objects/temperature';
import type { Voltage } from '@lapwing/lwm2m/objects/voltage';
import type { Instance } from '../../objects/instance.ts';
import type { ObjectStore } from '../../objects/store.ts';
import { stampOf } from './stamp.ts';

/** What they all have is what 3303 has. */
export type SensorDefinition =
  | typeof Acidity
  | typeof Altitude
  | typeof Barometer
  | typeof Concentration
  | typeof Conductivity
  | typeof Current
  | typeof Depth
  | typeof Distance
  | typeof Frequency
  | typeof GenericSensor
  | typeof Humidity
  | typeof Illuminance
  | typeof Load
  | typeof Loudness
  | typeof Percentage
  | typeof Power
  | typeof PowerFactor
  | typeof Pressure
  | typeof Rate
  | typeof Temperature
  | typeof Voltage;

export interface SensorOptions {
  readonly objects: ObjectStore;
  readonly definition: SensorDefinition;
  /** Default 0. */
  readonly instance?: number;
  /** Measured first. */
  readonly value: number;
  /** As in RFC 8428 §12.1, `Cel`. */
  readonly units?: string;
  /** What the sensor can measure. */
  readonly range?: readonly [least: number, most: number];
  readonly applicationType?: string;
  readonly clock?: Clock;
}

export class Sensor implements Disposable {
  private readonly objects: ObjectStore;
  private readonly clock: Clock;
  private readonly instance: Instance<typeof Temperature>;

  constructor(options: SensorOptions) {
    const { objects, definition, instance = 0, value, units, range, applicationType, clock = systemClock } = options;
    this.objects = objects;
    this.clock = clock;
    this.instance = objects.add(definition as typeof Temperature, instance, {
      sensorValue: value,
      minMeasuredValue: value,
      maxMeasuredValue: value,
      ...stampOf(clock),
      ...(units === undefined ? {} : { sensorUnits: units }),
      ...(range === undefined ? {} : { minRangeValue: range[0], maxRangeValue: range[1] }),
      ...(applicationType === undefined ? {} : { applicationType }),
      resetMinAndMaxMeasuredValues: () => this.reset(),
    });
  }

  get value(): number {
    return this.instance.get('sensorValue') ?? Number.NaN;
  }

  /** The value is so now. Throws RangeError for what is no number. */
  measure(value: number): void {
    if (!Number.isFinite(value)) throw new RangeError(`${value} was not measured`);
    this.instance.set({
      sensorValue: value,
      minMeasuredValue: Math.min(value, this.instance.get('minMeasuredValue') ?? value),
      maxMeasuredValue: Math.max(value, this.instance.get('maxMeasuredValue') ?? value),
      ...stampOf(this.clock),
    });
  }

  /** Forgets between which it has been, as a server does by resource 5605. */
  reset(): void {
    const { value } = this;
    this.instance.set({ minMeasuredValue: value, maxMeasuredValue: value });
  }

  /** How good the value is, 0 to 100 (resource 6049), and why (resource 6042). */
  quality(level: number, indicator?: number): void {
    this.instance.set({
      measurementQualityLevel: level,
      ...(indicator === undefined ? {} : { measurementQualityIndicator: indicator }),
    });
  }

  /** Lets go of the instance. */
  [Symbol.dispose](): void {
    this.objects.remove(this.instance.definition.id, this.instance.id);
  }
}

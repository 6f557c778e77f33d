// IPSO sensors of one value (3202, 3300, 3301, 3303, 3304, 3315 to 3330, 3332, 3346): the value, when it was measured, and between which it has
// been since a server last asked to forget that.
import { type Clock, systemClock } from '@lapwing/kernel';
import type { ObjectDefinition, Value } from '@lapwing/lwm2m';
import type { Acidity } from '@lapwing/lwm2m/objects/acidity';
import type { Altitude } from '@lapwing/lwm2m/objects/altitude';
import type { AnalogInput } from '@lapwing/lwm2m/objects/analog-input';
import type { Barometer } from '@lapwing/lwm2m/objects/barometer';
import type { Concentration } from '@lapwing/lwm2m/objects/concentration';
import type { Conductivity } from '@lapwing/lwm2m/objects/conductivity';
import type { Current } from '@lapwing/lwm2m/objects/current';
import type { Depth } from '@lapwing/lwm2m/objects/depth';
import type { Direction } from '@lapwing/lwm2m/objects/direction';
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
import type { Measuring } from '../../objects/tree.ts';
import { stampOf } from './stamp.ts';

/** What they all have is what 3316 has, but for the name of the value. */
export type SensorDefinition =
  | typeof Acidity
  | typeof Altitude
  | typeof AnalogInput
  | typeof Barometer
  | typeof Concentration
  | typeof Conductivity
  | typeof Current
  | typeof Depth
  | typeof Direction
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
  /** As in RFC 8428 §12.1, `Cel`. Not of 3202 and 3332. */
  readonly units?: string;
  /** What the sensor can measure. Not of 3332. */
  readonly range?: readonly [least: number, most: number];
  /** A coefficient that servers may write (resource 5821 of 3316 to 3330 and 3346): whoever measures heeds it. */
  readonly calibration?: number;
  readonly applicationType?: string;
  readonly clock?: Clock;
}

const valueKeys = ['sensorValue', 'analogInputCurrentValue', 'compassDirection'] as const;

export class Sensor implements Disposable, Measuring {
  private readonly objects: ObjectStore;
  private readonly clock: Clock;
  private readonly instance: Instance<typeof Voltage>;

  constructor(options: SensorOptions) {
    const { objects, definition, instance = 0, value, units, range, calibration, clock = systemClock } = options;
    const { applicationType } = options;
    this.objects = objects;
    this.clock = clock;
    const values = {
      [keyOf(definition)]: value,
      minMeasuredValue: value,
      maxMeasuredValue: value,
      ...stampOf(clock),
      ...(units === undefined ? {} : { sensorUnits: units }),
      ...(range === undefined ? {} : { minRangeValue: range[0], maxRangeValue: range[1] }),
      ...(calibration === undefined ? {} : { currentCalibration: calibration }),
      ...(applicationType === undefined ? {} : { applicationType }),
      resetMinAndMaxMeasuredValues: () => this.reset(),
    };
    this.instance = objects.add(definition as typeof Voltage, instance, values as { sensorValue: number }, this);
  }

  get value(): number {
    return this.instance.get(this.key) ?? Number.NaN;
  }

  /** As a server has written it; 1 where there is none. */
  get calibration(): number {
    return this.instance.get('currentCalibration') ?? 1;
  }

  /** The value is so now. Throws RangeError for what is no number. */
  measure(value: number): void {
    if (!Number.isFinite(value)) throw new RangeError(`${value} was not measured`);
    this.instance.set({
      [this.key]: value,
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

  /** What somebody at the device writes (LocalAccess) is measured. */
  take(resource: number, { value }: Value): boolean {
    if (resource !== (this.instance.definition as ObjectDefinition).resources[this.key]?.id) return false;
    this.measure(Number(value));
    return true;
  }

  /** Lets go of the instance. */
  [Symbol.dispose](): void {
    this.objects.remove(this.instance.definition.id, this.instance.id);
  }

  private get key(): 'sensorValue' {
    return keyOf(this.instance.definition);
  }
}

/** Under which the value stands. */
function keyOf({ resources }: ObjectDefinition): 'sensorValue' {
  return valueKeys.find((key) => Object.hasOwn(resources, key)) as 'sensorValue';
}

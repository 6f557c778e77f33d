// Sensors of one value that simulated devices have, by object id: what they measure where nobody says anything else.
import type { SensorDefinition } from '@lapwing/client';
import { Acidity } from '@lapwing/lwm2m/objects/acidity';
import { Altitude } from '@lapwing/lwm2m/objects/altitude';
import { AnalogInput } from '@lapwing/lwm2m/objects/analog-input';
import { Barometer } from '@lapwing/lwm2m/objects/barometer';
import { Concentration } from '@lapwing/lwm2m/objects/concentration';
import { Conductivity } from '@lapwing/lwm2m/objects/conductivity';
import { Current } from '@lapwing/lwm2m/objects/current';
import { Depth } from '@lapwing/lwm2m/objects/depth';
import { Direction } from '@lapwing/lwm2m/objects/direction';
import { Distance } from '@lapwing/lwm2m/objects/distance';
import { Frequency } from '@lapwing/lwm2m/objects/frequency';
import { GenericSensor } from '@lapwing/lwm2m/objects/generic-sensor';
import { Humidity } from '@lapwing/lwm2m/objects/humidity';
import { Illuminance } from '@lapwing/lwm2m/objects/illuminance';
import { Load } from '@lapwing/lwm2m/objects/load';
import { Loudness } from '@lapwing/lwm2m/objects/loudness';
import { Percentage } from '@lapwing/lwm2m/objects/percentage';
import { Power } from '@lapwing/lwm2m/objects/power';
import { PowerFactor } from '@lapwing/lwm2m/objects/power-factor';
import { Pressure } from '@lapwing/lwm2m/objects/pressure';
import { Rate } from '@lapwing/lwm2m/objects/rate';
import { Temperature } from '@lapwing/lwm2m/objects/temperature';
import { Voltage } from '@lapwing/lwm2m/objects/voltage';

export interface SensorKind {
  readonly definition: SensorDefinition;
  readonly value: number;
  /** As in RFC 8428 §12.1 and RFC 8798 §4; undefined where the object has no place for them. */
  readonly units?: string;
  /** What it can measure; undefined where the object has no place for that. */
  readonly range?: readonly [least: number, most: number];
}

function kind(
  definition: SensorDefinition,
  value: number,
  units?: string,
  range?: readonly [least: number, most: number],
): readonly [number, SensorKind] {
  const about = { ...(units === undefined ? {} : { units }), ...(range === undefined ? {} : { range }) };
  return [definition.id, { definition, value, ...about }];
}

export const sensorKinds: ReadonlyMap<number, SensorKind> = new Map([
  kind(AnalogInput, 0.5, undefined, [0, 1]),
  kind(GenericSensor, 0.5, '/', [0, 1]),
  kind(Illuminance, 300, 'lx', [0, 100_000]),
  kind(Temperature, 21, 'Cel', [-40, 85]),
  kind(Humidity, 40, '%RH', [0, 100]),
  kind(Barometer, 101_325, 'Pa', [30_000, 110_000]),
  kind(Voltage, 3.3, 'V', [0, 5]),
  kind(Current, 0.125, 'A', [0, 16]),
  kind(Frequency, 50, 'Hz', [45, 65]),
  kind(Depth, 1.2, 'm', [0, 10]),
  kind(Percentage, 60, '%', [0, 100]),
  kind(Altitude, 120, 'm', [-500, 9000]),
  kind(Load, 12.5, 'kg', [0, 200]),
  kind(Pressure, 250_000, 'Pa', [0, 1_000_000]),
  kind(Loudness, 42, 'dB', [30, 130]),
  kind(Concentration, 415, 'ppm', [0, 5000]),
  kind(Acidity, 7, 'pH', [0, 14]),
  kind(Conductivity, 0.05, 'S/m', [0, 10]),
  kind(Power, 60, 'W', [0, 3680]),
  kind(PowerFactor, 0.95, '/', [0, 1]),
  kind(Distance, 2.5, 'm', [0.02, 4]),
  kind(Direction, 90),
  kind(Rate, 1.5, 'm/s', [0, 50]),
]);

// IPSO values that servers set: digital output 3201, analog output 3203, set point 3308, colour 3335.
import { type Clock, systemClock } from '@lapwing/kernel';
import { AnalogOutput } from '@lapwing/lwm2m/objects/analog-output';
import type { Colour } from '@lapwing/lwm2m/objects/colour';
import { DigitalOutput } from '@lapwing/lwm2m/objects/digital-output';
import type { SetPoint } from '@lapwing/lwm2m/objects/set-point';
import { within } from '../../objects/checks.ts';
import type { InstancePatch } from '../../objects/instance.ts';
import { Place } from '../../objects/place.ts';
import type { ObjectPolicy } from '../../objects/policy.ts';
import type { ObjectStore } from '../../objects/store.ts';
import { stampOf } from './stamp.ts';

export type SettingDefinition = typeof AnalogOutput | typeof Colour | typeof DigitalOutput | typeof SetPoint;

/** Whether an output is on, how much of it, or what colour. */
export type SettingValue<D extends SettingDefinition> = D extends typeof DigitalOutput
  ? boolean
  : D extends typeof Colour
    ? string
    : number;

export interface SettingOptions<D extends SettingDefinition> {
  readonly objects: ObjectStore;
  readonly definition: D;
  /** Default 0. */
  readonly instance?: number;
  readonly value: SettingValue<D>;
  /** Of 3308 and 3335: what the value is in. */
  readonly units?: string;
  /** Of 3203; default 0 to 1. */
  readonly range?: readonly [least: number, most: number];
  /** Of 3308. */
  readonly colour?: string;
  /** Hears what a server wants. */
  readonly changed?: (value: SettingValue<D>) => void;
  readonly applicationType?: string;
  readonly clock?: Clock;
}

const keys = {
  3201: 'digitalOutputState',
  3203: 'analogOutputCurrentValue',
  3308: 'setPointValue',
  3335: 'colour',
} as const;
const { digitalOutputPolarity } = DigitalOutput.resources;

export class Setting<D extends SettingDefinition> implements Disposable {
  private readonly clock: Clock;
  private readonly definition: D;
  private readonly place: Place<typeof DigitalOutput>;

  constructor(options: SettingOptions<D>) {
    const { objects, definition, instance = 0, value, units, colour, changed, clock = systemClock } = options;
    const { range = [0, 1], applicationType } = options;
    this.clock = clock;
    this.definition = definition;
    const isOutput = definition.id === DigitalOutput.id;
    const values = {
      [keys[definition.id]]: value,
      ...stampOf(clock),
      applicationType,
      ...(isOutput ? { digitalOutputPolarity: false } : {}),
      ...(definition.id === AnalogOutput.id ? { minRangeValue: range[0], maxRangeValue: range[1] } : {}),
      ...(units === undefined ? {} : { sensorUnits: units }),
      ...(colour === undefined ? {} : { colour }),
    };
    const { id: valueId } = definition.resources[keys[definition.id] as keyof typeof definition.resources];
    this.place = new Place({
      objects,
      definition: definition as unknown as typeof DigitalOutput,
      instance,
      values: values as InstancePatch<typeof DigitalOutput>,
      policy: policyOf(definition, range),
      written: (resources) => {
        if (!resources.has(valueId) && !(isOutput && resources.has(digitalOutputPolarity.id))) return;
        this.place.instance.set(stampOf(clock));
        changed?.(this.value);
      },
    });
  }

  /** As a server or the device has set it; of a digital output what the line has, with its polarity turned round where a server wants that. */
  get value(): SettingValue<D> {
    const value = this.place.instance.get(this.key);
    return (this.isTurned ? value !== true : value) as SettingValue<D>;
  }

  /** Somebody at the device sets it. */
  set(value: SettingValue<D>): void {
    this.place.instance.set({
      [this.key]: (this.isTurned ? value !== true : value) as boolean,
      ...stampOf(this.clock),
    });
  }

  /** Lets go of the instance. */
  [Symbol.dispose](): void {
    this.place[Symbol.dispose]();
  }

  private get key(): 'digitalOutputState' {
    return keys[this.definition.id] as 'digitalOutputState';
  }

  private get isTurned(): boolean {
    return this.definition.id === DigitalOutput.id && this.place.instance.get('digitalOutputPolarity') === true;
  }
}

const policyOf = ({ id }: SettingDefinition, [least, most]: readonly [number, number]): ObjectPolicy =>
  id === AnalogOutput.id
    ? { check: within([AnalogOutput.resources.analogOutputCurrentValue.id, 'output', least, most]) }
    : {};

// IPSO actuators that servers turn on and off and dim: actuation 3306, light control 3311, power control 3312. They know for how long they
// have been on, and what they have used.
import { type Clock, systemClock } from '@lapwing/kernel';
import { Actuation } from '@lapwing/lwm2m/objects/actuation';
import { LightControl } from '@lapwing/lwm2m/objects/light-control';
import type { PowerControl } from '@lapwing/lwm2m/objects/power-control';
import { Behind } from '../../objects/behind.ts';
import { within } from '../../objects/checks.ts';
import type { Instance } from '../../objects/instance.ts';
import type { ObjectPolicy } from '../../objects/policy.ts';
import type { ObjectStore } from '../../objects/store.ts';
import { onWritten } from '../../objects/written.ts';
import { RunningEnergy } from './running-energy.ts';
import { RunningTime } from './running-time.ts';
import { stampOf } from './stamp.ts';

type ActuatorDefinition = typeof Actuation | typeof LightControl | typeof PowerControl;

export interface ActuatorState {
  readonly isOn: boolean;
  /** Percent. */
  readonly dimmer: number;
  /** Of a light, as its units say. */
  readonly colour: string;
}

export interface ActuatorOptions {
  readonly objects: ObjectStore;
  readonly definition: ActuatorDefinition;
  /** Default 0. */
  readonly instance?: number;
  /** Default off, at 100 percent, without a colour. */
  readonly state?: Partial<ActuatorState>;
  /** What it uses at full power, in W; of lights and power controls; default 0. */
  readonly power?: number;
  readonly powerFactor?: number;
  /** Of a light: of its colour. */
  readonly units?: string;
  readonly applicationType?: string;
  /** Hears what a server wants. */
  readonly changed?: (state: ActuatorState) => void;
  readonly clock?: Clock;
}

const { onTime, dimmer } = LightControl.resources;
const behind = { 3306: new Behind<Actuator>(), 3311: new Behind<Actuator>(), 3312: new Behind<Actuator>() } as const;

export class Actuator implements Disposable {
  private readonly objects: ObjectStore;
  private readonly definition: ActuatorDefinition;
  private readonly clock: Clock;
  private readonly instance: Instance<typeof LightControl>;
  private readonly subscription: Disposable;
  private readonly power: number;
  private readonly on: RunningTime;
  private readonly used: RunningEnergy;

  constructor(options: ActuatorOptions) {
    const { objects, definition, instance = 0, state = {}, power = 0, clock = systemClock } = options;
    this.objects = objects;
    this.definition = definition;
    this.clock = clock;
    this.power = power;
    this.on = new RunningTime(clock);
    this.used = new RunningEnergy(clock);
    objects.define(definition, policyOf(objects, definition));
    const { powerFactor, units, applicationType } = options;
    this.instance = objects.add(definition as typeof LightControl, instance, {
      onOff: state.isOn ?? false,
      dimmer: state.dimmer ?? 100,
      onTime: 0,
      ...(state.colour === undefined ? {} : { colour: state.colour }),
      ...(units === undefined ? {} : { sensorUnits: units }),
      ...(definition === Actuation ? {} : { cumulativeActivePower: 0 }),
      ...(powerFactor === undefined ? {} : { powerFactor }),
      ...(applicationType === undefined ? {} : { applicationType }),
      ...(this.stamp as object),
    });
    behind[definition.id].set(objects, instance, this);
    this.follow();
    this.subscription = onWritten(objects, definition.id, instance, (resources) => {
      // Whatever is written, it begins anew from nothing (resource 5852).
      if (resources.has(onTime.id)) this.on.reset();
      if (![...resources].some((resource) => resource !== onTime.id)) return;
      this.follow();
      this.instance.set(this.stamp);
      options.changed?.(this.state);
    });
  }

  get state(): ActuatorState {
    const { instance } = this;
    return {
      isOn: instance.get('onOff') === true,
      dimmer: instance.get('dimmer') ?? 100,
      colour: instance.get('colour') ?? '',
    };
  }

  /** As somebody at the device wants it. */
  set({ isOn, dimmer: level, colour }: Partial<ActuatorState>): void {
    this.instance.set({
      ...(isOn === undefined ? {} : { onOff: isOn }),
      ...(level === undefined ? {} : { dimmer: level }),
      ...(colour === undefined ? {} : { colour }),
      ...this.stamp,
    });
    this.follow();
  }

  /** Lets go of the instance. */
  [Symbol.dispose](): void {
    this.subscription[Symbol.dispose]();
    behind[this.definition.id].delete(this.objects, this.instance.id);
    this.objects.remove(this.definition.id, this.instance.id);
  }

  /** In seconds. */
  get onTime(): number {
    return Math.floor(this.on.total / 1000);
  }

  /** In Wh. */
  get energy(): number {
    return this.used.total;
  }

  /** Counts time and energy from here at what it is now. */
  private follow(): void {
    const { isOn, dimmer: level } = this.state;
    this.used.draw(isOn ? (this.power * level) / 100 : 0);
    if (isOn) this.on.run();
    else this.on.halt();
  }

  /** A light has none. */
  private get stamp() {
    return this.definition === LightControl ? {} : stampOf(this.clock);
  }
}

function policyOf(objects: ObjectStore, { id }: ActuatorDefinition): ObjectPolicy {
  const at = (instance: number): Actuator | undefined => behind[id].get(objects, instance);
  return {
    check: within([dimmer.id, 'dimmer', 0, 100]),
    readers: {
      onTime: (instance) => at(instance)?.onTime ?? 0,
      ...(id === Actuation.id ? {} : { cumulativeActivePower: (instance: number) => at(instance)?.energy ?? 0 }),
    },
  };
}

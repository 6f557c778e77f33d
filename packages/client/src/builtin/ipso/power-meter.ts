// IPSO power measurement 3305: active and reactive power now, between which they have been, and what that comes to in energy.
import { type Clock, systemClock } from '@lapwing/kernel';
import type { Value } from '@lapwing/lwm2m';
import { PowerMeasurement } from '@lapwing/lwm2m/objects/power-measurement';
import { Behind } from '../../objects/behind.ts';
import type { Instance } from '../../objects/instance.ts';
import { Place } from '../../objects/place.ts';
import type { ObjectStore } from '../../objects/store.ts';
import type { Measuring } from '../../objects/tree.ts';
import { RunningEnergy } from './running-energy.ts';
import { stampOf } from './stamp.ts';

export interface PowerReading {
  /** In W. */
  readonly active: number;
  /** In var; default 0. */
  readonly reactive?: number;
}

export interface PowerMeterOptions extends PowerReading {
  readonly objects: ObjectStore;
  /** Default 0. */
  readonly instance?: number;
  /** What can be measured, in W. */
  readonly activeRange?: readonly [least: number, most: number];
  /** In var. */
  readonly reactiveRange?: readonly [least: number, most: number];
  /** A server knows what load there is now, in W or var: whoever measures makes its coefficient fit. */
  readonly calibrate?: (kind: 'active' | 'reactive', load: number) => void;
  readonly applicationType?: string;
  readonly clock?: Clock;
}

const { resources } = PowerMeasurement;
const meters = new Behind<PowerMeter>();

export class PowerMeter implements Disposable, Measuring {
  private readonly objects: ObjectStore;
  private readonly clock: Clock;
  private readonly place: Place<typeof PowerMeasurement>;
  private readonly energy: { readonly active: RunningEnergy; readonly reactive: RunningEnergy };

  constructor(options: PowerMeterOptions) {
    const { objects, instance = 0, active, reactive = 0, activeRange, reactiveRange, clock = systemClock } = options;
    const { calibrate, applicationType } = options;
    this.objects = objects;
    this.clock = clock;
    this.energy = { active: new RunningEnergy(clock), reactive: new RunningEnergy(clock) };
    this.place = new Place({
      objects,
      definition: PowerMeasurement,
      instance,
      measuring: this,
      policy: {
        readers: {
          cumulativeActivePower: (at) => meters.get(objects, at)?.energy.active.total ?? 0,
          cumulativeReactivePower: (at) => meters.get(objects, at)?.energy.reactive.total ?? 0,
        },
      },
      values: {
        ...this.taken({ active, reactive }, undefined),
        minRangeActivePower: activeRange?.[0],
        maxRangeActivePower: activeRange?.[1],
        minRangeReactivePower: reactiveRange?.[0],
        maxRangeReactivePower: reactiveRange?.[1],
        cumulativeActivePower: 0,
        cumulativeReactivePower: 0,
        currentCalibration: 1,
        applicationType,
        resetMinAndMaxMeasuredValues: () => this.reset(),
        resetCumulativeEnergy: () => this.resetEnergy(),
      },
      written: (written) => {
        for (const [kind, { id }] of Object.entries(loads))
          if (written.has(id)) calibrate?.(kind as keyof typeof loads, this.place.written(id) ?? 0);
      },
    });
    meters.set(objects, instance, this);
  }

  /** As a server has written it (resource 5821); what it did to what is measured is up to whoever measures. */
  get calibration(): number {
    return this.place.instance.get('currentCalibration') ?? 1;
  }

  /** So much is drawn from now on. Throws RangeError for what is no number. */
  measure(reading: PowerReading): void {
    const { instance } = this.place;
    instance.set(this.taken(reading, instance));
  }

  /** Forgets between which it has been, as a server does by resource 5605. */
  reset(): void {
    const { active, reactive } = this.last;
    this.place.instance.set({
      minMeasuredActivePower: active,
      maxMeasuredActivePower: active,
      minMeasuredReactivePower: reactive,
      maxMeasuredReactivePower: reactive,
    });
  }

  /** Counts energy from nothing, as a server does by resource 5822. */
  resetEnergy(): void {
    this.energy.active.reset();
    this.energy.reactive.reset();
    this.place.instance.set({ cumulativeActivePower: 0, cumulativeReactivePower: 0 });
  }

  /** What somebody at the device writes (LocalAccess): power is measured, energy goes on from there. */
  take(resource: number, { value }: Value): boolean {
    const number = Number(value);
    if (resource === resources.instantaneousActivePower.id) this.measure({ ...this.last, active: number });
    else if (resource === resources.instantaneousReactivePower.id) this.measure({ ...this.last, reactive: number });
    else if (resource === resources.cumulativeActivePower.id) this.energy.active.reset(number);
    else if (resource === resources.cumulativeReactivePower.id) this.energy.reactive.reset(number);
    else return false;
    return true;
  }

  /** Lets go of the instance. */
  [Symbol.dispose](): void {
    meters.delete(this.objects, this.place.instance.id);
    this.place[Symbol.dispose]();
  }

  private get last(): Required<PowerReading> {
    const { instance } = this.place;
    return {
      active: instance.get('instantaneousActivePower') ?? 0,
      reactive: instance.get('instantaneousReactivePower') ?? 0,
    };
  }

  private taken({ active, reactive = 0 }: PowerReading, known: Instance<typeof PowerMeasurement> | undefined) {
    for (const power of [active, reactive])
      if (!Number.isFinite(power)) throw new RangeError(`${power} was not measured`);
    this.energy.active.draw(active);
    this.energy.reactive.draw(reactive);
    const apparent = Math.hypot(active, reactive);
    return {
      instantaneousActivePower: active,
      minMeasuredActivePower: Math.min(active, known?.get('minMeasuredActivePower') ?? active),
      maxMeasuredActivePower: Math.max(active, known?.get('maxMeasuredActivePower') ?? active),
      instantaneousReactivePower: reactive,
      minMeasuredReactivePower: Math.min(reactive, known?.get('minMeasuredReactivePower') ?? reactive),
      maxMeasuredReactivePower: Math.max(reactive, known?.get('maxMeasuredReactivePower') ?? reactive),
      powerFactor: apparent === 0 ? 1 : active / apparent,
      ...stampOf(this.clock),
    };
  }
}

/** Written where a load is known. */
const loads = { active: resources.activePowerCalibration, reactive: resources.reactivePowerCalibration } as const;

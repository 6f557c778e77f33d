// IPSO energy 3331: what a load has used since a server last had that forgotten.
import { type Clock, systemClock } from '@lapwing/kernel';
import type { Value } from '@lapwing/lwm2m';
import { Energy } from '@lapwing/lwm2m/objects/energy';
import { Behind } from '../../objects/behind.ts';
import { Place } from '../../objects/place.ts';
import type { ObjectStore } from '../../objects/store.ts';
import type { Measuring } from '../../objects/tree.ts';
import { RunningEnergy } from './running-energy.ts';
import { stampOf } from './stamp.ts';

export interface EnergyMeterOptions {
  readonly objects: ObjectStore;
  /** Default 0. */
  readonly instance?: number;
  /** In W; default 0. */
  readonly power?: number;
  /** Used before, in Wh; default 0. */
  readonly used?: number;
  readonly applicationType?: string;
  readonly clock?: Clock;
}

const meters = new Behind<EnergyMeter>();

export class EnergyMeter implements Disposable, Measuring {
  private readonly objects: ObjectStore;
  private readonly clock: Clock;
  private readonly place: Place<typeof Energy>;
  private readonly energy: RunningEnergy;

  constructor({
    objects,
    instance = 0,
    power = 0,
    used = 0,
    applicationType,
    clock = systemClock,
  }: EnergyMeterOptions) {
    this.objects = objects;
    this.clock = clock;
    this.energy = new RunningEnergy(clock);
    this.energy.reset(used);
    this.energy.draw(power);
    this.place = new Place({
      objects,
      definition: Energy,
      instance,
      measuring: this,
      policy: { readers: { sensorValue: (at) => meters.get(objects, at)?.used ?? 0 } },
      values: {
        sensorValue: used,
        sensorUnits: 'Wh',
        ...stampOf(clock),
        applicationType,
        resetCumulativeEnergy: () => this.reset(),
      },
    });
    meters.set(objects, instance, this);
  }

  /** In Wh. */
  get used(): number {
    return this.energy.total;
  }

  /** So much is drawn from now on, in W. Throws RangeError for what is no number. */
  draw(power: number): void {
    if (!Number.isFinite(power)) throw new RangeError(`${power} was not measured`);
    this.energy.draw(power);
    this.show();
  }

  /** Counts on from so many Wh; from nothing, as a server does by resource 5822. */
  reset(used = 0): void {
    if (!Number.isFinite(used)) throw new RangeError(`${used} was not measured`);
    this.energy.reset(used);
    this.show();
  }

  /** What somebody at the device writes (LocalAccess): it goes on from there. */
  take(resource: number, { value }: Value): boolean {
    if (resource !== Energy.resources.sensorValue.id) return false;
    this.reset(Number(value));
    return true;
  }

  /** Lets go of the instance. */
  [Symbol.dispose](): void {
    meters.delete(this.objects, this.place.instance.id);
    this.place[Symbol.dispose]();
  }

  private show(): void {
    this.place.instance.set({ sensorValue: this.used, ...stampOf(this.clock) });
  }
}

// IPSO location 3336: where something is, how exactly that is known, and where it is heading.
import { type Clock, systemClock } from '@lapwing/kernel';
import type { Value } from '@lapwing/lwm2m';
import { Location3336 } from '@lapwing/lwm2m/objects/location-3336';
import type { Instance, InstancePatch } from '../../objects/instance.ts';
import type { ObjectStore } from '../../objects/store.ts';
import type { Measuring } from '../../objects/tree.ts';
import { checkFix } from '../location.ts';
import { stampOf } from './stamp.ts';

export interface Whereabouts {
  /** Degrees, WGS 84, north is positive; -90 to 90. */
  readonly latitude: number;
  /** Degrees, east is positive; -180 to 180. */
  readonly longitude: number;
  /** In metres. */
  readonly uncertainty?: number;
  /** Degrees from north, 0 to 360. */
  readonly direction?: number;
  /** As in 3GPP TS 23.032. */
  readonly velocity?: Uint8Array;
}

export interface LocationSensorOptions extends Whereabouts {
  readonly objects: ObjectStore;
  /** Default 0. */
  readonly instance?: number;
  readonly applicationType?: string;
  readonly clock?: Clock;
}

const keys = {
  latitude: 'numericLatitude',
  longitude: 'numericLongitude',
  uncertainty: 'numericUncertainty',
  direction: 'compassDirection',
  velocity: 'velocity',
} as const;
const parts = Object.keys(keys) as (keyof typeof keys)[];

export class LocationSensor implements Disposable, Measuring {
  private readonly objects: ObjectStore;
  private readonly clock: Clock;
  private readonly instance: Instance<typeof Location3336>;

  /** Throws RangeError for a place that is not on earth. */
  constructor({ objects, instance = 0, applicationType, clock = systemClock, ...where }: LocationSensorOptions) {
    this.objects = objects;
    this.clock = clock;
    const values = {
      ...valuesOf(where),
      ...stampOf(clock),
      ...(applicationType === undefined ? {} : { applicationType }),
    };
    this.instance = objects.add(
      Location3336,
      instance,
      values as { numericLatitude: number; numericLongitude: number },
      this,
    );
  }

  /** It is there now; what is not said is not known. Throws RangeError for a place that is not on earth. */
  moved(where: Whereabouts): void {
    this.instance.set({ ...valuesOf(where), ...stampOf(this.clock) });
  }

  /** What somebody at the device writes (LocalAccess): it has moved there, and the rest is as it was. */
  take(resource: number, { value }: Value): boolean {
    const part = parts.find((each) => Location3336.resources[keys[each]].id === resource);
    if (part === undefined) return false;
    const known = parts.map((each) => [each, this.instance.get(keys[each])] as const);
    this.moved({ ...(Object.fromEntries(known) as unknown as Whereabouts), [part]: value });
    return true;
  }

  /** Lets go of the instance. */
  [Symbol.dispose](): void {
    this.objects.remove(Location3336.id, this.instance.id);
  }
}

function valuesOf(where: Whereabouts): InstancePatch<typeof Location3336> {
  const { latitude, longitude, uncertainty, direction = 0 } = where;
  checkFix({ latitude, longitude, ...(uncertainty === undefined ? {} : { radius: uncertainty }) });
  if (!(direction >= 0 && direction <= 360)) throw new RangeError(`${direction} is not from 0 to 360 degrees`);
  return Object.fromEntries(parts.map((part) => [keys[part], where[part]]));
}

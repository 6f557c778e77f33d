// Object 6 (Core 1.2.1 Appendix E.7): where the device is, and since when that is known.
import { type Clock, systemClock } from '@lapwing/kernel';
import type { Value } from '@lapwing/lwm2m';
import { Location as LocationObject } from '@lapwing/lwm2m/objects/location';
import type { Instance } from '../objects/instance.ts';
import type { ObjectStore } from '../objects/store.ts';
import type { Measuring } from '../objects/tree.ts';

export interface Fix {
  /** Degrees, WGS 84, north is positive; -90 to 90. */
  readonly latitude: number;
  /** Degrees, east is positive; -180 to 180. */
  readonly longitude: number;
  /** Metres above sea level. */
  readonly altitude?: number;
  /** Metres around it within which the device is. */
  readonly radius?: number;
  /** As in 3GPP TS 23.032. */
  readonly velocity?: Uint8Array;
  /** Metres per second. */
  readonly speed?: number;
}

export interface LocationOptions extends Fix {
  readonly objects: ObjectStore;
  readonly clock?: Clock;
}

export class Location implements Disposable, Measuring {
  private readonly objects: ObjectStore;
  private readonly clock: Clock;
  private readonly instance: Instance<typeof LocationObject>;

  /** Throws RangeError for a place that is not on earth. */
  constructor({ objects, clock = systemClock, ...fix }: LocationOptions) {
    checkFix(fix);
    this.objects = objects;
    this.clock = clock;
    this.instance = objects.add(LocationObject, 0, { ...fix, timestamp: this.now }, this);
  }

  /** The device is there now; what is not said of it is not known. Throws RangeError for a place that is not on earth. */
  moved(fix: Fix): void {
    checkFix(fix);
    const unknown = { altitude: undefined, radius: undefined, velocity: undefined, speed: undefined };
    this.instance.set({ ...unknown, ...fix, timestamp: this.now });
  }

  /** What somebody at the device writes (LocalAccess): it has moved there, and the rest is as it was. */
  take(resource: number, { value }: Value): boolean {
    const part = fixParts.find((each) => LocationObject.resources[each].id === resource);
    if (part === undefined) return false;
    const known = fixParts.map((each) => [each, this.instance.get(each)] as const);
    const there = known.filter(([, now]) => now !== undefined);
    this.moved({ ...(Object.fromEntries(there) as unknown as Fix), [part]: value });
    return true;
  }

  /** Lets go of the object. */
  [Symbol.dispose](): void {
    this.objects.remove(LocationObject.id, 0);
  }

  private get now(): number {
    return Math.floor(this.clock.wall() / 1000);
  }
}

const fixParts = ['latitude', 'longitude', 'altitude', 'radius', 'velocity', 'speed'] as const;

/** Throws RangeError for a place that is not on earth. */
export function checkFix({ latitude, longitude, radius = 0 }: Fix): void {
  if (!(latitude >= -90 && latitude <= 90)) throw new RangeError(`latitude ${latitude} is not from -90 to 90`);
  if (!(longitude >= -180 && longitude <= 180)) throw new RangeError(`longitude ${longitude} is not from -180 to 180`);
  if (!(radius >= 0)) throw new RangeError(`radius ${radius} is below 0`);
}

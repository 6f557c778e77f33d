// IPSO bitmap 3349: several inputs that are on or off in one number, the first in its lowest bit.
import { type Clock, systemClock } from '@lapwing/kernel';
import type { Value } from '@lapwing/lwm2m';
import { Bitmap as BitmapObject } from '@lapwing/lwm2m/objects/bitmap';
import type { Instance } from '../../objects/instance.ts';
import type { ObjectStore } from '../../objects/store.ts';
import type { Measuring } from '../../objects/tree.ts';
import { stampOf } from './stamp.ts';

export interface BitmapOptions {
  readonly objects: ObjectStore;
  /** Default 0. */
  readonly instance?: number;
  /** What each bit is about, the lowest first; 1 to 31. */
  readonly elements: readonly string[];
  /** Default none is on. */
  readonly bits?: number;
  readonly applicationType?: string;
  readonly clock?: Clock;
}

export class Bitmap implements Disposable, Measuring {
  private readonly objects: ObjectStore;
  private readonly clock: Clock;
  private readonly count: number;
  private readonly instance: Instance<typeof BitmapObject>;

  /** Throws RangeError for bits that it has not. */
  constructor(options: BitmapOptions) {
    const { objects, instance = 0, elements, bits = 0, applicationType, clock = systemClock } = options;
    this.objects = objects;
    this.clock = clock;
    this.count = elements.length;
    if (!(this.count >= 1 && this.count <= 31)) throw new RangeError(`${this.count} elements are not from 1 to 31`);
    const values = {
      ...this.shown(bits),
      elementDescription: new Map(elements.map((element, i) => [i, element])),
      ...(applicationType === undefined ? {} : { applicationType }),
      bitmapInputReset: () => this.set(0),
    };
    this.instance = objects.add(BitmapObject, instance, values, this);
  }

  get bits(): number {
    return this.instance.get('bitmapInput') ?? 0;
  }

  /** All of them. Throws RangeError for bits that it has not. */
  set(bits: number): void {
    this.instance.set(this.shown(bits));
  }

  /** One of them comes on or goes off. Throws RangeError for one that it has not. */
  turn(element: number, state: 'on' | 'off'): void {
    if (!Number.isInteger(element) || element < 0 || element >= this.count)
      throw new RangeError(`there is no element ${element}`);
    this.set(state === 'on' ? this.bits | (1 << element) : this.bits & ~(1 << element));
  }

  /** What somebody at the device writes (LocalAccess) are all inputs. */
  take(resource: number, { value }: Value): boolean {
    if (resource !== BitmapObject.resources.bitmapInput.id) return false;
    this.set(Number(value));
    return true;
  }

  /** Lets go of the instance. */
  [Symbol.dispose](): void {
    this.objects.remove(BitmapObject.id, this.instance.id);
  }

  private shown(bits: number) {
    if (!Number.isInteger(bits) || bits < 0 || bits >= 2 ** this.count)
      throw new RangeError(`${bits} is not from 0 to ${2 ** this.count - 1}, which is ${this.count} bits`);
    return { bitmapInput: bits, ...stampOf(this.clock) };
  }
}

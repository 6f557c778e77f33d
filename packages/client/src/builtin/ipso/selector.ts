// IPSO multi-state selector 3348: a switch with several positions.
import { type Clock, systemClock } from '@lapwing/kernel';
import type { Value } from '@lapwing/lwm2m';
import { MultiStateSelector } from '@lapwing/lwm2m/objects/multi-state-selector';
import type { Instance } from '../../objects/instance.ts';
import type { ObjectStore } from '../../objects/store.ts';
import type { Measuring } from '../../objects/tree.ts';
import { stampOf } from './stamp.ts';

export interface SelectorOptions {
  readonly objects: ObjectStore;
  /** Default 0. */
  readonly instance?: number;
  /** How many there are; they are counted from 0. */
  readonly positions: number;
  /** Default 0. */
  readonly position?: number;
  readonly applicationType?: string;
  readonly clock?: Clock;
}

export class Selector implements Disposable, Measuring {
  private readonly objects: ObjectStore;
  private readonly clock: Clock;
  private readonly positions: number;
  private readonly instance: Instance<typeof MultiStateSelector>;

  /** Throws RangeError for a position that it has not. */
  constructor(options: SelectorOptions) {
    const { objects, instance = 0, positions, position = 0, applicationType, clock = systemClock } = options;
    this.objects = objects;
    this.clock = clock;
    this.positions = positions;
    const values = { ...this.at(position), ...(applicationType === undefined ? {} : { applicationType }) };
    this.instance = objects.add(MultiStateSelector, instance, values, this);
  }

  get position(): number {
    return this.instance.get('multiStateInput') ?? 0;
  }

  /** Somebody turns it. Throws RangeError for a position that it has not. */
  select(position: number): void {
    this.instance.set(this.at(position));
  }

  /** What somebody at the device writes (LocalAccess) is selected. */
  take(resource: number, { value }: Value): boolean {
    if (resource !== MultiStateSelector.resources.multiStateInput.id) return false;
    this.select(Number(value));
    return true;
  }

  /** Lets go of the instance. */
  [Symbol.dispose](): void {
    this.objects.remove(MultiStateSelector.id, this.instance.id);
  }

  private at(position: number) {
    if (!Number.isInteger(position) || position < 0 || position >= this.positions)
      throw new RangeError(`there is no position ${position}, but 0 to ${this.positions - 1}`);
    return { multiStateInput: position, ...stampOf(this.clock) };
  }
}

// IPSO up/down control 3344: two buttons, or a knob that turns both ways. How often either was used is counted.
import type { Value } from '@lapwing/lwm2m';
import { UpDownControl as ControlObject } from '@lapwing/lwm2m/objects/up-down-control';
import type { Instance } from '../../objects/instance.ts';
import type { ObjectStore } from '../../objects/store.ts';
import type { Measuring } from '../../objects/tree.ts';

export interface UpDownControlOptions {
  readonly objects: ObjectStore;
  /** Default 0. */
  readonly instance?: number;
  readonly applicationType?: string;
}

const inputs = { up: 'increaseInputState', down: 'decreaseInputState' } as const;
const counters = { up: 'upCounter', down: 'downCounter' } as const;
const ways = ['up', 'down'] as const;
type Way = (typeof ways)[number];

export class UpDownControl implements Disposable, Measuring {
  private readonly objects: ObjectStore;
  private readonly instance: Instance<typeof ControlObject>;

  constructor({ objects, instance = 0, applicationType }: UpDownControlOptions) {
    this.objects = objects;
    const values = {
      increaseInputState: false,
      decreaseInputState: false,
      upCounter: 0,
      downCounter: 0,
      ...(applicationType === undefined ? {} : { applicationType }),
    };
    this.instance = objects.add(ControlObject, instance, values, this);
  }

  /** One of both is held, or let go of. */
  set(way: Way, state: 'on' | 'off'): void {
    const isOn = state === 'on';
    if (isOn === (this.instance.get(inputs[way]) === true)) return;
    const count = this.instance.get(counters[way]) ?? 0;
    this.instance.set({ [inputs[way]]: isOn, ...(isOn ? { [counters[way]]: count + 1 } : {}) });
  }

  /** Once, and let go of. */
  press(way: Way): void {
    this.set(way, 'on');
    this.set(way, 'off');
  }

  /** What somebody at the device writes (LocalAccess) is held or let go of. */
  take(resource: number, { value }: Value): boolean {
    const way = ways.find((each) => ControlObject.resources[inputs[each]].id === resource);
    if (way === undefined) return false;
    this.set(way, value === true ? 'on' : 'off');
    return true;
  }

  /** Lets go of the instance. */
  [Symbol.dispose](): void {
    this.objects.remove(ControlObject.id, this.instance.id);
  }
}

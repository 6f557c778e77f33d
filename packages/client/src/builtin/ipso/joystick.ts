// IPSO multiple axis joystick 3345: where it is, and a button whose presses are counted.
import type { Value } from '@lapwing/lwm2m';
import { MultipleAxisJoystick } from '@lapwing/lwm2m/objects/multiple-axis-joystick';
import type { Instance } from '../../objects/instance.ts';
import type { ObjectStore } from '../../objects/store.ts';
import type { Measuring } from '../../objects/tree.ts';

export interface JoystickPosition {
  readonly x: number;
  readonly y?: number;
  readonly z?: number;
}

export interface JoystickOptions extends JoystickPosition {
  readonly objects: ObjectStore;
  /** Default 0. */
  readonly instance?: number;
  readonly applicationType?: string;
}

const { resources } = MultipleAxisJoystick;
const axes = ['x', 'y', 'z'] as const;
const keys = { x: 'xValue', y: 'yValue', z: 'zValue' } as const;

export class Joystick implements Disposable, Measuring {
  private readonly objects: ObjectStore;
  private readonly instance: Instance<typeof MultipleAxisJoystick>;

  constructor({ objects, instance = 0, applicationType, ...position }: JoystickOptions) {
    this.objects = objects;
    const values = {
      digitalInputState: false,
      digitalInputCounter: 0,
      ...valuesOf(position),
      ...(applicationType === undefined ? {} : { applicationType }),
    };
    this.instance = objects.add(MultipleAxisJoystick, instance, values, this);
  }

  /** The axes that are said. Throws RangeError for what is no number. */
  move(position: Partial<JoystickPosition>): void {
    this.instance.set(valuesOf(position));
  }

  /** Its button is held, or let go of. */
  set(state: 'on' | 'off'): void {
    const isOn = state === 'on';
    if (isOn === (this.instance.get('digitalInputState') === true)) return;
    const count = this.instance.get('digitalInputCounter') ?? 0;
    this.instance.set({ digitalInputState: isOn, digitalInputCounter: isOn ? count + 1 : count });
  }

  /** Its button, once, and let go of. */
  press(): void {
    this.set('on');
    this.set('off');
  }

  /** What somebody at the device writes (LocalAccess): the button is held or let go of, the stick is there. */
  take(resource: number, { value }: Value): boolean {
    const axis = axes.find((each) => resources[keys[each]].id === resource);
    if (axis !== undefined) this.move({ [axis]: Number(value) });
    else if (resource === resources.digitalInputState.id) this.set(value === true ? 'on' : 'off');
    else return false;
    return true;
  }

  /** Lets go of the instance. */
  [Symbol.dispose](): void {
    this.objects.remove(MultipleAxisJoystick.id, this.instance.id);
  }
}

function valuesOf(position: Partial<JoystickPosition>): { readonly [K in 'xValue' | 'yValue' | 'zValue']?: number } {
  const known = axes.flatMap((axis) => (position[axis] === undefined ? [] : [[keys[axis], position[axis]] as const]));
  const strange = known.find(([, value]) => !Number.isFinite(value));
  if (strange !== undefined) throw new RangeError(`${strange[1]} was not measured`);
  return Object.fromEntries(known);
}

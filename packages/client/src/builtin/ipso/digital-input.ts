// IPSO inputs that are on or off: digital input 3200, presence 3302, on/off switch 3342, push button 3347. Each time that one comes on is
// counted; a switch also knows for how long it has been on and off.
import { type Clock, systemClock } from '@lapwing/kernel';
import type { Value } from '@lapwing/lwm2m';
import { DigitalInput as DigitalInputObject } from '@lapwing/lwm2m/objects/digital-input';
import { OnOffSwitch } from '@lapwing/lwm2m/objects/on-off-switch';
import { Presence } from '@lapwing/lwm2m/objects/presence';
import type { PushButton } from '@lapwing/lwm2m/objects/push-button';
import { Behind } from '../../objects/behind.ts';
import type { Instance } from '../../objects/instance.ts';
import type { ObjectStore } from '../../objects/store.ts';
import type { Measuring } from '../../objects/tree.ts';
import { onWritten } from '../../objects/written.ts';
import { RunningTime } from './running-time.ts';
import { stampOf } from './stamp.ts';

export interface DigitalInputOptions {
  readonly objects: ObjectStore;
  readonly definition: typeof DigitalInputObject | typeof Presence | typeof OnOffSwitch | typeof PushButton;
  /** Default 0. */
  readonly instance?: number;
  /** Default off. */
  readonly isOn?: boolean;
  readonly applicationType?: string;
  readonly clock?: Clock;
}

const { onTime, offTime, digitalInputState, digitalInputCounter } = OnOffSwitch.resources;
/** Edges that are counted (resource 5504). */
const Edge = { Falling: 1, Rising: 2, Both: 3 } as const;
const switches = new Behind<DigitalInput>();

export class DigitalInput implements Disposable, Measuring {
  private readonly objects: ObjectStore;
  private readonly clock: Clock;
  private readonly instance: Instance<typeof DigitalInputObject>;
  private readonly subscription: Disposable;
  private readonly times: { readonly on: RunningTime; readonly off: RunningTime };
  private count = 0;
  /** As it is, whatever a server wants to see of it. */
  private line: boolean;
  private debouncing: Disposable | undefined;

  constructor({
    objects,
    definition,
    instance = 0,
    isOn = false,
    applicationType,
    clock = systemClock,
  }: DigitalInputOptions) {
    this.objects = objects;
    this.clock = clock;
    this.line = isOn;
    this.times = { on: new RunningTime(clock), off: new RunningTime(clock) };
    this.times[isOn ? 'on' : 'off'].run();
    const isSwitch = definition === OnOffSwitch;
    if (isSwitch) objects.define(OnOffSwitch, { readers: { onTime: read('on'), offTime: read('off') } });
    const values = {
      digitalInputState: isOn,
      digitalInputCounter: 0,
      ...stampOf(clock),
      ...(applicationType === undefined ? {} : { applicationType }),
      ...((isSwitch ? { onTime: 0, offTime: 0 } : {}) as object),
      ...(definition === DigitalInputObject
        ? { digitalInputPolarity: false, digitalInputDebounce: 0, digitalInputEdgeSelection: Edge.Rising }
        : {}),
      ...(definition === DigitalInputObject || definition === Presence
        ? { digitalInputCounterReset: () => this.reset() }
        : {}),
    };
    this.instance = objects.add(definition as typeof DigitalInputObject, instance, values, this);
    if (isSwitch) switches.set(objects, instance, this);
    this.subscription = onWritten(objects, definition.id, instance, (resources) => {
      // Any number written begins anew from nothing (resources 5852, 5854).
      if (resources.has(onTime.id)) this.times.on.reset();
      if (resources.has(offTime.id)) this.times.off.reset();
      if (resources.has(DigitalInputObject.resources.digitalInputPolarity.id)) this.show();
    });

    function read(which: 'on' | 'off') {
      return (at: number) => {
        return Math.floor((switches.get(objects, at)?.times[which].total ?? 0) / 1000);
      };
    }
  }

  /** It is on or off from now on; where a server wants it debounced, once it has stayed so. */
  set(state: 'on' | 'off'): void {
    const wait = this.definesDebounce ? (this.instance.get('digitalInputDebounce') ?? 0) : 0;
    this.debouncing?.[Symbol.dispose]();
    this.debouncing = undefined;
    if (wait <= 0) this.settle(state === 'on');
    else this.debouncing = this.clock.at(this.clock.now() + wait, () => this.settle(state === 'on'));
  }

  /** Once on and off again. */
  press(): void {
    this.set('on');
    this.set('off');
  }

  /** Counts from nothing, as a server does by resource 5505. */
  reset(): void {
    this.count = 0;
    this.instance.set({ digitalInputCounter: 0 });
  }

  /** What somebody at the device writes (LocalAccess): the input comes on or goes off, the counter goes on from there. */
  take(resource: number, { value }: Value): boolean {
    if (resource === digitalInputState.id) this.set((value === true) === this.isTurned ? 'off' : 'on');
    else if (resource === digitalInputCounter.id) {
      this.count = Number(value);
      this.show();
    } else return false;
    return true;
  }

  /** Lets go of the instance. */
  [Symbol.dispose](): void {
    this.debouncing?.[Symbol.dispose]();
    this.subscription[Symbol.dispose]();
    if (switches.get(this.objects, this.instance.id) === this) switches.delete(this.objects, this.instance.id);
    this.objects.remove(this.instance.definition.id, this.instance.id);
  }

  private get definesDebounce(): boolean {
    return (this.instance.definition.id as number) === DigitalInputObject.id;
  }

  private get isTurned(): boolean {
    return this.definesDebounce && this.instance.get('digitalInputPolarity') === true;
  }

  private settle(isOn: boolean): void {
    if (isOn === this.line) return;
    this.line = isOn;
    this.times[isOn ? 'on' : 'off'].run();
    this.times[isOn ? 'off' : 'on'].halt();
    const edges = this.definesDebounce ? (this.instance.get('digitalInputEdgeSelection') ?? Edge.Rising) : Edge.Rising;
    if (edges === Edge.Both || edges === (isOn ? Edge.Rising : Edge.Falling)) this.count += 1;
    this.show();
  }

  /** With its polarity turned round a server sees the opposite. */
  private show(): void {
    this.instance.set({
      digitalInputState: this.line !== this.isTurned,
      digitalInputCounter: this.count,
      ...stampOf(this.clock),
    });
  }
}

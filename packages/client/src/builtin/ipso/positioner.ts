// IPSO positioner 3337: a blind, a valve or a slide that servers move, and that takes its time to get there.
import { type Clock, type Duration, type Instant, seconds, systemClock } from '@lapwing/kernel';
import { Positioner as PositionerObject } from '@lapwing/lwm2m/objects/positioner';
import { Behind } from '../../objects/behind.ts';
import { within } from '../../objects/checks.ts';
import { Place } from '../../objects/place.ts';
import type { ObjectStore } from '../../objects/store.ts';
import { stampOf } from './stamp.ts';

export interface PositionerOptions {
  readonly objects: ObjectStore;
  /** Default 0. */
  readonly instance?: number;
  /** Percent; default the least. */
  readonly position?: number;
  /** Percent; default 0 to 100. */
  readonly limits?: readonly [least: number, most: number];
  /** How long it takes to another position, in seconds; default 0. */
  readonly transitionTime?: number;
  /** Hears where it is to go, and that it is there. */
  readonly moving?: (position: number, state: 'begins' | 'ends') => void;
  readonly applicationType?: string;
  readonly clock?: Clock;
}

interface Move {
  readonly from: number;
  readonly to: number;
  readonly began: Instant;
  readonly takes: Duration;
}

const { currentPosition, transitionTime: time } = PositionerObject.resources;
const behind = new Behind<Positioner>();
const longest = 0xffff_ffff;

export class Positioner implements Disposable {
  private readonly objects: ObjectStore;
  private readonly clock: Clock;
  private readonly place: Place<typeof PositionerObject>;
  private readonly moving: PositionerOptions['moving'];
  private move: Move;
  private arrival: Disposable | undefined;

  constructor(options: PositionerOptions) {
    const { objects, instance = 0, limits = [0, 100], transitionTime = 0, moving, clock = systemClock } = options;
    const { position = limits[0], applicationType } = options;
    this.objects = objects;
    this.clock = clock;
    this.moving = moving;
    this.move = { from: position, to: position, began: clock.now(), takes: 0 };
    this.place = new Place({
      objects,
      definition: PositionerObject,
      instance,
      policy: {
        check: within([currentPosition.id, 'position', ...limits], [time.id, 'transition time', 0, longest]),
        readers: {
          currentPosition: (at) => behind.get(objects, at)?.position ?? 0,
          remainingTime: (at) => behind.get(objects, at)?.remaining ?? 0,
        },
      },
      values: {
        currentPosition: position,
        transitionTime,
        remainingTime: 0,
        minMeasuredValue: position,
        maxMeasuredValue: position,
        minLimit: limits[0],
        maxLimit: limits[1],
        ...stampOf(clock),
        applicationType,
        resetMinAndMaxMeasuredValues: () => this.reset(),
      },
      written: (resources) => {
        if (resources.has(currentPosition.id)) this.go(this.place.written(currentPosition.id) ?? this.move.to);
      },
    });
    behind.set(objects, instance, this);
  }

  /** Percent, also on the way. */
  get position(): number {
    const { from, to, began, takes } = this.move;
    const share = takes === 0 ? 1 : Math.min(1, (this.clock.now() - began) / takes);
    return from + (to - from) * share;
  }

  /** In seconds, until it is there. */
  get remaining(): number {
    const { began, takes } = this.move;
    return Math.max(0, began + takes - this.clock.now()) / 1000;
  }

  /** Somebody at the device moves it. Throws ResponseError for what is beyond its limits. */
  set(position: number): void {
    this.place.instance.set({ currentPosition: position });
    this.go(position);
  }

  /** Forgets between which it has been, as a server does by resource 5605. */
  reset(): void {
    const { position } = this;
    this.place.instance.set({ minMeasuredValue: position, maxMeasuredValue: position });
  }

  /** Lets go of the instance. */
  [Symbol.dispose](): void {
    this.arrival?.[Symbol.dispose]();
    behind.delete(this.objects, this.place.instance.id);
    this.place[Symbol.dispose]();
  }

  private go(to: number): void {
    this.arrival?.[Symbol.dispose]();
    this.arrival = undefined;
    const from = this.position;
    const takes = from === to ? 0 : seconds(this.place.instance.get('transitionTime') ?? 0);
    this.move = { from, to, began: this.clock.now(), takes };
    this.moving?.(to, 'begins');
    this.show();
    if (takes === 0) this.arrived();
    else this.arrival = this.clock.at(this.clock.now() + takes, () => this.arrived());
  }

  private arrived(): void {
    this.show();
    this.moving?.(this.move.to, 'ends');
  }

  /** Where it is; what is written stays beneath it. */
  private show(): void {
    const { position, place } = this;
    place.instance.set({
      currentPosition: this.move.to,
      remainingTime: this.remaining,
      minMeasuredValue: Math.min(position, place.instance.get('minMeasuredValue') ?? position),
      maxMeasuredValue: Math.max(position, place.instance.get('maxMeasuredValue') ?? position),
      ...stampOf(this.clock),
    });
  }
}

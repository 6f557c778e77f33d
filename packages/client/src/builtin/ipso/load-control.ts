// IPSO load control 3310: a server announces for when and how much a load is to be kept down.
import { type Clock, minutes, seconds, systemClock } from '@lapwing/kernel';
import { LoadControl as LoadControlObject } from '@lapwing/lwm2m/objects/load-control';
import { within } from '../../objects/checks.ts';
import { Place } from '../../objects/place.ts';
import type { ObjectStore } from '../../objects/store.ts';
import { stampOf } from './stamp.ts';

export interface LoadEvent {
  readonly id: string;
  /** Unix time in seconds. */
  readonly start: number;
  /** In minutes. */
  readonly duration: number;
  /** 0 to 3. */
  readonly criticality: number;
  /** Most that may be used, in percent of what is usual. */
  readonly load: number;
  /** Percent of the time in which it may be on. */
  readonly dutyCycle: number;
}

export interface LoadControlOptions {
  readonly objects: ObjectStore;
  /** Default 0. */
  readonly instance?: number;
  /** Hears of an event that begins, and of nothing when it is over. */
  readonly changed?: (event: LoadEvent | undefined) => void;
  readonly applicationType?: string;
  readonly clock?: Clock;
}

const { criticalityLevel, avgLoadAdjPct, dutyCycle, durationInMin } = LoadControlObject.resources;
const longest = 0x7fff_ffff;

export class LoadControl implements Disposable {
  private readonly clock: Clock;
  private readonly place: Place<typeof LoadControlObject>;
  private readonly changed: LoadControlOptions['changed'];
  private next: Disposable | undefined;
  private running: LoadEvent | undefined;

  constructor({ objects, instance = 0, changed, applicationType, clock = systemClock }: LoadControlOptions) {
    this.clock = clock;
    this.changed = changed;
    this.place = new Place({
      objects,
      definition: LoadControlObject,
      instance,
      policy: {
        check: within(
          [durationInMin.id, 'duration', 0, longest],
          [criticalityLevel.id, 'criticality', 0, 3],
          [avgLoadAdjPct.id, 'load', 0, 100],
          [dutyCycle.id, 'duty cycle', 0, 100],
        ),
      },
      values: {
        eventIdentifier: '',
        startTime: 0,
        durationInMin: 0,
        criticalityLevel: 0,
        avgLoadAdjPct: 100,
        dutyCycle: 100,
        ...stampOf(clock),
        applicationType,
      },
      written: () => {
        this.place.instance.set(stampOf(clock));
        this.follow();
      },
    });
  }

  /** What is on now; undefined where nothing is. */
  get event(): LoadEvent | undefined {
    return this.running;
  }

  /** Lets go of the instance. */
  [Symbol.dispose](): void {
    this.next?.[Symbol.dispose]();
    this.place[Symbol.dispose]();
  }

  /** What is on by now begins or goes on as it is written, what is not ends; and when that changes by itself. */
  private follow(): void {
    this.next?.[Symbol.dispose]();
    this.next = undefined;
    const event = this.written;
    const start = seconds(event.start);
    const end = start + minutes(event.duration);
    const now = this.clock.wall();
    const isOn = now >= start && now < end;
    const turn = isOn ? end : start;
    if (turn > now && end > start) this.next = this.clock.at(this.clock.now() + turn - now, () => this.follow());
    if (!isOn && this.running === undefined) return;
    this.running = isOn ? event : undefined;
    this.changed?.(this.running);
  }

  private get written(): LoadEvent {
    const { instance } = this.place;
    return {
      id: instance.get('eventIdentifier') ?? '',
      start: instance.get('startTime') ?? 0,
      duration: instance.get('durationInMin') ?? 0,
      criticality: instance.get('criticalityLevel') ?? 0,
      load: instance.get('avgLoadAdjPct') ?? 100,
      dutyCycle: instance.get('dutyCycle') ?? 100,
    };
  }
}

// Core: the calendar of a fleet. Says when each device is switched on, measures, moves and restarts; what comes of it is not its business.
// All times of its devices count from the beginning of the run, which is eight in the morning of a day that may be shorter than ours.
import { type Core, type Due, DueQueue, type Duration, type Instant } from '@lapwing/kernel';
import { Behaviour, type Measurement, type Place } from './behaviour.ts';
import { Chance, type Source } from './chance.ts';
import { Chaos, type ChaosRates, type Mishap } from './chaos.ts';
import type { Profile, SensorPlan } from './profile.ts';

export interface SchedulePlan {
  readonly devices: number;
  readonly profile: Profile;
  /** Devices that are switched on for the first time, per second. */
  readonly rate: number;
  readonly day: Duration;
  readonly seed: number;
  readonly chaos: ChaosRates;
}

export type ScheduleInput =
  | { readonly kind: 'begin' }
  /** The device restarts by itself: a server has said so, or it has new firmware. `off` is how long it takes. */
  | { readonly kind: 'restart'; readonly device: number; readonly off: Duration }
  /** Nothing happens any more. */
  | { readonly kind: 'end' };

export type ScheduleEffect =
  | { readonly kind: 'on' | 'off' | 'move'; readonly device: number }
  | {
      readonly kind: 'measure';
      readonly device: number;
      readonly measurements: readonly Measurement[];
      readonly place: Place | undefined;
    };

/** Effects of one step: then answers have their turn, else they would seem slow for what happens here. */
const mostAtOnce = 16;
const morning = 8 / 24;

class Task implements Due {
  dueAt: Instant = 0;
  place = -1;
  readonly track: Track;
  /** Undefined: what happens to the device itself. */
  readonly plan: SensorPlan | undefined;

  constructor(track: Track, plan: SensorPlan | undefined) {
    this.track = track;
    this.plan = plan;
  }
}

class Track {
  readonly device: number;
  readonly behaviour: Behaviour;
  readonly chaos: Chaos;
  readonly sensors: readonly Task[];
  readonly own: Task;
  /** What comes next; undefined while it is off. */
  mishap: Mishap | undefined;
  isOn = false;

  constructor(device: number, { profile, day, seed, chaos }: SchedulePlan) {
    const chance = (source: Source): Chance => new Chance(seed, device, source);
    this.device = device;
    this.behaviour = new Behaviour(profile, day, chance('behaviour'));
    this.chaos = new Chaos(chaos, chance);
    this.sensors = profile.sensors.map((plan) => new Task(this, plan));
    this.own = new Task(this, undefined);
  }
}

export class Schedule implements Core<ScheduleInput, ScheduleEffect> {
  private readonly plan: SchedulePlan;
  private readonly tracks: Track[] = [];
  private readonly queue = new DueQueue<Task>();
  private begunAt: Instant | undefined;
  private ended = false;

  constructor(plan: SchedulePlan) {
    this.plan = plan;
  }

  /** Devices that have been switched on so far. */
  get started(): number {
    return this.tracks.length;
  }

  get deadline(): Instant | undefined {
    if (this.begunAt === undefined || this.ended) return undefined;
    const task = this.queue.first?.dueAt;
    const start = this.nextStart;
    return task === undefined || start === undefined ? (task ?? start) : Math.min(task, start);
  }

  /** When the device measures, moves or restarts next. */
  nextAt(device: number): Instant | undefined {
    const track = this.tracks[device];
    const times = track === undefined ? [] : [track.own, ...track.sensors].filter(({ place }) => place >= 0);
    return times.reduce<Instant | undefined>((first, { dueAt }) => Math.min(first ?? dueAt, dueAt), undefined);
  }

  /** Whether a datagram of the device is lost. */
  drops(device: number): boolean {
    return this.tracks[device]?.chaos.drops() ?? false;
  }

  /** Whether the installation of new firmware on it comes to something. */
  installs(device: number): boolean {
    return this.tracks[device]?.chaos.installs() ?? false;
  }

  handle(input: ScheduleInput, now: Instant): readonly ScheduleEffect[] {
    switch (input.kind) {
      case 'begin':
        this.begunAt ??= now;
        return this.expire(now);
      case 'end':
        this.ended = true;
        this.queue.clear();
        return [];
      case 'restart': {
        const track = this.tracks[input.device];
        if (track === undefined || !track.isOn || this.ended) return [];
        return this.switchOff(track, now, input.off);
      }
    }
  }

  /** Everything happens at the time that it was due, also when that is late: what follows does not depend on how busy the machine is. */
  expire(now: Instant): readonly ScheduleEffect[] {
    const effects: ScheduleEffect[] = [];
    while (effects.length < mostAtOnce) {
      const { deadline, nextStart } = this;
      if (deadline === undefined || deadline > now) break;
      const task = deadline === nextStart ? undefined : this.queue.take(now);
      effects.push(...(task === undefined ? this.begin(deadline) : this.run(task, deadline)));
    }
    return effects;
  }

  private get nextStart(): Instant | undefined {
    const { devices, rate } = this.plan;
    const { length } = this.tracks;
    return length >= devices || this.begunAt === undefined ? undefined : this.begunAt + (length * 1000) / rate;
  }

  private begin(now: Instant): readonly ScheduleEffect[] {
    const track = new Track(this.tracks.length, this.plan);
    this.tracks.push(track);
    return this.switchOn(track, now);
  }

  private run(task: Task, now: Instant): readonly ScheduleEffect[] {
    const { track, plan } = task;
    const { device, behaviour } = track;
    if (plan !== undefined) {
      const at = this.dayTime(now);
      this.queue.set(task, now + behaviour.nextMeasurement(plan, at) - at);
      return [{ kind: 'measure', device, measurements: behaviour.measure(plan, at), place: behaviour.where(at) }];
    }
    if (!track.isOn) return this.switchOn(track, now);
    const { mishap } = track;
    if (mishap?.kind === 'reboot') return this.switchOff(track, now, mishap.off);
    this.expectMishap(track, now);
    return mishap === undefined ? [] : [{ kind: 'move', device }];
  }

  private switchOn(track: Track, now: Instant): readonly ScheduleEffect[] {
    track.isOn = true;
    const at = this.dayTime(now);
    for (const task of track.sensors)
      if (task.plan !== undefined) this.queue.set(task, now + track.behaviour.firstMeasurement(task.plan, at) - at);
    this.expectMishap(track, now);
    return [{ kind: 'on', device: track.device }];
  }

  private switchOff(track: Track, now: Instant, off: Duration): readonly ScheduleEffect[] {
    track.isOn = false;
    track.mishap = undefined;
    for (const task of track.sensors) this.queue.delete(task);
    this.queue.set(track.own, now + off);
    return [{ kind: 'off', device: track.device }];
  }

  private expectMishap(track: Track, now: Instant): void {
    const mishap = track.chaos.next(now);
    track.mishap = mishap;
    if (mishap === undefined) this.queue.delete(track.own);
    else this.queue.set(track.own, mishap.at);
  }

  private dayTime(now: Instant): Duration {
    return now - (this.begunAt ?? now) + this.plan.day * morning;
  }
}

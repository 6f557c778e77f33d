// What a device does over a day: when it measures next and what it finds, and where it is. Values follow a curve with one
// peak a day, each device with a curve of its own beside it; a device that sleeps more at night measures less then. Pure but for
// its own chance: the same seed gives the same day.
import type { Duration } from '@lapwing/kernel';
import type { Chance } from './chance.ts';
import type { Profile, SensorPlan } from './profile.ts';

export interface Measurement {
  readonly object: number;
  readonly instance: number;
  readonly value: number;
}

export interface Place {
  /** Degrees, WGS 84. */
  readonly latitude: number;
  readonly longitude: number;
}

/** Metres of one degree of latitude. */
const degree = 111_320;
const turn = 2 * Math.PI;

export class Behaviour {
  private readonly profile: Profile;
  private readonly random: Chance;
  private readonly day: Duration;
  /** Of all its curves: how far it is beside that of the fleet, as a share of the range. */
  private readonly offset: number;
  private place: { latitude: number; longitude: number };
  private heading: number;
  private placedAt: Duration = 0;

  /** `day` is how long a day takes: shorter than 24 h to see one in less. */
  constructor(profile: Profile, day: Duration, random: Chance) {
    this.profile = profile;
    this.day = day;
    this.random = random;
    this.offset = (random.fraction() - 0.5) * 0.2;
    // Within some kilometres of the middle of Europe.
    this.place = { latitude: 50.5 + random.fraction() * 0.2, longitude: 10.2 + random.fraction() * 0.3 };
    this.heading = random.fraction() * turn;
  }

  /** When each sensor begins: spread over its interval, so that a fleet does not speak at once. */
  firstMeasurement(plan: SensorPlan, at: Duration): Duration {
    return at + this.random.fraction() * this.interval(plan, at);
  }

  /** With a tenth of chance. */
  nextMeasurement(plan: SensorPlan, at: Duration): Duration {
    return at + this.interval(plan, at) * (0.95 + this.random.fraction() * 0.1);
  }

  /** Of all instances of the object. */
  measure(plan: SensorPlan, at: Duration): readonly Measurement[] {
    return Array.from({ length: plan.instances }, (_, instance) => ({
      object: plan.object,
      instance,
      value: this.value(plan, at),
    }));
  }

  /** Undefined where the device knows no place. It wanders, and more or less keeps its direction. */
  where(at: Duration): Place | undefined {
    const { speed } = this.profile;
    if (speed === undefined) return undefined;
    const metres = speed * this.activity(at) * Math.max(0, (at - this.placedAt) / 1000);
    this.placedAt = at;
    this.heading += (this.random.fraction() - 0.5) * 0.8;
    const latitude = this.place.latitude + (metres * Math.cos(this.heading)) / degree;
    // Nobody gets to a pole.
    if (Math.abs(latitude) > 80) this.heading = turn / 2 - this.heading;
    else this.place.latitude = latitude;
    const { longitude } = this.place;
    const east = (metres * Math.sin(this.heading)) / (degree * Math.cos((this.place.latitude / 360) * turn));
    this.place.longitude = ((longitude + east + 540) % 360) - 180;
    return { latitude: round(this.place.latitude, 6), longitude: round(this.place.longitude, 6) };
  }

  private value({ low, high, noise, peak }: SensorPlan, at: Duration): number {
    const middle = (low + high) / 2;
    const swing = ((high - low) / 2) * Math.cos((this.dayTime(at) - peak / 24) * turn);
    const own = this.offset * (high - low);
    return round(middle + swing + own + (this.random.fraction() * 2 - 1) * noise, 2);
  }

  private interval({ every }: SensorPlan, at: Duration): Duration {
    return every / this.activity(at);
  }

  /** 1 at two in the afternoon, `night` twelve hours later. */
  private activity(at: Duration): number {
    const { night } = this.profile;
    return night + (1 - night) * (0.5 + 0.5 * Math.cos((this.dayTime(at) - 14 / 24) * turn));
  }

  private dayTime(at: Duration): number {
    return (at / this.day) % 1;
  }
}

function round(value: number, digits: number): number {
  const scale = 10 ** digits;
  return Math.round(value * scale) / scale;
}

import { hours, minutes } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { Behaviour } from './behaviour.ts';
import { Chance } from './chance.ts';
import { type Profile, profileNamed, type SensorPlan } from './profile.ts';

const day = hours(24);
const plan: SensorPlan = {
  object: 3303,
  instances: 1,
  every: minutes(1),
  low: 10,
  high: 30,
  noise: 0,
  peak: 15,
  units: undefined,
};
const sensor: Profile = { ...(profileNamed('sensor') as Profile), sensors: [plan] };
const device = (profile: Profile = sensor, index = 0): Behaviour =>
  new Behaviour(profile, day, new Chance(1, index, 'behaviour'));
const valueAt = (behaviour: Behaviour, hour: number): number =>
  behaviour.measure(plan, hours(hour))[0]?.value ?? Number.NaN;

describe('the day of a device', () => {
  it('is warmest at its peak and coldest twelve hours later, every day', () => {
    const behaviour = device();
    expect(valueAt(behaviour, 15) - valueAt(behaviour, 3)).toBeCloseTo(20, 1);
    expect(valueAt(behaviour, 15)).toBeCloseTo(valueAt(behaviour, 39), 1);
  });

  it('can be shorter than ours', () => {
    const behaviour = new Behaviour(sensor, minutes(24), new Chance(1, 0, 'behaviour'));
    expect(behaviour.measure(plan, minutes(15))[0]?.value).toBe(valueAt(device(), 15));
  });

  it('differs from device to device, and is the same for the same seed', () => {
    expect(valueAt(device(sensor, 1), 12)).not.toBe(valueAt(device(sensor, 2), 12));
    expect(valueAt(device(sensor, 1), 12)).toBe(valueAt(device(sensor, 1), 12));
  });

  it('begins to measure somewhere within the interval, and goes on about once in each', () => {
    const behaviour = device();
    const first = behaviour.firstMeasurement(plan, 0);
    expect(first).toBeGreaterThanOrEqual(0);
    expect(first).toBeLessThan(minutes(1));
    const next = behaviour.nextMeasurement(plan, first) - first;
    expect(next / minutes(1)).toBeCloseTo(1, 1);
  });

  it('has fewer measurements at night, where the profile says so', () => {
    const sleepy = device({ ...sensor, night: 0.1 });
    const interval = (hour: number): number => sleepy.nextMeasurement(plan, hours(hour)) - hours(hour);
    expect(interval(2) / interval(14)).toBeGreaterThan(8);
  });

  it('measures each instance of the object by itself', () => {
    const many = device().measure({ ...plan, instances: 3, noise: 5 }, 0);
    expect(many.map(({ instance }) => instance)).toEqual([0, 1, 2]);
    expect(new Set(many.map(({ value }) => value)).size).toBe(3);
  });
});

describe('the place of a device', () => {
  it('is unknown without a speed', () => {
    expect(device().where(0)).toBeUndefined();
  });

  it('changes by no more than the speed allows, and never leaves the earth', () => {
    const tracker = device({ ...sensor, speed: 14 });
    let before = tracker.where(0);
    let [farthest, northmost, eastmost] = [0, 0, 0];
    for (let hour = 1; hour < 24 * 365; hour += 1) {
      const now = tracker.where(hours(hour));
      farthest = Math.max(farthest, Math.abs((now?.latitude ?? 99) - (before?.latitude ?? 0)) * 111_320);
      northmost = Math.max(northmost, Math.abs(now?.latitude ?? 99));
      eastmost = Math.max(eastmost, Math.abs(now?.longitude ?? 999));
      before = now;
    }
    expect(farthest).toBeLessThan(14 * 3600 + 1);
    expect(northmost).toBeLessThanOrEqual(80);
    expect(eastmost).toBeLessThanOrEqual(180);
  });
});

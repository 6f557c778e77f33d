import { hours, minutes, seconds } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { type Profile, profileNamed } from './profile.ts';
import { Schedule, type ScheduleEffect, type SchedulePlan } from './schedule.ts';

const profile = profileNamed('sensor') as Profile;
const plan: SchedulePlan = {
  devices: 10,
  profile: { ...profile, sensors: [] },
  rate: 2,
  day: hours(24),
  seed: 1,
  chaos: { loss: 0, reboot: 0, move: 0, off: seconds(4), installFailure: 0 },
};

interface Step {
  readonly at: number;
  readonly effect: ScheduleEffect;
}

/** Everything until then; `late` is how long after its deadline each step is looked at. */
function play(schedule: Schedule, until: number, late = 0): readonly Step[] {
  const steps: Step[] = [];
  for (let { deadline } = schedule; deadline !== undefined && deadline <= until; { deadline } = schedule)
    for (const effect of schedule.expire(deadline + late)) steps.push({ at: deadline, effect });
  return steps;
}

function begun(more: Partial<SchedulePlan> = {}): { readonly schedule: Schedule; readonly first: readonly Step[] } {
  const schedule = new Schedule({ ...plan, ...more });
  return { schedule, first: schedule.handle({ kind: 'begin' }, 0).map((effect) => ({ at: 0, effect })) };
}

const all = (more: Partial<SchedulePlan>, until: number, late = 0): readonly Step[] => {
  const { schedule, first } = begun(more);
  return [...first, ...play(schedule, until, late)];
};

describe('the calendar of a fleet', () => {
  it('waits for the word to begin, and says nothing after the one to end', () => {
    const schedule = new Schedule(plan);
    expect(schedule.deadline).toBeUndefined();
    schedule.handle({ kind: 'begin' }, 0);
    expect(schedule.deadline).toBe(500);
    schedule.handle({ kind: 'end' }, 10);
    expect(schedule.deadline).toBeUndefined();
    expect(schedule.expire(hours(1))).toEqual([]);
  });

  it('switches devices on at the rate that was asked for, in their order', () => {
    const steps = all({}, hours(1));
    expect(steps.map(({ at }) => at)).toEqual([0, 500, 1000, 1500, 2000, 2500, 3000, 3500, 4000, 4500]);
    expect(steps.map(({ effect }) => effect.device)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('lets others have their turn when many are due at once', () => {
    const { schedule } = begun({ devices: 1000, rate: 100_000 });
    const once = schedule.expire(seconds(10));
    expect(once.length).toBeLessThan(100);
    expect(schedule.deadline).toBeLessThan(seconds(10));
  });

  it('has each sensor measured in its interval', () => {
    const sensors = profile.sensors.slice(0, 1);
    const steps = all({ profile: { ...profile, sensors } }, minutes(60));
    const measured = steps.filter(({ effect }) => effect.kind === 'measure').length;
    expect(measured / 600).toBeCloseTo(1, 1);
  });

  it('switches a device off for a restart, leaves it alone meanwhile, and switches it on again', () => {
    const chaos = { ...plan.chaos, reboot: 60 };
    const steps = all({ devices: 1, chaos, profile: { ...profile, sensors: profile.sensors } }, hours(5));
    let isOn = false;
    let offAt = 0;
    for (const { at, effect } of steps) {
      if (effect.kind === 'on') {
        expect(isOn).toBe(false);
        if (offAt > 0) expect(at - offAt).toBeGreaterThanOrEqual(seconds(2));
      } else expect(isOn).toBe(true);
      if (effect.kind === 'on') isOn = true;
      if (effect.kind === 'off') {
        isOn = false;
        offAt = at;
      }
    }
    expect(steps.filter(({ effect }) => effect.kind === 'off').length).toBeGreaterThan(200);
  });

  it('restarts a device that asks for it itself, once', () => {
    const { schedule } = begun();
    expect(schedule.handle({ kind: 'restart', device: 0, off: 700 }, 100)).toEqual([{ kind: 'off', device: 0 }]);
    expect(schedule.handle({ kind: 'restart', device: 0, off: 700 }, 200)).toEqual([]);
    const on = play(schedule, 1000).find(({ effect }) => effect.device === 0);
    expect(on).toEqual({ at: 800, effect: { kind: 'on', device: 0 } });
  });

  it('does the same for the same seed, however late its steps are looked at', () => {
    const more = { profile, chaos: { ...plan.chaos, reboot: 5, move: 5 } };
    const steps = all(more, hours(2));
    expect(all(more, hours(2))).toEqual(steps);
    const late = all(more, hours(2), 40);
    expect(late.map(({ effect }) => effect)).toEqual(steps.map(({ effect }) => effect));
    expect(all({ ...more, seed: 2 }, hours(2))).not.toEqual(steps);
  });

  it('gives a device the same fate in a fleet of any size', () => {
    const more = { profile, chaos: { ...plan.chaos, reboot: 5 } };
    const fateOf = (steps: readonly Step[]): readonly Step[] => steps.filter(({ effect }) => effect.device === 3);
    expect(fateOf(all({ ...more, devices: 4 }, hours(1)))).toEqual(fateOf(all({ ...more, devices: 40 }, hours(1))));
  });
});

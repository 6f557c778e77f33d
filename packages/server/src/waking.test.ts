// Which sleeping devices are woken by text message, and when again.
import { minutes } from '@lapwing/kernel';
import { SeededRandom } from '@lapwing/kernel/testing';
import { describe, expect, it } from 'vitest';
import { pauses, Waking, type WakingEffect, type WakingInput } from './waking.ts';

const wanted = { kind: 'wanted', name: 'a' } as const;
const settled = { kind: 'settled', name: 'a' } as const;

/** Minutes at which a device is written to that never comes; something is asked of it at `asked`. */
function attempts(asked: readonly number[], until: number): readonly number[] {
  const waking = new Waking();
  const at: number[] = [];
  for (let minute = 0; minute <= until; minute += 1) {
    const now = minutes(minute);
    const effects = [...waking.expire(now), ...(asked.includes(minute) ? waking.handle(wanted, now) : [])];
    for (const { name } of effects) {
      at.push(minute);
      waking.handle({ kind: 'written', name }, now);
    }
  }
  return at;
}

it('wakes a device once for all that waits, again after 5 and after 30 minutes, and then not until something is new', () => {
  expect(attempts([0, 1, 2], 1000)).toEqual([0, 5, 35]);
  expect(attempts([0, 400], 1000)).toEqual([0, 5, 35, 400, 405, 435]);
});

it('does not forget what was asked for after the last message', () => {
  expect(attempts([0, 36], 200)).toEqual([0, 5, 35, 155, 160, 190]);
});

it('leaves a device alone that has come, until it is wanted again', () => {
  const waking = new Waking();
  expect(waking.handle(wanted, 0)).toEqual([{ kind: 'wake', name: 'a', attempt: 1 }]);
  expect(waking.handle(wanted, 0)).toEqual([]);
  expect(waking.handle(settled, 1)).toEqual([]);
  expect([waking.deadline, waking.waiting]).toEqual([undefined, 0]);
  // What comes of a message that was under way is nothing any more.
  for (const kind of ['written', 'put-off'] as const) waking.handle({ kind, name: 'a', until: 5 }, 1);
  expect(waking.deadline).toBeUndefined();
  expect(waking.handle(wanted, 2)).toHaveLength(1);
});

/** A modem that takes so many messages a minute, and a fleet that is all wanted at once; in which minute each is written to. */
function fleet(size: number, perMinute: number, until: number) {
  const waking = new Waking();
  const written: [name: string, minute: number][] = [];
  for (let minute = 0; minute <= until; minute += 1) {
    const now = minutes(minute);
    let room = perMinute;
    const take = ({ name, attempt }: WakingEffect): void => {
      if (attempt === 1 && room > 0) {
        room -= 1;
        written.push([name, minute]);
        waking.handle({ kind: 'written', name }, now);
        waking.handle({ kind: 'settled', name }, now);
      } else waking.handle({ kind: 'put-off', name, until: now + minutes(1) }, now);
    };
    for (const effect of waking.expire(now)) take(effect);
    if (minute === 0)
      for (let i = 0; i < size; i += 1)
        for (const effect of waking.handle({ kind: 'wanted', name: `${i}` }, now)) take(effect);
  }
  return { written, waking };
}

describe('what has no room now', () => {
  it('is tried when there is some, in the order in which it was wanted, and is not counted as tried before', () => {
    const { written, waking } = fleet(1000, 10, 120);
    expect(written).toHaveLength(1000);
    expect(written.map(([name]) => Number(name))).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    expect(written.map(([, minute]) => minute)).toEqual(Array.from({ length: 1000 }, (_, i) => Math.floor(i / 10)));
    expect([waking.waiting, waking.deadline]).toEqual([0, undefined]);
  });

  it('keeps its place before those that are wanted later, and lets those pass that have room elsewhere', () => {
    const waking = new Waking();
    const told: string[] = [];
    const say = (input: WakingInput, now: number): void => {
      for (const { name } of waking.handle(input, now)) told.push(name);
    };
    for (const name of ['a', 'b', 'c']) say({ kind: 'wanted', name }, 0);
    say({ kind: 'put-off', name: 'b', until: minutes(2) }, 0);
    say({ kind: 'put-off', name: 'a', until: minutes(2) }, 0);
    say({ kind: 'written', name: 'c' }, 0);
    say({ kind: 'wanted', name: 'd' }, minutes(1));
    say({ kind: 'put-off', name: 'd', until: minutes(2) }, minutes(1));
    expect(waking.deadline).toBe(minutes(2));
    expect([...told, ...waking.expire(minutes(2)).map(({ name }) => name)]).toEqual([
      'a',
      'b',
      'c',
      'd',
      'a',
      'b',
      'd',
    ]);
  });

  it('is never asked twice in one instant, whoever says that there is room', () => {
    const waking = new Waking();
    waking.handle(wanted, 0);
    waking.handle({ kind: 'put-off', name: 'a', until: 0 }, 0);
    expect([waking.expire(0), waking.deadline]).toEqual([[], 1]);
    expect(waking.expire(1)).toHaveLength(1);
  });
});

it('writes to nobody more often than its pauses allow, whatever is asked and put off (200 runs)', () => {
  for (let run = 0; run < 200; run += 1) {
    const random = new SeededRandom(run);
    const waking = new Waking();
    let last = Number.NEGATIVE_INFINITY;
    let now = 0;
    for (let step = 0; step < 200; step += 1) {
      now += random.between(0, minutes(20));
      const effects = random.chance(0.5) ? waking.expire(now) : [...waking.expire(now), ...waking.handle(wanted, now)];
      expect(effects.length).toBeLessThanOrEqual(1);
      for (const { name } of effects) {
        if (random.chance(0.3)) waking.handle({ kind: 'put-off', name, until: now + random.between(0, 60_000) }, now);
        else {
          expect(now - last).toBeGreaterThanOrEqual(pauses[0] as number);
          last = now;
          waking.handle({ kind: 'written', name }, now);
        }
      }
    }
  }
});

// Which sleeping devices are woken by text message, and when again.
import { minutes } from '@lapwing/kernel';
import { SeededRandom } from '@lapwing/kernel/testing';
import { expect, it } from 'vitest';
import { pauses, Waking } from './waking.ts';

const wanted = { kind: 'wanted', name: 'a' } as const;
const settled = { kind: 'settled', name: 'a' } as const;

/** Minutes at which a device is written to that never comes; something is asked of it at `asked`. */
function attempts(asked: readonly number[], until: number): readonly number[] {
  const waking = new Waking();
  const at: number[] = [];
  for (let minute = 0; minute <= until; minute += 1) {
    const effects = [...waking.expire(minutes(minute))];
    if (asked.includes(minute)) effects.push(...waking.handle(wanted, minutes(minute)));
    for (const _ of effects) at.push(minute);
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
  expect(waking.handle(settled, 1)).toEqual([]);
  expect(waking.deadline).toBeUndefined();
  expect(waking.handle(wanted, 2)).toHaveLength(1);
});

it('writes to nobody more often than its pauses allow, whatever is asked (200 runs)', () => {
  for (let run = 0; run < 200; run += 1) {
    const random = new SeededRandom(run);
    const waking = new Waking();
    let last = Number.NEGATIVE_INFINITY;
    let now = 0;
    for (let step = 0; step < 200; step += 1) {
      now += random.between(0, minutes(20));
      const effects = random.chance(0.5) ? waking.expire(now) : [...waking.expire(now), ...waking.handle(wanted, now)];
      for (const _ of effects) {
        expect(now - last).toBeGreaterThanOrEqual(pauses[0] as number);
        last = now;
      }
    }
  }
});

import { seconds } from '@lapwing/kernel';
import { VirtualClock } from '@lapwing/kernel/testing';
import { expect, it } from 'vitest';
import { Pace } from './pace.ts';

it('P-14: 100,000 commands leave in order at 500 a second, the first second at once', async () => {
  const clock = new VirtualClock();
  const pace = new Pace(clock, 500);
  const done: number[] = [];
  for (let i = 0; i < 100_000; i += 1) expect(pace.add(() => done.push(i))).toBe(true);
  expect(done).toHaveLength(500);
  await clock.advance(seconds(10));
  expect(done).toHaveLength(5500);
  await clock.advance(seconds(189));
  expect(done).toEqual(Array.from({ length: 100_000 }, (_, i) => i));
  expect(pace.size).toBe(0);
  expect(clock.pending).toBe(0);
});

it('P-14: what waits is bounded, and nothing is done after the end', async () => {
  const clock = new VirtualClock();
  const pace = new Pace(clock, 1, 2);
  const done: string[] = [];
  expect(['a', 'b', 'c', 'd'].map((name) => pace.add(() => done.push(name)))).toEqual([true, true, true, false]);
  pace[Symbol.dispose]();
  await clock.advance(seconds(10));
  expect(done).toEqual(['a']);
});

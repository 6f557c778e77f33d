// Time that is reserved for record numbers, as the disk allows.
import { minutes, seconds } from '@lapwing/kernel';
import { VirtualClock } from '@lapwing/kernel/testing';
import { expect, it } from 'vitest';
import type { Associations } from './associations.ts';
import { Journaling } from './journaling.ts';
import { Counters } from './stats.ts';
import { KeptJournal } from './testing/kept-journal.ts';
import { SteadyWall } from './wall.ts';

it('goes no further than what is on disk, and asks a disk that fails once a second', async () => {
  const clock = new VirtualClock();
  const wall = new SteadyWall(clock);
  const journal = new KeptJournal();
  const counters = new Counters();
  const journaling = new Journaling(journal, { ids: undefined } as Associations, wall, counters);
  const start = clock.wall();
  journaling.reserve(clock.now());
  expect(journaling.timeFor(clock.now())).toBe(start);
  await clock.advance(seconds(50));
  expect(journaling.timeFor(clock.now())).toBe(start + seconds(50));
  journal.fails = true;
  await clock.advance(minutes(5));
  for (let i = 0; i < 100; i += 1) expect(journaling.timeFor(clock.now())).toBe(start + seconds(110));
  expect(counters.counts.listenerErrors).toBe(1);
  journal.fails = false;
  await clock.advance(seconds(1));
  expect(journaling.timeFor(clock.now())).toBe(start + seconds(351));
});

it('fails where the first reservation fails', () => {
  const clock = new VirtualClock();
  const journal = new KeptJournal();
  journal.fails = true;
  const table = { ids: undefined } as Associations;
  const journaling = new Journaling(journal, table, new SteadyWall(clock), new Counters());
  expect(() => journaling.reserve(clock.now())).toThrow('disk full');
});

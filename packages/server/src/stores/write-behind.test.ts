import { VirtualClock } from '@lapwing/kernel/testing';
import { expect, it } from 'vitest';
import { WriteBehind } from './write-behind.ts';

it('gives up the oldest change that is not on its way, and writes and tells of every other one once', async () => {
  const clock = new VirtualClock();
  const written: number[] = [];
  const failures: unknown[] = [];
  let go: () => void = () => undefined;
  const writes = new WriteBehind<number>({
    write: async (changes) => {
      if (written.length === 0) await new Promise<void>((resolve) => (go = resolve));
      written.push(...changes);
    },
    clock,
    failed: (error) => failures.push(error),
  });
  const told = new Map<number, boolean>();
  const add = (change: number): void => void writes.add(change).then((isWritten) => told.set(change, isWritten));
  add(0);
  await clock.advance(0);
  // The first is with the store; one more than there is room for.
  for (let change = 1; change <= 100_000; change += 1) add(change);
  expect(failures).toHaveLength(1);
  go();
  await clock.advance(0);
  await writes.close();
  expect([written.length, new Set(written).size, told.size]).toEqual([100_000, 100_000, 100_001]);
  expect([...told].filter(([, isWritten]) => !isWritten)).toEqual([[1, false]]);
});

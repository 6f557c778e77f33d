import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, seconds } from '@lapwing/kernel';
import { VirtualClock } from '@lapwing/kernel/testing';
import { expect, it } from 'vitest';
import { stampOf, WatchedFiles } from './watched-files.ts';

/** Until the file system has answered: it does not know of virtual time. */
const answered = (isSo: () => boolean): Promise<void> =>
  expect
    .poll(isSo)
    .toBe(true)
    .then(() => undefined);

it('are told of once when one is written, replaced, gone or back, and not otherwise', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'lapwing-watched-'));
  const [one, other] = [join(dir, 'one'), join(dir, 'other')];
  writeFileSync(one, 'a');
  writeFileSync(other, 'a');
  const clock = new VirtualClock();
  let told = 0;
  let looks = 0;
  // Each look that has ended arms the next.
  const counting: Clock = {
    now: () => clock.now(),
    wall: () => clock.wall(),
    at: (instant, wake) => {
      looks += 1;
      return clock.at(instant, wake);
    },
  };
  using watched = new WatchedFiles([one, other], counting, async () => {
    told += 1;
  });
  watched.start(await stampOf([one, other]));
  const step = async (): Promise<number> => {
    const before = looks;
    await clock.advance(seconds(5));
    await answered(() => looks > before);
    return told;
  };
  expect(await step()).toBe(0);
  writeFileSync(one, 'ab');
  writeFileSync(other, 'ab');
  expect(await step()).toBe(1);
  expect(await step()).toBe(1);
  writeFileSync(`${one}.new`, 'cd');
  renameSync(`${one}.new`, one);
  expect(await step()).toBe(2);
  rmSync(other);
  expect(await step()).toBe(3);
  writeFileSync(other, 'ab');
  expect(await step()).toBe(4);
  rmSync(dir, { recursive: true });
});

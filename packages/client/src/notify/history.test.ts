import { ConfigError, seconds } from '@lapwing/kernel';
import { VirtualClock } from '@lapwing/kernel/testing';
import { makeValue, type Path, parsePath, type Value } from '@lapwing/lwm2m';
import { describe, expect, it } from 'vitest';
import { after, History, type HistoryOptions } from './history.ts';

const path = parsePath('/3303/0/5700');

function setUp(options: HistoryOptions) {
  const clock = new VirtualClock();
  let value: Value = makeValue('float', 20);
  const failed: unknown[] = [];
  const history = new History(
    clock,
    (at: Path) => (at.kind === 'resource' && at.resource === 5700 ? value : undefined),
    (error) => failed.push(error),
  );
  const series = history.record(path, options);
  const start = clock.wall() / 1000;
  const write = async (...values: readonly number[]): Promise<void> => {
    for (const each of values) {
      await clock.advance(seconds(1));
      value = makeValue('float', each);
      history.changed([path]);
    }
  };
  const reader = history.reader();
  const take = (by = reader) => {
    const { entries, giveBack } = by.take([{ path, value }]);
    const said = entries.map(({ value: each, time }) => [each?.value, time === undefined ? undefined : time - start]);
    return { said, giveBack };
  };
  return { history, series, reader, write, take };
}

describe('a past that is kept', () => {
  it('is told once, with its times, and then what is', async () => {
    const { write, take } = setUp({ size: 10 });
    await write(21, 22, 22);
    expect(take().said).toEqual([
      [21, 1],
      [22, 2],
      [22, 3],
    ]);
    expect(take().said).toEqual([[22, undefined]]);
    await write(23);
    expect(take().said).toEqual([[23, 4]]);
  });

  it('is told to every server from its own place on', async () => {
    const { history, write, take } = setUp({ size: 10 });
    await write(21);
    expect(take().said).toEqual([[21, 1]]);
    await write(22);
    expect(take(history.reader()).said).toEqual([
      [21, 1],
      [22, 2],
    ]);
    expect(take().said).toEqual([[22, 2]]);
  });

  it('is told again when it was not heard', async () => {
    const { write, take } = setUp({ size: 10 });
    await write(21, 22);
    take().giveBack?.();
    await write(23);
    expect(take().said.map(([value]) => value)).toEqual([21, 22, 23]);
  });

  it.each([
    ['oldest', [23, 24, 25]],
    ['newest', [21, 22, 23]],
  ] as const)('gives up the %s when it is full, and counts them', async (drop, left) => {
    const { series, write, take } = setUp({ size: 3, drop });
    expect(series.free).toBe(3);
    await write(21, 22);
    expect(series.free).toBe(1);
    await write(23, 24, 25);
    expect([series.free, series.dropped]).toEqual([0, 2]);
    expect(take().said.map(([value]) => value)).toEqual(left);
    expect(series.free).toBe(3);
    await write(26);
    expect([take().said, series.dropped]).toEqual([[[26, 6]], 2]);
  });

  it('tells values of the same moment apart, and believes a clock that is set back', () => {
    expect(after(5, 6)).toBe(6);
    expect(after(5, 5)).toBeCloseTo(5.001);
    expect(after(5.001, 5)).toBeCloseTo(5.002);
    expect(after(5000, 3)).toBe(3);
  });

  it('keeps what is accepted, and nothing once it is disposed', async () => {
    const { series, write, take } = setUp({ size: 3, accept: ({ value }) => Number(value) < 50 });
    await write(21, 99, 22);
    expect(take().said.map(([value]) => value)).toEqual([21, 22]);
    series[Symbol.dispose]();
    await write(23);
    expect(take().said).toEqual([[23, undefined]]);
  });

  it('is kept of single values only, and up to a size', () => {
    const { history } = setUp({ size: 1 });
    expect(() => history.record(parsePath('/3303/0/1'), { size: 1 })).toThrow(ConfigError);
    for (const size of [0, 1.5, 100_001, Number.NaN]) expect(() => history.record(path, { size })).toThrow(/size/);
  });
});

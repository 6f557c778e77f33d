import { expect, it } from 'vitest';
import { days, seconds } from './clock.ts';
import { parseDuration } from './duration-text.ts';

it('reads a duration with its units, and a bare number as whoever asks counts it', () => {
  expect(
    ['500ms', '30s', '1h30m', '2d', '1w', '0.5s', '1H', '10', 10].map((text) => parseDuration(text, seconds(1))),
  ).toEqual([500, 30_000, 5_400_000, days(2), days(7), 500, 3_600_000, 10_000, 10_000]);
  expect(parseDuration('10', 1)).toBe(10);
});

it('reads nothing out of anything else', () => {
  for (const text of ['', 'soon', '-1s', '5 m', '1y', 'NaN', '1e3', -1, Number.NaN, Number.POSITIVE_INFINITY])
    expect(parseDuration(text, 1)).toBeUndefined();
});

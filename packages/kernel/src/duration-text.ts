// Durations as people write them: `22s`, `1h30m`, `500ms`, or a bare number.
import { type Duration, days, hours, minutes, seconds } from './clock.ts';

const units: ReadonlyMap<string, Duration> = new Map([
  ['ms', 1],
  ['s', seconds(1)],
  ['m', minutes(1)],
  ['h', hours(1)],
  ['d', days(1)],
  ['w', days(7)],
]);

/** `bare` is what a number without unit counts, in ms. Undefined for anything else than a duration of 0 or more. */
export function parseDuration(value: string | number, bare: Duration): Duration | undefined {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? value * bare : undefined;
  const text = value.trim().toLowerCase();
  if (/^\d{1,15}(\.\d+)?$/.test(text)) return Number(text) * bare;
  if (!/^(\d{1,12}(\.\d{1,6})?(ms|s|m|h|d|w))+$/.test(text)) return undefined;
  let sum = 0;
  for (const [, number, unit] of text.matchAll(/(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h|d|w)/g)) {
    sum += Number(number) * (units.get(unit ?? '') ?? 0);
  }
  return sum;
}

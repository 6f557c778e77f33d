// Durations as people type them: `30s`, `1h30m`, `500ms`, or a bare number of seconds.
import { type Duration, days, hours, minutes, seconds } from '@lapwing/kernel';

const units: ReadonlyMap<string, Duration> = new Map([
  ['ms', 1],
  ['s', seconds(1)],
  ['m', minutes(1)],
  ['h', hours(1)],
  ['d', days(1)],
]);

/** Undefined for anything else than a duration of 0 or more. */
export function parseDuration(value: string | number): Duration | undefined {
  const text = String(value).trim();
  if (/^\d{1,12}(\.\d{1,6})?$/.test(text)) return seconds(Number(text));
  if (!/^(\d{1,12}(\.\d{1,6})?(ms|s|m|h|d))+$/.test(text)) return undefined;
  let sum = 0;
  for (const [, number, unit = ''] of text.matchAll(/(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h|d)/g))
    sum += Number(number) * (units.get(unit) ?? 0);
  return sum;
}

/** For people: `850 ms`, `12.3 s`, `4 min 10 s`. */
export function describeDuration(duration: Duration): string {
  if (duration < 1000) return `${duration < 10 ? duration.toFixed(1) : Math.round(duration)} ms`;
  if (duration < 100_000) return `${(duration / 1000).toFixed(1)} s`;
  const whole = Math.round(duration / 1000);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

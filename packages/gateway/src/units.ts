// Durations and sizes as EMQX's configuration writes them: `22s`, `1h30m`, `500ms`, `4MB`, or a bare number.
import type { Duration } from '@lapwing/kernel';

const durationUnits: ReadonlyMap<string, Duration> = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
  ['w', 604_800_000],
]);

/** `bare` is what a number without unit counts, in ms. Undefined for anything else than a duration of 0 or more. */
export function parseDuration(value: string | number, bare: Duration): Duration | undefined {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? value * bare : undefined;
  const text = value.trim().toLowerCase();
  if (/^\d{1,15}(\.\d+)?$/.test(text)) return Number(text) * bare;
  if (!/^(\d{1,12}(\.\d{1,6})?(ms|s|m|h|d|w))+$/.test(text)) return undefined;
  let sum = 0;
  for (const [, number, unit] of text.matchAll(/(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h|d|w)/g)) {
    sum += Number(number) * (durationUnits.get(unit ?? '') ?? 0);
  }
  return sum;
}

const sizeUnits: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['b', 1],
  ['kb', 1024],
  ['mb', 1024 ** 2],
  ['gb', 1024 ** 3],
]);

/** In bytes; undefined for anything else than a size. */
export function parseSize(value: string | number): number | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
  const match = /^(\d{1,12})\s*(b|kb|mb|gb)?$/i.exec(value.trim());
  const unit = sizeUnits.get((match?.[2] ?? '').toLowerCase());
  return match === null || unit === undefined ? undefined : Number(match[1]) * unit;
}

export interface BindAddress {
  readonly host: string;
  readonly port: number;
}

/** `5783` (all addresses, as EMQX reads it), `127.0.0.1:5783`, `[::1]:5783`, `:5783`. */
export function parseBind(value: string | number): BindAddress | undefined {
  const match = /^(?:(\[[0-9a-f:.]+\]|[^\s:[\]]*):)?(\d{1,5})$/i.exec(String(value).trim());
  const port = Number(match?.[2] ?? Number.NaN);
  if (match === null || port > 65_535) return undefined;
  const host = (match[1] ?? '').replace(/^\[|\]$/g, '');
  return { host: host === '' ? '0.0.0.0' : host, port };
}

// Sizes and addresses as EMQX's configuration writes them: `4MB`, `127.0.0.1:5783`, or a bare number.
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

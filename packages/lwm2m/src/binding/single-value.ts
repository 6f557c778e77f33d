// What one value without a time travels in when nobody asks for a format: text or bytes, which every peer reads
// (Core 1.2.1 §7.4.1, §7.4.2).
import { ContentFormat } from '@lapwing/coap';
import type { Entry } from '../entry.ts';
import { equalPaths, type Path } from '../path.ts';

/** Undefined unless the entries are one value at `path` itself. */
export function singleValueFormat(entries: readonly Entry[], path: Path): number | undefined {
  const [entry] = entries;
  if (entries.length !== 1 || entry?.value === undefined || entry.time !== undefined) return undefined;
  if (!equalPaths(entry.path, path)) return undefined;
  return entry.value.type === 'opaque' ? ContentFormat.OctetStream : ContentFormat.Text;
}

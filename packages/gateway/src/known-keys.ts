// Every key that a configuration can hold, so that a mistyped one can be told what it probably was.
import type { z } from 'zod';
import { rootSchema } from './config-schema.ts';

/** The known key that is written most like `key`, if one is; at most two letters may differ. It may belong elsewhere. */
export function likelyKey(key: string, candidates: Iterable<string> = knownKeys()): string | undefined {
  if (key.length > 40) return undefined;
  let best: string | undefined;
  let least = Math.min(3, Math.ceil(key.length / 2));
  for (const candidate of candidates) {
    const distance = editDistance(key.toLowerCase(), candidate);
    if (distance >= least) continue;
    best = candidate;
    least = distance;
  }
  return best;
}

let keys: ReadonlySet<string> | undefined;

function knownKeys(): ReadonlySet<string> {
  if (keys !== undefined) return keys;
  const found = new Set<string>();
  collect(rootSchema, found);
  keys = found;
  return found;
}

function collect(schema: z.core.$ZodType, found: Set<string>): void {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case 'object':
      for (const [key, part] of Object.entries(def.shape)) {
        found.add(key);
        collect(part, found);
      }
      break;
    case 'optional':
    case 'default':
    case 'prefault':
      collect(def.innerType, found);
      break;
    case 'union':
      for (const option of def.options) collect(option, found);
      break;
    case 'record':
      collect(def.valueType, found);
      break;
    case 'array':
      collect(def.element, found);
      break;
    case 'pipe':
      collect(def.in, found);
      break;
    default:
      // A value, not a place for keys.
      break;
  }
}

/** Letters to add, leave out or replace. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

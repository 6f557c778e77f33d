// Data as text and back, for stores: JSON, and a tag for what JSON has no word for (bytes, big integers, maps, numbers such as
// NaN). It knows nothing of what it writes, so that a new member of a union needs no new column and no new code.
import { FormatError, fromBase64, toBase64 } from '@lapwing/kernel';

/** The member that marks a tagged value: `{"$":"bytes","v":"…"}`. */
const mark = '$';

/** Plain objects, arrays, texts, numbers, booleans, null, byte arrays, big integers and maps; `undefined` members are left out. */
export function formatTagged(value: unknown): string {
  return JSON.stringify(tagged(value));
}

/** Throws FormatError for text that `formatTagged` does not make. What it holds is for the caller to judge. */
export function parseTagged(text: string): unknown {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new FormatError('not JSON');
  }
  // Most texts have no tag, and are what they say.
  return text.includes(`"${mark}"`) ? untagged(parsed) : parsed;
}

function tagged(value: unknown): unknown {
  switch (typeof value) {
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : tag('number', Object.is(value, -0) ? '-0' : `${value}`);
    case 'bigint':
      return tag('integer', value.toString());
    case 'object':
      break;
    case 'function':
    case 'symbol':
      throw new FormatError(`a ${typeof value} is no data`);
    default:
      return value;
  }
  if (value === null) return null;
  if (value instanceof Uint8Array) return tag('bytes', toBase64(value));
  if (value instanceof Map)
    return tag(
      'map',
      [...value].map(([key, each]) => [tagged(key), tagged(each)]),
    );
  if (Array.isArray(value)) return value.map((each) => (each === undefined ? null : tagged(each)));
  const members = Object.entries(value).filter(([, each]) => each !== undefined);
  const plain = members.map(([key, each]): [string, unknown] => [key, tagged(each)]);
  return Object.hasOwn(value, mark) ? tag('object', plain) : Object.fromEntries(plain);
}

const tag = (kind: string, content: unknown): object => ({ [mark]: kind, v: content });

function untagged(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(untagged);
  if (Object.hasOwn(value, mark)) return fromTag(value as { readonly $: unknown; readonly v?: unknown });
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, untagged(each)]));
}

function fromTag({ $: kind, v }: { readonly $: unknown; readonly v?: unknown }): unknown {
  if (kind === 'bytes' && typeof v === 'string') return fromBase64(v);
  if (kind === 'integer' && typeof v === 'string' && /^-?\d{1,40}$/.test(v)) return BigInt(v);
  if (kind === 'number' && typeof v === 'string' && /^(?:NaN|-?Infinity|-0)$/.test(v)) return Number(v);
  if (kind === 'map' && isPairs(v)) return new Map(v.map(([key, each]) => [untagged(key), untagged(each)]));
  if (kind === 'object' && isPairs(v)) return Object.fromEntries(v.map(([key, each]) => [key, untagged(each)]));
  throw new FormatError('a tag that is not known');
}

function isPairs(value: unknown): value is [string, unknown][] {
  return Array.isArray(value) && value.every((each) => Array.isArray(each) && each.length === 2);
}

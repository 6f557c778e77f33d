// Strict JSON on top of JSON.parse (RFC 8259, RFC 7493): UTF-8 without a byte order mark, bounded depth, no name twice
// in an object, no half surrogate pairs. Names like `__proto__` are plain data: JSON.parse defines, it never assigns.
import { decodeUtf8, FormatError, fromBase64, toBase64 } from '@lapwing/kernel';
import { maxDepth } from './placing.ts';

export interface JsonText {
  readonly text: string;
  readonly value: unknown;
}

/** Throws FormatError, and nothing else, for what is not JSON in this sense. */
export function parseJson(bytes: Uint8Array): JsonText {
  const { members, escapes } = survey(bytes);
  const text = decodeUtf8(bytes);
  const value = parse(text);
  if (countMembers(value) !== members) throw new FormatError('a name stands twice in a JSON object');
  if (escapes && hasHalfPair(value)) throw new FormatError('half a surrogate pair in a JSON string');
  return { text, value };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new FormatError('not JSON');
  }
}

/** One pass before JSON.parse: bounds the depth and counts the colons between strings, one for each member written. */
function survey(bytes: Uint8Array): { members: number; escapes: boolean } {
  let members = 0;
  let depth = 0;
  let escapes = false;
  for (let at = 0; at < bytes.length; at += 1) {
    switch (bytes[at]) {
      case 0x22:
        for (at += 1; at < bytes.length && bytes[at] !== 0x22; at += 1) {
          if (bytes[at] === 0x5c) {
            escapes = true;
            at += 1;
          }
        }
        break;
      case 0x3a:
        members += 1;
        break;
      case 0x5b:
      case 0x7b:
        depth += 1;
        if (depth > maxDepth) throw new FormatError(`JSON nested deeper than ${maxDepth}`, at);
        break;
      case 0x5d:
      case 0x7d:
        depth -= 1;
        break;
    }
  }
  return { members, escapes };
}

/** How many members JSON.parse kept: fewer than written when a name stood twice. The depth is bounded by then. */
function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let members = 0;
  if (Array.isArray(value)) {
    for (const item of value) members += countMembers(item);
    return members;
  }
  for (const name in value) {
    members += 1;
    const member = (value as Readonly<Record<string, unknown>>)[name];
    if (typeof member === 'object') members += countMembers(member);
  }
  return members;
}

function hasHalfPair(value: unknown): boolean {
  if (typeof value === 'string') return /\p{Surrogate}/u.test(value);
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([name, member]) => hasHalfPair(name) || hasHalfPair(member));
}

/** The same document with every number as the text it was written as. `text` must be valid JSON. */
export function parseWithNumbersAsText(text: string): unknown {
  const quoted = text.replace(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g, (token) =>
    token.startsWith('"') ? token : `"${token}"`,
  );
  return parse(quoted);
}

/** A member of a parsed object; undefined for all that has none. */
export function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name];
}

/** A double as JSON: exact, minus zero kept, and whole numbers beyond 2^53 with an exponent, so that no reader takes them for integers. */
export function formatJsonFloat(number: number): string {
  if (!Number.isFinite(number)) throw new FormatError('JSON cannot say NaN or infinity');
  if (Object.is(number, -0)) return '-0.0';
  if (Number.isInteger(number) && !Number.isSafeInteger(number)) return number.toExponential();
  return String(number);
}

/** base64url without padding (RFC 4648 §5). */
export function toBase64url(bytes: Uint8Array): string {
  return toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** Strict: no padding, no white space, canonical last digit. */
export function fromBase64url(text: string): Uint8Array {
  if (!/^[\w-]*$/.test(text)) throw new FormatError('not base64url');
  const padding = '='.repeat((4 - (text.length % 4)) % 4);
  return fromBase64(text.replaceAll('-', '+').replaceAll('_', '/') + padding);
}

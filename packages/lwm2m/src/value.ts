// Values of resources, one member for each data type (Core 1.2.1 Appendix C).
// Integers are numbers; what does not fit in 53 bits needs a resource declared `integer64` or `unsigned64`.
import { equalBytes, FormatError } from '@lapwing/kernel';

/** Object link: object id and instance id, each 0 to 65 535; 65535:65535 is the null link. */
export interface ObjectLink {
  readonly object: number;
  readonly instance: number;
}

export type Value =
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'integer'; readonly value: number }
  | { readonly type: 'integer64'; readonly value: bigint }
  | { readonly type: 'unsigned'; readonly value: number }
  | { readonly type: 'unsigned64'; readonly value: bigint }
  | { readonly type: 'float'; readonly value: number }
  | { readonly type: 'boolean'; readonly value: boolean }
  | { readonly type: 'opaque'; readonly value: Uint8Array }
  /** Unix time in whole seconds; before 1970 it is negative. */
  | { readonly type: 'time'; readonly value: number }
  | { readonly type: 'objlnk'; readonly value: ObjectLink }
  | { readonly type: 'corelnk'; readonly value: string };

export type ValueType = Value['type'];

/** What a value of that type is in TypeScript. */
export type ValueOfType<T extends ValueType> = Extract<Value, { readonly type: T }>['value'];

export const nullLink: ObjectLink = Object.freeze({ object: 0xffff, instance: 0xffff });

/**
 * The value of a resource of that type, checked. Throws FormatError for what the type cannot hold: another
 * JavaScript type, an integer with a fraction or beyond ±(2^53-1), half a surrogate pair, …
 */
export function makeValue<T extends ValueType>(type: T, value: unknown): Extract<Value, { readonly type: T }>;
export function makeValue(type: ValueType, value: unknown): Value {
  const made = { type, value } as Value;
  if (!isSound(made)) throw new FormatError(`${describe(value)} is no ${type}`);
  return made;
}

/** True when `value` is what its type says, also for values that the compiler has not seen. */
export function isSound(value: Value): boolean {
  switch (value.type) {
    case 'string':
    case 'corelnk':
      return typeof value.value === 'string' && !/\p{Surrogate}/u.test(value.value);
    case 'integer':
    case 'time':
      return Number.isSafeInteger(value.value);
    case 'unsigned':
      return Number.isSafeInteger(value.value) && value.value >= 0;
    case 'integer64':
      return typeof value.value === 'bigint' && BigInt.asIntN(64, value.value) === value.value;
    case 'unsigned64':
      return typeof value.value === 'bigint' && BigInt.asUintN(64, value.value) === value.value;
    case 'float':
      return typeof value.value === 'number';
    case 'boolean':
      return typeof value.value === 'boolean';
    case 'opaque':
      return value.value instanceof Uint8Array;
    case 'objlnk':
      return isLink(value.value);
  }
}

function isLink(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { object, instance } = value as Partial<ObjectLink>;
  return isLinkId(object) && isLinkId(instance);
}

const isLinkId = (id: unknown): boolean => Number.isInteger(id) && Number(id) >= 0 && Number(id) <= 0xffff;

/** Same type and same content. NaN equals NaN and 0 differs from -0: what goes on the wire decides. */
export function equalValues(a: Value, b: Value): boolean {
  if (a.type === 'opaque') return b.type === 'opaque' && equalBytes(a.value, b.value);
  if (a.type === 'objlnk') {
    return b.type === 'objlnk' && a.value.object === b.value.object && a.value.instance === b.value.instance;
  }
  return a.type === b.type && Object.is(a.value, b.value);
}

/** Never the content of strings and bytes: they may be secret, and their length is the peer's choice. */
function describe(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `a string of ${value.length}`;
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(value);
    case 'bigint':
      return 'a bigint';
    default:
      return value === null ? 'null' : `a ${typeof value}`;
  }
}

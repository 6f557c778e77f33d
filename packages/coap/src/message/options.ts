// The option table: number, name, format, length range and repeatability (RFC 7252 §5.10, RFC 7641 §2, RFC 7959 §2.1,
// §4, RFC 7967 §2, RFC 8613 §2, RFC 8768 §3, RFC 9175 §2.2, §3.2). What a number means by its bits alone is RFC 7252 §5.4.6.

export const Option = {
  IfMatch: 1,
  UriHost: 3,
  Etag: 4,
  IfNoneMatch: 5,
  Observe: 6,
  UriPort: 7,
  LocationPath: 8,
  Oscore: 9,
  UriPath: 11,
  ContentFormat: 12,
  MaxAge: 14,
  UriQuery: 15,
  HopLimit: 16,
  Accept: 17,
  LocationQuery: 20,
  Block2: 23,
  Block1: 27,
  Size2: 28,
  ProxyUri: 35,
  ProxyScheme: 39,
  Size1: 60,
  Echo: 252,
  NoResponse: 258,
  RequestTag: 292,
} as const;

export type OptionFormat = 'empty' | 'opaque' | 'uint' | 'string';

export interface OptionRule {
  readonly number: number;
  readonly name: string;
  readonly format: OptionFormat;
  /** Bytes of a value, both included. */
  readonly shortest: number;
  readonly longest: number;
  readonly repeatable: boolean;
}

type Repeat = 'once' | 'many';
type Row = readonly [
  name: keyof typeof Option,
  format: OptionFormat,
  shortest: number,
  longest: number,
  repeat: Repeat,
];

const rows: readonly Row[] = [
  ['IfMatch', 'opaque', 0, 8, 'many'],
  ['UriHost', 'string', 1, 255, 'once'],
  ['Etag', 'opaque', 1, 8, 'many'],
  ['IfNoneMatch', 'empty', 0, 0, 'once'],
  ['Observe', 'uint', 0, 3, 'once'],
  ['UriPort', 'uint', 0, 2, 'once'],
  ['LocationPath', 'string', 0, 255, 'many'],
  ['Oscore', 'opaque', 0, 255, 'once'],
  ['UriPath', 'string', 0, 255, 'many'],
  ['ContentFormat', 'uint', 0, 2, 'once'],
  ['MaxAge', 'uint', 0, 4, 'once'],
  ['UriQuery', 'string', 0, 255, 'many'],
  ['HopLimit', 'uint', 1, 1, 'once'],
  ['Accept', 'uint', 0, 2, 'once'],
  ['LocationQuery', 'string', 0, 255, 'many'],
  ['Block2', 'uint', 0, 3, 'once'],
  ['Block1', 'uint', 0, 3, 'once'],
  ['Size2', 'uint', 0, 4, 'once'],
  ['ProxyUri', 'string', 1, 1034, 'once'],
  ['ProxyScheme', 'string', 1, 255, 'once'],
  ['Size1', 'uint', 0, 4, 'once'],
  ['Echo', 'opaque', 1, 40, 'once'],
  ['NoResponse', 'uint', 0, 1, 'once'],
  ['RequestTag', 'opaque', 0, 8, 'many'],
];

/** Every option that the stack knows, by number. */
export const optionRules: ReadonlyMap<number, OptionRule> = new Map(
  rows.map(([name, format, shortest, longest, repeat]) => [
    Option[name],
    { number: Option[name], name, format, shortest, longest, repeatable: repeat === 'many' },
  ]),
);

const KNOWN = 1;
const REPEATABLE = 2;
const SHORTEST = 2;
const LONGEST = 8;

/** The table once more as one word for each number, for the pass over every datagram. */
const packed = new Int32Array(Math.max(...optionRules.keys()) + 1);
for (const rule of optionRules.values()) {
  packed[rule.number] =
    KNOWN | (rule.repeatable ? REPEATABLE : 0) | (rule.shortest << SHORTEST) | (rule.longest << LONGEST);
}

export type OptionFitness = 'fit' | 'unknown' | 'unfit';

/**
 * Whether an option is one the table allows: `unfit` when its length is out of range or it repeats what may not be
 * repeated, which a receiver treats as an unknown option (RFC 7252 §5.4.3, §5.4.5).
 */
export function judgeOption(number: number, length: number, previous: number): OptionFitness {
  const rule = number < packed.length ? (packed[number] as number) : 0;
  if (rule === 0) return 'unknown';
  if (number === previous && (rule & REPEATABLE) === 0) return 'unfit';
  return length < ((rule >> SHORTEST) & 0x3f) || length > rule >> LONGEST ? 'unfit' : 'fit';
}

/** Who does not understand it must refuse the message (RFC 7252 §5.4.1). */
export const isCritical = (number: number): boolean => (number & 1) !== 0;
/** A proxy that does not understand it must not forward the message (RFC 7252 §5.4.2). */
export const isUnsafe = (number: number): boolean => (number & 2) !== 0;
/** Not part of the key under which a response is cached (RFC 7252 §5.4.2). */
export const isNoCacheKey = (number: number): boolean => (number & 0x1e) === 0x1c;

/** `Uri-Path` as `UriPath`; numbers outside the table give `option 2049`. */
export function nameOption(number: number): string {
  return optionRules.get(number)?.name ?? `option ${number}`;
}

// Any bytes give entries below the path of the request or a FormatError, and nothing else (L-30).
import { encodeUtf8, FormatError, fromHex, noBytes } from '@lapwing/kernel';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Codec, Entry, TypeLookup } from '../entry.ts';
import { type Path, parsePath, resourcePath } from '../path.ts';
import type { ValueType } from '../value.ts';
import { isWithin } from './placing.ts';
import { codecFor, formatTraits } from './registry.ts';

const allTypes: readonly (ValueType | undefined)[] = [
  undefined,
  'string',
  'integer',
  'integer64',
  'unsigned',
  'unsigned64',
  'float',
  'boolean',
  'opaque',
  'time',
  'objlnk',
  'corelnk',
];
/** Every type somewhere. */
const mixed: TypeLookup = (_, resource) => allTypes[resource % allTypes.length];

const formats = [0, 42, 60, 110, 112, 320, 322, 11_542, 11_543, 11_544];
const one = resourcePath(3, 0, 2);
const baseFor = (format: number): Path => {
  const scope = formatTraits(format)?.scope;
  if (scope === 'value') return one;
  return parsePath(scope === 'object' ? '/3' : '/');
};

/** Whether the bytes were taken; fails for any other error, and for entries that may not be. */
function survives(codec: Codec, bytes: Uint8Array, base: Path, typeOf: TypeLookup): boolean {
  let entries: Entry[];
  try {
    entries = codec.decode(bytes, base, typeOf);
  } catch (error) {
    if (error instanceof FormatError) return false;
    throw error;
  }
  for (const { path, value } of entries) {
    const isResource = path.kind === 'resource' || path.kind === 'resource-instance';
    const declared = isResource ? typeOf(path.object, path.resource) : undefined;
    if (!isWithin(base, path)) throw new Error('an entry outside the request');
    if (value !== undefined && !isResource) throw new Error('a value above resources');
    if (value !== undefined && declared !== undefined && value.type !== declared)
      throw new Error('a value of another type');
  }
  return true;
}

/** One entry of every type, so that flips and cuts reach every branch. */
function samplesFor(format: number): Uint8Array[] {
  const codec = codecFor(format) as Codec;
  const rows: readonly Entry[] = [
    { path: parsePath('/3/0/1'), value: { type: 'string', value: 'Lärm "1:2"' } },
    { path: parsePath('/3/0/2'), value: { type: 'integer', value: -70_000 } },
    { path: parsePath('/3/0/3'), value: { type: 'integer64', value: 2n ** 60n } },
    { path: parsePath('/3/0/5'), value: { type: 'unsigned64', value: 2n ** 63n } },
    { path: parsePath('/3/0/6'), value: { type: 'float', value: 0.1 } },
    { path: parsePath('/3/0/7'), value: { type: 'boolean', value: true } },
    { path: parsePath('/3/0/8/1'), value: { type: 'opaque', value: fromHex('00ff80') } },
    { path: parsePath('/3/0/8/400'), value: { type: 'opaque', value: noBytes } },
    { path: parsePath('/3/1/9'), value: { type: 'time', value: 1_367_491_215 } },
    { path: parsePath('/3/1/10'), value: { type: 'objlnk', value: { object: 3, instance: 65_535 } } },
    { path: parsePath('/3/65534/11'), value: { type: 'corelnk', value: '</3>' } },
  ];
  const scope = formatTraits(format)?.scope;
  const samples: Uint8Array[] = [];
  for (const row of rows) {
    if (scope === 'value' && format === 42 && row.value?.type !== 'opaque') continue;
    samples.push(codec.encode([row], scope === 'value' ? row.path : baseFor(format)));
  }
  if (scope === 'value') return samples;
  samples.push(codec.encode(rows, baseFor(format)));
  if (formatTraits(format)?.times)
    samples.push(
      codec.encode(
        rows.map((row, i) => ({ ...row, time: 1e9 + i / 4 })),
        baseFor(format),
      ),
    );
  return samples;
}

// A million errors are made here, and nobody reads where they come from.
const { stackTraceLimit } = Error;
beforeAll(() => {
  Error.stackTraceLimit = 0;
});
afterAll(() => {
  Error.stackTraceLimit = stackTraceLimit;
});

describe.each(formats)('format %i', (format) => {
  const codec = codecFor(format) as Codec;
  const base = baseFor(format);
  const samples = samplesFor(format);
  /** A single value is read as every type, a tree once. */
  const lookups: readonly TypeLookup[] =
    formatTraits(format)?.scope === 'value' ? allTypes.map((type) => () => type) : [mixed];

  it('L-30: survives all inputs of no, one and two bytes', () => {
    let tried = 0;
    const few = lookups.slice(0, 3);
    for (const typeOf of few) {
      survives(codec, noBytes, base, typeOf);
      for (let a = 0; a < 256; a += 1) {
        survives(codec, Uint8Array.of(a), base, typeOf);
        for (let b = 0; b < 256; b += 1) {
          survives(codec, Uint8Array.of(a, b), base, typeOf);
          tried += 1;
        }
      }
    }
    expect(tried).toBe(65_536 * few.length);
  });

  it('L-30: survives all prefixes and all single-bit flips of valid samples', () => {
    let taken = 0;
    let tried = 0;
    for (const sample of samples) {
      for (const typeOf of lookups) {
        for (let cut = 0; cut <= sample.length; cut += 1) {
          taken += survives(codec, sample.subarray(0, cut), base, typeOf) ? 1 : 0;
          tried += 1;
        }
        for (let bit = 0; bit < sample.length * 8; bit += 1) {
          const flipped = sample.slice();
          flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
          taken += survives(codec, flipped, base, typeOf) ? 1 : 0;
          tried += 1;
        }
      }
    }
    expect(taken).toBeGreaterThan(0);
    expect(taken).toBeLessThanOrEqual(tried);
  });

  it('L-30: survives any bytes, and valid samples with pieces exchanged', () => {
    const spliced = fc
      .tuple(
        fc.constantFrom(...samples),
        fc.constantFrom(...samples),
        fc.nat(),
        fc.nat(),
        fc.uint8Array({ maxLength: 4 }),
      )
      .map(([a, b, from, to, middle]) =>
        Uint8Array.of(...a.subarray(0, from % (a.length + 1)), ...middle, ...b.subarray(to % (b.length + 1))),
      );
    const typeOf = lookups[0] as TypeLookup;
    let tried = 0;
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), spliced), (bytes) => {
        survives(codec, bytes, base, typeOf);
        tried += 1;
      }),
      { numRuns: 2000 },
    );
    expect(tried).toBe(2000);
  });

  it('K-06: refuses to write what its value types cannot hold, with a FormatError', () => {
    const wrong = [
      { type: 'integer', value: 0.5 },
      { type: 'time', value: Number.POSITIVE_INFINITY },
      { type: 'unsigned', value: -1 },
      { type: 'integer64', value: 2n ** 63n },
      { type: 'string', value: '\udc00' },
      { type: 'objlnk', value: { object: -1, instance: 0 } },
    ] as const;
    for (const value of wrong) {
      expect(() =>
        codec.encode([{ path: one, value }], format === 11_542 || format === 11_543 ? parsePath('/3/0') : one),
      ).toThrow(FormatError);
    }
  });
});

describe('least surprise', () => {
  it('a SenML-JSON member that nobody knows changes nothing', () => {
    const [entries] = [[{ path: one, value: { type: 'integer', value: 5 } }]];
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.boolean(), (any, ahead) => {
        const unknown = `"x":${JSON.stringify(any)}`;
        const record = ahead ? `{${unknown},"n":"/3/0/2","v":5}` : `{"n":"/3/0/2","v":5,${unknown}}`;
        fc.pre(!/\\ud[89a-f]/i.test(unknown) && !/\p{Surrogate}/u.test(unknown));
        expect(codecFor(110)?.decode(encodeUtf8(`[${record}]`), one, mixed)).toEqual(entries);
      }),
      { numRuns: 200 },
    );
  });
});

// What every codec owes: reading gives back what was written, and other decoders agree.
import { decode as cborgDecode } from 'cborg';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Codec, Entry, TypeLookup } from '../entry.ts';
import { idsOf, instancePath, objectPath, type Path, resourceInstancePath, resourcePath, rootPath } from '../path.ts';
import type { Value, ValueType } from '../value.ts';
import { compareEntries, isWithin } from './placing.ts';
import { codecFor, formatTraits } from './registry.ts';

const id = fc.oneof(fc.nat(3), fc.nat(300), fc.nat(65_534));
const linkId = fc.oneof(fc.nat(3), fc.constant(65_535));
const link = fc.record({ object: linkId, instance: linkId });
const integer = fc.oneof(fc.integer(), fc.maxSafeInteger());
const anyText = fc.oneof(fc.string(), fc.string({ unit: 'grapheme', maxLength: 40 }), fc.constant('a\0"\\\u2028'));
const float = fc.oneof(fc.float({ noNaN: true }), fc.double(), fc.integer());

const valueOfType: { readonly [T in ValueType]: fc.Arbitrary<Extract<Value, { type: T }>['value']> } = {
  string: anyText,
  corelnk: fc.constant('</3/0>;pmin=1'),
  integer,
  time: integer,
  unsigned: fc.maxSafeNat(),
  integer64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  unsigned64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  float,
  boolean: fc.boolean(),
  opaque: fc.uint8Array({ maxLength: 300 }),
  objlnk: link,
};
const types = Object.keys(valueOfType) as ValueType[];
const value = fc
  .constantFrom(...types)
  .chain((type) => valueOfType[type].map((found) => ({ type, value: found }) as Value));

interface Content {
  readonly entries: readonly Entry[];
  readonly base: Path;
  readonly typeOf: TypeLookup;
}

/** The type and the plurality of a resource follow from its first mention, as a definition would have it. */
function contentOf(
  rows: readonly (readonly [number, number, number, number, boolean, Value])[],
  depth: number,
): Content {
  const first = new Map<string, { readonly many: boolean; readonly type: ValueType }>();
  const found = new Map<string, Entry>();
  for (const [object, instance, resource, resourceInstance, many, candidate] of rows) {
    const key = `${object}/${resource}`;
    const shape = first.get(key) ?? { many, type: candidate.type };
    first.set(key, shape);
    if (candidate.type !== shape.type) continue;
    const path = shape.many
      ? resourceInstancePath(object, instance, resource, resourceInstance)
      : resourcePath(object, instance, resource);
    found.set(idsOf(path).join('/'), { path, value: candidate });
  }
  const all = [...found.values()].sort(compareEntries);
  const base = baseOf((all[0] as Entry).path, depth);
  return {
    entries: all.filter((entry) => isWithin(base, entry.path)),
    base,
    typeOf: (object, resource) => first.get(`${object}/${resource}`)?.type,
  };
}

function baseOf(path: Path, depth: number): Path {
  const [object = 0, instance = 0] = idsOf(path);
  return [rootPath, objectPath(object), instancePath(object, instance), path][depth] ?? path;
}

const small = fc.oneof(fc.nat(2), id);
const row = fc.tuple(fc.nat(2), small, id, small, fc.boolean(), value);
const contentFrom = (depths: readonly number[]): fc.Arbitrary<Content> =>
  fc
    .tuple(fc.array(row, { minLength: 1, maxLength: 12 }), fc.constantFrom(...depths))
    .map(([rows, depth]) => contentOf(rows, depth));

const depthsOf: { readonly [scope: string]: readonly number[] } = {
  value: [3],
  object: [1, 2, 3],
  composite: [0, 1, 2, 3],
};

/** What this format, by its own rules, cannot say. */
function cannotSay(format: number, entry: Entry): boolean {
  const found = entry.value;
  if (format === 42) return found?.type !== 'opaque';
  const isText = [0, 110, 320, 11_543].includes(format);
  return isText && found?.type === 'float' && !Number.isFinite(found.value);
}

const formats = [0, 42, 60, 110, 112, 320, 322, 11_542, 11_543, 11_544];
const numRuns = 150;

describe.each(formats)('format %i', (format) => {
  const codec = codecFor(format) as Codec;
  const scope = formatTraits(format)?.scope ?? 'value';
  const content = contentFrom(depthsOf[scope] as readonly number[])
    .map((made) => ({ ...made, entries: made.entries.filter((entry) => !cannotSay(format, entry)) }))
    .filter(({ entries }) => entries.length > 0);

  it('K-06: reads back what it wrote, every value exact', () => {
    fc.assert(
      fc.property(content, ({ entries, base, typeOf }) => {
        expect(codec.decode(codec.encode(entries, base), base, typeOf)).toEqual(entries);
      }),
      { numRuns },
    );
  });

  it('writes the same bytes again after reading', () => {
    fc.assert(
      fc.property(content, ({ entries, base, typeOf }) => {
        const bytes = codec.encode(entries, base);
        expect(codec.encode(codec.decode(bytes, base, typeOf), base)).toEqual(bytes);
      }),
      { numRuns: 50 },
    );
  });

  it('reads the same paths when no type is known, and asks for each type at most once an entry', () => {
    fc.assert(
      fc.property(content, ({ entries, base }) => {
        let asked = 0;
        const sayable = entries.filter(
          ({ value: found }) => found?.type !== 'integer64' && found?.type !== 'unsigned64',
        );
        if (sayable.length === 0) return;
        const read = codec.decode(codec.encode(sayable, base), base, () => {
          asked += 1;
          return undefined;
        });
        expect(read.map(({ path }) => path)).toEqual(sayable.map(({ path }) => path));
        expect(asked).toBeLessThanOrEqual(2 * sayable.length);
      }),
      { numRuns: 50 },
    );
  });
});

describe.each(formats.filter((format) => formatTraits(format)?.times))('times in format %i', (format) => {
  const codec = codecFor(format) as Codec;
  const time = fc.option(
    fc.oneof(fc.integer({ min: -1000, max: 2 ** 31 }), fc.double({ min: 2 ** 28, max: 2 ** 32, noNaN: true })),
    {
      nil: undefined,
    },
  );

  it('come back exact, given for all, for some or for none', () => {
    fc.assert(
      fc.property(fc.array(time, { minLength: 1, maxLength: 8 }), (times) => {
        const path = resourcePath(3303, 0, 5700);
        const distinct = [...new Set(times)];
        const entries = distinct.map((at, i): Entry => {
          const found: Value = { type: 'float', value: i + 0.5 };
          return at === undefined ? { path, value: found } : { path, value: found, time: at };
        });
        const read = codec.decode(codec.encode(entries, path), path, () => 'float');
        expect(read.map((entry) => entry.time)).toEqual(distinct.map((at) => (Object.is(at, -0) ? 0 : at)));
      }),
      { numRuns },
    );
  });
});

describe('paths without values', () => {
  const paths = fc.uniqueArray(fc.array(id, { minLength: 1, maxLength: 4 }), {
    selector: String,
    minLength: 1,
    maxLength: 8,
  });

  it.each([110, 112, 320, 322])('come back in format %i', (format) => {
    const codec = codecFor(format) as Codec;
    fc.assert(
      fc.property(paths, (list) => {
        const entries = list.map((ids): Entry => ({ path: pathFrom(ids) }));
        expect(codec.decode(codec.encode(entries, rootPath), rootPath, () => undefined)).toEqual(entries);
      }),
      { numRuns },
    );
  });
});

const pathFrom = ([a = 0, b, c, d]: readonly number[]): Path => {
  if (b === undefined) return objectPath(a);
  if (c === undefined) return instancePath(a, b);
  return d === undefined ? resourcePath(a, b, c) : resourceInstancePath(a, b, c, d);
};

describe('other decoders', () => {
  const sayable = contentFrom([0, 1, 2]).map(({ entries, base }) => ({
    base,
    entries: entries.filter(({ value: found }) =>
      ['string', 'integer', 'boolean', 'objlnk'].includes(found?.type ?? ''),
    ),
  }));
  const labels = new Map<unknown, string>([
    [-2, 'bn'],
    [0, 'n'],
    [2, 'v'],
    [3, 'vs'],
    [4, 'vb'],
    ['vlo', 'vlo'],
  ]);

  it('read in SenML-CBOR what JSON.parse reads in SenML-JSON', () => {
    fc.assert(
      fc.property(sayable, ({ entries, base }) => {
        const json: unknown = JSON.parse(new TextDecoder().decode(codecFor(110)?.encode(entries, base)));
        const records = cborgDecode(codecFor(112)?.encode(entries, base) as Uint8Array, { useMaps: true }) as Map<
          unknown,
          unknown
        >[];
        expect(
          records.map((record) => Object.fromEntries([...record].map(([label, found]) => [labels.get(label), found]))),
        ).toEqual(json);
      }),
      { numRuns },
    );
  });

  it('read in LwM2M-CBOR one leaf for each entry', () => {
    fc.assert(
      fc.property(sayable, ({ entries, base }) => {
        const tree = cborgDecode(codecFor(11_544)?.encode(entries, base) as Uint8Array, { useMaps: true }) as Map<
          unknown,
          unknown
        >;
        const expected = entries.map(({ path, value: found }) => [
          idsOf(path).join('/'),
          found?.type === 'objlnk' ? `${found.value.object}:${found.value.instance}` : found?.value,
        ]);
        expect(leavesOf(tree, [])).toEqual(expected);
      }),
      { numRuns },
    );
  });
});

function leavesOf(node: unknown, above: readonly unknown[]): unknown[] {
  if (!(node instanceof Map)) return [[above.join('/'), node]];
  return [...node].flatMap(([key, below]) => leavesOf(below, [...above, key]));
}

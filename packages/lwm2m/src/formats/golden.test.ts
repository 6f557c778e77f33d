// Golden bytes of the specifications (vectors/*.json, each naming its source), read and written by every codec.
import { readdirSync, readFileSync } from 'node:fs';
import { encodeUtf8, FormatError, fromHex, toHex } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import type { Entry, TypeLookup } from '../entry.ts';
import { idsOf, parsePath } from '../path.ts';
import type { Value, ValueType } from '../value.ts';
import { codecFor } from './registry.ts';

interface Row {
  readonly path: string;
  readonly type?: ValueType;
  readonly value?: string | number | boolean;
  readonly time?: number;
}
interface Case {
  readonly name: string;
  readonly base: string;
  readonly hex?: string;
  readonly text?: string;
  /** Present when the bytes are read but others are written. */
  readonly only?: 'read';
  /** 'none' when the types are to be guessed. */
  readonly types?: 'none';
  readonly entries: readonly Row[];
}
interface Vectors {
  readonly source: string;
  readonly format: number;
  readonly cases: readonly Case[];
}

const folder = new URL('../../../../vectors/', import.meta.url);

function valueOf(type: ValueType, value: string | number | boolean): Value {
  switch (type) {
    case 'opaque':
      return { type, value: fromHex(String(value)) };
    case 'objlnk': {
      const [object = 0, instance = 0] = String(value).split(':').map(Number);
      return { type, value: { object, instance } };
    }
    case 'integer64':
    case 'unsigned64':
      return { type, value: BigInt(value as string) };
    case 'float':
      return { type, value: Number(value) };
    default:
      return { type, value } as Value;
  }
}

function entryOf({ path, type, value, time }: Row): Entry {
  return {
    path: parsePath(path),
    ...(type !== undefined && value !== undefined && { value: valueOf(type, value) }),
    ...(time !== undefined && { time }),
  };
}

function lookupOf(rows: readonly Row[]): TypeLookup {
  const types = new Map<string, ValueType>();
  for (const { path, type } of rows) {
    const [object, , resource] = idsOf(parsePath(path));
    if (type !== undefined) types.set(`${object}/${resource}`, type);
  }
  return (object, resource) => types.get(`${object}/${resource}`);
}

const files = readdirSync(folder).filter((name) => /^(tlv|senml|lwm2m|cbor|text)-.*\.json$/.test(name));

describe.each(files)('the vectors of %s', (file) => {
  const { source, format, cases } = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Vectors;
  const codec = codecFor(format);
  if (codec === undefined) throw new Error(`no codec for ${format}`);

  it('name their source', () => {
    expect(source.length).toBeGreaterThan(10);
  });

  it.each(cases)('read as the entries that the source gives: $name', ({ base, hex, text, types, entries }) => {
    const bytes = hex === undefined ? encodeUtf8(text ?? '') : fromHex(hex);
    const typeOf: TypeLookup = types === 'none' ? () => undefined : lookupOf(entries);
    expect(codec.decode(bytes, parsePath(base), typeOf)).toEqual(entries.map(entryOf));
  });

  it.each(cases.filter(({ only }) => only !== 'read'))('are what is written: $name', ({ base, hex, text, entries }) => {
    const written = codec.encode(entries.map(entryOf), parsePath(base));
    if (text === undefined) expect(toHex(written)).toBe(hex);
    else expect(new TextDecoder().decode(written)).toBe(text);
  });
});

describe('L-07: the sample bytes of the enabler test specification', () => {
  const samples = files.filter((file) => file.endsWith('-ets-1.2.json'));

  it('are of the cases 215, 257, 651 and 1630', () => {
    const names = samples.flatMap((file) =>
      (JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Vectors).cases.map(({ name }) => name),
    );
    for (const id of [215, 257, 651, 1630]) expect(names.some((name) => name.includes(`int-${id},`))).toBe(true);
  });

  it('are a format error where case 1630 misprints the length of a resource', () => {
    const misprinted = fromHex(
      '08012e80002b480011486f737420446576696365204944202332480114486f737420446576696365204d6f64656c202332',
    );
    expect(() => codecFor(11_542)?.decode(misprinted, parsePath('/16'), () => 'string')).toThrow(FormatError);
  });
});

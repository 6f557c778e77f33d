import { FormatError, fromHex, toHex } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import type { TypeLookup } from '../entry.ts';
import { instancePath, objectPath, parsePath, resourceInstancePath, resourcePath, rootPath } from '../path.ts';
import type { Value, ValueType } from '../value.ts';
import { startsWithInstance, tlv } from './tlv.ts';

const always =
  (type: ValueType | undefined): TypeLookup =>
  () =>
    type;
const read = (hex: string, base: string, type?: ValueType) => tlv.decode(fromHex(hex), parsePath(base), always(type));
const readOne = (hex: string, type?: ValueType) => read(hex, '/3/0/1', type)[0]?.value;
const written = (value: Value) => toHex(tlv.encode([{ path: resourcePath(3, 0, 1), value }], resourcePath(3, 0, 1)));

describe('lengths', () => {
  it('L-01: refuses a length of 16 777 215 in ten bytes', () => {
    expect(() => read('d801ffffff0000000000', '/3/0/1')).toThrow(FormatError);
  });

  it('L-04: refuses a header or a value cut at any byte, and bytes that trail', () => {
    const valid = 'e8012c02abcd';
    expect(read(valid, '/3/0')).toHaveLength(1);
    for (let cut = 2; cut < valid.length; cut += 2) {
      expect(() => read(valid.slice(0, cut), '/3/0'), valid.slice(0, cut)).toThrow(FormatError);
    }
    expect(() => read(`${valid}c1`, '/3/0')).toThrow(FormatError);
  });

  it('takes a longer length field than needed and writes the shortest', () => {
    expect(readOne('c8010105', 'integer')).toEqual({ type: 'integer', value: 5 });
    expect(readOne('d0010001' + '05', 'integer')).toEqual({ type: 'integer', value: 5 });
    expect(readOne('d801000001' + '05', 'integer')).toEqual({ type: 'integer', value: 5 });
    expect(readOne('e1000105', 'integer')).toEqual({ type: 'integer', value: 5 });
    expect(written({ type: 'integer', value: 5 })).toBe('c10105');
  });

  it.each([
    [7, 'c701'],
    [8, 'c80108'],
    [255, 'c801ff'],
    [256, 'd0010100'],
    [65_535, 'd001ffff'],
    [65_536, 'd801010000'],
  ])('writes a value of %i bytes behind the header it needs', (length, header) => {
    const hex = written({ type: 'opaque', value: new Uint8Array(length) });
    expect(hex.slice(0, header.length)).toBe(header);
    expect(hex).toHaveLength(header.length + 2 * length);
  });

  it('writes ids above 255 in two bytes', () => {
    const path = resourcePath(3, 0, 5700);
    expect(toHex(tlv.encode([{ path, value: { type: 'integer', value: 1 } }], path))).toBe('e1164401');
  });
});

describe('values', () => {
  it.each(['c001', 'c301000001', 'c5010000000001', 'c70100000000000001', 'c80109000000000000000001'])(
    'L-03: refuses an integer of another length than 1, 2, 4 or 8: %s',
    (hex) => {
      for (const type of ['integer', 'unsigned', 'time', 'integer64', 'unsigned64'] as const) {
        expect(() => readOne(hex, type), type).toThrow(FormatError);
      }
    },
  );

  it.each([0, 1, 2, 3, 5, 6, 7])('L-03: refuses a float of %i bytes', (length) => {
    expect(() => readOne(`c${length}01${'00'.repeat(length)}`, 'float')).toThrow(FormatError);
  });

  it.each(['c001', 'c2010001', 'c10102'])('L-03: refuses a boolean that is not one byte of 0 or 1: %s', (hex) => {
    expect(() => readOne(hex, 'boolean')).toThrow(FormatError);
  });

  it('K-06: keeps integers of 64 bits exact where they are declared, and refuses them where not', () => {
    const most = 'c80108' + '7fffffffffffffff';
    const least = 'c80108' + '8000000000000000';
    expect(readOne(most, 'integer64')).toEqual({ type: 'integer64', value: 2n ** 63n - 1n });
    expect(readOne(least, 'integer64')).toEqual({ type: 'integer64', value: -(2n ** 63n) });
    expect(readOne('c80108ffffffffffffffff', 'unsigned64')).toEqual({ type: 'unsigned64', value: 2n ** 64n - 1n });
    expect(() => readOne(most, 'integer')).toThrow(FormatError);
    expect(() => readOne(least, 'time')).toThrow(FormatError);
    expect(() => readOne('c801080020000000000000', 'integer')).toThrow(FormatError);
    expect(() => readOne('c80108ffe0000000000000', 'integer')).toThrow(FormatError);
    expect(readOne('c80108001fffffffffffff', 'integer')).toEqual({ type: 'integer', value: 2 ** 53 - 1 });
    expect(readOne('c80108ffe0000000000001', 'integer')).toEqual({ type: 'integer', value: -(2 ** 53) + 1 });
  });

  it('reads an unsigned integer without a sign', () => {
    expect(readOne('c101ff', 'unsigned')).toEqual({ type: 'unsigned', value: 255 });
    expect(readOne('c101ff', 'integer')).toEqual({ type: 'integer', value: -1 });
    expect(written({ type: 'unsigned', value: 255 })).toBe('c101ff');
    expect(written({ type: 'integer', value: 255 })).toBe('c20100ff');
  });

  it('K-06: keeps a float exact, minus zero, NaN, infinities and subnormals included', () => {
    for (const value of [0.1, -0, Number.NaN, Number.POSITIVE_INFINITY, 5e-324, 1.5, 2 ** -149]) {
      const bytes = fromHex(written({ type: 'float', value }));
      expect(tlv.decode(bytes, resourcePath(3, 0, 1), always('float'))[0]?.value).toEqual({ type: 'float', value });
    }
    expect(written({ type: 'float', value: 1.5 })).toBe('c4013fc00000');
    expect(written({ type: 'float', value: 0.1 })).toBe('c801083fb999999999999a');
  });

  it('K-06: refuses a string that is not UTF-8, and keeps one with NUL', () => {
    expect(() => readOne('c201c080', 'string')).toThrow(FormatError);
    expect(() => readOne('c301eda080', 'string')).toThrow(FormatError);
    expect(readOne('c301610062', 'string')).toEqual({ type: 'string', value: 'a\0b' });
  });

  it('gives bytes for a resource of unknown type, as a copy', () => {
    const bytes = fromHex('c2010102');
    const value = tlv.decode(bytes, resourcePath(3, 0, 1), always(undefined))[0]?.value;
    bytes.fill(0);
    expect(value).toEqual({ type: 'opaque', value: fromHex('0102') });
  });

  it.each<Value>([
    { type: 'integer', value: 1.5 },
    { type: 'integer', value: 2 ** 53 },
    { type: 'unsigned', value: -1 },
    { type: 'unsigned64', value: 2n ** 64n },
    { type: 'integer64', value: -(2n ** 63n) - 1n },
    { type: 'time', value: Number.NaN },
    { type: 'string', value: '\ud800' },
    { type: 'objlnk', value: { object: 65_536, instance: 0 } },
  ])('K-06: refuses to write what the type cannot hold: $type', (value) => {
    expect(() => written(value)).toThrow(FormatError);
  });
});

describe('nesting', () => {
  it('L-02: refuses an instance inside an instance, and instances of a resource outside it', () => {
    expect(() => read('0003' + '000000', '/3')).toThrow(FormatError);
    expect(() => read('0300' + '000100', '/3')).toThrow(FormatError);
    expect(() => read('410001', '/3/0')).toThrow(FormatError);
    expect(() => read('410001', '/3/0/6')).toThrow(FormatError);
    expect(() => read('850683000100', '/3/0')).toThrow(FormatError);
  });

  it('L-02: refuses nesting without end at the third level', () => {
    let hex = '';
    for (let i = 0; i < 10; i += 1) {
      const length = hex.length / 2;
      hex = `08${'01'}${length.toString(16).padStart(2, '0')}${hex}`;
    }
    expect(() => read(hex, '/3')).toThrow(FormatError);
    expect(() => read(hex, '/3/1')).toThrow(FormatError);
  });

  it('L-06: reads 64 KiB of empty instances once and calls them said twice', () => {
    expect(() => tlv.decode(new Uint8Array(65_536), objectPath(3), always(undefined))).toThrow(/twice/);
  });

  it('L-05: refuses an id that comes twice on any level', () => {
    expect(() => read('c10101c10102', '/3/0', 'integer')).toThrow(FormatError);
    expect(() => read('8606410001410002', '/3/0', 'integer')).toThrow(FormatError);
    expect(() => read('00010001', '/3')).toThrow(FormatError);
    expect(() => read('c106018306410001', '/3/0', 'integer')).toThrow(FormatError);
  });

  it('reads ids in any order', () => {
    const entries = read('c10201c10102', '/3/0', 'integer');
    expect(entries.map(({ path }) => path)).toEqual([resourcePath(3, 0, 2), resourcePath(3, 0, 1)]);
  });

  it('K-07: reads ids up to 65 534 and ten thousand instances of a resource, and refuses id 65 535', () => {
    expect(read('6000' + '00', '/3/0/6/0', 'string')).toHaveLength(1);
    expect(read('60fffe', '/3/0/6/65534', 'string')).toHaveLength(1);
    expect(() => read('8306' + '60ffff', '/3/0', 'string')).toThrow(FormatError);
    const value: Value = { type: 'integer', value: 1 };
    const entries = Array.from({ length: 10_000 }, (_, id) => ({ path: resourceInstancePath(3, 0, 6, id), value }));
    const bytes = tlv.encode(entries, resourcePath(3, 0, 6));
    expect(bytes).toHaveLength(4 + 256 * 3 + 9744 * 4);
    let asked = 0;
    const typeOf: TypeLookup = () => {
      asked += 1;
      return 'integer';
    };
    expect(tlv.decode(bytes, resourcePath(3, 0, 6), typeOf)).toEqual(entries);
    expect(asked).toBe(1);
  });

  it('L-15: refuses whatever is not below the path of the request', () => {
    expect(() => read('03' + '01' + 'c10101', '/3/0')).toThrow(FormatError);
    expect(() => read('c10201', '/3/0/1')).toThrow(FormatError);
    expect(() => read('410101', '/3/0/6/0')).toThrow(FormatError);
    expect(() => read('8306410101', '/3/0/6/0')).toThrow(FormatError);
    expect(() => read('c10101', '/')).toThrow(FormatError);
    expect(() => read('c10101', '/3')).toThrow(FormatError);
    expect(() => read('e1ffff01', '/3/0')).toThrow(FormatError);
  });

  it('takes an instance around the resources of an instance', () => {
    expect(read('0300c10105', '/3/0', 'integer')).toEqual(read('c10105', '/3/0', 'integer'));
  });

  it('takes a resource instance bare or inside its resource', () => {
    const entries = [{ path: resourceInstancePath(3, 0, 6, 1), value: { type: 'integer', value: 5 } as const }];
    expect(read('410105', '/3/0/6/1', 'integer')).toEqual(entries);
    expect(read('8306410105', '/3/0/6/1', 'integer')).toEqual(entries);
    expect(toHex(tlv.encode(entries, resourceInstancePath(3, 0, 6, 1)))).toBe('410105');
  });

  it('says an empty instance and an empty resource as containers of nothing', () => {
    expect(read('0000', '/3')).toEqual([{ path: instancePath(3, 0) }]);
    expect(read('8006', '/3/0')).toEqual([{ path: resourcePath(3, 0, 6) }]);
    expect(toHex(tlv.encode([{ path: instancePath(3, 0) }], objectPath(3)))).toBe('0000');
    expect(toHex(tlv.encode([{ path: resourcePath(3, 0, 6) }], instancePath(3, 0)))).toBe('8006');
    expect(tlv.encode([{ path: instancePath(3, 0) }], instancePath(3, 0))).toHaveLength(0);
    expect(tlv.decode(new Uint8Array(0), instancePath(3, 0), always(undefined))).toEqual([]);
  });

  it('tells a content that names its instances', () => {
    expect(startsWithInstance(fromHex('0000'))).toBe(true);
    expect(startsWithInstance(fromHex('c10101'))).toBe(false);
    expect(startsWithInstance(new Uint8Array(0))).toBe(false);
  });
});

describe('what it cannot say', () => {
  const one: Value = { type: 'integer', value: 1 };

  it('refuses several objects, times, values above resources and paths outside the request', () => {
    expect(() => tlv.encode([{ path: resourcePath(3, 0, 1), value: one }], rootPath)).toThrow(FormatError);
    expect(() => tlv.encode([{ path: resourcePath(3, 0, 1), value: one, time: 1 }], objectPath(3))).toThrow(
      FormatError,
    );
    expect(() => tlv.encode([{ path: instancePath(3, 0), value: one }], objectPath(3))).toThrow(FormatError);
    expect(() => tlv.encode([{ path: resourcePath(3, 1, 1), value: one }], instancePath(3, 0))).toThrow(FormatError);
    expect(() => tlv.encode([{ path: resourceInstancePath(3, 0, 6, 0) }], instancePath(3, 0))).toThrow(FormatError);
  });

  it('refuses a path twice, and a resource with a value and instances', () => {
    const path = resourcePath(3, 0, 6);
    const twice = [
      { path, value: one },
      { path, value: one },
    ];
    expect(() => tlv.encode(twice, instancePath(3, 0))).toThrow(FormatError);
    const both = [
      { path: resourceInstancePath(3, 0, 6, 0), value: one },
      { path, value: one },
    ];
    expect(() => tlv.encode(both, instancePath(3, 0))).toThrow(FormatError);
  });

  it('writes in the order of ids, whatever order it is given', () => {
    const entries = [
      { path: resourceInstancePath(3, 0, 6, 1), value: one },
      { path: resourcePath(3, 0, 1), value: one },
      { path: resourceInstancePath(3, 0, 6, 0), value: one },
    ];
    expect(toHex(tlv.encode(entries, instancePath(3, 0)))).toBe('c10101' + '8606410001410101');
  });
});

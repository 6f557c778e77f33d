import { encodeUtf8, FormatError } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { instancePath, resourceInstancePath, resourcePath } from '../path.ts';
import type { Value, ValueType } from '../value.ts';
import { opaque } from './opaque.ts';
import { text } from './text.ts';

const path = resourcePath(3, 0, 1);
const read = (found: string, type?: ValueType) => text.decode(encodeUtf8(found), path, () => type)[0]?.value?.value;
const write = (value: Value) => new TextDecoder().decode(text.encode([{ path, value }], path));

describe('text', () => {
  const numbers = ['0x10', ' 1', '1 ', '+1', '1e3', '1_000', '٣', '', '-', '--1', '01', '-0', '1.', 'NaN', '1\n'];
  it.each(numbers)('L-23: refuses %j as a number', (found) => {
    for (const type of ['integer', 'unsigned', 'time', 'integer64', 'unsigned64'] as const) {
      expect(() => read(found, type), type).toThrow(FormatError);
    }
    if (found !== '-0') expect(() => read(found, 'float')).toThrow(FormatError);
  });

  it('L-23: takes 20 digits only where 64 bits are declared and hold them', () => {
    expect(read('18446744073709551615', 'unsigned64')).toBe(2n ** 64n - 1n);
    expect(() => read('18446744073709551616', 'unsigned64')).toThrow(FormatError);
    expect(read('-9223372036854775808', 'integer64')).toBe(-(2n ** 63n));
    expect(() => read('9223372036854775808', 'integer64')).toThrow(FormatError);
    expect(() => read('9007199254740992', 'integer')).toThrow(FormatError);
    expect(() => read('1'.repeat(100_000), 'integer64')).toThrow(FormatError);
    expect(() => read('-1', 'unsigned')).toThrow(FormatError);
  });

  it.each([
    [1e21, '1000000000000000000000'],
    [1.5e-7, '0.00000015'],
    [-1.25e22, '-12500000000000000000000'],
    [22.5, '22.5'],
    [-0, '-0'],
  ])('writes the float %f without an exponent', (value, expected) => {
    expect(write({ type: 'float', value })).toBe(expected);
    expect(read(expected, 'float')).toBe(value);
  });

  it('K-06: refuses floats that decimals cannot say', () => {
    expect(() => write({ type: 'float', value: Number.NaN })).toThrow(FormatError);
    expect(() => write({ type: 'float', value: Number.POSITIVE_INFINITY })).toThrow(FormatError);
    expect(() => read(`1${'0'.repeat(309)}`, 'float')).toThrow(FormatError);
    expect(() => read('1'.repeat(1000), 'float')).toThrow(FormatError);
    expect(read(write({ type: 'float', value: 5e-324 }), 'float')).toBe(5e-324);
    expect(read(write({ type: 'float', value: Number.MAX_VALUE }), 'float')).toBe(Number.MAX_VALUE);
  });

  it('reads a boolean as 0 or 1, in words too, and nothing else; writes it as a digit', () => {
    for (const found of ['1', 'true']) expect(read(found, 'boolean')).toBe(true);
    for (const found of ['0', 'false']) expect(read(found, 'boolean')).toBe(false);
    expect(write({ type: 'boolean', value: true })).toBe('1');
    for (const found of ['True', 'FALSE', 'true\n', '2', '', '01', 'yes'])
      expect(() => read(found, 'boolean')).toThrow(FormatError);
  });

  it('L-21: reads object links, the null link among them', () => {
    expect(read('65535:65535', 'objlnk')).toEqual({ object: 65_535, instance: 65_535 });
    expect(read('10:3', 'objlnk')).toEqual({ object: 10, instance: 3 });
    for (const found of ['1:', ':', ':1', 'a:b', '65535:65536', '1:2:3', '01:2', '1', '']) {
      expect(() => read(found, 'objlnk'), found).toThrow(FormatError);
    }
  });

  it('L-29: reads opaque as strict base64', () => {
    expect(read('AQID', 'opaque')).toEqual(Uint8Array.of(1, 2, 3));
    for (const found of ['AQI', 'AQ I', 'AQID\n', 'AQ==AQ==', 'AR==', '-_-_']) {
      expect(() => read(found, 'opaque'), found).toThrow(FormatError);
    }
  });

  it('gives a string for a resource of unknown type', () => {
    expect(text.decode(encodeUtf8('12'), path, () => undefined)).toEqual([
      { path, value: { type: 'string', value: '12' } },
    ]);
  });

  it('K-06: keeps NUL and 64 KiB in a string, and refuses what is not UTF-8', () => {
    expect(read('a\0b', 'string')).toBe('a\0b');
    expect(read('ä'.repeat(32_768), 'string')).toBe('ä'.repeat(32_768));
    expect(() => text.decode(Uint8Array.of(0xc0, 0x80), path, () => 'string')).toThrow(FormatError);
  });

  it('says one value of one resource and refuses the rest', () => {
    const value: Value = { type: 'integer', value: 1 };
    expect(() => text.encode([], path)).toThrow(FormatError);
    expect(() => text.encode([{ path }], path)).toThrow(FormatError);
    expect(() => text.encode([{ path, value, time: 1 }], path)).toThrow(FormatError);
    expect(() => text.encode([{ path, value }], instancePath(3, 0))).toThrow(FormatError);
    expect(() => text.encode([{ path, value }], resourceInstancePath(3, 0, 1, 0))).toThrow(FormatError);
    expect(() => text.decode(encodeUtf8('1'), instancePath(3, 0), () => 'integer')).toThrow(FormatError);
  });
});

describe('opaque', () => {
  it('is the bytes as they are, and a copy of them', () => {
    const bytes = Uint8Array.of(1, 2, 3);
    const [entry] = opaque.decode(bytes, path, () => 'opaque');
    bytes.fill(0);
    expect(entry).toEqual({ path, value: { type: 'opaque', value: Uint8Array.of(1, 2, 3) } });
    expect(opaque.encode([{ path, value: { type: 'opaque', value: bytes } }], path)).toEqual(bytes);
    expect(opaque.decode(new Uint8Array(0), path, () => undefined)[0]?.value?.value).toHaveLength(0);
  });

  it('refuses a resource of another type', () => {
    expect(() => opaque.decode(Uint8Array.of(1), path, () => 'string')).toThrow(FormatError);
    expect(() => opaque.encode([{ path, value: { type: 'string', value: '' } }], path)).toThrow(FormatError);
  });
});

import { FormatError, fromHex, toHex } from '@lapwing/kernel';
import { decode as cborgDecode, encode as cborgEncode } from 'cborg';
import { describe, expect, it } from 'vitest';
import { instancePath, resourcePath } from '../path.ts';
import type { Value, ValueType } from '../value.ts';
import { cbor } from './cbor.ts';
import { CborReader } from './cbor-reader.ts';

const path = resourcePath(3, 0, 1);
const read = (hex: string, type?: ValueType) => cbor.decode(fromHex(hex), path, () => type)[0]?.value;
const write = (value: Value) => cbor.encode([{ path, value }], path);

describe('one CBOR value', () => {
  it('guesses the type of a resource that is not known', () => {
    expect(read('05')).toEqual({ type: 'integer', value: 5 });
    expect(read('fa40a00000')).toEqual({ type: 'float', value: 5 });
    expect(read('6135')).toEqual({ type: 'string', value: '5' });
    expect(read('f5')).toEqual({ type: 'boolean', value: true });
    expect(read('4101')).toEqual({ type: 'opaque', value: Uint8Array.of(1) });
    expect(read('c105')).toEqual({ type: 'time', value: 5 });
  });

  it('L-12: never rounds an integer, and refuses what 64 bits cannot hold', () => {
    const above = '1b0020000000000000';
    expect(() => read(above)).toThrow(FormatError);
    expect(() => read(above, 'integer')).toThrow(FormatError);
    expect(read(above, 'integer64')).toEqual({ type: 'integer64', value: 2n ** 53n });
    expect(read(above, 'float')).toEqual({ type: 'float', value: 2 ** 53 });
    expect(() => read('1b0020000000000001', 'float')).toThrow(FormatError);
    expect(read('3b7fffffffffffffff', 'integer64')).toEqual({ type: 'integer64', value: -(2n ** 63n) });
    expect(read('3b001ffffffffffffe', 'integer')).toEqual({ type: 'integer', value: -(2 ** 53) + 1 });
    expect(() => read('3b001fffffffffffff', 'integer')).toThrow(FormatError);
    expect(read('3b001fffffffffffff', 'integer64')).toEqual({ type: 'integer64', value: -(2n ** 53n) });
    expect(() => read('3bffffffffffffffff', 'integer64')).toThrow(FormatError);
    expect(() => read(`c25a00010000${'ff'.repeat(65_536)}`, 'unsigned64')).toThrow(FormatError);
    expect(() => read('c249010000000000000000')).toThrow(FormatError);
  });

  it('L-14: keeps half, single and double floats bit by bit', () => {
    expect(read('f98000', 'float')?.value).toBe(-0);
    expect(read('f90001', 'float')?.value).toBe(2 ** -24);
    expect(read('fa00000001', 'float')?.value).toBe(2 ** -149);
    expect(read('fb0000000000000001', 'float')?.value).toBe(5e-324);
    expect(read('f97e00', 'float')?.value).toBe(Number.NaN);
    expect(toHex(write({ type: 'float', value: -0 }))).toBe('fa80000000');
  });

  it('takes a whole float for an integer, since nothing is lost, and no other', () => {
    expect(read('fb4270000000000000', 'integer')).toEqual({ type: 'integer', value: 2 ** 40 });
    expect(() => read('f93e00', 'integer')).toThrow(FormatError);
    expect(() => read('f97e00', 'time')).toThrow(FormatError);
    expect(() => read('f9bc00', 'unsigned')).toThrow(FormatError);
  });

  it.each(['9affffffff', 'baffffffff', '5bffffffffffffffff', '7bffffffffffffffff', '9b0000000100000000', '5affffffff'])(
    'L-08: refuses the declared length of %s',
    (hex) => {
      expect(() => read(hex)).toThrow(FormatError);
      expect(() => new CborReader(fromHex(hex)).skip()).toThrow(FormatError);
    },
  );

  it.each([
    ['arrays', '81'],
    ['tags', 'c1'],
    ['maps', 'a100'],
    ['indefinite arrays', '9f'],
    ['indefinite maps', 'bf00'],
  ])('L-09: refuses %s nested 200 000 deep at the limit', (_, hex) => {
    expect(() => read(hex.repeat(200_000))).toThrow(FormatError);
    expect(() => new CborReader(fromHex(hex.repeat(200_000))).skip()).toThrow(/deeper than 16/);
  });

  it('L-10: refuses nested arrays that each announce all bytes that remain', () => {
    const levels = 13_000;
    const bytes = new Uint8Array(levels * 3);
    for (let i = 0; i < levels; i += 1) bytes.set([0x99, (bytes.length >> 8) & 255, bytes.length & 255], i * 3);
    expect(() => new CborReader(bytes).skip()).toThrow(FormatError);
  });

  it.each([
    '5f4101ff',
    '7f6161ff',
    `7f${'6161'.repeat(100_000)}ff`,
    'ff',
    '1f',
    '3f',
    'df01',
    'f818',
    'f8ff',
    '1c',
    'fc',
    'f7',
    'f6',
    'e0',
  ])('L-11: refuses strings without length, breaks and reserved items: %.12s', (hex) => {
    expect(() => read(hex)).toThrow(FormatError);
  });

  it('L-04: refuses what follows and what is cut', () => {
    for (const hex of ['0000', '', '18', '19ff', '1a00', '1b00', 'fa0000', '6261', '420a', 'c1']) {
      expect(() => read(hex), hex).toThrow(FormatError);
    }
  });

  it('K-06: refuses a text that is not UTF-8', () => {
    expect(() => read('62c080')).toThrow(FormatError);
    expect(() => read('63eda080')).toThrow(FormatError);
    expect(() => read(`7830${'c0'.repeat(48)}`)).toThrow(FormatError);
  });

  it('L-21: reads an object link from its text', () => {
    expect(read('6b36353533353a3635353335', 'objlnk')?.value).toEqual({ object: 65_535, instance: 65_535 });
    expect(toHex(write({ type: 'objlnk', value: { object: 3, instance: 0 } }))).toBe('63333a30');
    expect(() => read('62313a', 'objlnk')).toThrow(FormatError);
  });

  it('reads a time as number, tagged number or date, and writes a tagged number', () => {
    expect(read('1a514b67b0', 'time')?.value).toBe(1_363_896_240);
    const dates: readonly (readonly [string, number])[] = [
      ['1970-01-01T00:00:00Z', 0],
      ['2000-02-29T12:00:00+01:30', 951_820_200],
      ['1969-12-31T23:59:59-00:00', -1],
      ['2026-11-21T08:00:00.000Z', 1_795_248_000],
    ];
    for (const [date, expected] of dates) {
      expect(cbor.decode(tagged(date), path, () => 'time')[0]?.value).toEqual({ type: 'time', value: expected });
    }
    for (const date of [
      '2001-02-29T00:00:00Z',
      '2000-13-01T00:00:00Z',
      '2000-01-01',
      '2000-01-01T24:00:00Z',
      '2000-01-01T00:00:00.5Z',
    ]) {
      expect(() => cbor.decode(tagged(date), path, () => 'time'), date).toThrow(FormatError);
    }
    expect(() => read('c105', 'integer')).toThrow(FormatError);
  });

  it('refuses a path that is no resource', () => {
    expect(() => cbor.decode(Uint8Array.of(0), instancePath(3, 0), () => undefined)).toThrow(FormatError);
  });

  it('agrees with another decoder on what it writes', () => {
    const values: Value[] = [
      { type: 'integer', value: -(2 ** 53) + 1 },
      { type: 'unsigned64', value: 2n ** 64n - 1n },
      { type: 'integer64', value: -(2n ** 63n) },
      { type: 'float', value: 0.1 },
      { type: 'float', value: 1.5 },
      { type: 'string', value: 'grüße'.repeat(100) },
      { type: 'opaque', value: new Uint8Array(300) },
      { type: 'boolean', value: true },
    ];
    for (const value of values) expect(cborgDecode(write(value))).toEqual(value.value);
    expect(write({ type: 'string', value: 'a'.repeat(70_000) })).toEqual(cborgEncode('a'.repeat(70_000)));
  });
});

function tagged(date: string): Uint8Array {
  return fromHex(`c0${toHex(cborgEncode(date))}`);
}

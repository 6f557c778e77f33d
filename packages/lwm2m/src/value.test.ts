import { FormatError } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { equalValues, makeValue, nullLink, type Value, type ValueType } from './value.ts';

const sound: readonly (readonly [ValueType, unknown])[] = [
  ['string', ''],
  ['string', 'a\0b 😀'],
  ['string', 'x'.repeat(65_536)],
  ['integer', Number.MAX_SAFE_INTEGER],
  ['integer', -Number.MAX_SAFE_INTEGER],
  ['integer64', 2n ** 63n - 1n],
  ['integer64', -(2n ** 63n)],
  ['unsigned', 0],
  ['unsigned64', 2n ** 64n - 1n],
  ['float', Number.NaN],
  ['float', Number.NEGATIVE_INFINITY],
  ['float', 5e-324],
  ['boolean', false],
  ['opaque', new Uint8Array(0)],
  ['time', -1],
  ['objlnk', nullLink],
  ['objlnk', { object: 0, instance: 65_535 }],
  ['corelnk', '</3/0>'],
];

const unsound: readonly (readonly [ValueType, unknown])[] = [
  ['string', 5],
  ['string', '\ud800'],
  ['corelnk', '\udc00'],
  ['integer', 2 ** 53],
  ['integer', -(2 ** 53)],
  ['integer', 1.5],
  ['integer', 1n],
  ['integer', '1'],
  ['integer64', 1],
  ['integer64', 2n ** 63n],
  ['integer64', -(2n ** 63n) - 1n],
  ['unsigned', -1],
  ['unsigned64', -1n],
  ['unsigned64', 2n ** 64n],
  ['float', '1.5'],
  ['float', undefined],
  ['boolean', 2],
  ['boolean', 'true'],
  ['opaque', [1, 2]],
  ['time', 1.5],
  ['time', Number.POSITIVE_INFINITY],
  ['objlnk', null],
  ['objlnk', '1:2'],
  ['objlnk', { object: 65_535, instance: 65_536 }],
  ['objlnk', { object: -1, instance: 0 }],
  ['objlnk', { object: 1 }],
];

describe('a value', () => {
  it.each(sound)('K-06: of type %s may be this: %o', (type, value) => {
    expect(makeValue(type, value)).toEqual({ type, value });
  });

  it.each(unsound)('K-06: of type %s may not be this: %o', (type, value) => {
    expect(() => makeValue(type, value)).toThrow(FormatError);
  });

  it('does not show its content in an error', () => {
    expect(() => makeValue('integer', 'very secret')).toThrow('a string of 11 is no integer');
  });

  it('equals one of the same type and content only', () => {
    const values = sound.map(([type, value]) => makeValue(type, value));
    for (const [i, a] of values.entries())
      for (const [j, b] of values.entries()) expect(equalValues(a, b)).toBe(i === j);
    const bytes: Value = { type: 'opaque', value: Uint8Array.of(1, 2) };
    expect(equalValues(bytes, { type: 'opaque', value: Uint8Array.of(1, 2) })).toBe(true);
    expect(equalValues(bytes, { type: 'opaque', value: Uint8Array.of(1, 3) })).toBe(false);
    expect(equalValues({ type: 'float', value: 0 }, { type: 'float', value: -0 })).toBe(false);
    expect(equalValues({ type: 'integer', value: 1 }, { type: 'float', value: 1 })).toBe(false);
  });
});

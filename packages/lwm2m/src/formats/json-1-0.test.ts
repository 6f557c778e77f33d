import { encodeUtf8, FormatError } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { parsePath, resourcePath } from '../path.ts';
import type { ValueType } from '../value.ts';
import { lwm2mJson } from './json-1-0.ts';

const read = (text: string, base = '/3/0', type?: ValueType) =>
  lwm2mJson.decode(encodeUtf8(text), parsePath(base), () => type);
const path = resourcePath(3, 0, 1);

describe('JSON of LwM2M 1.0', () => {
  it('reads names relative to the request when there is no base name', () => {
    expect(read('{"e":[{"n":"1","v":5}]}')).toEqual([{ path, value: { type: 'integer', value: 5 } }]);
    expect(read('{"e":[{"n":"/1","v":5}]}')[0]?.path).toEqual(path);
    expect(read('{"e":[{"v":5}]}', '/3/0/1')[0]?.path).toEqual(path);
    expect(read('{"e":[{"n":"","v":5}]}', '/3/0/1')[0]?.path).toEqual(path);
    expect(read('{"bn":"/","e":[{"n":"3/0/1","v":5}]}')[0]?.path).toEqual(path);
  });

  it.each([
    '{"e":[{}]}',
    '{"e":[{"n":"1"}]}',
    '{"e":[{"n":"1","v":1,"sv":"a"}]}',
    '{"e":[{"v":1}]}',
    '{"e":[1]}',
    '{"e":[null]}',
    '{"e":{}}',
    '{}',
    '[]',
    '1',
    '{"e":[{"n":1,"v":1}]}',
    '{"bn":1,"e":[]}',
    '{"bn":"/3/0/","bt":"x","e":[]}',
  ])('L-18, L-19: refuses %s', (text) => {
    expect(() => read(text)).toThrow(FormatError);
  });

  it('L-15: refuses whatever is not below the path of the request, and names that are no path', () => {
    for (const text of [
      '{"bn":"/3/1/","e":[{"n":"1","v":1}]}',
      '{"bn":"3/0/","e":[{"n":"1","v":1}]}',
      '{"e":[{"n":"1/2/3","v":1}]}',
      '{"e":[{"n":"01","v":1}]}',
      '{"bn":"/3/0","e":[{"n":"01","v":1}]}',
    ]) {
      expect(() => read(text), text).toThrow(FormatError);
    }
  });

  it('L-17: adds base time and time', () => {
    const entries = read('{"bt":1600000000,"e":[{"n":"1","v":1,"t":-5},{"n":"2","v":1}]}');
    expect(entries.map(({ time }) => time)).toEqual([1_599_999_995, 1_600_000_000]);
    expect(() => read('{"bt":1e308,"e":[{"n":"1","v":1,"t":1e308}]}')).toThrow(FormatError);
  });

  it('L-12: keeps 64 bits where they are declared', () => {
    expect(read('{"e":[{"n":"1","v":9223372036854775807}]}', '/3/0', 'integer64')[0]?.value?.value).toBe(
      2n ** 63n - 1n,
    );
    expect(() => read('{"e":[{"n":"1","v":9223372036854775807}]}')).toThrow(FormatError);
  });

  it('reads data as base64 when the resource is opaque', () => {
    expect(read('{"e":[{"n":"1","sv":"AQI="}]}', '/3/0', 'opaque')[0]?.value?.value).toEqual(Uint8Array.of(1, 2));
    expect(read('{"e":[{"n":"1","sv":"AQI="}]}')[0]?.value?.value).toBe('AQI=');
    expect(() => read('{"e":[{"n":"1","sv":"AQI"}]}', '/3/0', 'opaque')).toThrow(FormatError);
  });

  it('refuses several objects and entries without value', () => {
    expect(() => lwm2mJson.encode([{ path, value: { type: 'integer', value: 1 } }], parsePath('/'))).toThrow(
      FormatError,
    );
    expect(() => lwm2mJson.encode([{ path }], parsePath('/3/0'))).toThrow(FormatError);
  });
});

describe('names of elements', () => {
  it.each([
    ['{"bn":"/3303/0","e":[{"n":"5601","v":5}]}', '/3303/0'],
    ['{"bn":"/3303/0/","e":[{"n":"/5601","v":5}]}', '/3303/0'],
    ['{"e":[{"n":"/3303/0/5601","v":5}]}', '/3303/0'],
    ['{"e":[{"n":"/3303/0/5601","v":5}]}', '/3303/0/5601'],
    ['{"e":[{"n":"5601","v":5}]}', '/3303/0'],
    ['{"e":[{"n":"/5601","v":5}]}', '/3303/0'],
    ['{"bn":"/3303/0/5601","e":[{"v":5}]}', '/3303/0/5601'],
  ])('mean the same however devices place the slashes: %s for %s', (text, base) => {
    expect(read(text, base, 'float')).toEqual([
      { path: parsePath('/3303/0/5601'), value: { type: 'float', value: 5 } },
    ]);
  });
});

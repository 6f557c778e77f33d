import { encodeUtf8, FormatError } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import type { Entry } from '../entry.ts';
import { parsePath, resourcePath } from '../path.ts';
import type { Value, ValueType } from '../value.ts';
import { senmlEtchJson, senmlJson } from './senml-json.ts';

const read = (pack: string, base = '/', type?: ValueType) =>
  senmlJson.decode(encodeUtf8(pack), parsePath(base), () => type);
const readValue = (v: string, type?: ValueType) => read(`[{"n":"/3/0/1",${v}}]`, '/', type)[0]?.value;
const write = (entries: readonly Entry[], base = '/') =>
  new TextDecoder().decode(senmlJson.encode(entries, parsePath(base)));
const path = resourcePath(3, 0, 1);

describe('names', () => {
  it('joins base name and name wherever they meet, and inherits the base name', () => {
    const paths = read(
      '[{"bn":"/3/0/1","n":"0","v":1},{"n":"1","v":1},{"bn":"/3/0","n":"/2/3","v":1},{"bn":"","n":"/1/0/1","v":1}]',
    );
    expect(paths.map((entry) => entry.path)).toEqual(['/3/0/10', '/3/0/11', '/3/0/2/3', '/1/0/1'].map(parsePath));
  });

  it.each([
    '',
    '3/0/1',
    '/3/0/1/',
    '//3/0/1',
    '/3/0/01',
    '/3/0/65535',
    '/3/0/1/2/3',
    '/3/0/a',
    '/3/0/-1',
    '/3/0/1 ',
    '/3/0/1e0',
  ])('L-15: refuses %j as a name', (name) => {
    expect(() => read(`[{"n":${JSON.stringify(name)},"v":1}]`)).toThrow(FormatError);
    expect(() => read(`[{"bn":${JSON.stringify(name)},"v":1}]`)).toThrow(FormatError);
  });

  it('L-15: refuses base names of 10 KB a thousand times over', () => {
    const record = `{"bn":"/${'3'.repeat(10_000)}","v":1}`;
    expect(() => read(`[${Array(1000).fill(record).join(',')}]`)).toThrow(FormatError);
  });

  it('L-15: refuses whatever is not below the path of the request', () => {
    expect(() => read('[{"n":"/3/1/1","v":1}]', '/3/0')).toThrow(FormatError);
    expect(() => read('[{"n":"/3/0"}]', '/3/0/1')).toThrow(FormatError);
    expect(() => read('[{"n":"/3/0/10","v":1}]', '/3/0/1')).toThrow(FormatError);
  });

  it('L-15, L18: reads 10 000 records and refuses 10 001', () => {
    const pack = (count: number) => `[${Array.from({ length: count }, (_, i) => `{"n":"/1/${i}/0","v":1}`).join(',')}]`;
    expect(read(pack(10_000))).toHaveLength(10_000);
    expect(() => read(pack(10_001))).toThrow(FormatError);
  });

  it('refuses a path that stands twice, unless the times differ', () => {
    expect(() => read('[{"n":"/3/0/1","v":1},{"n":"/3/0/1","v":1}]')).toThrow(FormatError);
    expect(() => read('[{"n":"/3/0/1","v":1},{"n":"/3/0/1/0","v":1}]')).toThrow(FormatError);
    expect(read('[{"n":"/3/0/1","v":1,"t":1},{"n":"/3/0/1","v":1,"t":2}]')).toHaveLength(2);
  });

  it('takes a record of bases alone as a preface, or as a path when it is the last', () => {
    expect(read('[{"bn":"/3/0/"},{"n":"1","v":5}]')).toEqual([{ path, value: { type: 'integer', value: 5 } }]);
    expect(read('[{"bn":"/3/0/1/"}]')).toEqual([{ path }]);
    expect(read('[]')).toEqual([]);
  });

  it('L-20: keeps names of Object.prototype as data', () => {
    for (const name of ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty']) {
      const pack = `[{"n":"/3/0/1","v":5,"${name}":{"v":1}}]`;
      // It ends in an underscore: RFC 8428 §4.4 asks to refuse what is not understood.
      if (name === '__proto__') expect(() => read(pack)).toThrow(FormatError);
      else expect(read(pack)).toEqual([{ path, value: { type: 'integer', value: 5 } }]);
      expect(() => read(`[{"n":"${name}","v":5}]`)).toThrow(FormatError);
      expect(() => read(`{"${name}":1}`)).toThrow(FormatError);
    }
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(({} as { v?: unknown }).v).toBeUndefined();
  });
});

describe('versions and labels', () => {
  it('L-16: refuses a version above 10 and a label that must be understood', () => {
    expect(read('[{"bver":10,"n":"/3/0/1","v":1}]')).toHaveLength(1);
    for (const bver of ['11', '0', '-1', '10.5', '"10"', 'null']) {
      expect(() => read(`[{"bver":${bver},"n":"/3/0/1","v":1}]`), bver).toThrow(FormatError);
    }
    expect(() => read('[{"n":"/3/0/1","v":1,"x_":1}]')).toThrow(FormatError);
    expect(read('[{"n":"/3/0/1","v":1,"x":{"y":[1]},"u":"Cel","bu":"m","ut":3}]')).toHaveLength(1);
  });

  it.each(['"bv":1', '"bs":1', '"s":1'])('refuses base values and sums: %s', (member) => {
    expect(() => readValue(`${member},"v":1`)).toThrow(FormatError);
  });

  it('L-18: refuses two values in a record; none says that the path exists', () => {
    expect(() => readValue('"v":1,"vs":"a"')).toThrow(FormatError);
    expect(() => readValue('"vb":true,"vd":"AA"')).toThrow(FormatError);
    expect(read('[{"n":"/3/0/1"}]')).toEqual([{ path }]);
    expect(() => read('[{}]')).toThrow(FormatError);
  });

  it('refuses a value above resources', () => {
    expect(() => read('[{"n":"/3/0","v":1}]')).toThrow(FormatError);
  });
});

describe('times', () => {
  it('L-17: adds base time and time, and hands relative times on as they are', () => {
    const times = read('[{"bn":"/3/0/1","bt":1600000000.5,"t":-0.25,"v":1},{"v":1},{"bt":-10,"v":1},{"t":3,"v":1}]');
    expect(times.map(({ time }) => time)).toEqual([1_600_000_000.25, 1_600_000_000.5, -10, -7]);
    expect(read('[{"n":"/3/0/1","v":1}]')[0]).not.toHaveProperty('time');
  });

  it.each(['"t":1e308', '"bt":1e308,"t":1e308', '"t":"1"', '"t":null', '"bt":1e400'])('L-17: refuses %s', (times) => {
    expect(() => readValue(`${times},"v":1`)).toThrow(FormatError);
  });

  it('writes a base time when all have times, and each its own when not', () => {
    const value: Value = { type: 'integer', value: 1 };
    const timed = [
      { path, value, time: 1_600_000_000 },
      { path: resourcePath(3, 0, 2), value, time: 1_600_000_000 },
    ];
    expect(write(timed, '/3/0')).toBe('[{"bn":"/3/0/","bt":1600000000,"n":"1","v":1},{"n":"2","v":1}]');
    const mixed = [{ path, value }, timed[1] as Entry];
    expect(write(mixed, '/3/0')).toBe('[{"bn":"/3/0/","n":"1","v":1},{"n":"2","t":1600000000,"v":1}]');
  });
});

describe('values', () => {
  it('guesses the type of a resource that is not known', () => {
    expect(readValue('"v":5')).toEqual({ type: 'integer', value: 5 });
    expect(readValue('"v":5.5')).toEqual({ type: 'float', value: 5.5 });
    expect(readValue('"v":1e300')).toEqual({ type: 'float', value: 1e300 });
    expect(readValue('"v":-0')).toEqual({ type: 'float', value: -0 });
    expect(readValue('"vs":"5"')).toEqual({ type: 'string', value: '5' });
    expect(readValue('"vb":false')).toEqual({ type: 'boolean', value: false });
    expect(readValue('"vd":"AQI"')).toEqual({ type: 'opaque', value: Uint8Array.of(1, 2) });
    expect(readValue('"vlo":"3:0"')).toEqual({ type: 'objlnk', value: { object: 3, instance: 0 } });
  });

  it('takes an object link that was written as a string, as Leshan does', () => {
    expect(readValue('"vs":"3:0"', 'objlnk')).toEqual({ type: 'objlnk', value: { object: 3, instance: 0 } });
    expect(() => readValue('"vs":"3"', 'objlnk')).toThrow(FormatError);
  });

  it('L-12: never rounds an integer', () => {
    expect(readValue('"v":9223372036854775807', 'integer64')?.value).toBe(2n ** 63n - 1n);
    expect(readValue('"v":18446744073709551615', 'unsigned64')?.value).toBe(2n ** 64n - 1n);
    expect(readValue('"v":5', 'integer64')?.value).toBe(5n);
    for (const v of ['9007199254740993', '-9007199254740992']) {
      for (const type of [undefined, 'integer', 'time'] as const) {
        expect(() => readValue(`"v":${v}`, type), `${v} ${type}`).toThrow(FormatError);
      }
    }
    expect(() => readValue('"v":9223372036854775808', 'integer64')).toThrow(FormatError);
    expect(() => readValue('"v":1e18', 'integer64')).toThrow(FormatError);
    expect(() => readValue('"v":5.5', 'integer')).toThrow(FormatError);
    expect(readValue('"v":5.0', 'integer')).toEqual({ type: 'integer', value: 5 });
  });

  it('finds the digits of a number behind strings that look like numbers', () => {
    const pack = '[{"n":"/3/0/0","vs":"\\"9007199254740993,\\\\"},{"n":"/3/0/1","v":9007199254740993}]';
    const types = (_: number, resource: number) => (resource === 1 ? 'integer64' : 'string');
    const values = senmlJson.decode(encodeUtf8(pack), parsePath('/'), types).map(({ value }) => value?.value);
    expect(values).toEqual(['"9007199254740993,\\', 9_007_199_254_740_993n]);
  });

  it.each<[ValueType, string]>([
    ['integer', '"vs":"1"'],
    ['string', '"v":1'],
    ['boolean', '"v":1'],
    ['opaque', '"vs":"AA"'],
    ['objlnk', '"v":1'],
    ['float', '"vb":true'],
    ['corelnk', '"vd":"AA"'],
    ['integer', '"v":"1"'],
    ['string', '"vs":1'],
    ['boolean', '"vb":1'],
    ['string', '"vs":null'],
  ])('names the path when a resource of type %s gets %s', (type, member) => {
    expect(() => readValue(member, type)).toThrow(/\/3\/0\/1 is/);
    expect(() => readValue(member, type)).toThrow(FormatError);
  });

  it.each(['AQI=', 'AQ I', 'A', '+/+/', 'AR', 'AQI\\n', 'ÄQ'])('L-29: refuses %j as base64url', (found) => {
    expect(() => readValue(`"vd":"${found}"`)).toThrow(FormatError);
  });

  it('L-29: reads a MiB of base64url, and refuses it with one wrong digit', () => {
    expect(readValue(`"vd":"${'-_-_'.repeat(262_144)}"`)?.value).toHaveLength(786_432);
    expect(() => readValue(`"vd":"${'-_-_'.repeat(262_143)}-_-+"`)).toThrow(FormatError);
  });

  it('L-19: refuses numbers that are none in JSON or beyond any double', () => {
    for (const v of ['0101', '1e400', '.5', '5.', '+1', '0x1', 'NaN', '9'.repeat(100_000)]) {
      expect(() => readValue(`"v":${v}`), v.slice(0, 20)).toThrow(FormatError);
      expect(() => readValue(`"v":${v}`, 'float'), v.slice(0, 20)).toThrow(FormatError);
    }
  });

  it('writes floats so that they come back bit by bit', () => {
    for (const value of [-0, 0.1, 1e21, 2 ** 60, 5e-324]) {
      const pack = write([{ path, value: { type: 'float', value } }]);
      expect(read(pack, '/', 'float')[0]?.value).toEqual({ type: 'float', value });
      expect(read(pack)[0]?.value).toEqual({ type: 'float', value });
    }
    expect(() => write([{ path, value: { type: 'float', value: Number.NaN } }])).toThrow(FormatError);
  });
});

describe('SenML for FETCH and PATCH', () => {
  const decode = (pack: string) => senmlEtchJson.decode(encodeUtf8(pack), parsePath('/'), () => undefined);
  const encode = (entries: readonly Entry[]) => new TextDecoder().decode(senmlEtchJson.encode(entries, parsePath('/')));

  it('names paths without values', () => {
    expect(decode('[{"n":"/3/0"},{"n":"/1/0/1"}]').map((entry) => entry.path)).toEqual(
      ['/3/0', '/1/0/1'].map(parsePath),
    );
    expect(encode([{ path: parsePath('/3/0') }, { path }])).toBe('[{"n":"/3/0"},{"n":"/3/0/1"}]');
  });

  it('takes a path away with null, which plain SenML refuses', () => {
    expect(decode('[{"n":"/3/0/1","v":null}]')).toEqual([{ path }]);
    expect(() => read('[{"n":"/3/0/1","v":null}]')).toThrow(FormatError);
    const patch = [{ path }, { path: resourcePath(3, 0, 2), value: { type: 'integer', value: 1 } as const }];
    expect(encode(patch)).toBe('[{"n":"/3/0/1","v":null},{"n":"/3/0/2","v":1}]');
  });
});

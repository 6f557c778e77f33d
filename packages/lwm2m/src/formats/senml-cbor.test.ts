import { concatBytes, FormatError, fromHex, toHex } from '@lapwing/kernel';
import { decode as cborgDecode, encode as cborgEncode } from 'cborg';
import { describe, expect, it } from 'vitest';
import { parsePath, resourcePath } from '../path.ts';
import type { ValueType } from '../value.ts';
import { senmlCbor, senmlEtchCbor } from './senml-cbor.ts';

type Label = number | string;
const pack = (...records: readonly (readonly (readonly [Label, unknown])[])[]) =>
  cborgEncode(records.map((record) => new Map(record)));
const read = (bytes: Uint8Array, base = '/', type?: ValueType) => senmlCbor.decode(bytes, parsePath(base), () => type);
const path = resourcePath(3, 0, 1);
const name = [0, '/3/0/1'] as const;

describe('SenML in CBOR', () => {
  it('reads labels in any order and bases from record to record', () => {
    const bytes = fromHex('82' + 'a3' + '0205' + '006131' + '2165' + '2f332f302f' + 'a2' + '006132' + '0206');
    expect(read(bytes).map(({ path: at, value }) => [at, value?.value])).toEqual([
      [resourcePath(3, 0, 1), 5],
      [resourcePath(3, 0, 2), 6],
    ]);
  });

  it('reads packs, records and unknown members of indefinite length', () => {
    expect(read(fromHex('9fbf00662f332f302f310205ffff'))).toEqual([{ path, value: { type: 'integer', value: 5 } }]);
    expect(read(fromHex('9fff'))).toEqual([]);
    expect(read(fromHex('9fbf00662f332f302f31020518649fbf0102ffffffff'))).toHaveLength(1);
  });

  it('L-13: refuses a label twice, labels as text that have numbers, and labels of other kinds', () => {
    for (const hex of [
      '81a300662f332f302f3102050206',
      '81a300662f332f302f3100662f332f302f310205',
      '81a200662f332f302f31617605',
      '81a26230' + '30' + '662f332f302f310205',
      '81a300662f332f302f310205622d3205',
      '81a300662f332f302f310205f505',
      '81a300662f332f302f310205410005',
      '81a300662f332f302f3102058005',
    ]) {
      expect(() => read(fromHex(hex)), hex).toThrow(FormatError);
    }
  });

  it('L-16: refuses a version above 10 and a label that must be understood', () => {
    expect(read(pack([[-1, 10], name, [2, 1]]))).toHaveLength(1);
    expect(() => read(pack([[-1, 11], name, [2, 1]]))).toThrow(FormatError);
    expect(() => read(pack([[-1, 10.5], name, [2, 1]]))).toThrow(FormatError);
    expect(() => read(pack([name, [2, 1], ['x_', 1]]))).toThrow(FormatError);
    expect(read(pack([name, [2, 1], ['x', { y: [1] }], [1, 'Cel'], [-4, 'm'], [7, 3], [99, null]]))).toHaveLength(1);
  });

  it.each([-5, -6, 5])('refuses base values and sums: label %i', (label) => {
    expect(() => read(pack([name, [2, 1], [label, 1]]))).toThrow(FormatError);
  });

  it('L-18: refuses two values in a record; none says that the path exists', () => {
    expect(() => read(pack([name, [2, 1], [3, 'a']]))).toThrow(FormatError);
    expect(() => read(pack([name, [4, true], ['vlo', '1:2']]))).toThrow(FormatError);
    expect(read(pack([name]))).toEqual([{ path }]);
    expect(() => read(pack([]))).toThrow(FormatError);
  });

  it('L-17: adds base time and time, and refuses what is no time', () => {
    const entries = read(pack([[-3, 1_600_000_000], name, [6, -0.5], [2, 1]], [name, [2, 2]]));
    expect(entries.map(({ time }) => time)).toEqual([1_599_999_999.5, 1_600_000_000]);
    for (const time of [1e308, Number.NaN, Number.POSITIVE_INFINITY, '1', null, 2n ** 63n]) {
      expect(() => read(pack([name, [6, time], [2, 1]])), String(time)).toThrow(FormatError);
    }
    expect(() => read(pack([[-3, 1e308], name, [6, 1e308], [2, 1]]))).toThrow(FormatError);
  });

  it('L-15: refuses names that are no path, long ones, and paths outside the request', () => {
    for (const bad of [
      '',
      '3/0/1',
      '/3/0/1/',
      '/3/0/65535',
      '/3/0/1/2/3',
      '/03/0/1',
      `/${'3'.repeat(10_000)}`,
      5,
      null,
    ]) {
      expect(
        () =>
          read(
            pack([
              [0, bad],
              [2, 1],
            ]),
          ),
        String(bad).slice(0, 20),
      ).toThrow(FormatError);
      expect(
        () =>
          read(
            pack([
              [-2, bad],
              [2, 1],
            ]),
          ),
        String(bad).slice(0, 20),
      ).toThrow(FormatError);
    }
    expect(() => read(pack([name, [2, 1]]), '/3/1')).toThrow(FormatError);
    expect(() =>
      read(
        pack([
          [0, '/3/0'],
          [2, 1],
        ]),
      ),
    ).toThrow(FormatError);
    const long = Array.from(
      { length: 1000 },
      () =>
        [
          [-2, `/${'3'.repeat(10_000)}`],
          [2, 1],
        ] as const,
    );
    expect(() => read(pack(...long))).toThrow(FormatError);
  });

  it('L-15, L18: reads 10 000 records and refuses 10 001, announced or not', () => {
    const records = (count: number) =>
      Array.from(
        { length: count },
        (_, i) =>
          [
            [0, `/1/${i}/0`],
            [2, 1],
          ] as const,
      );
    expect(read(pack(...records(10_000)))).toHaveLength(10_000);
    const many = pack(...records(10_001));
    expect(() => read(many)).toThrow(/10000/);
    const unannounced = concatBytes(Uint8Array.of(0x9f), many.subarray(3), Uint8Array.of(0xff));
    expect(() => read(unannounced)).toThrow(/10000/);
  });

  it('L-08: refuses announced lengths beyond the bytes that are there', () => {
    for (const hex of [
      '9affffffff',
      '9b0000000100000000',
      '81baffffffff',
      '81a1007bffffffffffffffff',
      '81a1085bffffffffffffffff',
    ]) {
      expect(() => read(fromHex(hex)), hex).toThrow(FormatError);
    }
  });

  it('L-09: refuses deep nesting in a member that it would skip', () => {
    const deep = `81a300662f332f302f3102051864${'81'.repeat(200_000)}`;
    expect(() => read(fromHex(deep))).toThrow(/deeper/);
  });

  it('refuses a value that does not fit its label or the declared type', () => {
    for (const [label, value] of [
      [2, 'a'],
      [3, 1],
      [4, 1],
      [8, 'AA'],
      ['vlo', 1],
      [2, null],
      [2, true],
    ] as const) {
      expect(() => read(pack([name, [label, value]])), `${label}`).toThrow(FormatError);
    }
    expect(() => read(pack([name, [3, 'a']]), '/', 'integer')).toThrow(/\/3\/0\/1 is integer/);
    expect(() => read(pack([name, [2, 1]]), '/', 'string')).toThrow(/\/3\/0\/1 is string/);
  });

  it('L-12: keeps 64 bits where they are declared', () => {
    const bytes = pack([name, [2, 2n ** 64n - 1n]]);
    expect(read(bytes, '/', 'unsigned64')[0]?.value?.value).toBe(2n ** 64n - 1n);
    expect(() => read(bytes, '/', 'integer')).toThrow(FormatError);
    expect(() => read(bytes)).toThrow(FormatError);
  });

  it('takes a time with tag 1, as some write it', () => {
    expect(read(fromHex('81a200662f332f302f3102c105'), '/', 'time')[0]?.value).toEqual({ type: 'time', value: 5 });
    expect(() => read(fromHex('81a200662f332f302f3102c105'), '/', 'integer')).toThrow(FormatError);
  });

  it('takes decimal fractions as times and values, as Leshan writes them', () => {
    const record = (member: string) => fromHex(`81a2${member}00662f332f302f31`);
    const timed = '81a306c482281b18ec3537bd513fb0' + '0205' + '00662f332f302f31';
    expect(read(fromHex(timed))).toEqual([
      { path, value: { type: 'integer', value: 5 }, time: expect.closeTo(1_795_868_864.929_677, 5) },
    ]);
    expect(read(record('02c4822119021d'))).toEqual([{ path, value: { type: 'float', value: 5.41 } }]);
    expect(read(record('02c4820205'))).toEqual([{ path, value: { type: 'float', value: 500 } }]);
    for (const bad of [
      '02c48205',
      '02c4810205',
      '02c4820261',
      '02c48219ffff05',
      '02c405',
      '02c482f50205',
      '02c8820205',
    ])
      expect(() => read(record(bad))).toThrow(FormatError);
  });

  it('refuses what follows the pack', () => {
    expect(() => read(fromHex('8000'))).toThrow(FormatError);
  });

  it('writes what another decoder reads as the same pack', () => {
    const entries = [
      { path: parsePath('/3/0/65534'), value: { type: 'string', value: 'ü'.repeat(20) } as const, time: 1.5 },
      { path: parsePath('/65534/65534/65534/65534'), value: { type: 'boolean', value: false } as const, time: 2 },
    ];
    expect(cborgDecode(senmlCbor.encode(entries, parsePath('/')), { useMaps: true })).toEqual([
      new Map<unknown, unknown>([
        [-3, 1.5],
        [0, '/3/0/65534'],
        [3, 'ü'.repeat(20)],
      ]),
      new Map<unknown, unknown>([
        [0, '/65534/65534/65534/65534'],
        [6, 0.5],
        [4, false],
      ]),
    ]);
  });

  it('takes a path away with null in a patch, which plain SenML refuses', () => {
    const patch = [{ path }, { path: resourcePath(3, 0, 2), value: { type: 'integer', value: 1 } as const }];
    const bytes = senmlEtchCbor.encode(patch, parsePath('/'));
    expect(toHex(bytes)).toBe('82a200662f332f302f3102f6a200662f332f302f320201');
    expect(senmlEtchCbor.decode(bytes, parsePath('/'), () => undefined)).toEqual(patch);
    expect(() => read(bytes)).toThrow(FormatError);
    expect(toHex(senmlEtchCbor.encode([{ path }], parsePath('/')))).toBe('81a100662f332f302f31');
  });
});

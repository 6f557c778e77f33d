import { FormatError, fromHex, toHex } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { instancePath, parsePath, resourceInstancePath, resourcePath } from '../path.ts';
import type { Value } from '../value.ts';
import { lwm2mCbor } from './lwm2m-cbor.ts';

const read = (hex: string, base = '/') => lwm2mCbor.decode(fromHex(hex), parsePath(base), () => undefined);
const one: Value = { type: 'integer', value: 1 };

describe('LwM2M-CBOR', () => {
  it.each([
    'a18001',
    `a1${'85'}000000000001`,
    `a19903e8${'00'.repeat(1000)}01`,
    'a100a100a100a100a10001',
    'a183000000a182000001',
    'a1820000a18300000001',
  ])('L-22: refuses paths of no, five or a thousand ids, however split: %.20s', (hex) => {
    expect(() => read(hex)).toThrow(FormatError);
  });

  it.each([
    'a120a100a10001',
    'a16133a100a10001',
    'a1f4a100a10001',
    'a1f93c00a100a10001',
    'a119ffff01',
    'a182036130a10001',
    'a1a0a100a10001',
    'a14103a100a10001',
  ])('L-22: refuses keys that are no ids: %s', (hex) => {
    expect(() => read(hex)).toThrow(FormatError);
  });

  it('L-22: refuses a value above resources and an array below', () => {
    for (const hex of ['a10301', 'a103a10001', 'a1830300018101', '01', '80', 'a1830300016161ff']) {
      expect(() => read(hex), hex).toThrow(FormatError);
    }
  });

  it('L-13: refuses a key twice, whether an id or an array', () => {
    expect(() => read('a28303000101' + '8303000102')).toThrow(/twice/);
    expect(() => read('a103a100a201010102')).toThrow(/twice/);
    expect(() => read('a203a100a10101' + '8303000101')).toThrow(/twice/);
    expect(() => read('a28303000101' + '840300010001')).toThrow(/instances/);
  });

  it('L-15: refuses whatever is not below the path of the request', () => {
    expect(() => read('a18303000101', '/3/1')).toThrow(FormatError);
    expect(() => read('a1820300f6', '/3/0/1')).toThrow(FormatError);
    expect(() => read('a103a0', '/3/0')).toThrow(FormatError);
    expect(read('a18303000101', '/3/0/1')).toEqual([{ path: resourcePath(3, 0, 1), value: one }]);
  });

  it('L18: reads 10 000 values and refuses 10 001', () => {
    const map = (count: number) => {
      const members = Array.from({ length: count }, (_, i) => `19${i.toString(16).padStart(4, '0')}01`).join('');
      return `a183030006b9${count.toString(16).padStart(4, '0')}${members}`;
    };
    expect(read(map(10_000))).toHaveLength(10_000);
    expect(() => read(map(10_001))).toThrow(/10000/);
  });

  it('L-08: refuses announced lengths beyond the bytes that are there', () => {
    for (const hex of ['baffffffff', 'bb0000000100000000', 'a19affffffff', 'a1830300017bffffffffffffffff']) {
      expect(() => read(hex), hex).toThrow(FormatError);
    }
  });

  it('L-09: refuses maps nested without end at the fifth id', () => {
    expect(() => read('a100'.repeat(200_000))).toThrow(/more than 4 ids/);
    expect(() => read('bf00'.repeat(200_000))).toThrow(/more than 4 ids/);
  });

  it('says an empty container with null, and reads an empty map so too', () => {
    expect(read('a103a100f6')).toEqual([{ path: instancePath(3, 0) }]);
    expect(read('a103a100a0')).toEqual([{ path: instancePath(3, 0) }]);
    expect(read('a0')).toEqual([]);
    expect(toHex(lwm2mCbor.encode([], parsePath('/')))).toBe('a0');
    expect(toHex(lwm2mCbor.encode([{ path: instancePath(3, 0) }], instancePath(3, 0)))).toBe('a103a100f6');
    const withMore = [{ path: instancePath(3, 0) }, { path: resourcePath(3, 0, 1), value: one }];
    expect(toHex(lwm2mCbor.encode(withMore, parsePath('/3')))).toBe('a103a100a10101');
  });

  it('writes ids in order, whatever order it is given', () => {
    const entries = [
      { path: resourceInstancePath(3, 0, 6, 1), value: one },
      { path: resourcePath(3, 0, 1), value: one },
      { path: resourceInstancePath(3, 0, 6, 0), value: one },
      { path: resourcePath(1, 0, 300), value: one },
    ];
    expect(toHex(lwm2mCbor.encode(entries, parsePath('/')))).toBe('a201a100a119012c0103a100a2010106a200010101');
  });

  it('refuses times, the root and paths outside the request', () => {
    const path = resourcePath(3, 0, 1);
    expect(() => lwm2mCbor.encode([{ path, value: one, time: 1 }], parsePath('/'))).toThrow(FormatError);
    expect(() => lwm2mCbor.encode([{ path: parsePath('/') }], parsePath('/'))).toThrow(FormatError);
    expect(() => lwm2mCbor.encode([{ path, value: one }], parsePath('/3/1'))).toThrow(FormatError);
    expect(() => lwm2mCbor.encode([{ path: instancePath(3, 0), value: one }], parsePath('/'))).toThrow(FormatError);
  });

  it('refuses what follows the map', () => {
    expect(() => read('a000')).toThrow(FormatError);
  });
});

import { FormatError } from '@lapwing/kernel';
import type { Operation, Result } from '@lapwing/lwm2m';
import { parsePath } from '@lapwing/lwm2m';
import { describe, expect, it } from 'vitest';
import { formatTagged, parseTagged } from './tagged-json.ts';

const again = (value: unknown): unknown => parseTagged(formatTagged(value));

describe('data as text', () => {
  it('keeps every kind of value of an operation, to the last bit', () => {
    const path = parsePath('/9/0/1');
    const operation: Operation = {
      op: 'write',
      path: { kind: 'instance', object: 9, instance: 0 },
      mode: 'update',
      entries: [
        { path, value: { type: 'opaque', value: Uint8Array.of(0, 127, 255) } },
        { path, value: { type: 'integer64', value: -(2n ** 63n) } },
        { path, value: { type: 'unsigned64', value: 2n ** 64n - 1n } },
        { path, value: { type: 'float', value: Number.NaN } },
        { path, value: { type: 'float', value: -0 } },
        { path, value: { type: 'float', value: Number.NEGATIVE_INFINITY } },
        { path, value: { type: 'objlnk', value: { object: 1, instance: 65_535 } } },
        { path, value: { type: 'string', value: '$\u0000"ü' }, time: 1_700_000_000.25 },
        { path },
      ],
    };
    expect(again(operation)).toEqual(operation);
  });

  it('keeps a result with links, whose attributes are maps', () => {
    const result: Result = {
      kind: 'links',
      code: 69,
      links: [
        {
          target: '/3',
          attributes: new Map<string, string | true>([
            ['ver', '1.1'],
            ['obs', true],
          ]),
        },
      ],
    };
    expect(again(result)).toEqual(result);
  });

  it('keeps what looks like its own marks, and names that objects have already', () => {
    const odd = { $: 'bytes', v: 'x', deep: [{ $: { $: 1 } }], constructor: 1, ['__proto__']: 2 };
    const read = again(odd) as typeof odd;
    expect(read).toEqual(odd);
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
  });

  it('leaves out what is not given, and refuses what is no data', () => {
    expect(again({ a: undefined, b: null, c: [undefined] })).toEqual({ b: null, c: [null] });
    expect(() => formatTagged({ a: () => 1 })).toThrow(FormatError);
  });

  it.each(['', '{', '{"$":"bytes"}', '{"$":"integer","v":"x"}', '{"$":"map","v":[[1]]}', '{"$":"new","v":1}'])(
    'is not %s',
    (text) => {
      expect(() => parseTagged(text)).toThrow(FormatError);
    },
  );
});

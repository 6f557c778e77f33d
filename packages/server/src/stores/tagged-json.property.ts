import { FormatError } from '@lapwing/kernel';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { formatTagged, parseTagged } from './tagged-json.ts';

const leaf = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.double(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
  fc.boolean(),
  fc.constant(null),
  fc.uint8Array(),
);
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.constant('$'), fc.constant('v'), fc.string()), tie('value'), {
      maxKeys: 4,
      noNullPrototype: true,
    }),
    fc.array(fc.tuple(fc.string(), tie('value')), { maxLength: 3 }).map((pairs) => new Map(pairs)),
  ),
}));

it('what is written is read as it was', () => {
  fc.assert(
    fc.property(value, (data) => {
      expect(parseTagged(formatTagged(data))).toEqual(data);
    }),
  );
});

it('any text gives a value or a FormatError', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      try {
        parseTagged(text);
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError);
      }
    }),
  );
});

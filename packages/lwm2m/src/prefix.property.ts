import { FormatError } from '@lapwing/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { comparePaths, contains, equalPaths, formatPath, idsOf, pathOf } from './path.ts';
import { isPrefix, parsePrefixedPath, under } from './prefix.ts';

const prefix = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9:._-]{0,63}$/).filter(isPrefix);
const paths = fc
  .tuple(fc.option(prefix, { nil: undefined }), fc.array(fc.integer({ min: 0, max: 65_534 }), { maxLength: 4 }))
  .map(([of, ids]) => under(of, pathOf(ids)));

describe('paths of end devices', () => {
  it('read back as they were written', () => {
    fc.assert(
      fc.property(paths, (path) => {
        expect(parsePrefixedPath(formatPath(path))).toEqual(path);
      }),
    );
  });

  it('come from any text or are a format error', () => {
    const text = fc.oneof(fc.string(), fc.stringMatching(/^\/[a-z0-9./%]{0,12}(\/[0-9]{0,5}){0,5}$/));
    fc.assert(
      fc.property(text, (each) => {
        try {
          expect(formatPath(parsePrefixedPath(each))).toBe(each);
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
    );
  });

  it('are ordered, and contain only what is in their own tree', () => {
    fc.assert(
      fc.property(paths, paths, (a, b) => {
        expect(Math.sign(comparePaths(a, b)) + Math.sign(comparePaths(b, a))).toBe(0);
        expect(equalPaths(a, b)).toBe(formatPath(a) === formatPath(b));
        const begins = a.prefix === b.prefix && idsOf(a).every((id, i) => idsOf(b)[i] === id);
        expect(contains(a, b)).toBe(begins);
      }),
    );
  });
});

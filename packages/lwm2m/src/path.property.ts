import { FormatError } from '@lapwing/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { comparePaths, contains, equalPaths, formatPath, idsOf, parsePath, pathOf } from './path.ts';

const ids = fc.array(fc.integer({ min: 0, max: 65_534 }), { maxLength: 4 });
const paths = ids.map(pathOf);

describe('paths', () => {
  it('read back as they were written', () => {
    fc.assert(
      fc.property(paths, (path) => {
        expect(parsePath(formatPath(path))).toEqual(path);
      }),
    );
  });

  it('come from any text or are a format error', () => {
    const text = fc.oneof(fc.string(), fc.stringMatching(/^[/0-9]{0,24}$/));
    fc.assert(
      fc.property(text, (each) => {
        try {
          expect(formatPath(parsePath(each))).toBe(each);
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
    );
  });

  it('are ordered, and one contains another when its ids begin the other', () => {
    fc.assert(
      fc.property(paths, paths, (a, b) => {
        expect(Math.sign(comparePaths(a, b)) + Math.sign(comparePaths(b, a))).toBe(0);
        expect(equalPaths(a, b)).toBe(formatPath(a) === formatPath(b));
        const begins = idsOf(a).every((id, i) => idsOf(b)[i] === id);
        expect(contains(a, b)).toBe(begins);
      }),
    );
  });
});

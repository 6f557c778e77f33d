import { FormatError } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import {
  childOf,
  comparePaths,
  contains,
  equalPaths,
  formatPath,
  idsOf,
  parentOf,
  parsePath,
  pathOf,
  rootPath,
} from './path.ts';

const texts = ['/', '/3', '/3/0', '/3/0/7', '/3/0/7/1'] as const;

describe('a path', () => {
  it.each(texts)('%s reads back as it was written', (text) => {
    expect(formatPath(parsePath(text))).toBe(text);
    expect(pathOf(idsOf(parsePath(text)))).toEqual(parsePath(text));
  });

  it('goes up to 65534', () => {
    expect(idsOf(parsePath('/65534/65534/65534/65534'))).toEqual([65_534, 65_534, 65_534, 65_534]);
  });

  it.each([
    '',
    '3/0',
    '//',
    '/3/',
    '/3//0',
    '/03/0',
    '/3/0/1/2/3',
    '/65535',
    '/3/65535',
    '/65536',
    '/-1',
    '/1e3',
    '/+1',
    '/ 1',
    '/٣',
    '/0x3',
    `/${'1'.repeat(1000)}`,
  ])('K-13: is not %j', (text) => {
    expect(() => parsePath(text)).toThrow(FormatError);
  });

  it('K-13: is not made of ids that are none', () => {
    for (const ids of [[-1], [65_535], [1.5], [Number.NaN], [1, 2, 3, 4, 5]]) {
      expect(() => pathOf(ids)).toThrow(FormatError);
    }
  });

  it('contains itself and what lies below it', () => {
    const paths = texts.map(parsePath);
    for (const [i, outer] of paths.entries()) {
      for (const [j, inner] of paths.entries()) expect(contains(outer, inner)).toBe(j >= i);
      expect(contains(outer, parsePath('/4/0/7/1'))).toBe(i === 0);
      expect(contains(outer, parsePath('/3/1/7/1'))).toBe(i <= 1);
    }
  });

  it('equals only itself', () => {
    for (const a of texts) for (const b of texts) expect(equalPaths(parsePath(a), parsePath(b))).toBe(a === b);
  });

  it('comes before those below it and in the order of numbers', () => {
    const sorted = ['/', '/1/0', '/3', '/3/0', '/3/0/2', '/3/0/2/0', '/3/0/10', '/3/1', '/10'].map(parsePath);
    expect(sorted.toReversed().sort(comparePaths)).toEqual(sorted);
  });

  it('has a parent up to the root, and children down to a resource instance', () => {
    for (const text of texts.slice(1)) {
      const path = parsePath(text);
      expect(childOf(parentOf(path), idsOf(path).at(-1)!)).toEqual(path);
    }
    expect(parentOf(rootPath)).toBe(rootPath);
    expect(() => childOf(parsePath('/3/0/7/1'), 0)).toThrow(FormatError);
  });
});

import { FormatError } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { childOf, contains, equalPaths, formatPath, parentOf, parsePath, resourcePath, rootPath } from './path.ts';
import { entriesByPrefix, entriesUnder, isPrefix, parsePrefixedPath, under } from './prefix.ts';

describe('the prefix of an end device', () => {
  it.each(['d01', 'D-1', 'a', '00124b0006b5c1aa', 'urn:dev:x', '3a', 'a.b_c', 'x'.repeat(64)])('may be %s', (text) =>
    expect(isPrefix(text)).toBe(true),
  );

  it.each(['', '3', '65535', '0', '.', '..', '-a', 'a/b', 'a%2Fb', '%2e%2e', 'ä', 'a b', 'a?b', 'bs', 'x'.repeat(65)])(
    'is never %s',
    (text) => expect(isPrefix(text)).toBe(false),
  );

  it('stands before the ids, and a path is what its text says', () => {
    const path = under('d01', resourcePath(3303, 0, 5700));
    expect(formatPath(path)).toBe('/d01/3303/0/5700');
    expect(parsePrefixedPath('/d01/3303/0/5700')).toEqual(path);
    expect(parsePrefixedPath('/d01')).toEqual({ kind: 'root', prefix: 'd01' });
    expect(formatPath(under('d01', rootPath))).toBe('/d01');
    expect(parsePrefixedPath('/3303/0')).toEqual(parsePath('/3303/0'));
    expect(parsePrefixedPath('/')).toEqual(rootPath);
  });

  it.each(['/d01/', '/d01/x', '/../3', '/bs/3', '//3', 'd01/3', '/d01//3', '/d01/3/0/0/0/0', `/${'x'.repeat(100)}/3`])(
    'does not make a path of %s',
    (text) => expect(() => parsePrefixedPath(text)).toThrow(FormatError),
  );

  it('keeps the trees of devices apart', () => {
    const own = parsePath('/3303/0');
    const behind = under('d01', own);
    expect(equalPaths(own, behind)).toBe(false);
    expect(contains(own, behind)).toBe(false);
    expect(contains(rootPath, behind)).toBe(false);
    expect(contains(under('d01', rootPath), behind)).toBe(true);
    expect(contains(under('d02', rootPath), behind)).toBe(false);
    expect(parentOf(behind)).toEqual(under('d01', parsePath('/3303')));
    expect(childOf(behind, 5700)).toEqual(under('d01', parsePath('/3303/0/5700')));
  });

  it('is given to entries and taken from them, and those that have it stay the same', () => {
    const entries = [{ path: parsePath('/3/0/0') }];
    const behind = entriesUnder('d01', entries);
    expect([...entriesByPrefix([...behind, ...entries, ...behind])]).toEqual([
      ['d01', [...behind, ...behind]],
      [undefined, entries],
    ]);
    expect(entriesUnder('d01', behind)).toBe(behind);
    expect(entriesUnder(undefined, behind)).toEqual(entries);
  });
});

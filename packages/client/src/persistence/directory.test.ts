import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { makeDirectory } from './directory.ts';
import { FileStateStore } from './file.ts';
import { PackageFile } from './package-file.ts';

const root = mkdtempSync(join(tmpdir(), 'lapwing-directory-'));
afterAll(() => rmSync(root, { recursive: true }));

const codeOf = (act: () => void): string | undefined => {
  try {
    act();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
  return undefined;
};

describe('a directory', () => {
  it('is made with all that is missing above it, for its owner only, and may be there already', () => {
    const deep = join(root, 'a', 'b', 'c');
    makeDirectory(deep);
    makeDirectory(deep);
    for (const each of [deep, join(root, 'a')]) expect(statSync(each).mode & 0o777).toBe(0o700);
  });

  it('is not where a file is, or beyond one, or at the end of a link to nowhere', () => {
    const file = join(root, 'file');
    writeFileSync(file, '');
    const link = join(root, 'link');
    symlinkSync(join(root, 'nowhere'), link);
    expect(codeOf(() => makeDirectory(file))).toBe('EEXIST');
    expect(codeOf(() => makeDirectory(join(file, 'x')))).toBe('ENOTDIR');
    expect(codeOf(() => makeDirectory(link))).toBe('EEXIST');
  });

  it.runIf(process.platform === 'linux')(
    'that a file system can never have is an error, and not a wait without end',
    async () => {
      for (const never of ['/proc/x', '/proc/x/y']) {
        expect(codeOf(() => new FileStateStore({ directory: never }))).toBe('ENOENT');
        await expect(PackageFile.open(never)).rejects.toThrow('ENOENT');
      }
    },
  );
});

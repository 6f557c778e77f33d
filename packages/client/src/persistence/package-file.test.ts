import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PackageFile } from './package-file.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'lapwing-package-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i % 251);
const folder = (): string => join(root, 'firmware');

describe('a package on disk', () => {
  it('is written, cut and read, and outlives whoever wrote it', async () => {
    {
      await using file = await PackageFile.open(folder());
      expect([await file.load(), await file.size()]).toEqual([undefined, 0]);
      await file.write(0, bytes(2000));
      await file.write(2000, bytes(500));
      await file.flush();
      await file.keep('one');
      await file.keep('two');
    }
    await using file = await PackageFile.open(folder());
    expect([await file.load(), await file.size()]).toEqual(['two', 2500]);
    expect(await file.read(1990, 20)).toEqual(new Uint8Array([...bytes(2000).slice(1990), ...bytes(10)]));
    expect((await file.read(2490, 100)).length).toBe(10);
    await file.cut(100);
    expect(await file.size()).toBe(100);
    await file.cut(0);
    expect([await file.size(), readdirSync(folder())]).toEqual([0, ['note']]);
  });

  it('M-07: has names of ours, in a folder and files that are for nobody else', async () => {
    await using file = await PackageFile.open(folder());
    await file.write(0, bytes(10));
    await file.keep('note');
    expect(readdirSync(folder()).sort()).toEqual(['note', 'package']);
    expect(statSync(folder()).mode & 0o777).toBe(0o700);
    for (const name of ['note', 'package']) expect(statSync(join(folder(), name)).mode & 0o777).toBe(0o600);
  });

  it('M-08: follows no link and opens no pipe that somebody has put in its place', async () => {
    const victim = join(root, 'victim');
    writeFileSync(victim, 'as it was');
    for (const name of ['package', 'note', 'note.new']) {
      const own = join(root, name);
      await using file = await PackageFile.open(own);
      symlinkSync(victim, join(own, name));
      const work = name === 'package' ? file.write(0, bytes(10)) : file.keep('mine').then(() => file.load());
      if (name === 'package') await expect(work).rejects.toMatchObject({ code: 'LWM2M_PACKAGE', problem: 'failed' });
      else expect(await work).toBe('mine');
      expect(readFileSync(victim, 'utf8')).toBe('as it was');
    }
    const own = join(root, 'pipe');
    await using file = await PackageFile.open(own);
    execFileSync('mkfifo', [join(own, 'package')]);
    await expect(file.write(0, bytes(10))).rejects.toMatchObject({ problem: 'failed' });
    await expect(file.size()).rejects.toMatchObject({ problem: 'failed' });
  });

  it('M-05: leaves the reserve of the disk alone', async () => {
    await using file = await PackageFile.open(folder(), { reserve: Number.MAX_SAFE_INTEGER });
    await expect(file.write(0, bytes(10))).rejects.toMatchObject({ problem: 'no-storage' });
    expect(readdirSync(folder())).toEqual([]);
  });
});

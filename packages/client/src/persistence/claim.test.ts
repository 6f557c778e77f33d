import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, encodeUtf8 } from '@lapwing/kernel';
import { afterAll, describe, expect, it } from 'vitest';
import { claim } from './claim.ts';
import { FileStateStore } from './file.ts';

const directory = mkdtempSync(join(tmpdir(), 'lapwing-claim-'));
afterAll(() => rmSync(directory, { recursive: true }));
const claimed = join(directory, 'process');
/** When a process has begun, as the system says it. */
const begun = (pid: number): string =>
  readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /s, '')
    .split(' ')[19] ?? '';

describe.runIf(existsSync('/proc/self/stat'))('a directory of a device', () => {
  it('is for one process at a time', () => {
    const { ppid } = process;
    writeFileSync(claimed, `${ppid} ${begun(ppid)}\n`);
    expect(() => claim(directory)).toThrow(ConfigError);
    expect(() => claim(directory)).toThrow(`${directory} is in use by process ${ppid}`);
    const store = new FileStateStore({ directory });
    expect(() => store.load()).toThrow(/is in use/);
  });

  it('is free again when that one has ended, however it did, and whoever has its number now', () => {
    for (const left of [`${process.ppid} 1`, '4194999 12345', `${process.pid} 1`, '', 'what is this', '1', '-1 x']) {
      writeFileSync(claimed, left);
      claim(directory);
      expect(readFileSync(claimed, 'latin1')).toBe(`${process.pid} ${begun(process.pid)}\n`);
    }
  });

  it('may be opened again by the process that has it', () => {
    new FileStateStore({ directory }).put('a', encodeUtf8('a'));
    expect(new FileStateStore({ directory }).load().size).toBe(1);
    expect(new FileStateStore({ directory }).load().size).toBe(1);
  });
});

// Gammu: a phone manager that speaks AT commands. It is given a modem by the name of its terminal, and prints what it finds there.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { missing, type Part, program } from './part.ts';
import { mustRun } from './process.ts';

export const gammu: Part = { name: 'Gammu', from: 'Debian', available: async () => missing('gammu') };

/** Runs one command of Gammu's on the modem; what it printed. */
export async function runGammu(terminal: string, ...args: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gammu-'));
  try {
    const configuration = join(folder, 'gammurc');
    await writeFile(configuration, `[gammu]\ndevice = ${terminal}\nconnection = at\nuse_locking = no\n`);
    return await mustRun({
      ...{ name: `gammu ${args[0]}`, command: program('gammu'), lifetime: 60, env: { LC_ALL: 'C.UTF-8' } },
      args: ['-c', configuration, ...args],
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

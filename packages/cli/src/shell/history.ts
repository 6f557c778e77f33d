// What was typed before, also in earlier sessions: a file of its user alone, oldest line last. Lines that could hold a key are not kept.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

export class History {
  readonly limit = 500;
  readonly lines: readonly string[];
  private readonly file: string | undefined;

  /** Without a file nothing is kept; one that cannot be read is an empty one. */
  constructor(file: string | undefined) {
    this.file = file;
    this.lines = readLines(file).slice(0, this.limit);
  }

  /** Newest first. A disk that does not take it is no reason to stop. */
  keep(lines: readonly string[]): void {
    if (this.file === undefined) return;
    const kept = lines.filter((line) => !isSecret(line)).slice(0, this.limit);
    try {
      mkdirSync(dirname(this.file), { recursive: true, mode: 0o700 });
      writeFileSync(this.file, `${kept.join('\n')}\n`, { mode: 0o600 });
    } catch {
      // Not kept then.
    }
  }
}

/** Where it is by the rules of freedesktop.org. */
export function historyFile(environment: NodeJS.ProcessEnv): string {
  const { XDG_STATE_HOME: state } = environment;
  return join(state === undefined || state === '' ? join(homedir(), '.local/state') : state, 'lapwing/client-history');
}

/** Writes to objects 0 and 21. */
const isSecret = (line: string): boolean => /\bwrite\s+\/?(?:0|21)\//.test(line);

function readLines(file: string | undefined): readonly string[] {
  try {
    return file === undefined
      ? []
      : readFileSync(file, 'utf8')
          .split('\n')
          .filter((line) => line !== '');
  } catch {
    return [];
  }
}

// Where the workspace is and which files it has: those git knows or would take in.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../', import.meta.url));

/** The path of a tool that an installed package brings. */
export function bin(name: string): string {
  return join(root, 'node_modules/.bin', name);
}

/** Paths below the root that end in one of `suffixes`; sorted, ignored files left out. */
export function files(...suffixes: readonly string[]): string[] {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  const known = new Set(listed.split('\0').filter((path) => suffixes.some((suffix) => path.endsWith(suffix))));
  return [...known].filter((path) => existsSync(join(root, path))).sort();
}

// What is the same for every peer: where it comes from, whether it can be used here, and what happens if not.
// A peer of Debian has to be there on CI; any other that is missing is named, with the reason, in the title of the
// tests that are skipped for it, which is what the summary of `npm test` prints.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { cleanUp } from './cleanup.ts';
import { stopLeftovers } from './process.ts';

export interface Part {
  readonly name: string;
  readonly from: 'Debian' | 'Go' | 'Maven' | 'PyPI' | 'npm';
  /** True, or the reason why it cannot be used. May install it into the cache the first time. */
  available(): Promise<true | string>;
}

const root = fileURLToPath(new URL('../../..', import.meta.url));
/** Where peers that come by other package managers are kept between runs. */
export const cache = join(root, 'node_modules/.cache/lapwing-peers');

/** Debian keeps daemons outside the path of an ordinary user. */
const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];

/** The first of these programs that is there, as a path. */
export function findProgram(...names: readonly string[]): string | undefined {
  for (const path of names.flatMap((name) => folders.map((folder) => join(folder, name)))) {
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not here.
    }
  }
  return undefined;
}

/** Like `findProgram`, for a place where it has to be there. */
export function program(...names: readonly string[]): string {
  const path = findProgram(...names);
  if (path === undefined) throw new Error(`${names.join(' or ')} is not installed`);
  return path;
}

/** Why a part cannot be used when none of its programs is there. */
export function missing(...names: readonly string[]): true | string {
  return findProgram(...names) === undefined ? `${names.join(' or ')} is not installed` : true;
}

/** The end of a failure's message, for a reason of one line. */
export function lastLine(error: unknown): string {
  return String(error).trim().split('\n').at(-1) ?? '';
}

/**
 * The tests that need these peers. Where one cannot be used they are not run, which is a failure for a peer of
 * Debian on CI. After them no peer may be left running.
 */
export async function describeWith(parts: readonly Part[], title: string, tests: () => void): Promise<void> {
  const reasons: string[] = [];
  for (const part of parts) {
    const answer = await part.available();
    if (answer === true) continue;
    reasons.push(`${part.name}: ${answer}`);
    if (part.from === 'Debian' && process.env['CI'] === 'true')
      test(`${part.name} is installed on CI`, () => expect(answer).toBe(true));
  }
  describe.skipIf(reasons.length > 0)(reasons.length > 0 ? `${title} (not run: ${reasons.join('; ')})` : title, () => {
    // Hooks of that kind run in reverse: this one comes after those of the tests.
    afterAll(async () => {
      const left = await stopLeftovers();
      cleanUp();
      expect(left).toEqual([]);
    });
    tests();
  });
}

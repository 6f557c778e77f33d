// Where things are, seen from the compiled bench (bench/build/js).
import { fileURLToPath } from 'node:url';

const bench = new URL('../../../', import.meta.url);

/** A path inside bench/. */
export function benchFolder(path: string): string {
  return fileURLToPath(new URL(path, bench));
}

/** A compiled program of the bench, by its source path without the suffix: `peers/node/echo`. */
export function compiled(path: string): string {
  return benchFolder(`build/js/${path}.js`);
}

/** As the command `lapwing` sets them (packages/cli/src/tuning.ts), for all programs of Node alike. */
export const nodeFlags: readonly string[] = ['--expose-gc', '--no-allocation-site-pretenuring'];

// Builds the workspace after an install that has the compiler; an install without
// development dependencies (npm ci --omit=dev) has nothing to build with and needs none.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';

let compiler;
try {
  compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
} catch {
  process.exit(0);
}
const built = spawnSync(process.execPath, [compiler, '-b'], { stdio: 'inherit' });
process.exit(built.status ?? 1);

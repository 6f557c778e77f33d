// Builds the workspace after an install that has the compiler; an install without
// development dependencies (npm ci --omit=dev) has nothing to build with and needs none.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const compiler = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url));
if (existsSync(compiler)) {
  const built = spawnSync(process.execPath, [compiler, '-b'], { stdio: 'inherit' });
  process.exitCode = built.status ?? 1;
}

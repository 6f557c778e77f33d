// `npm start`: the gateway with its demo, built first where an install without scripts (npm 12, ignore-scripts) has not.
// What is given behind `npm start --` goes to `lapwing gateway --demo`.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const main = new URL('../packages/cli/dist/main.js', import.meta.url);
if (!existsSync(main)) await import('./prepare.mjs');
if (!existsSync(main)) {
  process.stderr.write('npm start: nothing is built here, and the compiler is not installed: npm ci installs it\n');
  process.exit(1);
}
process.argv.splice(1, 1, fileURLToPath(main), 'gateway', '--demo');
await import(main.href);

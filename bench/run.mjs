// Entry of `npm run bench`: brings what is missing (peers from npm, a build of the packages and of the bench), then hands over
// to main.ts as compiled. Arguments go there; --no-build takes the packages as they were built last.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const bench = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('..', import.meta.url));
const passed = process.argv.slice(2).filter((argument) => argument !== '--no-build');

function run(command, args, cwd) {
  return spawnSync(command, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] }).status === 0;
}

const installed = `${bench}node_modules/.package-lock.json`;
const stale = !existsSync(installed) || statSync(installed).mtimeMs < statSync(`${bench}package-lock.json`).mtimeMs;
if (stale && !run('npm', ['ci', '--prefix', bench, '--ignore-scripts', '--no-audit', '--no-fund'], bench)) {
  console.error('bench: the peers from npm could not be installed');
  process.exit(1);
}
const tsc = `${root}node_modules/typescript/bin/tsc`;
if (
  !process.argv.includes('--no-build') &&
  !run(process.execPath, [tsc, '-b', 'packages/cli', 'packages/dtls'], root)
) {
  console.error('bench: the packages did not build; measuring what was built before');
}
// What does not type-check is still emitted: a subject whose package is missing is reported as not run.
run(process.execPath, [tsc, '-p', `${bench}tsconfig.json`], bench);
// The client as it is installed, from packages put together as they are published; without the bundler that row is not run.
const app = `${bench}build/app`;
const packs = ['--import', 'tsx', `${root}tools/pack.ts`, `${app}/node_modules`];
if (run(process.execPath, packs, root)) {
  writeFileSync(`${app}/package.json`, '{ "type": "module" }\n');
  copyFileSync(`${bench}build/js/subjects/first-register.js`, `${app}/first-register.js`);
} else console.error('bench: the packages were not put together');
// And in one file, as an application may put it together.
try {
  const { rolldown } = await import('rolldown');
  const bundle = await rolldown({ input: `${app}/first-register.js`, platform: 'node' });
  await bundle.write({ dir: `${bench}build/bundle`, format: 'esm', minify: true });
} catch (error) {
  console.error(`bench: nothing was put together in one file: ${error.message}`);
}
const { main } = await import('./build/js/main.js');
process.exitCode = await main(passed);

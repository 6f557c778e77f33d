import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';

let tree: string;
const put = (file: string, text: string): void => {
  mkdirSync(dirname(join(tree, file)), { recursive: true });
  writeFileSync(join(tree, file), text);
};
const started = (...more: string[]): string =>
  execFileSync(process.execPath, [join(tree, 'tools/start.mjs'), ...more], { encoding: 'utf8', stdio: 'pipe' });

beforeEach(() => {
  tree = mkdtempSync(join(tmpdir(), 'start-'));
  put('package.json', '{ "type": "module" }');
  put('tools/start.mjs', '');
  copyFileSync(fileURLToPath(new URL('start.mjs', import.meta.url)), join(tree, 'tools/start.mjs'));
});
afterEach(() => rmSync(tree, { recursive: true, force: true }));

const program = 'console.log(process.argv.slice(2).join(" "));';

it('npm start runs the demo, with what is given behind it', () => {
  put('packages/cli/dist/main.js', program);
  put('tools/prepare.mjs', 'throw new Error("built again");');
  expect(started('--check')).toBe('gateway --demo --check\n');
});

it('npm start builds first what an install without scripts has not built', () => {
  put(
    'tools/prepare.mjs',
    `import { mkdirSync, writeFileSync } from 'node:fs';
     mkdirSync('${join(tree, 'packages/cli/dist')}', { recursive: true });
     writeFileSync('${join(tree, 'packages/cli/dist/main.js')}', ${JSON.stringify(program)});`,
  );
  expect(started()).toBe('gateway --demo\n');
});

it('npm start says what is missing where nothing can be built', () => {
  put('tools/prepare.mjs', '');
  expect(() => started()).toThrow(
    'npm start: nothing is built here, and the compiler is not installed: npm ci installs it',
  );
});

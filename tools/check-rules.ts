// The laws no linter knows: names that say nothing, files that do not say what they are for,
// loose ends, section references nobody can index, and package.json files against the layers.
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type Manifest, manifestProblems, sourceProblems } from './lint/laws.ts';
import { files, root } from './workspace.ts';

const manifests = new Map(
  files('package.json').map((path) => [dirname(path), JSON.parse(readFileSync(join(root, path), 'utf8')) as Manifest]),
);
const packages = [...manifests].filter(([folder]) => folder.startsWith('packages/'));

/** What a file outside the shipped sources may import: its package's, the root's and, at the root, any workspace's. */
function declaring(path: string): Manifest[] {
  const around = [...manifests].filter(([folder]) => folder === '.' || path.startsWith(`${folder}/`));
  return [...around, ...(path.startsWith('packages/') ? [] : packages)].map(([, manifest]) => manifest);
}

const problems = packages.flatMap(([folder, manifest]) => manifestProblems(basename(folder), manifest));
// The test of the laws is made of sentences that break them.
for (const path of files('.ts', '.tsx', '.mjs').filter((each) => each !== 'tools/lint/laws.test.ts'))
  problems.push(...sourceProblems(path, readFileSync(join(root, path), 'utf8'), declaring(path)));

for (const problem of problems) console.error(problem);
console.log(problems.length === 0 ? 'every law is kept' : `${problems.length} problems`);
if (problems.length > 0) process.exitCode = 1;

// The laws no linter knows: names that say nothing, files that do not say what they are for,
// loose ends, section references nobody can index, and package.json files against the layers.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Manifest, manifestProblems, sourceProblems } from './lint/laws.ts';
import { files, root } from './workspace.ts';

const rootManifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;
const manifests = new Map<string, Manifest>();
for (const path of files('package.json')) {
  const [, folder] = /^packages\/([^/]+)\/package\.json$/.exec(path) ?? [];
  if (folder !== undefined) manifests.set(folder, JSON.parse(readFileSync(join(root, path), 'utf8')) as Manifest);
}

const problems = [...manifests].flatMap(([folder, manifest]) => manifestProblems(folder, manifest));
// The test of the laws is made of sentences that break them.
for (const path of files('.ts', '.tsx', '.mjs').filter((each) => each !== 'tools/lint/laws.test.ts')) {
  const [, folder = ''] = /^packages\/([^/]+)\//.exec(path) ?? [];
  const text = readFileSync(join(root, path), 'utf8');
  problems.push(
    ...sourceProblems(path, text, [
      rootManifest,
      ...(manifests.has(folder) ? [manifests.get(folder) as Manifest] : [...manifests.values()]),
    ]),
  );
}

for (const problem of problems) console.error(problem);
console.log(problems.length === 0 ? 'every law is kept' : `${problems.length} problems`);
if (problems.length > 0) process.exitCode = 1;

// Writes docs/conformance/sections.md: for each section of a specification that the code or a
// test names, the files that implement it and the tests that show it. A reference is spelt
// `RFC 7252 §4.2` or `Core 1.2.1 §6.3.1`; several sections of one document are `RFC 7252 §4.2, §4.3`.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { index, render } from './sections.ts';
import { files, root } from './workspace.ts';

const sources = files('.ts')
  .filter((path) => /^(?:packages|test)\//.test(path))
  .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
const folder = join(root, 'docs/conformance');
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'sections.md'), render(index(sources), new Set(sources.map(({ path }) => path))));
console.log(`${sources.length} files read, docs/conformance/sections.md written`);

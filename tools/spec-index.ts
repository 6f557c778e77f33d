// Writes docs/conformance/sections.md: for each section of a specification that the code or a
// test names, the files that implement it and the tests that show it. A reference is spelt
// `RFC 7252 §4.2` or `Core 1.2.1 §6.3.1`; several sections of one document are `RFC 7252 §4.2, §4.3`.
// Beside it docs/conformance/hostile-cases.md: for each hostile case the tests that carry its number.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cases, renderCases } from './hostile-cases.ts';
import { index, render } from './sections.ts';
import { files, root } from './workspace.ts';

const sources = files('.ts')
  .filter((path) => /^(?:packages|test)\//.test(path))
  .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
const folder = join(root, 'docs/conformance');
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'sections.md'), render(index(sources), new Set(sources.map(({ path }) => path))));
writeFileSync(join(folder, 'hostile-cases.md'), renderCases(cases(sources)));
console.log(`${sources.length} files read; sections.md and hostile-cases.md written in docs/conformance`);

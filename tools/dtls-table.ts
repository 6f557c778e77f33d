// Writes docs/conformance/dtls.md from the outcomes that the interop tests with DTLS peers have left: run
// `npm run interop` where all peers are there, then this. A peer that was not run keeps nobody's old rows: it is named.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dtlsPeers, outcomesFile, pageFile } from './dtls-outcomes.ts';
import { renderPage, type Section } from './dtls-page.ts';
import { root } from './workspace.ts';

const absent = dtlsPeers.filter((name) => !existsSync(outcomesFile(name)));
if (absent.length > 0) {
  console.error(`not written: no outcomes of ${absent.join(', ')}; npm run interop makes them`);
  process.exitCode = 1;
} else {
  const sections = dtlsPeers.map((name) => JSON.parse(readFileSync(outcomesFile(name), 'utf8')) as Section);
  writeFileSync(join(root, pageFile), renderPage(sections));
  console.log(`${sections.reduce((sum, { rows }) => sum + rows.length, 0)} rows written in ${pageFile}`);
}

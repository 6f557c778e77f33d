// `npm run conformance`: runs every test that names an enabler test case and writes docs/conformance/ets.md. Peers that are not
// installed are left out, as in `npm run interop`.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { etsPage, etsRows, namesCase, type RunTest } from './ets-table.ts';
import { runStep } from './steps.ts';
import { bin, files, root } from './workspace.ts';

interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly title: string;
      readonly ancestorTitles: readonly string[];
    }[];
  }[];
}

const page = join(root, 'docs/conformance/ets.md');
const about = files('.test.ts').filter((path) => namesCase.test(readFileSync(join(root, path), 'utf8')));
const folder = mkdtempSync(join(tmpdir(), 'lapwing-ets-'));
const report = join(folder, 'report.json');
const { cause } = await runStep({
  name: 'conformance',
  command: [bin('vitest'), 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...about],
  limitSeconds: 1500,
});
const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as Report;
rmSync(folder, { recursive: true });
const tests = testResults.flatMap(({ name, assertionResults }): RunTest[] =>
  assertionResults.map(({ status, title, ancestorTitles }) => ({
    file: basename(name, '.ts'),
    titles: [...ancestorTitles, title],
    status,
  })),
);
const rows = etsRows(tests);
writeFileSync(page, etsPage(rows));
const failed = rows.filter(({ outcome }) => outcome.startsWith('FAILED'));
for (const { ets, outcome } of failed) console.error(`${ets[0]} ${ets[2]}: ${outcome}`);
console.log(
  `${rows.filter(({ outcome }) => outcome === 'pass').length} of ${rows.length} cases pass: docs/conformance/ets.md`,
);
if (failed.length > 0 || cause !== undefined) process.exitCode = 1;

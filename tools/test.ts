// `npm test`: every step in order, going on after a failure. The summary names each step's
// result and everything that was not run, so that nobody takes a partial run for a whole one;
// its last line is for machines: `N passed, N failed`. That a Debian part may not be missing
// with CI=true is for the interop tests to say: they know what they need.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { row, runStep, type Step } from './steps.ts';
import { readTotals, type Totals } from './totals.ts';
import { bin, files, root } from './workspace.ts';

const reports = mkdtempSync(join(tmpdir(), 'lapwing-test-'));
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> };

const rows: string[] = [];
const notRun: string[] = [];
const failed: string[] = [];
const sum: Totals = { passed: 0, failed: 0, skipped: 0, skips: [], failures: [] };

function add(totals: Totals): void {
  sum.passed += totals.passed;
  sum.failed += totals.failed;
  sum.skipped += totals.skipped;
}

/** A step without tests of its own counts as one. */
async function command(step: Step): Promise<void> {
  const { passed, seconds, cause } = await runStep(step);
  add({ passed: passed ? 1 : 0, failed: passed ? 0 : 1, skipped: 0, skips: [], failures: [] });
  rows.push(row(step.name, passed ? 'passed' : 'FAILED', seconds, cause));
}

async function suite(name: string, tests: RegExp, limitSeconds: number): Promise<void> {
  if (!files('.ts').some((path) => tests.test(path))) {
    rows.push(row(name, 'not run'));
    notRun.push(`${name}: there is no test of that kind yet`);
    return;
  }
  const report = join(reports, `${name}.json`);
  const reporting = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const outcome = await runStep({
    name,
    command: [bin('vitest'), 'run', '--project', name, ...reporting],
    limitSeconds,
  });
  const totals = readTotals(report);
  // A run that fails without a failing test (a crash, an unhandled rejection) is one failure.
  if (!outcome.passed && totals.failed === 0) totals.failed = 1;
  add(totals);
  const counts = `${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`;
  const note = outcome.cause === undefined ? counts : `${counts}; ${outcome.cause}`;
  rows.push(row(name, totals.failed === 0 ? 'passed' : 'FAILED', outcome.seconds, note));
  failed.push(...totals.failures.map((failure) => `${name}: ${failure}`));
  notRun.push(...totals.skips.map((skip) => `${name}: ${skip}`));
}

await command({ name: 'check', command: [bin('tsx'), 'tools/check.ts'], limitSeconds: 300 });
await suite('unit', /^(?:packages\/[^/]+\/src|tools)\/.*\.(?:test|property)\.ts$/, 600);
await suite('system', /^test\/(?:system|compliance)\/.*\.test\.ts$/, 600);
await suite('interop', /^test\/interop\/.*\.test\.ts$/, 1500);
if (scripts['fuzz'] !== undefined)
  await command({ name: 'fuzz', command: ['npm', 'run', '--silent', 'fuzz'], limitSeconds: 300 });
else {
  rows.push(row('fuzz', 'not run'));
  notRun.push('fuzz: there is no `npm run fuzz` yet');
}
rmSync(reports, { recursive: true, force: true });

console.log(`\n── summary ${'─'.repeat(63)}`);
console.log(rows.join('\n'));
console.log(
  notRun.length === 0 ? '\n  Everything was run.' : `\n  Not run:\n${notRun.map((line) => `    ${line}`).join('\n')}`,
);
if (failed.length > 0) console.log(`\n  Failed:\n${failed.map((line) => `    ${line}`).join('\n')}`);
const skipped = sum.skipped > 0 ? `, ${sum.skipped} skipped` : '';
console.log(`\n${sum.passed} passed, ${sum.failed} failed${skipped}`);
process.exitCode = sum.failed > 0 ? 1 : 0;

// What the last line of `npm test` counts.
import { expect, test } from 'vitest';
import { countReport, readTotals } from './totals.ts';

const report = { numPassedTests: 3, numFailedTests: 1, numPendingTests: 2, numTodoTests: 0 };
const one = (name: string, status: string, tests: string[], group?: string) => ({
  name: `/tree/${name}`,
  status,
  assertionResults: tests.map((each) => ({
    status: each,
    ancestorTitles: group === undefined ? [] : [group],
    title: 'it works',
  })),
});

test('a file that cannot be loaded counts as a failure', () => {
  const testResults = [one('a.test.ts', 'failed', []), one('b.test.ts', 'failed', ['failed', 'passed'])];
  expect(countReport({ ...report, testResults }, '/tree').failed).toBe(2);
});

test('what failed is named by its file and its whole title', () => {
  const testResults = [one('a.test.ts', 'failed', []), one('b.test.ts', 'failed', ['failed', 'passed'], 'the lamp')];
  expect(countReport({ ...report, testResults }, '/tree').failures).toEqual([
    'a.test.ts: could not be loaded, or failed outside of its tests',
    'b.test.ts: the lamp > it works',
  ]);
});

test('skipped tests are counted and named by the group that says why', () => {
  const testResults = [
    one('a.test.ts', 'passed', ['passed', 'skipped', 'skipped'], 'aiocoap (not run: python3 is not installed)'),
    one('b.test.ts', 'passed', ['todo']),
  ];
  const { skipped, skips } = countReport({ ...report, testResults }, '/tree');
  expect(skipped).toBe(2);
  expect(skips).toEqual(['aiocoap (not run: python3 is not installed): 2 tests', 'b.test.ts: 1 test']);
});

test('a run that left no report has passed nothing', () => {
  expect(readTotals('/nowhere/report.json')).toEqual({ passed: 0, failed: 0, skipped: 0, skips: [], failures: [] });
});

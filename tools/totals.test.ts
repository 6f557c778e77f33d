// What the last line of `npm test` counts.
import { expect, test } from 'vitest';
import { countReport, readTotals } from './totals.ts';

const report = { numPassedTests: 3, numFailedTests: 1, numPendingTests: 2, numTodoTests: 0 };
const one = (name: string, status: string, ...tests: string[]) => ({
  name: `/tree/${name}`,
  status,
  assertionResults: tests.map((each) => ({ status: each })),
});

test('a file that cannot be loaded counts as a failure', () => {
  const testResults = [one('a.test.ts', 'failed'), one('b.test.ts', 'failed', 'failed', 'passed')];
  expect(countReport({ ...report, testResults }, '/tree').failed).toBe(2);
});

test('skipped tests are counted and named by file', () => {
  const testResults = [one('a.test.ts', 'passed', 'passed', 'skipped', 'skipped')];
  const { skipped, skips } = countReport({ ...report, testResults }, '/tree');
  expect(skipped).toBe(2);
  expect(skips).toEqual(['2 tests skipped in a.test.ts']);
});

test('a run that left no report has passed nothing', () => {
  expect(readTotals('/nowhere/report.json')).toEqual({ passed: 0, failed: 0, skipped: 0, skips: [] });
});

// The counts of a vitest run, from the file its JSON reporter leaves.
import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { root } from './workspace.ts';

export interface Totals {
  passed: number;
  failed: number;
  skipped: number;
  /** What was skipped, one line per file. */
  skips: string[];
}

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

/** No report means that the run died before it could write one: nothing passed. */
export function readTotals(path: string): Totals {
  if (!existsSync(path)) return { passed: 0, failed: 0, skipped: 0, skips: [] };
  return countReport(JSON.parse(readFileSync(path, 'utf8')) as Report, root);
}

export function countReport(report: Report, from: string): Totals {
  // A file that cannot even be loaded has no failing test; it is a failure all the same.
  const unloadable = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  );
  const skips = report.testResults.flatMap(({ name, assertionResults }) => {
    const count = assertionResults.filter(({ status }) => status !== 'passed' && status !== 'failed').length;
    return count === 0 ? [] : [`${count} tests skipped in ${relative(from, name)}`];
  });
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + unloadable.length,
    skipped: report.numPendingTests + report.numTodoTests,
    skips,
  };
}

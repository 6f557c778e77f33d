// The counts of a vitest run, from the file its JSON reporter leaves.
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { root } from './workspace.ts';

export interface Totals {
  passed: number;
  failed: number;
  skipped: number;
  /** What was skipped, one line per group of tests; a group that knows why says so in its title. */
  skips: string[];
  /** What failed, one line each: the file and the test's whole title. */
  failures: string[];
}

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly ancestorTitles: readonly string[];
      readonly title: string;
    }[];
  }[];
}

/** No report, or half a report, means that the run died before it could write one: nothing passed. */
export function readTotals(path: string): Totals {
  try {
    return countReport(JSON.parse(readFileSync(path, 'utf8')) as Report, root);
  } catch {
    return { passed: 0, failed: 0, skipped: 0, skips: [], failures: [] };
  }
}

export function countReport(report: Report, from: string): Totals {
  // A file that cannot even be loaded has no failing test; it is a failure all the same.
  const unloadable = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  );
  const skips = report.testResults.flatMap(({ name, assertionResults }) => {
    const counts = new Map<string, number>();
    for (const { status, ancestorTitles } of assertionResults) {
      if (status === 'passed' || status === 'failed') continue;
      const group = ancestorTitles[0] ?? relative(from, name);
      counts.set(group, (counts.get(group) ?? 0) + 1);
    }
    return [...counts].map(([group, count]) => `${group}: ${count} ${count === 1 ? 'test' : 'tests'}`);
  });
  const failures = [
    ...unloadable.map(({ name }) => `${relative(from, name)}: could not be loaded, or failed outside of its tests`),
    ...report.testResults.flatMap(({ name, assertionResults }) =>
      assertionResults
        .filter(({ status }) => status === 'failed')
        .map(({ ancestorTitles, title }) => `${relative(from, name)}: ${[...ancestorTitles, title].join(' > ')}`),
    ),
  ];
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + unloadable.length,
    skipped: report.numPendingTests + report.numTodoTests,
    skips,
    failures,
  };
}

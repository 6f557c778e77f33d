// Everything that can be said about the tree without running it: format, lint, types,
// unused code, the laws no linter knows, and the documentation.
import { row, runStep, type Step } from './steps.ts';
import { bin } from './workspace.ts';

const limitSeconds = 120;
const steps: readonly Step[] = [
  { name: 'lint config', command: [bin('tsx'), 'tools/lint/write-config.ts', '--check'], limitSeconds },
  {
    name: 'format, lint',
    command: [bin('biome'), 'check', '--error-on-warnings', '--max-diagnostics=60'],
    limitSeconds,
  },
  { name: 'types', command: [bin('tsc'), '-b'], limitSeconds },
  { name: 'rules', command: [bin('tsx'), 'tools/check-rules.ts'], limitSeconds },
  { name: 'docs', command: [bin('tsx'), 'tools/check-docs.ts'], limitSeconds },
  { name: 'unused', command: [bin('knip'), '--no-progress', '--no-config-hints'], limitSeconds },
];

const rows: string[] = [];
for (const step of steps) {
  const outcome = await runStep(step);
  if (!outcome.passed) process.exitCode = 1;
  rows.push(row(step.name, outcome.passed ? 'passed' : 'FAILED', outcome.seconds, outcome.cause));
}
console.log(`\ncheck\n${rows.join('\n')}`);

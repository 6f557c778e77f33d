// Renders what was kept as tables between the markers of docs/performance.md; the words around them are written by hand.
import { readFileSync, writeFileSync } from 'node:fs';
import { figuresOf, type Goal, goals } from './goals.ts';
import { benchFolder } from './harness/places.ts';
import type { Kept } from './harness/results.ts';
import type { Measurement, Row } from './measurements/measurement.ts';

const begin = '<!-- bench: begin -->';
const end = '<!-- bench: end -->';

const skeleton = `# Performance

\`\`\`
npm run bench
\`\`\`

measures Lapwing beside other implementations on this machine and writes the tables below. Servers run in processes of their own, one
at a time and in rounds (A B C …, A B C …); figures are medians of the rounds. CPU is user and system time of the server's process, all
its threads, per completed operation, as the kernel accounts it. The load comes from a program in C (\`bench/generator\`) that simulates as
many peers as wanted over loopback; its own cost stands in each row, and the batched C echo shows that it is not the bottleneck.
Ratios say more than absolute figures, which belong to one machine.

${begin}
${end}
`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, i) => (i === 0 ? '---' : '---:'));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}

function digits(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (Math.abs(value) >= 1000) return whole(value);
  return String(Number(value.toPrecision(3)));
}

function timedRow({ name, summary }: Row): readonly string[] {
  if (summary === undefined) return [name];
  const range = summary.rounds > 1 ? ` [${whole(summary.rateRange[0])} to ${whole(summary.rateRange[1])}]` : '';
  const trouble = summary.timeouts + summary.errors;
  const body =
    summary.mibPerSecond === undefined || summary.mibPerSecond < 20 ? '' : `, ${digits(summary.mibPerSecond)} MiB/s`;
  return [
    name,
    `${whole(summary.rate)}${range}${body}`,
    digits(summary.cpuUs ?? Number.NaN),
    summary.worstMs === 0 ? '–' : `${digits(summary.p50Ms)} / ${digits(summary.p99Ms)} / ${digits(summary.worstMs)}`,
    digits(summary.rssMib ?? Number.NaN),
    summary.generatorCpuUs === 0
      ? '–'
      : `${digits(summary.generatorCpuUs)} (${Math.round(summary.generatorShare * 100)} %)`,
    trouble === 0 ? '–' : whole(trouble),
  ];
}

const timedHead = ['', 'per second', 'CPU µs', 'p50 / p99 / worst ms', 'RSS MiB', 'generator µs (share)', 'failed'];

function measurementTable({ title, how, rows, missing }: Measurement): string {
  const parts = [`### ${title}`, '', how, ''];
  const [first] = rows;
  if (first?.figures !== undefined) {
    const keys = Object.keys(first.figures);
    parts.push(
      table(
        ['', ...keys],
        rows.map((row) => [row.name, ...keys.map((key) => digits(row.figures?.[key] ?? Number.NaN))]),
      ),
    );
  } else if (first !== undefined) parts.push(table(timedHead, rows.map(timedRow)));
  for (const { name, why } of missing) parts.push('', `Not run: ${name} (${why}).`);
  return parts.join('\n');
}

function codecTable(measurements: readonly Measurement[]): string {
  const rows = measurements.flatMap(({ title, rows: found }) =>
    found.map(({ name, summary }) => [title, name, digits(summary?.cpuUs ?? Number.NaN)]),
  );
  const missing = new Set(
    measurements.flatMap((m) => m.missing.map(({ name, why }) => `Not run: ${m.title}, ${name} (${why}).`)),
  );
  return [
    '### Codecs, in process',
    '',
    'Each implementation in turn on the same bytes, medians.',
    '',
    table(['', 'implementation', 'µs'], rows),
    ...[...missing].map((line) => `\n${line}`),
  ].join('\n');
}

export function verdict(goal: Goal, value: number): string {
  if (Number.isNaN(value)) return 'not measured';
  const meets = (limit: number) => (goal.better === 'higher' ? value >= limit : value <= limit);
  if (goal.stretch !== undefined && meets(goal.stretch)) return 'stretch';
  return meets(goal.gate) ? 'gate' : '**missed**';
}

function goalTable(measurements: readonly Measurement[]): string {
  const figures = figuresOf(measurements);
  const rows = goals.map((goal) => {
    const value = goal.value(figures);
    const sign = goal.better === 'higher' ? '≥' : '≤';
    const unit = goal.unit === '×' ? ' ×' : ` ${goal.unit}`;
    const stretch = goal.stretch === undefined ? '–' : `${sign} ${goal.stretch}${unit}`;
    return [
      goal.what,
      Number.isNaN(value) ? '–' : `${digits(value)}${unit}`,
      `${sign} ${goal.gate}${unit}`,
      stretch,
      verdict(goal, value),
    ];
  });
  return table(['Goal', 'measured', 'gate', 'stretch', 'reached'], rows);
}

export function render(results: readonly Kept[]): string {
  const measurements = results.flatMap((result) => result.measurements);
  const parts = ['## Goals', '', goalTable(measurements), '', '## Figures'];
  for (const { group, machine, node, commit, at, plan, measurements: found } of results) {
    const when = at.slice(0, 16).replace('T', ' ');
    parts.push(
      '',
      `*${group}: ${when} UTC, ${machine}, Node ${node}, commit ${commit}, ${plan.rounds === 1 ? 'one round' : `${plan.rounds} rounds`}.*`,
      '',
    );
    if (group === 'codec') parts.push(codecTable(found));
    else parts.push(found.map(measurementTable).join('\n\n'));
  }
  return parts.join('\n');
}

/** Writes docs/performance.md; the text outside the markers stays as it is. */
export function writeReport(results: readonly Kept[]): void {
  const file = benchFolder('../docs/performance.md');
  let text = skeleton;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    // Not there yet: begin with the skeleton.
  }
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`docs/performance.md has no ${begin} … ${end}`);
  writeFileSync(file, `${text.slice(0, from)}${begin}\n\n${render(results)}\n\n${text.slice(to)}`);
}

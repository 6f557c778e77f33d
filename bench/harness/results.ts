// What was measured is kept as bench/results/<group>.json, with the machine and the time: the report is made of these files.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import type { Measurement, Plan } from '../measurements/measurement.ts';
import { benchFolder } from './places.ts';

export interface Kept {
  readonly group: string;
  readonly machine: string;
  readonly node: string;
  readonly commit: string;
  /** ISO date and time. */
  readonly at: string;
  readonly plan: Plan;
  readonly measurements: readonly Measurement[];
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', cwd: benchFolder('.') }).trim();
  } catch {
    return 'unknown';
  }
}

function machine(): string {
  const all = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${all.length} × ${all[0]?.model.trim() ?? 'CPU'}, ${memory} GiB, Linux ${release().split('-')[0]}`;
}

/** Figures to six digits: what is beyond is noise and makes every run a large difference. */
function short(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value;
}

export function keep(group: string, plan: Plan, measurements: readonly Measurement[]): void {
  mkdirSync(benchFolder('results'), { recursive: true });
  const kept: Kept = {
    group,
    machine: machine(),
    node: process.version,
    commit: commit(),
    at: new Date().toISOString(),
    plan,
    measurements,
  };
  writeFileSync(benchFolder(`results/${group}.json`), `${JSON.stringify(kept, short, 1)}\n`);
}

/** All that is kept, in the order of `groups`. */
export function kept(groups: readonly string[]): Kept[] {
  const files = new Set(readdirSync(benchFolder('results')));
  return groups
    .filter((group) => files.has(`${group}.json`))
    .map((group) => JSON.parse(readFileSync(benchFolder(`results/${group}.json`), 'utf8')) as Kept);
}

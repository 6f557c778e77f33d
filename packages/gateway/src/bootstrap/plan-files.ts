// Files of plans: YAML or JSON, a map from name to plan. Every mistake names its place; no message holds a key.
import { ConfigError } from '@lapwing/kernel';
import { type Plan, planProblems } from '@lapwing/server';
import { issueText } from '../config-issues.ts';
import { parseText, readText } from '../written-file.ts';
import type { BootstrapConfig } from './config.ts';
import { plansSchema } from './plan-schema.ts';

/** Problems of one file that are worth telling. */
const maxProblems = 20;

/** Those of the configuration and of its files; of one name only one. Throws ConfigError with the problems of all files. */
export async function loadPlans({ plans, planFiles }: BootstrapConfig): Promise<ReadonlyMap<string, Plan>> {
  const all = new Map(plans);
  const problems: string[] = [];
  for (const [i, file] of planFiles.entries()) {
    const found = await readPlans(file, `bootstrap.plan_files[${i}]`);
    problems.push(...found.problems.slice(0, maxProblems));
    for (const [name, plan] of found.plans) {
      if (all.has(name)) problems.push(`${file}: ${name}: there is another plan of this name`);
      all.set(name, plan);
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return all;
}

interface Read {
  readonly plans: readonly (readonly [name: string, plan: Plan])[];
  readonly problems: readonly string[];
}

async function readPlans(file: string, at: string): Promise<Read> {
  const text = await readText(file);
  if (typeof text !== 'string') return wrong(`${at}: ${file} ${text.problem}`);
  const parsed = parseText(text);
  if ('problem' in parsed) return wrong(`${file}: ${parsed.problem}`);
  const result = plansSchema.safeParse(parsed.value ?? {}, { reportInput: true });
  if (!result.success)
    return wrong(...result.error.issues.flatMap((issue) => issueText(issue)).map((problem) => `${file}: ${problem}`));
  const plans = Object.entries(result.data);
  return {
    plans,
    problems: plans.flatMap(([name, plan]) => planProblems(plan).map((problem) => `${file}: ${name}: ${problem}`)),
  };
}

const wrong = (...problems: string[]): Read => ({ plans: [], problems });

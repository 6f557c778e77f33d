// Files of plans: YAML or JSON, a map from name to plan. Every mistake names its place; no message holds a key.
import { readFile } from 'node:fs/promises';
import { ConfigError } from '@lapwing/kernel';
import { type Plan, planProblems } from '@lapwing/server';
import { parseDocument } from 'yaml';
import { issueText } from '../config-issues.ts';
import type { BootstrapConfig } from './config.ts';
import { plansSchema } from './plan-schema.ts';

/** Bytes of a file of plans at most. */
const maxFile = 64 * 1024 ** 2;
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
  let text: string;
  try {
    const bytes = await readFile(file);
    if (bytes.length > maxFile) return wrong(`${at}: ${file} is longer than ${maxFile} bytes`);
    text = bytes.toString('utf8');
  } catch (error) {
    return wrong(`${at}: ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`);
  }
  const document = parseDocument(text);
  const [error] = document.errors;
  // The parser quotes the text around an error, which may be a key: only the place is told.
  if (error !== undefined) return wrong(`${file}: is neither YAML nor JSON (line ${error.linePos?.[0].line ?? '?'})`);
  const result = plansSchema.safeParse(document.toJS({ maxAliasCount: 0 }) ?? {}, { reportInput: true });
  if (!result.success)
    return wrong(...result.error.issues.flatMap((issue) => issueText(issue)).map((problem) => `${file}: ${problem}`));
  const plans = Object.entries(result.data);
  return {
    plans,
    problems: plans.flatMap(([name, plan]) => planProblems(plan).map((problem) => `${file}: ${name}: ${problem}`)),
  };
}

const wrong = (...problems: string[]): Read => ({ plans: [], problems });

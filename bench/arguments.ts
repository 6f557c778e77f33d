// What `npm run bench -- …` was asked for: groups, by name or by --only, and how long to measure.
import { parseArgs } from 'node:util';

export interface Asked {
  readonly groups: readonly string[];
  readonly quick: boolean;
  readonly rounds: number;
  readonly seconds: number;
  readonly report: boolean;
  readonly help: boolean;
}

/** Throws UsageError that says which argument makes no sense. */
export function parseArguments(args: readonly string[], names: readonly string[]): Asked {
  const { values, positionals } = parsed(args);
  const only = values.only === undefined ? [] : values.only.split(',');
  const groups = [...new Set([...positionals.flatMap((each) => each.split(',')), ...only])];
  const unknown = groups.filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new UsageError(`no group '${unknown.join(', ')}': there are ${names.join(', ')}`);
  return {
    groups: groups.length === 0 ? names : groups,
    quick: values.quick,
    rounds: positive('rounds', values.rounds),
    seconds: positive('seconds', values.seconds),
    report: values.report,
    help: values.help,
  };
}

/** Somebody wrote something that means nothing here. */
export class UsageError extends Error {}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        only: { type: 'string' },
        quick: { type: 'boolean', default: false },
        rounds: { type: 'string', default: '5' },
        seconds: { type: 'string', default: '3' },
        report: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? (error.message.split('. ')[0] ?? '') : String(error));
  }
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new UsageError(`--${name} must be a number above 0, not '${text}'`);
  return value;
}

// What a command of the shell is, and what it is given.
import type { Clock } from '@lapwing/kernel';
import type { DeviceObjects } from '../device/objects.ts';
import type { Session } from '../device/session.ts';

/** What a command answers, twice: for people, and for programs. */
export interface Said {
  readonly text: string;
  readonly value: Readonly<Record<string, unknown>>;
}

export interface Context {
  readonly session: Session;
  readonly device: DeviceObjects;
  readonly clock: Clock;
  /** Aborts when the shell is left while a command runs. */
  readonly signal: AbortSignal;
  /** The whole table. */
  readonly commands: readonly ShellCommand[];
}

export interface ShellCommand {
  readonly name: string;
  /** What follows the name. */
  readonly usage: string;
  readonly about: string;
  /** Options and arguments with their meaning. */
  readonly options?: readonly (readonly [name: string, meaning: string])[];
  /** Least and most words after the name. */
  readonly takes: readonly [least: number, most: number];
  readonly run: (words: readonly string[], context: Context) => Said | Promise<Said>;
  /** What the word after those could be, without regard to its beginning. */
  readonly complete?: (words: readonly string[], context: Context) => Candidates;
}

/** Words, or any path that is there. */
export type Candidates = readonly string[] | 'paths';

/** May stand before each command, as on a board whose shell has other commands too. */
export const family = 'lwm2m';

/** What was typed makes no sense: its usage is shown with it. */
export class UsageError extends Error {}

/** What was asked cannot be done now: the message says why and what to do. */
export class ShellError extends Error {}

/** Throws UsageError for any option that is not in the list. */
export function splitOptions(
  words: readonly string[],
  known: readonly string[],
): { readonly options: readonly string[]; readonly rest: readonly string[] } {
  const options = words.filter((word) => known.includes(word));
  const rest = words.filter((word) => !known.includes(word));
  const strange = rest.find((word) => /^-[a-z]/.test(word));
  if (strange !== undefined)
    throw new UsageError(
      `there is no option ${strange}; there ${known.length === 1 ? 'is' : 'are'} ${known.join(' ')}`,
    );
  return { options, rest };
}

// Runs lines: each command in turn, each with exactly one answer.
import { type Clock, isStackError } from '@lapwing/kernel';
import type { DeviceObjects } from '../device/objects.ts';
import type { Session } from '../device/session.ts';
import { type Context, family, type ShellCommand, ShellError, UsageError } from './command.ts';
import { parseLine } from './line.ts';
import type { Output } from './output.ts';
import { unknown, usageOf } from './script-commands.ts';
import { commands } from './table.ts';

export interface ShellOptions {
  readonly session: Session;
  readonly device: DeviceObjects;
  readonly output: Output;
  readonly clock: Clock;
  /** Aborts when the shell is left. */
  readonly signal: AbortSignal;
}

export class Shell {
  readonly context: Context;
  private readonly output: Output;
  /** Commands that have failed so far. */
  failures = 0;

  constructor({ output, ...context }: ShellOptions) {
    this.context = { ...context, commands };
    this.output = output;
  }

  /** Runs every command of a line, whatever becomes of those before; `exit` when the shell is to be left. */
  async run(line: string): Promise<'more' | 'exit'> {
    for (const words of this.parse(line)) {
      const [name = '', ...rest] = words[0] === family ? words.slice(1) : words;
      if ((await this.perform(name === '' ? 'help' : name, rest)) === 'exit') return 'exit';
    }
    return 'more';
  }

  private parse(line: string): readonly (readonly string[])[] {
    try {
      return parseLine(line);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      this.failed('lapwing', error.message);
      return [];
    }
  }

  private async perform(name: string, words: readonly string[]): Promise<'more' | 'exit'> {
    const command = commands.find((each) => each.name === name || (name === 'quit' && each.name === 'exit'));
    if (command === undefined) {
      this.failed('lapwing', `${unknown(name, commands)}; 'help' shows all`);
      return 'more';
    }
    try {
      checkCount(command, words.length);
      this.output.said(command.name, await command.run(words, this.context));
      return command.name === 'exit' ? 'exit' : 'more';
    } catch (error) {
      if (this.context.signal.aborted) return 'exit';
      if (error instanceof UsageError) this.failed(command.name, error.message, usageOf(command));
      else if (error instanceof ShellError || isStackError(error)) this.failed(command.name, error.message);
      else throw error;
      return 'more';
    }
  }

  private failed(name: string, message: string, usage?: string): void {
    this.failures += 1;
    this.output.problem(name, message, usage);
  }
}

function checkCount({ takes: [least, most] }: ShellCommand, count: number): void {
  if (count < least) throw new UsageError(least === 1 && count === 0 ? 'something is missing' : 'too few words');
  if (count > most) throw new UsageError(most === 0 ? 'it takes nothing' : 'too many words');
}

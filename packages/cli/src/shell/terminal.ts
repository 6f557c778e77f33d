// Lines from a terminal, with history and completion, or from a pipe (shell of the shell).
import { clearLine, createInterface, cursorTo, type Interface } from 'node:readline';
import { complete } from './completion.ts';
import type { History } from './history.ts';
import type { Sink } from './output.ts';
import type { Shell } from './shell.ts';

const prompt = 'lapwing> ';

/** A sink whose lines go above the prompt, where there is one. */
export class Terminal implements Sink {
  private prompting: Interface | undefined;

  out(text: string): void {
    this.above(() => process.stdout.write(`${text}\n`));
  }

  err(text: string): void {
    this.above(() => process.stderr.write(`${text}\n`));
  }

  /** Runs what is typed until `exit` or the end of input. Ctrl-C is the program's, as without a terminal. */
  async interact(shell: Shell, history: History): Promise<void> {
    const lines = createInterface({
      input: process.stdin,
      output: process.stdout,
      prompt,
      completer: (line: string) => complete(line, shell.context),
      history: [...history.lines],
      historySize: history.limit,
      removeHistoryDuplicates: true,
    });
    lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
    lines.on('history', (all: string[]) => history.keep(all));
    shell.context.signal.addEventListener('abort', () => lines.close(), { once: true });
    this.prompting = lines;
    try {
      lines.prompt();
      for await (const line of lines) {
        this.prompting = undefined;
        if ((await shell.run(line)) === 'exit') break;
        this.prompting = lines;
        lines.prompt();
      }
    } finally {
      this.prompting = undefined;
      lines.close();
    }
  }

  private above(write: () => void): void {
    const { prompting } = this;
    if (prompting === undefined) {
      write();
      return;
    }
    clearLine(process.stdout, 0);
    cursorTo(process.stdout, 0);
    write();
    prompting.prompt(true);
  }
}

/** Runs what comes by a pipe, line by line; resolves with the number of lines at its end, or at `exit`. */
export async function runPiped(shell: Shell, before: () => Promise<void>): Promise<number> {
  const lines = createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY });
  shell.context.signal.addEventListener('abort', () => lines.close(), { once: true });
  let count = 0;
  try {
    for await (const line of lines) {
      if (line.trim() === '') continue;
      if (count === 0) await before();
      count += 1;
      if ((await shell.run(line)) === 'exit') break;
    }
  } finally {
    lines.close();
  }
  return count;
}

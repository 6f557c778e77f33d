// Runs a list of commands one after the other, goes on after a failure, and keeps each
// command's result, so that one run tells everything that is wrong.
import { spawn } from 'node:child_process';
import { root } from './workspace.ts';

export interface Step {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  /** A step that takes longer is stopped with all its children and has failed. */
  readonly limitSeconds: number;
}

export interface Outcome {
  readonly passed: boolean;
  readonly seconds: number;
  /** Why it failed, in a few words. */
  readonly cause?: string;
}

export async function runStep(step: Step): Promise<Outcome> {
  console.log(`\n── ${step.name} ${'─'.repeat(Math.max(1, 70 - step.name.length))}`);
  const started = performance.now();
  const cause = await run(step);
  const seconds = (performance.now() - started) / 1000;
  return cause === undefined ? { passed: true, seconds } : { passed: false, seconds, cause };
}

function run({ command: [program, ...args], limitSeconds }: Step): Promise<string | undefined> {
  return new Promise((resolve) => {
    // A process group of its own: a step that hangs is stopped together with the peers it started.
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], detached: true });
    const stop = (signal: NodeJS.Signals): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, signal);
      } catch {
        // The group is gone already.
      }
    };
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      stop('SIGTERM');
      setTimeout(() => stop('SIGKILL'), 5000).unref();
    }, limitSeconds * 1000);
    const interrupted = (signal: NodeJS.Signals): void => {
      stop(signal);
      process.exit(130);
    };
    process.on('SIGINT', interrupted).on('SIGTERM', interrupted);
    const end = (cause: string | undefined): void => {
      clearTimeout(timer);
      process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
      resolve(cause);
    };
    child.on('error', (error) => end(error.message));
    child.on('close', (code, signal) => {
      if (late) end(`took longer than ${limitSeconds} s`);
      else end(code === 0 ? undefined : `ended with ${code ?? signal}`);
    });
  });
}

/** `name   passed   12.3 s` with aligned columns. */
export function row(name: string, result: string, seconds?: number, note?: string): string {
  const time = seconds === undefined ? ''.padStart(9) : `${seconds.toFixed(1)} s`.padStart(9);
  return `  ${name.padEnd(14)}${result.padEnd(9)}${time}${note === undefined ? '' : `  ${note}`}`.trimEnd();
}

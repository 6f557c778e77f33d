// Which process works on a directory: two with the same associations would use the same keys for different records. Whoever has ended,
// also by a signal, has it no longer. Only where the system says when a process has begun (Linux); elsewhere nothing is claimed.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '@lapwing/kernel';

const name = 'process';

/** Throws ConfigError where another process has it. */
export function claim(directory: string): void {
  const own = begunAt(process.pid);
  if (own === undefined) return;
  const file = join(directory, name);
  const [, pid, begun] = /^(\d{1,10}) (\d{1,20})\n?$/.exec(textOf(file) ?? '') ?? [];
  // The number of one that has ended may be that of another by now.
  if (pid !== undefined && Number(pid) !== process.pid && begunAt(Number(pid)) === begun)
    throw new ConfigError([`directory: ${directory} is in use by process ${pid}`]);
  try {
    writeFileSync(file, `${process.pid} ${own}\n`, { mode: 0o600 });
  } catch {
    // Where nothing can be written, whoever writes records hears of it.
  }
}

/**
 * In ticks since the system has begun (proc_pid_stat(5), field 22, behind the name in brackets); undefined for a process that is not there,
 * or of which only the exit status is left.
 */
function begunAt(pid: number): string | undefined {
  const stat = textOf(`/proc/${pid}/stat`) ?? '';
  const { 0: state, 19: begun } = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return state === 'Z' || state === 'X' ? undefined : begun;
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}

// A real peer as a child process: on loopback, with captured output, a bounded life and an end by its process id.
// Each peer leads a process group of its own, so that stopping it also stops what it started; GNU `timeout` watches
// over it from outside, so that it ends even when the test run is killed and cannot stop it.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

export interface ProcessOptions {
  /** What it is called in messages. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Fed to its standard input, which then closes. Without it the input stays open for `write`. */
  readonly input?: string | Uint8Array;
  /** It is ready once its output (standard output and standard error together) matches. */
  readonly ready?: RegExp;
  /** How long it may take to get ready, in s. Default 30. */
  readonly readyWithin?: number;
  /** How long it may live, in s. Default 120. */
  readonly lifetime?: number;
}

export interface Exit {
  /** Undefined when a signal ended it. */
  readonly code: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
}

/** Characters of output that are kept; what comes first is dropped first. */
const keptOutput = 1_000_000;
/** How long a peer may take to end by itself when asked, in ms. */
const stopGrace = 2_000;
const watchdog = ['/usr/bin/timeout', '/bin/timeout'].find((path) => existsSync(path));

const living = new Set<Process>();
process.on('exit', () => {
  for (const peer of living) peer.kill('SIGKILL');
});

interface Waiter {
  readonly pattern: RegExp;
  readonly from: number;
  found(match: RegExpExecArray): void;
  ended(exit: Exit): void;
}

export class Process implements AsyncDisposable {
  readonly name: string;
  /** Also the id of its process group. */
  readonly pid: number;
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #waiters = new Set<Waiter>();
  readonly #chunks: Buffer[] = [];
  #output = '';
  #dropped = 0;

  private constructor(name: string, child: ChildProcessWithoutNullStreams, pid: number) {
    this.name = name;
    this.pid = pid;
    this.#child = child;
    living.add(this);
    child.stdout.on('data', (chunk: Buffer) => this.#chunks.push(chunk));
    for (const stream of [child.stdout, child.stderr]) {
      const decoder = new TextDecoder();
      stream.on('data', (chunk: Buffer) => this.#take(decoder.decode(chunk, { stream: true })));
    }
    // A peer that ends while it is written to is no failure by itself: its exit tells.
    child.stdin.on('error', () => {});
    this.exited = new Promise((resolve) => {
      child.on('close', (code, signal) => {
        const exit: Exit = { code: code ?? undefined, signal: signal ?? undefined };
        if (!isRunning(pid)) living.delete(this);
        for (const waiter of this.#waiters) waiter.ended(exit);
        resolve(exit);
      });
    });
  }

  static async start(options: ProcessOptions): Promise<Process> {
    const bounded = watchdog === undefined ? [] : [watchdog, '--kill-after=2', String(options.lifetime ?? 120)];
    const [command, ...args] = [...bounded, options.command, ...options.args] as [string, ...string[]];
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: 'pipe',
      detached: true,
    });
    const { pid } = child;
    if (pid === undefined) {
      const cause = await new Promise<Error>((resolve) => child.on('error', resolve));
      throw new Error(`${options.name} does not start: ${cause.message}`);
    }
    const started = new Process(options.name, child, pid);
    if (options.input !== undefined) child.stdin.end(options.input);
    try {
      if (options.ready !== undefined)
        await started.waitFor(options.ready, { within: options.readyWithin ?? 30, from: 0 });
    } catch (cause) {
      await started.stop();
      throw cause;
    }
    return started;
  }

  /** Standard output and standard error in the order they came, as far as kept. */
  get output(): string {
    return this.#output;
  }

  /** The bytes of standard output alone. */
  get stdout(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  /** Where the output stands now, for `waitFor` to look only at what comes after. */
  get mark(): number {
    return this.#dropped + this.#output.length;
  }

  /** Waits until the output from a mark on matches; `within` is in s, default 10. */
  waitFor(
    pattern: RegExp,
    { within = 10, from = 0 }: { within?: number; from?: number } = {},
  ): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
        settle();
      };
      const fail = (why: string): void =>
        end(() => reject(new Error(`${this.name} ${why} before its output matched ${pattern}:\n${this.#tail()}`)));
      const waiter: Waiter = {
        pattern,
        from,
        found: (match) => end(() => resolve(match)),
        ended: ({ code, signal }) => fail(`ended with ${code ?? signal}`),
      };
      const timer = setTimeout(() => fail(`took longer than ${within} s`), within * 1000);
      this.#waiters.add(waiter);
      if (this.#try(waiter)) return;
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) void this.exited.then(waiter.ended);
    });
  }

  write(text: string | Uint8Array): void {
    this.#child.stdin.write(text);
  }

  /** Closes its standard input; our programs end then. */
  end(): void {
    this.#child.stdin.end();
  }

  kill(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.pid, signal);
    } catch {
      // The group is gone already.
    }
  }

  /** Ends the whole process group and returns when nothing of it is left. */
  async stop(): Promise<void> {
    this.#child.stdin.destroy();
    this.kill('SIGTERM');
    if (!(await this.#gone(stopGrace))) {
      this.kill('SIGKILL');
      if (!(await this.#gone(stopGrace))) throw new Error(`${this.name} (pid ${this.pid}) does not end`);
    }
    living.delete(this);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #gone(within: number): Promise<boolean> {
    for (let waited = 0; isRunning(this.pid); waited += 10) {
      if (waited >= within) return false;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return true;
  }

  #take(text: string): void {
    this.#output += text;
    if (this.#output.length > keptOutput) {
      this.#dropped += this.#output.length - keptOutput;
      this.#output = this.#output.slice(-keptOutput);
    }
    for (const waiter of this.#waiters) this.#try(waiter);
  }

  #try(waiter: Waiter): boolean {
    const match = waiter.pattern.exec(this.#output.slice(Math.max(0, waiter.from - this.#dropped)));
    if (match !== null) waiter.found(match);
    return match !== null;
  }

  #tail(): string {
    return this.#output.split('\n').slice(-30).join('\n');
  }
}

/** Whether any process of this process group is alive. One that has ended and waits to be collected is not. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(-pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  if (process.platform !== 'linux') return true;
  return readdirSync('/proc').some((entry) => /^\d+$/.test(entry) && isLivingMember(entry, pid));
}

/** `/proc/PID/stat` is: pid (name) state parent group … */
function isLivingMember(entry: string, group: number): boolean {
  try {
    const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
    const [state, , memberOf] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state !== 'Z' && Number(memberOf) === group;
  } catch {
    return false;
  }
}

/** Stops what a test has left behind and names it; nothing may be left. */
export async function stopLeftovers(): Promise<string[]> {
  const left = [...living];
  await Promise.all(left.map((peer) => peer.stop()));
  return left.map(({ name, pid }) => `${name} (pid ${pid})`);
}

export interface Outcome extends Exit {
  readonly output: string;
  readonly stdout: Buffer;
}

/** Runs a command to its end. */
export async function run(options: ProcessOptions): Promise<Outcome> {
  await using started = await Process.start({ input: '', lifetime: 60, ...options });
  const exit = await started.exited;
  return { ...exit, output: started.output, stdout: started.stdout };
}

/** Runs a command to its end and takes anything but success as a failure; gives its output. */
export async function mustRun(options: ProcessOptions): Promise<string> {
  const { code, signal, output } = await run(options);
  if (code !== 0) throw new Error(`${options.name} ended with ${code ?? signal}:\n${output.slice(-4000)}`);
  return output;
}

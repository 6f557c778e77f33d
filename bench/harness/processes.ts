// Starts and stops the measured programs: each on a free port of loopback, each stopped by its own handle, none left behind.
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A program under measurement. Its standard output is lines; the first is `ready`, unless it is asked over UDP. */
export class Program {
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #errors: string[] = [];

  constructor(command: Command) {
    this.#child = spawn(command.file, command.args, { env: { ...process.env, ...command.env }, stdio: 'pipe' });
    running.add(this.#child);
    this.#child.once('exit', () => running.delete(this.#child));
    this.#child.on('error', (error) => this.#errors.push(error.message));
    this.#child.stdin?.on('error', () => {});
    this.#child.stderr?.on('data', (chunk) => {
      this.#errors.push(String(chunk));
      if (this.#errors.length > 20) this.#errors.shift();
    });
    if (this.#child.stdout === null) throw new Error('no standard output');
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    this.pid = this.#child.pid ?? 0;
  }

  /** The next line of its output; rejects when it ends first or takes longer than `seconds`. */
  async line(seconds: number): Promise<string> {
    const patience = new AbortController();
    const late = pause(seconds * 1000, 'late' as const, { signal: patience.signal }).catch(() => 'late' as const);
    const next = await Promise.race([this.#lines.next(), late]);
    patience.abort();
    if (next === 'late') throw new Error(`no answer within ${seconds} s; ${this.complaint()}`);
    if (next.done === true) throw new Error(`ended early; ${this.complaint()}`);
    return next.value;
  }

  /** Output up to and including `wanted`, other lines skipped. */
  async until(wanted: string, seconds: number): Promise<void> {
    while ((await this.line(seconds)) !== wanted);
  }

  say(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  endInput(): void {
    this.#child.stdin?.end();
  }

  complaint(): string {
    const lines = this.#errors.join('').trim().split('\n');
    return lines.find((line) => /error|cannot|not found/i.test(line)) ?? lines.at(-1) ?? '';
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async ended(): Promise<void> {
    if (this.isRunning) await once(this.#child, 'exit');
  }

  async stop(): Promise<void> {
    if (!this.isRunning) return;
    this.#child.kill('SIGTERM');
    const patience = new AbortController();
    const late = pause(2000, undefined, { signal: patience.signal })
      .then(() => this.#child.kill('SIGKILL'))
      .catch(() => {});
    await this.ended();
    patience.abort();
    await late;
  }
}

/** A UDP port (and, for what the bench does, TCP port) that nobody had a moment ago. */
export async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}

/** Sends `bytes` until something comes back: for servers that do not say when they are ready. */
export async function askUntilAnswered(port: number, bytes: Uint8Array, seconds: number): Promise<Buffer> {
  const socket = createSocket('udp4');
  try {
    const answer = once(socket, 'message');
    answer.catch(() => {});
    for (let attempt = 0; attempt < seconds * 5; attempt++) {
      socket.send(bytes, port, '127.0.0.1');
      const first = await Promise.race([answer, pause(200)]);
      if (first !== undefined) return first[0] as Buffer;
    }
    throw new Error(`nothing answers on port ${port}`);
  } finally {
    socket.close();
  }
}

/** Connects until somebody listens. */
export async function reachUntilOpen(port: number, seconds: number): Promise<void> {
  for (let attempt = 0; attempt < seconds * 20; attempt++) {
    const socket = connect(port, '127.0.0.1');
    const open = await Promise.race([
      once(socket, 'connect').then(
        () => true,
        () => false,
      ),
      pause(500, false),
    ]);
    socket.destroy();
    if (open) return;
    await pause(50);
  }
  throw new Error(`nothing listens on port ${port}`);
}

// Leshan in both roles: its client and server libraries with CoAP by Californium, from Maven, under the two small
// programs in `leshan/`, which take commands and tell events as JSON lines.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cache, findProgram, lastLine, type Part, program } from './part.ts';
import { freeUdpPort } from './ports.ts';
import { mustRun, Process } from './process.ts';

const sources = fileURLToPath(new URL('leshan', import.meta.url));
const files = readdirSync(sources).filter((name) => /\.(?:java|xml)$/.test(name));
/** Another class path or another program is another folder. */
const digest = createHash('sha256')
  .update(files.map((name) => `${name}\n${readFileSync(join(sources, name), 'utf8')}`).join('\n'))
  .digest('hex')
  .slice(0, 12);
const build = join(cache, `leshan-${digest}`);
const classPathFile = join(build, 'class-path');
const complete = join(build, 'complete');

let prepared: Promise<true | string> | undefined;

export const leshan: Part = {
  name: 'Leshan',
  from: 'Maven',
  available: () => {
    prepared ??= prepare();
    return prepared;
  },
};

async function prepare(): Promise<true | string> {
  for (const name of ['java', 'javac', 'mvn']) {
    if (findProgram(name) === undefined) return `${name} is not installed`;
  }
  if (existsSync(complete)) return true;
  try {
    rmSync(build, { recursive: true, force: true });
    mkdirSync(build, { recursive: true });
    const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:build-classpath';
    await mustRun({
      name: 'mvn',
      command: program('mvn'),
      args: ['-B', '-q', '-f', join(sources, 'pom.xml'), goal, `-Dmdep.outputFile=${classPathFile}`],
      lifetime: 400,
    });
    const programs = files.filter((name) => name.endsWith('.java')).map((name) => join(sources, name));
    const args = ['--release', '11', '-d', build, '-cp', readFileSync(classPathFile, 'utf8'), ...programs];
    await mustRun({ name: 'javac', command: program('javac'), args });
    writeFileSync(complete, '');
    return true;
  } catch (error) {
    return `Leshan cannot be installed: ${lastLine(error)}`;
  }
}

function startProgram(name: string, main: string, args: readonly string[]): Promise<Process> {
  const classPath = `${build}:${readFileSync(classPathFile, 'utf8')}`;
  // The programs live for seconds: a quick start matters more than quick code.
  const tuning = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx256m'];
  return Process.start({
    name,
    command: program('java'),
    args: [...tuning, '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-cp', classPath, main, ...args],
    ready: /^event {"event":"started"}$/m,
  });
}

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };
/** From full path to value; an opaque is `{ hex }`, a time and an unsigned 64-bit integer are text. */
export type Values = Readonly<Record<string, JsonValue>>;

export interface Event {
  readonly event: string;
  readonly name?: string;
  readonly path?: string;
  readonly values?: Values;
  readonly arguments?: string;
  readonly location?: string;
  readonly lifetime?: number;
  readonly version?: string;
  readonly queue?: boolean;
  readonly root?: string;
  readonly links?: string;
  readonly reason?: string;
  readonly code?: string;
  /** Values by the time of their measurement, ISO 8601; those without one under `null`. */
  readonly moments?: Readonly<Record<string, Values>>;
}

/** The `event` lines of a program, each given out once. */
class Events {
  readonly #process: Process;
  #from = 0;

  constructor(process: Process) {
    this.#process = process;
  }

  /** The next event of this kind that passes the test; those before it are passed over. */
  async next(kind: string, wanted: (event: Event) => boolean = () => true, { within = 20 } = {}): Promise<Event> {
    for (;;) {
      const match = await this.#process.waitFor(/^event (.*)\n/m, { within, from: this.#from });
      this.#from += match.index + match[0].length;
      const event = JSON.parse(match[1] ?? '') as Event;
      if (event.event === kind && wanted(event)) return event;
    }
  }
}

export interface LeshanDeviceOptions {
  /** `coap://127.0.0.1:PORT` of a LwM2M server. */
  readonly server: string;
  readonly name: string;
  /** In s, default 60. */
  readonly lifetime?: number;
  readonly queue?: true;
}

/** Device 3, Firmware Update 5, Temperature 3303 (instance 0, more by Create) and the test object 3442. */
export class LeshanDevice implements AsyncDisposable {
  readonly process: Process;
  readonly #events: Events;

  private constructor(process: Process) {
    this.process = process;
    this.#events = new Events(process);
  }

  static async start({ server, name, lifetime = 60, queue }: LeshanDeviceOptions): Promise<LeshanDevice> {
    const args = [server, name, String(lifetime), ...(queue === true ? ['queue'] : [])];
    return new LeshanDevice(await startProgram('Leshan device', 'DeviceProgram', args));
  }

  /** `registered`, `refused`, `unanswered`, `updated`, `deregistered`, `written`, `executed`, `failed`. */
  next(kind: string, wanted?: (event: Event) => boolean, options?: { within?: number }): Promise<Event> {
    return this.#events.next(kind, wanted, options);
  }

  /** Changes resources of instance 0 of Device or Temperature, as the device itself would. */
  set(values: Values): void {
    this.process.write(`${JSON.stringify({ set: values })}\n`);
  }

  update(): void {
    this.process.write('{"update": true}\n');
  }

  /** Sends what is at the paths now. */
  send(paths: readonly string[], format: number): void {
    this.process.write(`${JSON.stringify({ send: paths, format })}\n`);
  }

  /** Keeps what is at the paths now, with the time. */
  collect(paths: readonly string[]): void {
    this.process.write(`${JSON.stringify({ collect: paths })}\n`);
  }

  /** Sends what was collected. */
  sendCollected(format: number): void {
    this.process.write(`${JSON.stringify({ collected: format })}\n`);
  }

  /** Deregisters and ends. */
  async leave(): Promise<void> {
    this.process.end();
    await this.#events.next('deregistered');
    await this.process.exited;
  }

  /** Ends without a word to the server. */
  stop(): Promise<void> {
    return this.process.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** The operations of `ServerProgram`, its header says more. */
export interface LeshanCommand {
  readonly op:
    | 'read'
    | 'observe'
    | 'cancel'
    | 'forget'
    | 'write'
    | 'execute'
    | 'create'
    | 'delete'
    | 'discover'
    | 'attributes'
    | 'read-composite'
    | 'write-composite'
    | 'observe-composite'
    | 'cancel-composite';
  readonly path?: string;
  /** Of a composite. */
  readonly paths?: readonly string[];
  /** A content format's number. */
  readonly format?: number;
  readonly value?: JsonValue;
  /** From resource id to value; of a composite from full path. */
  readonly values?: Values;
  readonly replace?: boolean;
  readonly instance?: number;
  readonly arguments?: string;
  /** `pmin=1&pmax=5` */
  readonly query?: string;
}

export interface LeshanAnswer {
  /** `CONTENT(205)` and so on. */
  readonly code?: string;
  readonly reason?: string;
  readonly values?: Values;
  readonly links?: string;
  readonly location?: string;
  /** Leshan itself gave up or would not send it. */
  readonly error?: string;
}

export class LeshanServer implements AsyncDisposable {
  readonly port: number;
  readonly process: Process;
  readonly #events: Events;
  #asked = 0;

  private constructor(port: number, process: Process) {
    this.port = port;
    this.process = process;
    this.#events = new Events(process);
  }

  static async start(): Promise<LeshanServer> {
    const port = await freeUdpPort();
    return new LeshanServer(port, await startProgram('Leshan server', 'ServerProgram', [String(port)]));
  }

  get uri(): string {
    return `coap://127.0.0.1:${this.port}`;
  }

  /** `registered`, `updated`, `deregistered`, `expired`, `notified`, `failed`. */
  next(kind: string, wanted?: (event: Event) => boolean, options?: { within?: number }): Promise<Event> {
    return this.#events.next(kind, wanted, options);
  }

  async ask(name: string, command: LeshanCommand): Promise<LeshanAnswer> {
    const id = this.#asked++;
    const from = this.process.mark;
    this.process.write(`${JSON.stringify({ id, name, ...command })}\n`);
    const [, line = ''] = await this.process.waitFor(new RegExp(`^answer-${id} (.*)\n`, 'm'), { within: 15, from });
    return JSON.parse(line) as LeshanAnswer;
  }

  stop(): Promise<void> {
    return this.process.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

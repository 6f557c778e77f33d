// aiocoap in a Python environment of its own, driven through small programs of ours: `aiocoap-server.py` with resources
// for every kind of exchange, and those that take commands as JSON lines (`aiocoap_asking.py`), the plain client first.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cache, findProgram, lastLine, type Part } from './part.ts';
import { freeTcpPort, freeUdpPort } from './ports.ts';
import { mustRun, Process } from './process.ts';

const version = '0.4.17';
const environment = join(cache, `aiocoap-${version}-oscore-ws`);
const python = join(environment, 'bin/python');
const complete = join(environment, 'complete');
type ServerTransport = 'udp6' | 'tcpserver' | 'ws';
const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

let prepared: Promise<true | string> | undefined;

export const aiocoap: Part = {
  name: 'aiocoap',
  from: 'PyPI',
  available: () => {
    prepared ??= prepare();
    return prepared;
  },
};

async function prepare(): Promise<true | string> {
  if (existsSync(complete)) return true;
  const python3 = findProgram('python3');
  if (python3 === undefined) return 'python3 is not installed';
  try {
    rmSync(environment, { recursive: true, force: true });
    mkdirSync(cache, { recursive: true });
    await mustRun({ name: 'python3 -m venv', command: python3, args: ['-m', 'venv', environment], lifetime: 120 });
    const pip = ['-m', 'pip', 'install', '--no-input', '--quiet', '--disable-pip-version-check'];
    await mustRun({ name: 'pip', command: python, args: [...pip, `aiocoap[oscore,ws]==${version}`], lifetime: 300 });
    mkdirSync(complete);
    return true;
  } catch (error) {
    return `aiocoap ${version} cannot be installed: ${lastLine(error)}`;
  }
}

/** What `aiocoap-server.py` offers is listed at its top. */
export class AiocoapServer implements AsyncDisposable {
  readonly port: number;
  readonly process: Process;

  private constructor(port: number, process: Process) {
    this.port = port;
    this.process = process;
  }

  /** With a folder of `OscoreFolder`, what comes under that context is served too. */
  static async start(
    options: { readonly oscore?: string; readonly transport?: ServerTransport } = {},
  ): Promise<AiocoapServer> {
    const { oscore, transport = 'udp6' } = options;
    const port = transport === 'udp6' ? await freeUdpPort() : await freeTcpPort();
    // For WebSockets it takes a port 3,000 above the one that it is given.
    const given = String(transport === 'ws' ? port - 3000 : port);
    const started = await Process.start({
      name: 'aiocoap server',
      command: python,
      args: [script('aiocoap-server.py'), given, transport, ...(oscore === undefined ? [] : [oscore])],
      ready: /^ready$/m,
    });
    return new AiocoapServer(port, started);
  }

  get uri(): string {
    return `coap://127.0.0.1:${this.port}`;
  }

  stop(): Promise<void> {
    return this.process.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

export interface AiocoapRequest {
  readonly method?: 'GET' | 'PUT' | 'POST' | 'DELETE' | 'FETCH' | 'PATCH' | 'iPATCH';
  readonly uri: string;
  readonly payload?: string;
  readonly contentFormat?: number;
  readonly accept?: number;
  readonly non?: true;
  /** How many notifications to wait for, the first answer included; then it cancels. */
  readonly observe?: number;
  /** In s, default 20. */
  readonly within?: number;
}

export interface AiocoapAnswer {
  /** `2.05 Content` and so on. */
  readonly code: string;
  readonly payload: Buffer;
  readonly contentFormat: number | undefined;
  readonly location: string | undefined;
  /** For an observation: each payload in the order of arrival. */
  readonly notifications: readonly Buffer[];
}

/** One of our programs with one CoAP context, for as many requests as wanted, one at a time or at once. */
export class AiocoapProgram implements AsyncDisposable {
  readonly process: Process;
  #sent = 0;

  protected constructor(process: Process) {
    this.process = process;
  }

  static async run(name: string, file: string, ...args: readonly number[]): Promise<AiocoapProgram> {
    return new AiocoapProgram(await startProgram(name, file, args));
  }

  async ask(request: AiocoapRequest): Promise<AiocoapAnswer> {
    return answerOf(await this.command(request));
  }

  /** Of `aiocoap-lwm2m-server.py`: notifications follow as `notified ID HEX` in the output. */
  async observe(uri: string): Promise<{ readonly id: number; readonly answer: AiocoapAnswer }> {
    const id = this.#sent;
    return { id, answer: answerOf(await this.command({ do: 'observe', uri })) };
  }

  /** A command of the program, or a request to send; gives what it answers. */
  async command(command: object): Promise<unknown> {
    const id = this.#sent++;
    this.process.write(`${JSON.stringify({ id, ...command })}\n`);
    const within = ('within' in command ? Number(command.within) : 20) + 5;
    const [, line = ''] = await this.process.waitFor(new RegExp(`^answer ${id} (.*)\n`, 'm'), { within });
    const answer = JSON.parse(line) as { error?: string };
    if (answer.error !== undefined) throw new Error(`aiocoap: ${answer.error}`);
    return answer;
  }

  stop(): Promise<void> {
    return this.process.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

export class AiocoapClient extends AiocoapProgram {
  /** What goes to that server is protected under the context of a folder of `OscoreFolder`. */
  static async start(
    options: {
      readonly oscore?: { readonly uri: string; readonly folder: string };
      readonly transport?: 'udp6' | 'tcpclient' | 'ws';
    } = {},
  ): Promise<AiocoapClient> {
    const { oscore, transport = 'udp6' } = options;
    const args = [transport, ...(oscore === undefined ? [] : [oscore.uri, oscore.folder])];
    return new AiocoapClient(await startProgram('aiocoap client', 'aiocoap-client.py', args));
  }
}

/** An OSCORE context as aiocoap keeps it, with its sequence numbers. */
export class OscoreFolder implements Disposable {
  readonly path: string;

  constructor(settings: Readonly<Record<string, string | number>>) {
    this.path = mkdtempSync(join(tmpdir(), 'lapwing-oscore-'));
    writeFileSync(join(this.path, 'settings.json'), JSON.stringify(settings));
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

function startProgram(name: string, file: string, args: readonly (number | string)[]): Promise<Process> {
  return Process.start({
    name,
    command: python,
    // No compiled files beside the sources.
    args: ['-B', script(file), ...args.map(String)],
    ready: /^ready$/m,
  });
}

function answerOf(said: unknown): AiocoapAnswer {
  const answer = said as {
    code: string;
    payload: string;
    contentFormat: number | null;
    location: string | null;
    notifications: string[];
  };
  return {
    code: answer.code,
    payload: Buffer.from(answer.payload, 'hex'),
    contentFormat: answer.contentFormat ?? undefined,
    location: answer.location ?? undefined,
    notifications: answer.notifications.map((payload) => Buffer.from(payload, 'hex')),
  };
}

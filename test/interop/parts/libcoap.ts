// libcoap's example client and server, built without TLS (Debian's libcoap3-bin).
// The server offers /, /time (observable), /async?SECONDS (separate response), /example_data (PUT, GET; block-wise),
// and with `-d` any path that a PUT or POST creates. Its resource directory takes a registration of a LwM2M client.
import { findProgram, missing, type Part, program } from './part.ts';
import { freeUdpPort } from './ports.ts';
import { Process, run } from './process.ts';

const clients = ['coap-client-notls', 'coap-client', 'coap-client-openssl', 'coap-client-gnutls'];
const servers = ['coap-server-notls', 'coap-server', 'coap-server-openssl', 'coap-server-gnutls'];
const secureClients = ['coap-client-openssl', 'coap-client-gnutls'];
const secureServers = ['coap-server-openssl', 'coap-server-gnutls'];
const directories = ['coap-rd-notls', 'coap-rd', 'coap-rd-openssl', 'coap-rd-gnutls'];

export const libcoap: Part = {
  name: 'libcoap',
  from: 'Debian',
  available: async () => {
    const absent = [clients, servers, directories].find((names) => findProgram(...names) === undefined);
    return absent === undefined ? true : missing(...absent);
  },
};

/** The same with TLS; by default the package has it twice. */
export const secureLibcoap: Part = {
  name: 'libcoap with TLS',
  from: 'Debian',
  available: async () => {
    const absent = [secureClients, secureServers].find((names) => findProgram(...names) === undefined);
    return absent === undefined ? true : missing(...absent);
  },
};

export interface Answer {
  /** The payload, as the client wrote it to its standard output. */
  readonly payload: Buffer;
  /** `4.04` and so on; undefined for a success, where the client prints no code. */
  readonly refusal: string | undefined;
  /** All it printed; with `-v 7` the messages as well. */
  readonly output: string;
}

export interface AskOptions {
  readonly method?: 'get' | 'put' | 'post' | 'delete' | 'fetch' | 'patch' | 'ipatch';
  readonly payload?: string | Uint8Array;
  /** More arguments, as `coap-client -h` lists them: `-b 64`, `-N`, `-s 5`, … */
  readonly args?: readonly string[];
  /** In s, after which it gives up. Default 10. */
  readonly within?: number;
  /** With the client that has TLS. */
  readonly secure?: true;
}

/** Asks once with coap-client and waits for its end. */
export async function ask(uri: string, options: AskOptions = {}): Promise<Answer> {
  const { code, signal, output, stdout } = await run({
    name: 'coap-client',
    command: program(...(options.secure === true ? secureClients : clients)),
    args: clientArguments(uri, options),
    ...(options.payload === undefined ? {} : { input: options.payload }),
    lifetime: (options.within ?? 10) + 10,
  });
  if (code !== 0) throw new Error(`coap-client ended with ${code ?? signal}:\n${output}`);
  return { payload: stdout, refusal: /^([45]\.\d\d)\b/m.exec(output)?.[1], output };
}

/**
 * Arguments for coap-client to speak from the port of one of the servers here. The system gives a datagram to the one
 * that is connected to its sender: coap-client has the answers as long as it runs, all else goes to the server.
 */
export function fromPort(port: number): readonly string[] {
  return ['-a', '127.0.0.1', '-p', String(port)];
}

/** Leaves coap-client running, for instance as an observer. */
export function startClient(uri: string, options: AskOptions = {}): Promise<Process> {
  return Process.start({ name: 'coap-client', command: program(...clients), args: clientArguments(uri, options) });
}

/** What coap-client is told for one request. */
export function clientArguments(
  uri: string,
  { method = 'get', payload, args = [], within = 10 }: AskOptions,
): string[] {
  const body = payload === undefined ? [] : ['-f', '-'];
  // Without `-o` it ends a payload with a line feed of its own.
  return ['-m', method, '-B', String(within), '-o', '-', ...body, ...args, uri];
}

export class LibcoapServer implements AsyncDisposable {
  readonly port: number;
  readonly process: Process;

  private constructor(port: number, process: Process) {
    this.port = port;
    this.process = process;
  }

  static start(...args: readonly string[]): Promise<LibcoapServer> {
    return LibcoapServer.startAs(servers, /created UDP\s+endpoint/, args);
  }

  /** At its port also over TCP, and over TLS at the next. */
  static startStreams(...args: readonly string[]): Promise<LibcoapServer> {
    return LibcoapServer.startAs(servers, /created TCP\s+endpoint/, args);
  }

  static startSecure(...args: readonly string[]): Promise<LibcoapServer> {
    return LibcoapServer.startAs(secureServers, /created TLS\s+endpoint/, args);
  }

  private static async startAs(
    names: readonly string[],
    ready: RegExp,
    args: readonly string[],
  ): Promise<LibcoapServer> {
    const port = await freeUdpPort();
    const started = await Process.start({
      name: 'coap-server',
      command: program(...names),
      args: ['-A', '127.0.0.1', '-p', String(port), '-d', '20', '-v', '7', ...args],
      ready,
    });
    return new LibcoapServer(port, started);
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

/** Knows POST /rd and no Update; DELETE of a registration makes version 4.3.1 abort. */
export class LibcoapDirectory implements AsyncDisposable {
  readonly port: number;
  readonly process: Process;

  private constructor(port: number, process: Process) {
    this.port = port;
    this.process = process;
  }

  static async start(): Promise<LibcoapDirectory> {
    const port = await freeUdpPort();
    const started = await Process.start({
      name: 'coap-rd',
      command: program(...directories),
      args: ['-A', '127.0.0.1', '-p', String(port), '-v', '7'],
      ready: /created UDP\s+endpoint/,
    });
    return new LibcoapDirectory(port, started);
  }

  get uri(): string {
    return `coap://127.0.0.1:${this.port}`;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.process.stop();
  }
}

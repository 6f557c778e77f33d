// Leshan in both roles: its client and server libraries with CoAP by Californium, from Maven, under the two small
// programs in `leshan/`, which take commands and tell events as JSON lines.
import { expect } from 'vitest';
import { derOf, material } from './dtls-material.ts';
import { EventLines, JavaPrograms, startedEvent } from './java.ts';
import type { PskKeys } from './leshan-bootstrap.ts';
import type { Part } from './part.ts';
import { freeUdpPort } from './ports.ts';
import type { Process } from './process.ts';

const programs = new JavaPrograms('Leshan', 'leshan', { ready: startedEvent });

export const leshan: Part = programs.part;
export const leshanVersion = (): string => programs.versionOf('leshan-lwm2m-client');

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
  readonly binding?: string;
  readonly queue?: boolean;
  readonly root?: string;
  /** Its id at the server. */
  readonly registration?: string;
  readonly secure?: boolean;
  /** In ms since 1970. */
  readonly lastUpdate?: number;
  readonly links?: string;
  readonly reason?: string;
  readonly code?: string;
  /** Values by the time of their measurement, ISO 8601; those without one under `null`. */
  readonly moments?: Readonly<Record<string, Values>>;
}

/** How a program speaks coaps. */
export interface LeshanSecurity {
  readonly mode: 'psk' | 'rpk' | 'x509';
  /** Bytes in the connection id that the other side shall use; default as Leshan has it. */
  readonly connectionId?: number;
}

/** What `Secured.java` reads. The device is `dev-1`, whatever it proves that with. */
async function secured(role: 'device' | 'server', { mode, connectionId }: LeshanSecurity): Promise<string> {
  const made = await material();
  const [own, other] = role === 'device' ? [made.client, made.server] : [made.server, made.client];
  const hex = (file: string, label: string): string => Buffer.from(derOf(file, label)).toString('hex');
  return JSON.stringify({
    mode,
    connectionId,
    name: made.client.name,
    identity: made.identity,
    psk: made.psk,
    key: hex(own.key, 'PRIVATE KEY'),
    publicKey: hex(own.publicKey, 'PUBLIC KEY'),
    certificate: hex(own.certificate, 'CERTIFICATE'),
    other: mode === 'rpk' ? hex(other.publicKey, 'PUBLIC KEY') : hex(other.certificate, 'CERTIFICATE'),
    authority: hex(made.authority, 'CERTIFICATE'),
  });
}

export interface LeshanDeviceOptions {
  /** `coap://127.0.0.1:PORT` of a LwM2M server; `coaps` where there is `security`. */
  readonly server: string;
  readonly name: string;
  /** In s, default 60. */
  readonly lifetime?: number;
  readonly queue?: true;
  readonly security?: LeshanSecurity;
}

/** Device 3, Firmware Update 5, Temperature 3303 (instance 0, more by Create) and the test object 3442. */
export class LeshanDevice implements AsyncDisposable {
  readonly process: Process;
  readonly #events: EventLines<Event>;

  private constructor(process: Process) {
    this.process = process;
    this.#events = new EventLines(process);
  }

  static async start({ server, name, lifetime = 60, queue, security }: LeshanDeviceOptions): Promise<LeshanDevice> {
    const words = queue === true ? ['queue'] : [];
    if (security !== undefined) words.push(await secured('device', security));
    const args = [server, name, String(lifetime), ...words];
    return new LeshanDevice(await programs.start('Leshan device', 'DeviceProgram', args));
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
    | 'client'
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

/** What `client` is answered with is what a `registered` event tells. */
export interface LeshanAnswer extends Omit<Event, 'event'> {
  /** `CONTENT(205)` and so on. */
  readonly code?: string;
  /** Leshan itself gave up or would not send it. */
  readonly error?: string;
}

export class LeshanServer implements AsyncDisposable {
  readonly port: number;
  readonly process: Process;
  readonly #scheme: 'coap' | 'coaps';
  readonly #securePort: number | undefined;
  readonly #events: EventLines<Event>;
  #asked = 0;

  private constructor(scheme: 'coap' | 'coaps', port: number, process: Process, securePort?: number) {
    this.#scheme = scheme;
    this.port = port;
    this.#securePort = securePort;
    this.process = process;
    this.#events = new EventLines(process);
  }

  static async start(security?: LeshanSecurity): Promise<LeshanServer> {
    const port = await freeUdpPort();
    const words = security === undefined ? [] : [await secured('server', security)];
    const scheme = security === undefined ? 'coap' : 'coaps';
    return new LeshanServer(
      scheme,
      port,
      await programs.start('Leshan server', 'ServerProgram', [String(port), ...words]),
    );
  }

  /** Without security for whoever is not admitted, and with keys for the others; lives for five minutes at most. */
  static async startBoth(): Promise<LeshanServer> {
    const [port, securePort] = [await freeUdpPort(), await freeUdpPort()];
    const args = [String(port), String(securePort)];
    const process = await programs.start('Leshan server', 'ServerProgram', args, { lifetime: 300 });
    return new LeshanServer('coap', port, process, securePort);
  }

  get uri(): string {
    return `${this.#scheme}://127.0.0.1:${this.port}`;
  }

  /** Of a server that listens on both. */
  get secureUri(): string {
    return `coaps://127.0.0.1:${this.#securePort}`;
  }

  /** From now on that device comes with these keys, and no other way. */
  async admit(name: string, { identity, key }: PskKeys): Promise<void> {
    expect(await this.#say({ op: 'admit', name, identity, key })).toEqual({ code: 'admitted' });
  }

  /** What was and will be told of one device, for tests that run at the same time. */
  about(name: string): { next(kind: string, options?: { within?: number }): Promise<Event> } {
    const events = new EventLines<Event>(this.process);
    return { next: (kind, options) => events.next(kind, (event) => event.name === name, options) };
  }

  /** `registered`, `updated`, `deregistered`, `expired`, `notified`, `failed`. */
  next(kind: string, wanted?: (event: Event) => boolean, options?: { within?: number }): Promise<Event> {
    return this.#events.next(kind, wanted, options);
  }

  ask(name: string, command: LeshanCommand): Promise<LeshanAnswer> {
    return this.#say({ name, ...command });
  }

  async #say(command: object): Promise<LeshanAnswer> {
    const id = this.#asked++;
    const from = this.process.mark;
    this.process.write(`${JSON.stringify({ id, ...command })}\n`);
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

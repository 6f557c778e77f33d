// Leshan's bootstrap server, and a device on its client library that is bootstrapped: the last release of both in Maven
// Central, under the two small programs in `leshan-bootstrap/`.
import { EventLines, JavaPrograms, startedEvent } from './java.ts';
import type { Part } from './part.ts';
import { freeUdpPort } from './ports.ts';
import type { Process } from './process.ts';

const programs = new JavaPrograms('Leshan with its bootstrap server', 'leshan-bootstrap', {
  ready: startedEvent,
  shared: ['leshan/Lines.java'],
});

export const leshanBootstrap: Part = programs.part;

export interface BootstrapEvent {
  readonly event: string;
  readonly name?: string;
  /** A class of Leshan: `BootstrapWriteRequest` and so on. */
  readonly step?: string;
  readonly path?: string;
  readonly code?: string;
  readonly reason?: string;
  /** What a Discover has found. */
  readonly links?: string;
}

export interface PskKeys {
  readonly identity: string;
  /** Hexadecimal. */
  readonly key: string;
}

export interface LeshanConfiguration {
  readonly name: string;
  /** Short server id. */
  readonly id: number;
  readonly uri: string;
  /** In s. */
  readonly lifetime: number;
  /** Keys for the server that the device is sent to; none without security. */
  readonly keys?: PskKeys;
  /** Keys for the bootstrap server itself. */
  readonly own?: PskKeys;
}

export class LeshanBootstrapServer implements AsyncDisposable {
  readonly uri: string;
  readonly secureUri: string;
  readonly #process: Process;
  readonly #events: EventLines<BootstrapEvent>;

  private constructor(process: Process, port: number, securePort: number) {
    this.uri = `coap://127.0.0.1:${port}`;
    this.secureUri = `coaps://127.0.0.1:${securePort}`;
    this.#process = process;
    this.#events = new EventLines(process);
  }

  static async start(): Promise<LeshanBootstrapServer> {
    const [port, securePort] = [await freeUdpPort(), await freeUdpPort()];
    const args = [String(port), String(securePort)];
    const process = await programs.start('Leshan bootstrap server', 'BootstrapServerProgram', args);
    return new LeshanBootstrapServer(process, port, securePort);
  }

  /** Resolves when the server has it. */
  async configure({ keys, ...configuration }: LeshanConfiguration): Promise<void> {
    this.#process.write(`${JSON.stringify({ ...configuration, ...keys })}\n`);
    await this.#events.next('configured', ({ name }) => name === configuration.name);
  }

  /** `step`, `finished`, `failed`. */
  next(kind: string, wanted?: (event: BootstrapEvent) => boolean): Promise<BootstrapEvent> {
    return this.#events.next(kind, wanted);
  }

  /** The next session of a device, one after the other, as steps with their answers. */
  sessionsOf(name: string): () => Promise<readonly BootstrapEvent[]> {
    const events = new EventLines<BootstrapEvent>(this.#process);
    return async () => {
      const steps: BootstrapEvent[] = [];
      for (;;) {
        const event = await events.next(['step', 'finished', 'failed'], (each) => each.name === name);
        if (event.event !== 'step') return steps;
        steps.push(event);
      }
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#process.stop();
  }
}

export class LeshanBootstrappedDevice implements AsyncDisposable {
  readonly #process: Process;
  readonly #events: EventLines<BootstrapEvent>;

  private constructor(process: Process) {
    this.#process = process;
    this.#events = new EventLines(process);
  }

  static async start(uri: string, name: string, keys?: PskKeys): Promise<LeshanBootstrappedDevice> {
    const args = keys === undefined ? [uri, name] : [uri, name, keys.identity, keys.key];
    const process = await programs.start('bootstrapped Leshan device', 'BootstrappedDeviceProgram', args);
    return new LeshanBootstrappedDevice(process);
  }

  /** `bootstrapped`, `failed`, `registered`. */
  next(kind: string): Promise<BootstrapEvent> {
    return this.#events.next(kind);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#process.stop();
  }
}

// Mosquitto on a port of its own, with a configuration of its own, and its two command line clients.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { missing, type Part, program } from './part.ts';
import { freeTcpPort } from './ports.ts';
import { mustRun, Process } from './process.ts';

export const mosquitto: Part = {
  name: 'Mosquitto',
  from: 'Debian',
  available: async () => {
    for (const name of ['mosquitto', 'mosquitto_sub', 'mosquitto_pub']) {
      const answer = missing(name);
      if (answer !== true) return answer;
    }
    return true;
  },
};

/** Makes client ids: a subscriber that outlives its broker comes back to the next one on that port. */
let subscribers = 0;

export interface BrokerOptions {
  /** Default: a free one. A broker that comes back takes the port it had. */
  readonly port?: number;
  /** Who gives no user name; default allowed. */
  readonly anonymous?: 'allowed' | 'refused';
  /** Lines added to the configuration. */
  readonly settings?: readonly string[];
}

export class Broker implements AsyncDisposable {
  readonly port: number;
  readonly process: Process;
  readonly #folder: string;

  private constructor(port: number, process: Process, folder: string) {
    this.port = port;
    this.process = process;
    this.#folder = folder;
  }

  static async start({ port, anonymous = 'allowed', settings = [] }: BrokerOptions = {}): Promise<Broker> {
    const chosen = port ?? (await freeTcpPort());
    const folder = await mkdtemp(join(tmpdir(), 'lapwing-mosquitto-'));
    const config = join(folder, 'mosquitto.conf');
    const lines = [
      `listener ${chosen} 127.0.0.1`,
      `allow_anonymous ${anonymous === 'allowed'}`,
      'persistence false',
      'log_dest stderr',
    ];
    // Started as root it would become the user mosquitto, who cannot read the folder; it stays who we are.
    const user = process.getuid?.() === 0 ? ['user root'] : [];
    await writeFile(config, `${[...lines, ...user, 'log_type all', ...settings].join('\n')}\n`);
    const started = await Process.start({
      name: 'mosquitto',
      command: program('mosquitto'),
      args: ['-c', config],
      ready: /mosquitto version \S+ running/,
    });
    return new Broker(chosen, started, folder);
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  /** Publishes with `mosquitto_pub` at QoS 1 and returns when the broker has it. */
  async publish(topic: string, message: string, ...args: readonly string[]): Promise<void> {
    await mustRun({
      name: 'mosquitto_pub',
      command: program('mosquitto_pub'),
      args: ['-h', '127.0.0.1', '-p', String(this.port), '-q', '1', '-t', topic, '-m', message, ...args],
      lifetime: 20,
    });
  }

  /** Subscribes with `mosquitto_sub`; returns once the broker has accepted the subscription. */
  async subscribe(filter: string, ...args: readonly string[]): Promise<Subscriber> {
    const id = `subscriber-${subscribers++}`;
    const from = this.process.mark;
    const started = await Process.start({
      name: 'mosquitto_sub',
      command: program('mosquitto_sub'),
      // %x keeps any payload on one line; an @ would begin a date.
      args: [
        '-h',
        '127.0.0.1',
        '-p',
        String(this.port),
        '-i',
        id,
        '-q',
        '1',
        '-t',
        filter,
        '-F',
        '>%r >%t >%x',
        ...args,
      ],
    });
    // Its own word about the SUBACK stays in its output buffer; the broker's log has it at once.
    await this.process.waitFor(new RegExp(`Sending SUBACK to ${id}\\b`), { from });
    return new Subscriber(started);
  }

  async stop(): Promise<void> {
    await this.process.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

export interface Received {
  readonly topic: string;
  readonly payload: string;
  readonly retained: boolean;
}

export class Subscriber implements AsyncDisposable {
  readonly process: Process;
  #read = 0;

  constructor(process: Process) {
    this.process = process;
  }

  /** The next message that was not read yet and that passes the test; those before it are passed over. */
  async next(wanted: (message: Received) => boolean = () => true, { within = 20 } = {}): Promise<Received> {
    for (;;) {
      const match = await this.process.waitFor(/^>([01]) >(\S*) >([0-9a-fA-F]*)\n/m, { within, from: this.#read });
      this.#read += match.index + match[0].length;
      const message = toReceived(match);
      if (wanted(message)) return message;
    }
  }

  stop(): Promise<void> {
    return this.process.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

function toReceived([, retained = '', topic = '', payload = '']: RegExpExecArray): Received {
  return { topic, payload: Buffer.from(payload, 'hex').toString('utf8'), retained: retained === '1' };
}

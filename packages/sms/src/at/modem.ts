// A modem that is spoken to in AT commands (3GPP TS 27.005) over a port: brought up, brought back when it falls silent or goes away, and
// read empty. What it says is decided on in dialogue.ts; here commands are asked one after the other.
import {
  type Clock,
  ClosedError,
  ConfigError,
  Driver,
  type Duration,
  delay,
  FormatError,
  fromHex,
  seconds,
  systemClock,
} from '@lapwing/kernel';
import type { Modem, ModemSink } from '../modem.ts';
import { isNumber, type SmsAddress } from '../pdu/address.ts';
import { encodeFrame } from '../pdu/frame.ts';
import type { Payload } from '../pdu/payload.ts';
import { plainSubmit } from '../pdu/submit.ts';
import {
  announcedIndexOf,
  command as commandOf,
  hello,
  manners,
  manufacturer,
  memory,
  model,
  placesOf,
  sendMessage,
} from './commands.ts';
import {
  type Command,
  Dialogue,
  type DialogueEffect,
  type DialogueInput,
  ESCAPE,
  type InformationLine,
} from './dialogue.ts';
import { ModemError } from './failures.ts';
import { Inbox } from './inbox.ts';
import { Lines } from './lines.ts';
import type { Dial, Port } from './port.ts';
import { type ModemProfile, profileOf } from './profiles.ts';

export interface AtModemOptions {
  readonly dial: Dial;
  /** Default: the row of `profiles` that fits what the modem says of itself. */
  readonly profile?: ModemProfile;
  /** Takes the modem's power away and gives it back, where that can be done; called when it stays silent. */
  readonly reset?: (signal: AbortSignal) => Promise<void>;
  readonly clock?: Clock;
}

export interface AtModemStats {
  readonly sent: number;
  /** Not sent: refused for good, or there was no modem, or none that answered. */
  readonly refused: number;
  /** Handed over, and nothing heard. */
  readonly unknown: number;
  readonly received: number;
  /** PDUs that no codec accepts. */
  readonly malformed: number;
  /** Lines longer than any that a modem has to say. */
  readonly overlong: number;
  /** Times it was brought up. */
  readonly starts: number;
}

/** Waits before a message that was refused for the time being is sent again. */
const RETRY_AFTER: readonly Duration[] = [seconds(2), seconds(10)];
/** Waits before the modem is brought up again; the last one from then on. */
const BACK_AFTER: readonly Duration[] = [1, 2, 5, 10, 20, 30].map(seconds);
/** Starts in vain after which its power is taken away. */
const FAILURES_BEFORE_RESET = 2;
const GREETINGS = 5;

export class AtModem implements Modem {
  private readonly options: AtModemOptions;
  private readonly clock: Clock;
  private readonly closing = new AbortController();
  private readonly tally = { sent: 0, refused: 0, unknown: 0, received: 0, malformed: 0, overlong: 0, starts: 0 };
  private readonly asked = new Map<number, { readonly command: Command; readonly done: Settler }>();
  private asks = 0;
  private sink: ModemSink | undefined;
  private connection: { readonly port: Port; readonly driver: Driver<DialogueInput, DialogueEffect> } | undefined;
  private readonly inbox: Inbox;
  private profile: ModemProfile | undefined;
  private isReady = false;
  private recovery: Promise<void> | undefined;

  constructor(options: AtModemOptions) {
    this.options = options;
    this.clock = options.clock ?? systemClock;
    this.inbox = new Inbox({
      receive: (message, settle) => {
        this.tally.received += 1;
        this.sink?.receive(message, settle);
      },
      report: (report) => this.sink?.report(report),
      malformed: () => {
        this.tally.malformed += 1;
      },
      // Whoever waits for an answer has been told, or the modem is being brought back.
      failed: (error) => {
        if (!(error instanceof ModemError) && !this.closing.signal.aborted) throw error;
      },
      // Until it is set up a place might be one of another memory.
      ask: (command) => (this.isReady ? this.tryTo(command) : Promise.reject(gone(command.text))),
    });
  }

  stats(): AtModemStats {
    return { ...this.tally };
  }

  async open(sink: ModemSink): Promise<void> {
    if (this.sink !== undefined || this.closing.signal.aborted) throw new ClosedError('a modem is opened once');
    this.sink = sink;
    try {
      await this.start();
    } catch (error) {
      this.hangUp();
      throw error;
    }
  }

  async send(destination: SmsAddress, payload: Payload): Promise<void> {
    if (!isNumber(destination)) throw new FormatError(`${JSON.stringify(destination.text)} is no telephone number`);
    const { bytes, length } = encodeFrame({ serviceCentre: undefined, pdu: plainSubmit(destination, payload) });
    for (let attempt = 0; ; attempt += 1) {
      try {
        await this.ask(sendMessage(bytes, length));
        this.tally.sent += 1;
        return;
      } catch (error) {
        const wait = error instanceof ModemError && error.isTemporary ? RETRY_AFTER[attempt] : undefined;
        if (wait === undefined) {
          if (error instanceof ModemError) this.tally[error.problem === 'unknown' ? 'unknown' : 'refused'] += 1;
          throw error;
        }
        await delay(this.clock, wait, this.closing.signal);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.closing.signal.aborted) return;
    this.closing.abort(new ClosedError('the modem was closed'));
    this.isReady = false;
    this.hangUp();
    await this.recovery;
  }

  private async start(): Promise<void> {
    const { signal } = this.closing;
    const port = await this.options.dial(signal);
    const lines = new Lines();
    const driver = new Driver(new Dialogue(), this.clock, (effect: DialogueEffect) => this.run(effect, port));
    const connection = { port, driver };
    this.connection = connection;
    port.open({
      data: (bytes) => {
        for (const heard of lines.push(bytes)) {
          if (heard.kind === 'overlong') this.tally.overlong += 1;
          if (this.connection === connection) driver.handle({ kind: 'heard', heard });
        }
      },
      closed: (cause) => {
        if (this.connection === connection) this.fallDown(cause ?? new ClosedError('the port of the modem was closed'));
      },
    });
    signal.throwIfAborted();
    // Who was here before may have left it waiting for a message.
    port.write(Buffer.from(`${ESCAPE}\r`));
    await this.bringUp();
    this.tally.starts += 1;
    this.isReady = true;
    this.sink?.state('ready');
    this.inbox.sweep();
  }

  private async bringUp(): Promise<void> {
    for (let i = 1; ; i += 1) {
      try {
        await this.ask(hello);
        break;
      } catch (error) {
        if (i === GREETINGS || !(error instanceof ModemError) || error.problem === 'gone') throw error;
      }
    }
    for (const command of manners) await this.ask(command);
    this.profile = this.options.profile ?? profileOf(await this.describe());
    for (const text of this.profile.setUp) await this.tryTo(commandOf(text));
    const [line] = (await this.tryTo(memory)) ?? [];
    this.inbox.places = placesOf(line?.text ?? '');
  }

  private async describe(): Promise<string> {
    const answers = [await this.tryTo(manufacturer), await this.tryTo(model)];
    return answers.flatMap((lines) => (lines ?? []).map(({ text }) => text.slice(0, 64))).join(' ');
  }

  /** Undefined when the modem will not. */
  private async tryTo(command: Command): Promise<readonly InformationLine[] | undefined> {
    try {
      return await this.ask(command);
    } catch (error) {
      if (error instanceof ModemError && error.problem === 'refused') return undefined;
      throw error;
    }
  }

  private ask(command: Command): Promise<readonly InformationLine[]> {
    const { connection } = this;
    if (connection === undefined) {
      this.closing.signal.throwIfAborted();
      return Promise.reject(gone(command.text));
    }
    this.asks += 1;
    const id = this.asks;
    return new Promise((resolve, reject) => {
      this.asked.set(id, { command, done: { resolve, reject } });
      connection.driver.handle({ kind: 'command', id, command });
    });
  }

  private run(effect: DialogueEffect, port: Port): void {
    switch (effect.kind) {
      case 'write':
        this.write(port, effect.text);
        break;
      case 'answer':
        this.answered(effect.id)?.done.resolve(effect.lines);
        break;
      case 'failed': {
        const asked = this.answered(effect.id);
        const error = new ModemError(effect.failure, asked?.command.text ?? 'AT');
        asked?.done.reject(error);
        if (effect.failure.kind === 'silent' && this.isReady) this.fallDown(error);
        break;
      }
      case 'unsolicited':
        this.hear(effect.line);
        break;
    }
  }

  /** A port that throws is gone; timers write too, whose errors nobody would catch. */
  private write(port: Port, text: string): void {
    try {
      port.write(Buffer.from(text, 'latin1'));
    } catch (error) {
      if (this.connection?.port === port) this.fallDown(error as Error);
    }
  }

  private answered(id: number): { readonly command: Command; readonly done: Settler } | undefined {
    const asked = this.asked.get(id);
    this.asked.delete(id);
    return asked;
  }

  private hear({ text, pdu }: InformationLine): void {
    if (pdu !== undefined) {
      this.takeAtOnce(pdu);
      return;
    }
    // What it has to say while it is brought up is asked for then.
    if (!this.isReady) return;
    if (this.profile?.restarted.test(text)) {
      this.fallDown(gone(text.slice(0, 64)));
      return;
    }
    const index = announcedIndexOf(text);
    if (index !== undefined) this.inbox.announce(index);
  }

  private takeAtOnce(pdu: string): void {
    try {
      this.inbox.take(fromHex(pdu));
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.tally.malformed += 1;
    }
  }

  private fallDown(cause: Error): void {
    const wasReady = this.isReady;
    this.isReady = false;
    this.hangUp();
    if (!wasReady || this.closing.signal.aborted) return;
    this.sink?.state('down', cause);
    this.recovery = this.recover();
  }

  private async recover(): Promise<void> {
    const { signal } = this.closing;
    for (let failures = 0; !signal.aborted; failures += 1) {
      try {
        await delay(this.clock, BACK_AFTER[Math.min(failures, BACK_AFTER.length - 1)] as Duration, signal);
        if (failures >= FAILURES_BEFORE_RESET) await this.options.reset?.(signal);
        await this.start();
        return;
      } catch {
        // Why is told when it works again or not at all: `state` has said that it is down.
        this.hangUp();
      }
    }
  }

  private hangUp(): void {
    const { connection } = this;
    this.connection = undefined;
    if (connection === undefined) return;
    // May be told in the middle of a step: what waits is failed behind it, and nothing is left to wait for then.
    connection.driver.handle({ kind: 'closed' });
    connection.port.close();
  }
}

const gone = (what: string): ModemError => new ModemError({ kind: 'gone', handedOver: false }, what);

interface Settler {
  resolve(lines: readonly InformationLine[]): void;
  reject(error: Error): void;
}

/** Throws ConfigError when there is nothing to dial. */
export function atModem(options: AtModemOptions): AtModem {
  if (typeof options.dial !== 'function') throw new ConfigError(['dial: serialPort or tcpPort makes one']);
  return new AtModem(options);
}

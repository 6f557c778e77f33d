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
import { type BroughtUp, bringUp } from './bring-up.ts';
import { sendMessage } from './commands.ts';
import { Conversation } from './conversation.ts';
import { type Command, ESCAPE, type InformationLine } from './dialogue.ts';
import { ModemError } from './failures.ts';
import { Inbox } from './inbox.ts';
import type { Dial } from './port.ts';
import type { ModemProfile } from './profiles.ts';
import { areKept, areKnown, isAnnounced, readSettings, type Settings } from './settings.ts';
import { type Sign, signOf } from './signs.ts';
import { Upkeep, type UpkeepEffect, type UpkeepInput } from './upkeep.ts';

export interface AtModemOptions {
  readonly dial: Dial;
  /** Default: the row of `profiles` that fits what the modem says of itself. */
  readonly profile?: ModemProfile;
  /** Takes the modem's power away and gives it back, where that can be done; called when it stays silent, and has been given time to start. */
  readonly reset?: (signal: AbortSignal) => Promise<void>;
  /** Ms between two questions whether it still has its settings, which a modem that starts anew forgets without a word; default 60,000. */
  readonly checkEvery?: Duration;
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
  /** In its memory now: messages that were handed on and are not dealt with, or will not be deleted. */
  readonly held: number;
  /** In its memory: what is not for us. */
  readonly foreign: number;
  /** Of its memory; undefined while it does not say. */
  readonly places: number | undefined;
}

/** Waits before a message that was refused for the time being is sent again. */
const RETRY_AFTER: readonly Duration[] = [seconds(2), seconds(10)];
/** The number in `+CMS ERROR` that says so. */
const MEMORY_FULL = 322;
/** Waits before the modem is brought up again; the last one from then on. */
const BACK_AFTER: readonly Duration[] = [1, 2, 5, 10, 20, 30].map(seconds);
/** Starts in vain after which its power is taken away; from then on it may still be starting, and a modem that refuses is alive. */
const VAIN_BEFORE_RESET = { first: 2, again: 6 };

export class AtModem implements Modem {
  private readonly options: AtModemOptions;
  private readonly clock: Clock;
  private readonly closing = new AbortController();
  private readonly tally = { sent: 0, refused: 0, unknown: 0, received: 0, malformed: 0, overlong: 0, starts: 0 };
  private sink: ModemSink | undefined;
  private conversation: Conversation | undefined;
  private readonly inbox: Inbox;
  private readonly upkeep: Driver<UpkeepInput, UpkeepEffect>;
  private up: BroughtUp | undefined;
  private isReady = false;
  private checking: Promise<Settings | undefined> | undefined;
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
      failed: (error) => this.notAnswered(error),
      // Until it is set up a place might be one of another memory.
      ask: (command) => (this.isReady ? this.ask(command) : Promise.reject(gone(command.text))),
      check: async () => {
        if ((await this.settingsKept()) === undefined) throw gone('AT+CMGD');
      },
      left: ({ isDoubtful }) => {
        this.upkeep.handle({ kind: 'left' });
        if (isDoubtful) this.upkeep.handle({ kind: 'doubted' });
      },
      swept: () => this.upkeep.handle({ kind: 'swept' }),
      full: (crowd) => this.sink?.trouble?.(new ModemError({ kind: 'full', ...crowd }, 'AT+CPMS')),
    });
    this.upkeep = new Driver(new Upkeep(options.checkEvery), this.clock, (effect: UpkeepEffect) => {
      this.lookAfter(effect).catch((error: unknown) => this.notAnswered(error));
    });
  }

  stats(): AtModemStats {
    return { ...this.tally, ...this.inbox.stats() };
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
        if (!(error instanceof ModemError)) throw error;
        if (error.result === MEMORY_FULL) this.inbox.filled();
        const wait = error.isTemporary ? RETRY_AFTER[attempt] : undefined;
        if (wait === undefined) {
          this.tally[error.problem === 'unknown' ? 'unknown' : 'refused'] += 1;
          throw error.isDoubtful && !(await this.isStillSetUp()) ? restarted('AT+CMGS', error) : error;
        }
        await delay(this.clock, wait, this.closing.signal);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.closing.signal.aborted) return;
    this.closing.abort(new ClosedError('the modem was closed'));
    this.isReady = false;
    this.upkeep[Symbol.dispose]();
    this.hangUp();
    await this.recovery;
  }

  private async start(): Promise<void> {
    const { signal } = this.closing;
    const port = await this.options.dial(signal);
    const conversation: Conversation = new Conversation(port, this.clock, {
      heard: (line) => this.hear(line),
      overlong: () => {
        this.tally.overlong += 1;
      },
      silent: (error) => {
        if (this.isReady) this.fallDown(error);
      },
      lost: (cause) => this.fallDown(cause),
    });
    this.conversation = conversation;
    signal.throwIfAborted();
    // Who was here before may have left it waiting for a message.
    conversation.write(`${ESCAPE}\r`);
    this.up = await bringUp(
      {
        ask: (command) => this.ask(command),
        restarts: () => conversation.restarts,
        pause: (wait) => delay(this.clock, wait, signal),
      },
      this.options.profile,
    );
    this.tally.starts += 1;
    this.isReady = true;
    this.sink?.state('ready');
    this.upkeep.handle({ kind: 'up', announces: isAnnounced(this.up.settings) });
    this.inbox.start(this.up.settings.memory);
  }

  private async lookAfter({ sweep }: UpkeepEffect): Promise<void> {
    const settings = await this.settingsKept();
    if (settings === undefined) return;
    if (sweep) this.inbox.sweep();
    else if (settings.memory !== undefined) this.inbox.measured(settings.memory);
  }

  /** Of a modem that has just refused something. One that says nothing of its settings is set up again to be sure. */
  private async isStillSetUp(): Promise<boolean> {
    const { up } = this;
    try {
      if ((await this.settingsKept()) === undefined) return false;
    } catch (error) {
      this.notAnswered(error);
      return false;
    }
    if (up !== undefined && !areKnown(up.settings)) this.fallDown(restarted('AT'));
    return true;
  }

  /** Undefined where the modem has not any more what it was told; it is being brought back, then. Rejects when it does not answer. */
  private settingsKept(): Promise<Settings | undefined> {
    this.checking ??= this.check().finally(() => {
      this.checking = undefined;
    });
    return this.checking;
  }

  private async check(): Promise<Settings | undefined> {
    const { conversation, up } = this;
    if (!this.isReady || up === undefined) return undefined;
    const now = await readSettings((command) => this.ask(command), up.settings);
    if (this.conversation !== conversation || !this.isReady) return undefined;
    if (areKept(up.settings, now)) return now;
    this.fallDown(restarted('AT'));
    return undefined;
  }

  /** Whoever waits for an answer has been told, or the modem is being brought back. */
  private notAnswered(error: unknown): void {
    if (!(error instanceof ModemError) && !this.closing.signal.aborted) throw error;
    this.upkeep.handle({ kind: 'left' });
  }

  private ask(command: Command): Promise<readonly InformationLine[]> {
    if (this.conversation !== undefined) return this.conversation.ask(command);
    this.closing.signal.throwIfAborted();
    return Promise.reject(gone(command.text));
  }

  private hear({ text, pdu }: InformationLine): void {
    if (pdu !== undefined) {
      this.takeAtOnce(pdu);
      return;
    }
    const { restarted: says } = this.up?.profile ?? this.options.profile ?? {};
    const sign: Sign | undefined = says?.test(text) ? { kind: 'starts' } : signOf(text);
    if (sign === undefined) return;
    if (!this.isReady) {
      // What else it has to say while it is brought up is asked for then.
      if (sign.kind === 'starts') this.conversation?.restarted();
      return;
    }
    switch (sign.kind) {
      case 'starts':
        this.fallDown(restarted(text.slice(0, 64)));
        break;
      case 'stirs':
        this.upkeep.handle({ kind: 'doubted' });
        this.upkeep.handle({ kind: 'left' });
        break;
      case 'full':
        this.inbox.filled();
        break;
      case 'announces':
        this.inbox.announce(sign.memory, sign.index);
        break;
    }
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
    this.upkeep.handle({ kind: 'down' });
    this.hangUp();
    if (!wasReady || this.closing.signal.aborted) return;
    this.sink?.state('down', cause);
    this.recovery = this.recover();
  }

  private async recover(): Promise<void> {
    const { signal } = this.closing;
    let most = VAIN_BEFORE_RESET.first;
    for (let [failures, inVain] = [0, 0]; !signal.aborted; failures += 1) {
      try {
        await delay(this.clock, BACK_AFTER[Math.min(failures, BACK_AFTER.length - 1)] as Duration, signal);
        if (inVain >= most) {
          inVain = 0;
          most = VAIN_BEFORE_RESET.again;
          await this.options.reset?.(signal);
        }
        await this.start();
        return;
      } catch (error) {
        // Why is told when it works again or not at all: `state` has said that it is down.
        this.hangUp();
        if (!(error instanceof ModemError && error.problem === 'refused')) inVain += 1;
      }
    }
  }

  private hangUp(): void {
    const { conversation } = this;
    this.conversation = undefined;
    conversation?.close();
  }
}

const gone = (what: string): ModemError => new ModemError({ kind: 'gone', handedOver: false }, what);
const restarted = (what: string, cause?: Error): ModemError =>
  new ModemError({ kind: 'restarted', handedOver: false }, what, { cause });

/** Throws ConfigError when there is nothing to dial. */
export function atModem(options: AtModemOptions): AtModem {
  if (typeof options.dial !== 'function') throw new ConfigError(['dial: serialPort or tcpPort makes one']);
  return new AtModem(options);
}

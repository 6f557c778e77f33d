// A service centre that is spoken to in SMPP 3.4, in the place of a modem (shell): bound as a transceiver, bound again when the connection is
// gone. What is said on it is decided on in session.ts.
import {
  type Clock,
  ClosedError,
  Driver,
  type Duration,
  deadlineSignal,
  delay,
  FormatError,
  minutes,
  seconds,
  systemClock,
  untilAborted,
} from '@lapwing/kernel';
import type { Dial, Port } from '../at/port.ts';
import { type Modem, type ModemSink, settled } from '../modem.ts';
import { isNumber, type SmsAddress } from '../pdu/address.ts';
import type { Payload } from '../pdu/payload.ts';
import { CentreError, type Failure } from './failures.ts';
import { Frames } from './frames.ts';
import { deliverOf, submitOf } from './message.ts';
import { checkedOptions, type SmppCentreOptions } from './options.ts';
import { encodePdu } from './pdu.ts';
import { Session, type SessionEffect, type SessionInput, type SessionOptions } from './session.ts';
import type { ShortMessage, SmppAddress } from './short-message.ts';

export interface SmppCentreStats {
  readonly sent: number;
  /** Not sent: refused for good, or there was no connection. */
  readonly refused: number;
  /** Handed over, and nothing heard. */
  readonly unknown: number;
  /** Times that the centre had no room for a message. */
  readonly throttled: number;
  readonly received: number;
  /** Receipts and the like, which nobody here asks for. */
  readonly reports: number;
  /** PDUs that no codec accepts, and messages that nobody here reads. */
  readonly malformed: number;
  /** Answers to nothing. */
  readonly unasked: number;
  /** Times it was bound. */
  readonly starts: number;
}

/** Waits before it is bound again; the last one from then on. */
const BACK_AFTER: readonly Duration[] = [1, 2, 5, 10, 20, 30, 60].map(seconds);
/** A connection that lasted so long begins the waits anew. */
const LASTING: Duration = minutes(1);
const refusedForGood = BACK_AFTER.length - 1;

interface Link {
  readonly port: Port;
  readonly driver: Driver<SessionInput, SessionEffect>;
  readonly bound: Settler;
}

export class SmppCentre implements Modem {
  private readonly dial: Dial;
  private readonly clock: Clock;
  private readonly firstBind: 'required' | 'awaited';
  private readonly session: SessionOptions;
  private readonly source: SmppAddress;
  private readonly closing = new AbortController();
  private readonly tally = {
    ...{ sent: 0, refused: 0, unknown: 0, throttled: 0, received: 0, reports: 0, malformed: 0, unasked: 0, starts: 0 },
  };
  private readonly submitted = new Map<number, Settler>();
  private submits = 0;
  private sink: ModemSink | undefined;
  private link: Link | undefined;
  private isReady = false;
  private readyAt = 0;
  private failures = 0;
  private told = '';
  private recovery: Promise<void> | undefined;
  private left: (() => void) | undefined;

  /** Throws ConfigError. */
  constructor(options: SmppCentreOptions) {
    const { session, source } = checkedOptions(options);
    this.dial = options.dial;
    this.clock = options.clock ?? systemClock;
    this.firstBind = options.firstBind ?? 'required';
    this.session = session;
    this.source = source;
  }

  stats(): SmppCentreStats {
    return { ...this.tally };
  }

  /** Messages that may be sent at once. */
  get window(): number {
    return this.session.window;
  }

  async open(sink: ModemSink): Promise<void> {
    if (this.sink !== undefined || this.closing.signal.aborted) throw new ClosedError('a centre is bound to once');
    this.sink = sink;
    try {
      await this.start();
    } catch (error) {
      if (this.firstBind === 'required' || !mayPass(error) || this.closing.signal.aborted) throw error;
      // Told of when the next one fails too: by then somebody listens.
      this.recovery = this.recover();
    }
  }

  /** Rejects with CentreError, FormatError or LimitError. */
  async send(destination: SmsAddress, payload: Payload): Promise<void> {
    if (!isNumber(destination)) throw new FormatError(`${JSON.stringify(destination.text)} is no telephone number`);
    const message = submitOf(this.source, destination, payload);
    try {
      await this.submit(message);
      this.tally.sent += 1;
    } catch (error) {
      if (error instanceof CentreError) this.tally[error.problem === 'unknown' ? 'unknown' : 'refused'] += 1;
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.closing.signal.aborted) return;
    this.closing.abort(new ClosedError('the centre was left'));
    const { link } = this;
    if (link !== undefined) {
      await new Promise<void>((resolve) => {
        this.left = resolve;
        link.driver.handle({ kind: 'leave' });
      });
    }
    await this.recovery;
  }

  private submit(message: ShortMessage): Promise<void> {
    const { link } = this;
    if (link === undefined) {
      this.closing.signal.throwIfAborted();
      return Promise.reject(new CentreError({ kind: 'gone', handedOver: false }, 'submit_sm'));
    }
    this.submits += 1;
    const id = this.submits;
    return new Promise((resolve, reject) => {
      this.submitted.set(id, { resolve, reject });
      link.driver.handle({ kind: 'submit', id, message });
    });
  }

  private async start(): Promise<void> {
    const port = await this.connect();
    if (this.closing.signal.aborted) port.close();
    this.closing.signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const frames = new Frames();
      const driver = new Driver(new Session(this.session), this.clock, (effect: SessionEffect) =>
        this.run(effect, link),
      );
      const link: Link = { port, driver, bound: { resolve, reject } };
      this.link = link;
      port.open({
        data: (bytes) => {
          for (const heard of frames.push(bytes)) driver.handle({ kind: 'heard', heard });
        },
        closed: (cause) => driver.handle({ kind: 'closed', cause }),
      });
      driver.handle({ kind: 'begin' });
    });
  }

  private async connect(): Promise<Port> {
    const { signal } = this.closing;
    using deadline = deadlineSignal(this.clock, this.session.patience, 'connect', signal);
    try {
      return await untilAborted(this.dial(deadline.signal), deadline.signal);
    } catch (error) {
      signal.throwIfAborted();
      throw new CentreError({ kind: 'gone', handedOver: false, cause: error as Error }, 'bind_transceiver');
    }
  }

  private run(effect: SessionEffect, link: Link): void {
    switch (effect.kind) {
      case 'write':
        this.write(link, encodePdu(effect.pdu));
        break;
      case 'bound':
        this.ready(link);
        break;
      case 'taken':
        this.settled(effect.id)?.resolve();
        break;
      case 'failed':
        this.settled(effect.id)?.reject(new CentreError(effect.failure, 'submit_sm'));
        break;
      case 'message':
        this.hand(effect.message);
        break;
      case 'dropped':
        this.tally[effect.why === 'report' ? 'reports' : effect.why] += 1;
        break;
      case 'throttled':
        this.tally.throttled += 1;
        break;
      case 'ended':
        this.ended(link, effect.failure);
        break;
    }
  }

  /** A port that throws is gone; timers write too, whose errors nobody would catch. */
  private write({ port, driver }: Link, bytes: Uint8Array): void {
    try {
      port.write(bytes);
    } catch (error) {
      driver.handle({ kind: 'closed', cause: error as Error });
    }
  }

  private ready({ bound }: Link): void {
    this.tally.starts += 1;
    this.isReady = true;
    this.readyAt = this.clock.now();
    this.told = '';
    this.sink?.state('ready');
    bound.resolve();
  }

  private hand(message: ShortMessage): void {
    try {
      const deliver = deliverOf(message);
      this.tally.received += 1;
      // It was answered when it came.
      this.sink?.receive(deliver, settled);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.tally.malformed += 1;
    }
  }

  private settled(id: number): Settler | undefined {
    const settler = this.submitted.get(id);
    this.submitted.delete(id);
    return settler;
  }

  private ended({ port, bound }: Link, failure: Failure | undefined): void {
    const wasReady = this.isReady;
    const { signal } = this.closing;
    this.link = undefined;
    this.isReady = false;
    port.close();
    const cause = signal.aborted
      ? (signal.reason as Error)
      : new CentreError(failure ?? { kind: 'gone', handedOver: false }, wasReady ? 'connection' : 'bind_transceiver');
    if (!wasReady) bound.reject(cause);
    else if (!signal.aborted) {
      if (this.clock.now() - this.readyAt >= LASTING) this.failures = 0;
      this.tell(cause);
      this.recovery = this.recover();
    }
    this.left?.();
  }

  private async recover(): Promise<void> {
    const { signal } = this.closing;
    while (!signal.aborted) {
      try {
        const wait = BACK_AFTER[Math.min(this.failures, BACK_AFTER.length - 1)] as Duration;
        this.failures += 1;
        await delay(this.clock, wait, signal);
        await this.start();
        return;
      } catch (error) {
        if (signal.aborted) return;
        // An account that is asked for with a wrong password again and again may be locked.
        if (!mayPass(error)) this.failures = Math.max(this.failures, refusedForGood);
        this.tell(error as Error);
      }
    }
  }

  /** Once for each cause. */
  private tell(cause: Error): void {
    if (cause.message === this.told) return;
    this.told = cause.message;
    this.sink?.state('down', cause);
  }
}

/** What a centre has refused for good is for people to mend. */
const mayPass = (error: unknown): boolean =>
  error instanceof CentreError && (error.problem !== 'refused' || error.isTemporary);

interface Settler {
  resolve(): void;
  reject(error: Error): void;
}

/** Throws ConfigError naming everything that is wrong with the options. */
export function smppCentre(options: SmppCentreOptions): SmppCentre {
  return new SmppCentre(options);
}

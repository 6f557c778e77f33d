// Whole messages through one modem: cut and put together, kept to a budget, handed out by sender. Text, which is no octets, goes to whoever
// wants to read it. Nothing is sent twice here (shell).
import {
  type Clock,
  type Duration,
  delay,
  Emitter,
  type Events,
  ExpiringMap,
  hours,
  type Instant,
  LimitError,
  type Random,
  seconds,
  systemClock,
  systemRandom,
} from '@lapwing/kernel';
import { type ArrivalEvents, Arrivals, type Taker } from './arrivals.ts';
import { Budget, type BudgetLimits } from './budget.ts';
import { type JoiningLimits, longestIn, type Piece, References, split } from './concatenation.ts';
import type { Modem } from './modem.ts';
import { digitsOf, parseNumber, type SmsAddress } from './pdu/address.ts';
import { type HeaderElement, octetCoding, type Payload, type Ports, portsElement } from './pdu/payload.ts';
import { isUntaken, Presence } from './presence.ts';

export interface MessengerOptions {
  /** Belongs to the messenger from now on. */
  readonly modem: Modem;
  /**
   * 'many': what does not fit 140 octets is cut, up to 34,170, or to what the budget of an hour pays for. 'one': it is not sent, as where every message has its price, or where the
   * modem cuts by itself. 'few': all that can be divided otherwise is kept to 140 octets, and the rest is cut. What comes in parts is put
   * together in any case. Default 'one'.
   */
  readonly parts?: 'one' | 'few' | 'many';
  readonly budget?: BudgetLimits;
  /** Messages that wait for the modem, also while it is brought back; default 64. */
  readonly queue?: number;
  /** Ms after which one that waits is not worth sending any more; default 93,000, the patience of CoAP. */
  readonly patience?: Duration;
  /** Application ports on everything that is sent; default none. */
  readonly ports?: Ports;
  readonly joining?: JoiningLimits;
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface MessengerEvents extends ArrivalEvents {
  /** Messages to a number are held back until its hour is over; told once an hour. */
  readonly spent: { readonly to: string };
  /** A message was not sent, or nobody knows whether it was. */
  readonly failed: { readonly to: string; readonly cause: Error };
  readonly modem: { readonly state: 'ready' | 'down'; readonly cause: Error | undefined };
  /** People must see to the modem, which is up: its memory is full of what is not ours to delete. The message says what to do. */
  readonly trouble: { readonly cause: Error };
}

export interface MessengerStats {
  /** Whole messages. */
  readonly sent: number;
  readonly received: number;
  /** Text messages that they were made of. */
  readonly sentParts: number;
  readonly receivedParts: number;
  /** Not sent: the queue was full, or it had waited too long. */
  readonly overflowed: number;
  readonly stale: number;
  /** Not sent: their number had used up its hour. */
  readonly heldBack: number;
  readonly failed: number;
  /** Parts that came to nothing. */
  readonly droppedParts: number;
  /** Octets from numbers that nobody here listens to, and from names, which nobody can answer. */
  readonly strangers: number;
}

interface Outgoing {
  readonly to: string;
  readonly destination: SmsAddress;
  readonly bytes: Uint8Array;
  readonly until: Instant;
}

/** Numbers to which messages are held back, and that have been told of. */
const MOST_TOLD = 10_000;

export class Messenger implements AsyncDisposable {
  /** Octets that a message should have at most, and of the longest that is sent. */
  readonly mtu: number;
  readonly longest: number;
  readonly clock: Clock;
  private readonly modem: Modem;
  private readonly elements: readonly HeaderElement[];
  private readonly budget: Budget;
  private readonly references: References;
  private readonly arrivals: Arrivals;
  private readonly mostQueued: number;
  private readonly patience: Duration;
  private readonly emitter = new Emitter<MessengerEvents>((error, event) => {
    if (event !== 'listener-failed') this.emitter.emit('listener-failed', { error });
  });
  private readonly queue: Outgoing[] = [];
  private readonly told = new ExpiringMap<string, true>(hours(1), MOST_TOLD);
  private readonly closing = new AbortController();
  private readonly tally = {
    ...{ sent: 0, sentParts: 0, overflowed: 0, stale: 0, heldBack: 0, failed: 0 },
  };
  private readonly presence: Presence;
  private readonly pumps = new Set<Promise<void>>();
  private pumping = 0;
  /** Messages that have left the queue and wait for their minute. */
  private held = 0;

  private constructor(options: MessengerOptions) {
    const { ports, parts = 'one', clock = systemClock } = options;
    this.modem = options.modem;
    this.clock = clock;
    this.presence = new Presence(clock);
    this.elements = ports === undefined ? [] : [portsElement(ports)];
    this.budget = new Budget(options.budget);
    // What an hour cannot pay for is not promised.
    this.longest = longestIn(parts === 'one' ? 1 : this.budget.perHour, this.elements);
    this.mtu = parts === 'many' ? this.longest : longestIn(1, this.elements);
    this.references = new References(options.random ?? systemRandom);
    this.arrivals = new Arrivals(clock, this.emitter, options.joining);
    this.mostQueued = options.queue ?? 64;
    this.patience = options.patience ?? seconds(93);
  }

  /** Brings the modem up. Rejects as it does. */
  static async open(options: MessengerOptions): Promise<Messenger> {
    const messenger = new Messenger(options);
    await options.modem.open({
      receive: (message, settle) => messenger.arrivals.take(message, settle),
      report: () => undefined,
      state: (state, cause) => {
        if (state === 'down') messenger.presence.left(cause);
        else messenger.presence.returned();
        messenger.emitter.emit('modem', { state, cause });
      },
      trouble: (cause) => messenger.emitter.emit('trouble', { cause }),
    });
    return messenger;
  }

  get events(): Events<MessengerEvents> {
    return this.emitter;
  }

  stats(): MessengerStats {
    return { ...this.tally, ...this.arrivals.tally };
  }

  /**
   * Hears octets from that number; without one, those that nobody else hears. Until disposed of. Throws ConfigError where somebody
   * does already, FormatError for what is no number.
   */
  receive(from: string | undefined, take: Taker): Disposable {
    return this.arrivals.listen(from, take);
  }

  /**
   * Queues it; loss is silent, as on a network, and counted: `events` tells of an hour that is spent and of what fails, as when no modem
   * comes back in time; not of what the queue has no room for, or waits too long for its place in a minute. Throws FormatError for what is
   * no number.
   */
  send(to: string, bytes: Uint8Array): void {
    const destination = parseNumber(to);
    if (this.closing.signal.aborted) return;
    if (this.queue.length >= this.mostQueued) {
      this.tally.overflowed += 1;
      return;
    }
    this.queue.push({ to, destination, bytes, until: this.clock.now() + this.patience });
    if (this.pumping >= (this.modem.window ?? 1)) return;
    this.pumping += 1;
    const pump = this.pump().finally(() => this.pumps.delete(pump));
    this.pumps.add(pump);
  }

  /**
   * When a text message to that number would go if it were sent then: now, or when it is worth while to ask again, as when the budget, the
   * modem or the queue have no room for it. For whoever can wait, and would rather not have it dropped. Throws FormatError for what is no
   * number.
   */
  freeAt(to: string): Instant {
    const now = this.clock.now();
    const number = parseNumber(to).text;
    if (this.presence.isAway) return now + this.patience;
    if (this.queue.length * 2 > this.mostQueued) return now + seconds(5);
    return this.budget.freeAt(number, this.queue.length + this.held, now);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.closing.abort();
    this.arrivals[Symbol.dispose]();
    await this.modem[Symbol.asyncDispose]();
    this.presence.returned();
    await Promise.all(this.pumps);
  }

  /** One message after the other, and of each one part after the other: a modem can do no more, and a centre has several of these. */
  private async pump(): Promise<void> {
    for (let next = this.queue.shift(); next !== undefined; next = this.queue.shift()) {
      try {
        await this.sendOne(next);
      } catch (error) {
        if (this.closing.signal.aborted) return;
        this.tally.failed += 1;
        this.emitter.emit('failed', { to: next.to, cause: error as Error });
      }
    }
    // In the same turn in which nothing was left: what comes next begins anew.
    this.pumping -= 1;
  }

  private async sendOne({ to, destination, bytes, until }: Outgoing): Promise<void> {
    if (this.presence.isAway) await this.presence.there(until, this.patience);
    const now = this.clock.now();
    const pieces = this.piecesOf(to, bytes, now);
    if (until > now && !this.budget.reserve(digitsOf(to), pieces.length, now)) {
      this.holdBack(to, now);
      return;
    }
    // What has begun is carried through: the parts that went would be paid for in vain.
    let latest = until;
    for (const { elements, bytes: octets } of pieces) {
      if (!this.passesNow(latest) && !(await this.passed(latest))) {
        this.tally.stale += 1;
        return;
      }
      const payload: Payload = { coding: octetCoding, elements, content: { kind: 'octets', bytes: octets } };
      try {
        await this.modem.send(destination, payload);
      } catch (error) {
        await this.sendLater(destination, payload, latest, error);
      }
      latest = Number.POSITIVE_INFINITY;
      this.tally.sentParts += 1;
    }
    this.tally.sent += 1;
  }

  /** What no modem has taken goes when there is one again; of a message that has begun each part may wait as long as a whole one. */
  private async sendLater(destination: SmsAddress, payload: Payload, latest: Instant, error: unknown): Promise<void> {
    const until = Math.min(latest, this.clock.now() + this.patience);
    for (let why = error; ; ) {
      if (this.closing.signal.aborted || !isUntaken(why)) throw why;
      await this.presence.there(until, this.patience, why);
      try {
        await this.modem.send(destination, payload);
        return;
      } catch (cause) {
        why = cause;
      }
    }
  }

  private piecesOf(to: string, bytes: Uint8Array, now: Instant): readonly Piece[] {
    if (bytes.length > this.longest)
      throw new LimitError(`${bytes.length} octets do not fit the ${this.longest} of a message`, this.longest);
    const reference = (widest: 8 | 16) => this.references.next(digitsOf(to), now, widest);
    return split(bytes, this.elements, reference, this.budget.perHour);
  }

  /** Takes a place in this minute, where there is one. */
  private passesNow(until: Instant): boolean {
    const now = this.clock.now();
    return now < until && this.budget.pass(now) <= now;
  }

  /** Waits for the next place in a minute; false when that is too late. */
  private async passed(until: Instant): Promise<boolean> {
    this.held += 1;
    try {
      for (let now = this.clock.now(); now < until; now = this.clock.now()) {
        const at = this.budget.pass(now);
        if (at <= now) return true;
        await delay(this.clock, at - now, this.closing.signal);
      }
      return false;
    } finally {
      this.held -= 1;
    }
  }

  private holdBack(to: string, now: Instant): void {
    this.tally.heldBack += 1;
    const number = digitsOf(to);
    if (this.told.get(number, now)) return;
    this.told.set(number, true, now);
    this.emitter.emit('spent', { to });
  }
}

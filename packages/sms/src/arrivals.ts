// What comes by text message: parts put together, each whole message handed out once to whoever listens to its number, and text, which is no octets,
// to whoever wants to read it. Both only when it is in no memory of a modem any more.
import { type Clock, ConfigError, Driver, type Emitter, type Instant, seconds } from '@lapwing/kernel';
import { Joining, type JoiningEffect, type JoiningLimits, type Part } from './concatenation.ts';
import { Early } from './early.ts';
import type { Settle } from './modem.ts';
import { digitsOf, formatNumber, isNumber, parseNumber } from './pdu/address.ts';
import type { Deliver } from './pdu/deliver.ts';
import { type Content, concatenationOf, type HeaderElement, type Ports, portsOf } from './pdu/payload.ts';

export interface ReceivedMessage {
  /** `+14155550125`, or a short code. Anybody can claim to be it. */
  readonly from: string;
  readonly bytes: Uint8Array;
  readonly at: Instant;
  readonly ports: Ports | undefined;
}

export interface ArrivalEvents {
  /** A message of text. */
  readonly text: { readonly from: string; readonly content: Content };
  /** Whoever heard an event or a message threw; the message counts as dealt with. */
  readonly 'listener-failed': { readonly error: unknown };
}

export type Taker = (message: ReceivedMessage) => void;

interface Incoming {
  readonly from: string;
  readonly bytes: Uint8Array;
  readonly elements: readonly HeaderElement[];
  readonly settle: Settle;
}

/** Ms for which whoever is to hear a message may be starting yet. */
const STARTING = seconds(30);

export class Arrivals implements Disposable {
  private readonly clock: Clock;
  private readonly emitter: Pick<Emitter<ArrivalEvents>, 'emit'>;
  private readonly joining: Driver<Part, JoiningEffect>;
  private readonly early: Early<Incoming>;
  private readonly takers = new Map<string, Taker>();
  private readonly settles = new Map<number, Settle>();
  private tickets = 0;
  readonly tally = { received: 0, receivedParts: 0, droppedParts: 0, strangers: 0 };

  constructor(clock: Clock, emitter: Pick<Emitter<ArrivalEvents>, 'emit'>, limits: JoiningLimits | undefined) {
    this.clock = clock;
    this.emitter = emitter;
    this.joining = new Driver(new Joining(limits), clock, (effect: JoiningEffect) => this.joined(effect));
    this.early = new Early(clock, STARTING, (left) => this.arrive(left));
  }

  /** As `Messenger.receive`. */
  listen(from: string | undefined, take: Taker): Disposable {
    const key = from === undefined ? '' : parseNumber(from).text;
    if (this.takers.has(key)) throw new ConfigError([`sms: ${from ?? 'everybody'} is listened to already`]);
    this.takers.set(key, take);
    this.arrive(this.early.take());
    return { [Symbol.dispose]: () => void this.takers.delete(key) };
  }

  /** A message of the modem. */
  take({ originator, payload }: Deliver, settle: Settle): void {
    const { content, elements } = payload;
    const from = formatNumber(originator);
    this.tally.receivedParts += 1;
    if (content.kind !== 'octets') {
      settle(() => this.emitter.emit('text', { from, content }));
      return;
    }
    if (!isNumber(originator)) {
      this.tally.strangers += 1;
      settle();
      return;
    }
    const concatenation = concatenationOf(elements);
    if (concatenation === undefined) {
      this.arrive([{ from, bytes: content.bytes, elements, settle }]);
      return;
    }
    this.tickets += 1;
    this.settles.set(this.tickets, settle);
    this.joining.handle({ sender: from, concatenation, elements, bytes: content.bytes, ticket: this.tickets });
  }

  private joined(effect: JoiningEffect): void {
    const settles = effect.tickets.map((ticket) => this.settles.get(ticket));
    for (const ticket of effect.tickets) this.settles.delete(ticket);
    const settle: Settle = (done) => {
      let left = settles.length;
      for (const each of settles)
        each?.(() => {
          left -= 1;
          if (left === 0) done?.();
        });
    };
    if (effect.kind === 'whole') this.arrive([{ ...effect, from: effect.sender, settle }]);
    else {
      this.tally.droppedParts += effect.tickets.length;
      settle();
    }
  }

  /** Whole messages, for whoever listens to their numbers. */
  private arrive(messages: readonly Incoming[]): void {
    for (const message of messages) {
      const { from, bytes, elements, settle } = message;
      const take = this.takers.get(digitsOf(from)) ?? this.takers.get('');
      if (take === undefined) {
        if (this.early.keep(message)) continue;
        this.tally.strangers += 1;
        settle();
        continue;
      }
      this.tally.received += 1;
      settle(() => this.handOut(take, { from, bytes, at: this.clock.now(), ports: portsOf(elements) }));
    }
  }

  private handOut(take: Taker, message: ReceivedMessage): void {
    try {
      take(message);
    } catch (error) {
      // Timers and sockets call this: what they are thrown would end the process, and the modem would give the message out again.
      this.emitter.emit('listener-failed', { error });
    }
  }

  [Symbol.dispose](): void {
    this.joining[Symbol.dispose]();
    this.early[Symbol.dispose]();
  }
}

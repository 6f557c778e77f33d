// One connection to an SMPP centre as a transceiver (SMPP 3.4 §2.2, §2.7 to .9). A core: PDUs and messages in; PDUs to write, what became of
// each message, and messages that came out.
//
//   new ─begin▶ binding ─bind_transceiver_resp▶ bound ─leave▶ leaving ─unbind_resp▶ ended
//                  └─refused, silence─────────────┴─unbind, silence, no PDU, closed──▶ ended
//
// Under way at once are as many messages as the window has. A centre that is asked too much of (§5.1.3, ESME_RTHROTTLED) is let alone for a
// while that doubles, then is given one message at a time, and one more with each that it takes.
import { type Core, Deadlines, type Duration, FormatError, type Instant, seconds } from '@lapwing/kernel';
import { type Failure, isTemporary, status } from './failures.ts';
import type { Heard } from './frames.ts';
import { isReport } from './message.ts';
import { type Bind, commands, decodeHeader, decodePdu, isRequest, lastSequence, type Pdu } from './pdu.ts';
import type { ShortMessage } from './short-message.ts';

export interface SessionOptions {
  readonly bind: Bind;
  /** Messages that may be without an answer at once. */
  readonly window: number;
  /** Ms without a PDU after which the centre is asked whether it is there. */
  readonly idle: Duration;
  /** Ms that the centre has for an answer. */
  readonly patience: Duration;
  /** Ms after which a message that the centre had no room for is given up. */
  readonly persistence: Duration;
}

export type SessionInput =
  | { readonly kind: 'begin' }
  | { readonly kind: 'submit'; readonly id: number; readonly message: ShortMessage }
  | { readonly kind: 'heard'; readonly heard: Heard }
  | { readonly kind: 'leave' }
  /** The connection is gone. */
  | { readonly kind: 'closed'; readonly cause: Error | undefined };

export type SessionEffect =
  | { readonly kind: 'write'; readonly pdu: Pdu }
  | { readonly kind: 'bound' }
  | { readonly kind: 'taken'; readonly id: number }
  | { readonly kind: 'failed'; readonly id: number; readonly failure: Failure }
  | { readonly kind: 'message'; readonly message: ShortMessage }
  /** A PDU that came to nothing: no codec accepts it, nobody asked for it, or it tells of a message that was sent. */
  | { readonly kind: 'dropped'; readonly why: 'malformed' | 'unasked' | 'report' }
  | { readonly kind: 'throttled' }
  /** The connection is to be closed: undefined where that was wanted. */
  | { readonly kind: 'ended'; readonly failure: Failure | undefined };

/** Messages that wait. */
const MOST_WAITING = 64;
/** What the centre is let alone for when it is asked too much of, and the most that this becomes. */
const PAUSE: Duration = seconds(1);
const LONGEST_PAUSE: Duration = seconds(30);
/** For the answer to an unbind: whoever leaves does not stay for it. */
const LEAVING: Duration = seconds(2);

interface Waiting {
  readonly id: number;
  readonly message: ShortMessage;
  readonly until: Instant;
}

type Asked = { readonly kind: 'bind' | 'enquiry' | 'unbind' } | { readonly kind: 'submit'; readonly waiting: Waiting };

const answers = {
  bind: 'bind_transceiver_resp',
  enquiry: 'enquire_link_resp',
  unbind: 'unbind_resp',
  submit: 'submit_sm_resp',
} as const;

export class Session implements Core<SessionInput, SessionEffect> {
  private readonly options: SessionOptions;
  private phase: 'new' | 'binding' | 'bound' | 'leaving' | 'ended' = 'new';
  private sequence = 0;
  private readonly waiting: Waiting[] = [];
  private readonly asked = new Map<number, Asked>();
  /** Of what is asked, by sequence number. */
  private readonly deadlines = new Deadlines<number>();
  private idleAt: Instant | undefined;
  /** Messages without an answer. */
  underWay = 0;
  private allowed: number;
  private pause: Duration = PAUSE;
  private pausedUntil: Instant | undefined;
  private effects: SessionEffect[] = [];

  constructor(options: SessionOptions) {
    this.options = options;
    this.allowed = options.window;
  }

  get deadline(): Instant | undefined {
    let earliest = this.deadlines.earliest;
    for (const at of [this.idleAt, this.pausedUntil])
      if (at !== undefined && (earliest === undefined || at < earliest)) earliest = at;
    return earliest;
  }

  /** Messages that wait, and those without an answer. */
  get held(): number {
    return this.waiting.length + this.asked.size;
  }

  handle(input: SessionInput, now: Instant): readonly SessionEffect[] {
    this.effects = [];
    switch (input.kind) {
      case 'begin':
        if (this.phase !== 'new') break;
        this.phase = 'binding';
        this.ask({ kind: 'bind' }, { kind: 'bind_transceiver', ...this.options.bind }, now);
        break;
      case 'submit':
        this.submit(input.id, input.message, now);
        break;
      case 'heard':
        if (this.phase !== 'ended') this.hear(input.heard, now);
        break;
      case 'leave':
        this.leave(now);
        break;
      case 'closed': {
        const { cause } = input;
        this.end({ kind: 'gone', handedOver: false, ...(cause === undefined ? {} : { cause }) });
        break;
      }
    }
    return this.effects;
  }

  expire(now: Instant): readonly SessionEffect[] {
    this.effects = [];
    for (let due = this.deadlines.take(now); due !== undefined; due = this.deadlines.take(now)) this.unanswered(due);
    if (this.pausedUntil !== undefined && this.pausedUntil <= now) {
      this.pausedUntil = undefined;
      this.flush(now);
    }
    if (this.idleAt !== undefined && this.idleAt <= now && this.phase === 'bound') {
      this.idleAt = undefined;
      this.ask({ kind: 'enquiry' }, { kind: 'enquire_link' }, now);
    }
    return this.effects;
  }

  private submit(id: number, message: ShortMessage, now: Instant): void {
    if (this.phase !== 'bound') this.effects.push({ kind: 'failed', id, failure: gone });
    else if (this.waiting.length >= MOST_WAITING) this.effects.push({ kind: 'failed', id, failure: { kind: 'busy' } });
    else {
      this.waiting.push({ id, message, until: now + this.options.persistence });
      this.flush(now);
    }
  }

  /** As many as the window has room for. */
  private flush(now: Instant): void {
    while (this.phase === 'bound' && this.pausedUntil === undefined && this.underWay < this.allowed) {
      const next = this.waiting.shift();
      if (next === undefined) return;
      this.underWay += 1;
      this.ask({ kind: 'submit', waiting: next }, { kind: 'submit_sm', message: next.message }, now);
    }
  }

  private ask(asked: Asked, pdu: Question, now: Instant): void {
    this.sequence = this.sequence === lastSequence ? 1 : this.sequence + 1;
    this.asked.set(this.sequence, asked);
    this.deadlines.set(this.sequence, now + (asked.kind === 'unbind' ? LEAVING : this.options.patience));
    this.effects.push({ kind: 'write', pdu: { ...pdu, sequence: this.sequence } });
  }

  private hear(heard: Heard, now: Instant): void {
    if (heard.kind === 'broken') {
      this.effects.push({ kind: 'dropped', why: 'malformed' });
      this.write({ kind: 'generic_nack', status: status.invalidLength, sequence: 0 });
      this.end({ kind: 'garbled', what: `a PDU of ${heard.length} octets` });
      return;
    }
    if (this.phase === 'bound') this.idleAt = now + this.options.idle;
    let pdu: Pdu;
    try {
      pdu = decodePdu(heard.bytes);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.effects.push({ kind: 'dropped', why: 'malformed' });
      this.refuse(heard.bytes);
      return;
    }
    this.take(pdu, now);
  }

  /** What cannot be read is said no to under its number; an answer that cannot be read is one that did not come. */
  private refuse(bytes: Uint8Array): void {
    const { command, sequence } = decodeHeader(bytes);
    if (!isRequest(command)) return;
    // Handed out again it would be as malformed.
    if (command === commands.deliver_sm)
      this.write({ kind: 'deliver_sm_resp', status: status.rejected, sequence, messageId: '' });
    else this.write({ kind: 'generic_nack', status: status.invalidLength, sequence });
  }

  private take(pdu: Pdu, now: Instant): void {
    switch (pdu.kind) {
      case 'deliver_sm':
        this.deliver(pdu.message, pdu.sequence);
        break;
      case 'enquire_link':
        this.write({ kind: 'enquire_link_resp', status: status.ok, sequence: pdu.sequence });
        break;
      case 'unbind':
        this.write({ kind: 'unbind_resp', status: status.ok, sequence: pdu.sequence });
        this.end({ kind: 'gone', handedOver: false, cause: new Error('the centre has unbound') });
        break;
      case 'alert_notification':
        break;
      case 'bind_transceiver':
      case 'submit_sm':
        this.write({ kind: 'generic_nack', status: status.invalidCommand, sequence: pdu.sequence });
        break;
      case 'other':
        if (isRequest(pdu.command))
          this.write({ kind: 'generic_nack', status: status.invalidCommand, sequence: pdu.sequence });
        else this.effects.push({ kind: 'dropped', why: 'unasked' });
        break;
      default:
        this.answered(pdu, now);
    }
  }

  /** Answered once it is handed over: whoever must wait for the rest of its parts would wait for ever, were it answered after them. */
  private deliver(message: ShortMessage, sequence: number): void {
    const isTaken = this.phase === 'bound' || this.phase === 'leaving';
    if (isTaken && isReport(message)) this.effects.push({ kind: 'dropped', why: 'report' });
    else if (isTaken) this.effects.push({ kind: 'message', message });
    this.write({ kind: 'deliver_sm_resp', status: isTaken ? status.ok : status.notBound, sequence, messageId: '' });
  }

  private answered(pdu: Answer, now: Instant): void {
    const asked = this.asked.get(pdu.sequence);
    if (asked === undefined || (pdu.kind !== 'generic_nack' && pdu.kind !== answers[asked.kind])) {
      this.effects.push({ kind: 'dropped', why: 'unasked' });
      return;
    }
    this.forget(pdu.sequence, asked);
    // A generic_nack says no, whatever its status is.
    const refusal = pdu.kind === 'generic_nack' && pdu.status === status.ok ? status.unknown : pdu.status;
    switch (asked.kind) {
      case 'bind':
        if (refusal === status.ok) this.bound(now);
        else this.end({ kind: 'refused', status: refusal });
        break;
      case 'submit':
        this.submitted(asked.waiting, refusal, now);
        break;
      case 'enquiry':
        break;
      case 'unbind':
        this.end(undefined);
        break;
    }
  }

  private bound(now: Instant): void {
    this.phase = 'bound';
    this.idleAt = now + this.options.idle;
    this.effects.push({ kind: 'bound' });
  }

  private submitted(waiting: Waiting, refusal: number, now: Instant): void {
    if (refusal === status.ok) {
      this.pause = PAUSE;
      this.allowed = Math.min(this.options.window, this.allowed + 1);
      this.effects.push({ kind: 'taken', id: waiting.id });
    } else if (isTemporary(refusal)) this.throttle(waiting, refusal, now);
    else this.effects.push({ kind: 'failed', id: waiting.id, failure: { kind: 'refused', status: refusal } });
    this.flush(now);
  }

  private throttle(waiting: Waiting, refusal: number, now: Instant): void {
    this.effects.push({ kind: 'throttled' });
    // Others that were under way are told the same: one pause for all of them.
    if (this.pausedUntil === undefined) {
      this.pausedUntil = now + this.pause;
      this.pause = Math.min(this.pause * 2, LONGEST_PAUSE);
      this.allowed = 1;
    }
    if (this.phase !== 'bound' || this.pausedUntil >= waiting.until)
      this.effects.push({ kind: 'failed', id: waiting.id, failure: { kind: 'refused', status: refusal } });
    else {
      const behind = this.waiting.findIndex(({ id }) => id > waiting.id);
      this.waiting.splice(behind < 0 ? this.waiting.length : behind, 0, waiting);
    }
  }

  private unanswered(sequence: number): void {
    const asked = this.asked.get(sequence);
    if (asked === undefined) return;
    this.forget(sequence, asked);
    const { patience } = this.options;
    if (asked.kind === 'submit')
      this.effects.push({
        ...{ kind: 'failed', id: asked.waiting.id },
        failure: { kind: 'silent', waited: patience, handedOver: true },
      });
    else this.end(asked.kind === 'unbind' ? undefined : { kind: 'silent', waited: patience, handedOver: false });
  }

  private forget(sequence: number, { kind }: Asked): void {
    this.asked.delete(sequence);
    this.deadlines.delete(sequence);
    if (kind === 'submit') this.underWay -= 1;
  }

  private leave(now: Instant): void {
    if (this.phase === 'leaving' || this.phase === 'ended') return;
    if (this.phase !== 'bound') {
      this.end(undefined);
      return;
    }
    this.phase = 'leaving';
    this.idleAt = undefined;
    this.pausedUntil = undefined;
    this.ask({ kind: 'unbind' }, { kind: 'unbind' }, now);
  }

  private end(failure: Failure | undefined): void {
    if (this.phase === 'ended') return;
    this.phase = 'ended';
    for (const asked of this.asked.values())
      if (asked.kind === 'submit')
        this.effects.push({ kind: 'failed', id: asked.waiting.id, failure: { kind: 'gone', handedOver: true } });
    for (const { id } of this.waiting) this.effects.push({ kind: 'failed', id, failure: gone });
    this.asked.clear();
    this.deadlines.clear();
    this.waiting.length = 0;
    this.idleAt = undefined;
    this.pausedUntil = undefined;
    this.effects.push({ kind: 'ended', failure });
  }

  private write(pdu: Pdu): void {
    this.effects.push({ kind: 'write', pdu });
  }
}

type Question =
  | (Bind & { readonly kind: 'bind_transceiver' })
  | { readonly kind: 'submit_sm'; readonly message: ShortMessage }
  | { readonly kind: 'enquire_link' | 'unbind' };
type Answer = Extract<Pdu, { status: number }>;

const gone: Failure = { kind: 'gone', handedOver: false };

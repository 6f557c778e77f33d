// One connection as a core (RFC 8323 §3, §5): the stream is cut into messages, what is about the connection is dealt with
// here, everything else is handed on once the peer has introduced itself.
//
//   opened ─▶ CSM out ─▶ waiting ──CSM in──▶ ready ──Release in──▶ released ──nothing in flight, or too long──▶ over
//                          └── anything else in, or nothing for `introduction` ──▶ Abort out ──▶ over
//
// The peer cannot make us work faster than we like: requests that wait for their answer are counted, and above the limit
// reading stops until some are settled; pongs, and messages that say nothing, have a budget for each second.
import {
  ClosedError,
  type Core,
  type Duration,
  FormatError,
  type Instant,
  noBytes,
  TimeoutError,
} from '@lapwing/kernel';
import { Code, isRequest, isResponse } from '../message/code.ts';
import type { Token } from '../message/message.ts';
import { OptionSet } from '../message/option-set.ts';
import { encodeSignal, isSignal, type KnownSignal, readSignal, SignalCode } from '../message/signal.ts';
import {
  BASE_MESSAGE_SIZE,
  encodeStreamMessage,
  layoutLength,
  readStreamMessage,
  streamCode,
  streamToken,
} from '../message/tcp.ts';
import { Malformed } from '../message/udp.ts';
import type { SignallingEffect, SignallingInput, SignallingSettings } from './effects.ts';
import { Inflow } from './inflow.ts';
import { Splitter } from './splitter.ts';

/** Pings that wait for what came before them. */
const MOST_CUSTODIES = 8;
/** Requests of ours that are remembered so that a Release waits for their answers. */
const MOST_ASKED = 1024;

/** What may fall due, each at its place among the instants. */
const Due = { introduction: 0, message: 1, read: 2, ask: 3, pong: 4, release: 5, custody: 6, quiet: 7 } as const;
type Due = (typeof Due)[keyof typeof Due];

export class Signalling implements Core<SignallingInput, SignallingEffect> {
  private readonly settings: SignallingSettings;
  private readonly splitter: Splitter;
  private readonly effects: SignallingEffect[] = [];
  private phase: 'new' | 'waiting' | 'ready' | 'released' | 'over' = 'new';
  private maxMessageSize = BASE_MESSAGE_SIZE;
  private blockWise = false;
  private readonly inflow: Inflow;
  private readonly asked = new Set<string>();
  private custodies: Token[] = [];
  private isReading = true;
  private readonly dues = new Float64Array(Object.keys(Due).length).fill(Number.POSITIVE_INFINITY);

  constructor(settings: SignallingSettings) {
    this.settings = settings;
    this.splitter = new Splitter(settings.longestReceived);
    this.inflow = new Inflow(settings.pending, settings.pendingBytes);
  }

  get deadline(): Instant | undefined {
    let earliest = Number.POSITIVE_INFINITY;
    for (const due of this.dues) if (due < earliest) earliest = due;
    return earliest === Number.POSITIVE_INFINITY ? undefined : earliest;
  }

  handle(input: SignallingInput, now: Instant): readonly SignallingEffect[] {
    this.effects.length = 0;
    if (this.phase === 'over') return this.effects;
    switch (input.kind) {
      case 'opened':
        this.open(now);
        break;
      case 'chunk':
        this.heard(now);
        this.splitter.push(input.bytes);
        this.step(now);
        break;
      case 'continue':
        this.step(now);
        break;
      case 'send':
        this.send(input.bytes);
        break;
      case 'settled':
        this.settled(input.bytes, now);
        break;
      case 'ping':
        this.ping(now);
        break;
      case 'stalled':
        this.begin(Due.read, now + this.settings.stall);
        break;
      case 'drained':
        this.clear(Due.read);
        break;
      case 'close':
        this.close(input.reason);
        break;
      case 'ended':
        this.over('end', new ClosedError('the peer closed the connection'));
        break;
    }
    return this.effects;
  }

  expire(now: Instant): readonly SignallingEffect[] {
    this.effects.length = 0;
    const { introduction, stall, pong } = this.settings;
    if (this.takeDue(Due.quiet, now)) {
      this.inflow.quietIsOver();
      this.readOn(now);
    }
    if (this.takeDue(Due.custody, now)) this.answerCustodies('late');
    if (this.takeDue(Due.introduction, now)) this.late('the peer has not introduced itself', introduction);
    else if (this.takeDue(Due.message, now)) this.late('the rest of a message did not come', stall);
    else if (this.takeDue(Due.read, now)) this.late('the peer does not read', stall, 'drop');
    else if (this.takeDue(Due.pong, now)) this.late('the peer does not answer', pong);
    else if (this.takeDue(Due.release, now)) this.over('end', new ClosedError('the peer released the connection'));
    else if (this.takeDue(Due.ask, now)) {
      this.ping(now);
    }
    return this.effects;
  }

  private clear(due: Due): void {
    this.dues[due] = Number.POSITIVE_INFINITY;
  }

  /** Where nothing of that kind is due yet. */
  private begin(due: Due, at: Instant): void {
    if (this.dues[due] === Number.POSITIVE_INFINITY) this.dues[due] = at;
  }

  private takeDue(due: Due, now: Instant): boolean {
    if ((this.dues[due] as number) > now) return false;
    this.clear(due);
    return true;
  }

  /** RFC 8323 §5.3: both sides introduce themselves first, without waiting for the other. */
  private open(now: Instant): void {
    this.phase = 'waiting';
    this.dues[Due.introduction] = now + this.settings.introduction;
    this.write({ kind: 'csm', maxMessageSize: this.settings.longestReceived, blockWise: true });
  }

  /** Whatever comes says that the peer is there. */
  private heard(now: Instant): void {
    this.clear(Due.pong);
    if (this.settings.idle !== undefined) this.dues[Due.ask] = now + this.settings.idle;
  }

  /** One message, so that what it leads to comes before the next. */
  private step(now: Instant): void {
    if (!this.isReading || this.isOver) return;
    const message = this.splitter.next();
    if (message === undefined) {
      if (this.splitter.held === 0) this.clear(Due.message);
      else this.begin(Due.message, now + this.settings.stall);
      return;
    }
    this.clear(Due.message);
    if (message instanceof Malformed) {
      this.abort(new FormatError(message.reason, message.offset));
      return;
    }
    this.receive(message, now);
    if (this.isReading && !this.isOver) this.effects.push({ kind: 'continue' });
  }

  private receive(bytes: Uint8Array, now: Instant): void {
    const code = streamCode(bytes);
    if (this.phase === 'waiting' && code !== SignalCode.Csm) {
      this.abort(new FormatError('the first message is no CSM'));
      return;
    }
    // RFC 8323 §3.4: keeps a NAT's binding and means nothing.
    if (code === Code.Empty) this.idle(now);
    else if (isSignal(code)) this.signal(bytes, now);
    else if (isRequest(code)) this.request(bytes, now);
    else {
      this.effects.push({ kind: 'deliver', bytes });
      if (isResponse(code) && this.asked.delete(keyOf(bytes))) this.endIfDone();
    }
  }

  private request(bytes: Uint8Array, now: Instant): void {
    if (this.phase === 'released') {
      this.effects.push({ kind: 'count', what: 'refusedAfterRelease' });
      const refusal = { code: Code.ServiceUnavailable, options: OptionSet.empty, payload: noBytes };
      this.effects.push({ kind: 'write', bytes: encodeStreamMessage({ ...refusal, token: streamToken(bytes) }) });
      this.idle(now);
      return;
    }
    this.inflow.took(layoutLength(bytes));
    this.effects.push({ kind: 'deliver', bytes });
    this.readOff();
  }

  private settled(bytes: number, now: Instant): void {
    this.inflow.settled(bytes);
    this.readOn(now);
    if (this.inflow.pending > 0) return;
    this.answerCustodies('done');
    this.endIfDone();
  }

  private signal(bytes: Uint8Array, now: Instant): void {
    const message = readStreamMessage(bytes);
    if (message instanceof Malformed) {
      this.abort(new FormatError(message.reason, message.offset));
      return;
    }
    const signal = readSignal(message);
    switch (signal.kind) {
      case 'csm':
        this.agree(signal, now);
        break;
      case 'ping':
        this.pinged(signal, now);
        break;
      case 'pong':
        this.effects.push({ kind: 'pong' });
        this.idle(now);
        break;
      case 'release':
        this.released(signal, now);
        break;
      case 'abort':
        this.effects.push({ kind: 'count', what: 'abortsReceived' });
        this.over('end', new ClosedError(`the peer aborted the connection${said(signal)}`));
        break;
      case 'unknown':
        this.effects.push({ kind: 'count', what: 'unknownSignals' });
        this.idle(now);
        break;
      case 'unacceptable':
        this.abort(
          new FormatError(`option ${signal.option} of a signalling message is not understood`),
          signal.code === SignalCode.Csm ? signal.option : undefined,
        );
        break;
    }
  }

  /** RFC 8323 §5.3: settings add up over the life of the connection. */
  private agree({ maxMessageSize, blockWise }: Extract<KnownSignal, { kind: 'csm' }>, now: Instant): void {
    if (this.phase === 'waiting') {
      this.phase = 'ready';
      this.clear(Due.introduction);
    } else this.idle(now);
    if (maxMessageSize !== undefined) this.maxMessageSize = maxMessageSize;
    this.blockWise ||= blockWise;
    // Nobody can be spoken to in fewer bytes than a message with a small block takes.
    const mtu = Math.min(Math.max(this.maxMessageSize, 128), this.settings.longestSent);
    this.effects.push({ kind: 'agreed', mtu, bert: this.blockWise && this.maxMessageSize > BASE_MESSAGE_SIZE });
  }

  /** RFC 8323 §5.4.1: with Custody the answer waits for what came before. */
  private pinged({ token, custody }: Extract<KnownSignal, { kind: 'ping' | 'pong' }>, now: Instant): void {
    this.idle(now);
    if (!this.inflow.takePong()) {
      this.effects.push({ kind: 'count', what: 'pongsWithheld' });
      return;
    }
    const isDone = this.inflow.pending === 0;
    if (custody && !isDone && this.custodies.length < MOST_CUSTODIES) {
      this.custodies.push(Uint8Array.from(token));
      this.begin(Due.custody, now + this.settings.release);
      return;
    }
    this.write({ kind: 'pong', token, custody: custody && isDone });
  }

  /** Whatever comes is an answer, if only to the question whether the peer is there. */
  private ping(now: Instant): void {
    this.begin(Due.pong, now + this.settings.pong);
    this.write({ kind: 'ping', token: noBytes, custody: false });
  }

  private answerCustodies(when: 'done' | 'late'): void {
    this.clear(Due.custody);
    const tokens = this.custodies;
    this.custodies = [];
    for (const token of tokens) this.write({ kind: 'pong', token, custody: when === 'done' });
  }

  private released({ alternatives, holdOff = 0 }: Extract<KnownSignal, { kind: 'release' }>, now: Instant): void {
    if (this.phase === 'released') {
      this.idle(now);
      return;
    }
    this.phase = 'released';
    this.dues[Due.release] = now + this.settings.release;
    this.effects.push({ kind: 'released', holdOff, alternatives });
    this.endIfDone();
  }

  /** RFC 8323 §5.5: what was in flight is still dealt with. */
  private endIfDone(): void {
    if (this.phase !== 'released' || this.inflow.pending > 0 || this.asked.size > 0) return;
    this.over('end', new ClosedError('the peer released the connection'));
  }

  private send(bytes: Uint8Array): void {
    if (isRequest(streamCode(bytes))) {
      // It fails with the connection, which has not long to live.
      if (this.phase === 'released') {
        this.effects.push({ kind: 'count', what: 'unsentAfterRelease' });
        return;
      }
      if (this.asked.size >= MOST_ASKED) this.asked.clear();
      this.asked.add(keyOf(bytes));
    }
    this.effects.push({ kind: 'write', bytes });
  }

  /** What means nothing is counted; too much of it waits for the next second. */
  private idle(now: Instant): void {
    this.effects.push({ kind: 'count', what: 'idleMessages' });
    const quietUntil = this.inflow.heardNothing(now);
    if (quietUntil === undefined) return;
    this.dues[Due.quiet] = quietUntil;
    this.readOff();
  }

  private readOff(): void {
    if (!this.isReading || this.inflow.isOpen) return;
    this.isReading = false;
    this.clear(Due.message);
    this.effects.push({ kind: 'count', what: 'readingStopped' }, { kind: 'reading', wanted: 'off' });
  }

  private readOn(now: Instant): void {
    if (this.isReading || !this.inflow.isOpen) return;
    this.isReading = true;
    this.effects.push({ kind: 'reading', wanted: 'on' });
    this.step(now);
  }

  private close(reason: Error | undefined): void {
    if (reason !== undefined) this.abort(reason);
    else {
      if (this.phase !== 'new') this.write({ kind: 'release', alternatives: [] });
      this.over('end', new ClosedError('the connection was closed here'));
    }
  }

  private abort(cause: Error, badCsmOption?: number): void {
    const diagnostic = cause instanceof FormatError ? cause.message : '';
    this.write(
      badCsmOption === undefined ? { kind: 'abort', diagnostic } : { kind: 'abort', diagnostic, badCsmOption },
    );
    this.effects.push({ kind: 'count', what: 'abortsSent' });
    this.over('end', cause);
  }

  /** RFC 8323 §5.6: says so before it goes, for whoever reads it. */
  private late(what: string, waited: Duration, how: 'end' | 'drop' = 'end'): void {
    this.effects.push({ kind: 'count', what: 'timeouts' });
    this.write({ kind: 'abort', diagnostic: what });
    this.over(how, new TimeoutError(`${what} within ${waited} ms`, waited));
  }

  private over(how: 'end' | 'drop', cause: Error): void {
    this.phase = 'over';
    this.dues.fill(Number.POSITIVE_INFINITY);
    this.effects.push({ kind: 'over', how, cause });
  }

  private get isOver(): boolean {
    return this.phase === 'over';
  }

  private write(signal: KnownSignal): void {
    this.effects.push({ kind: 'write', bytes: encodeSignal(signal) });
  }
}

const keyOf = (bytes: Uint8Array): string => String.fromCharCode(...streamToken(bytes));

function said({ badCsmOption, diagnostic }: Extract<KnownSignal, { kind: 'abort' }>): string {
  const option = badCsmOption === undefined ? '' : ` over option ${badCsmOption}`;
  return diagnostic === '' ? option : `${option}: ${JSON.stringify(diagnostic)}`;
}

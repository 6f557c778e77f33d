// One command at a time with a modem, and what it says of itself in between kept apart (ITU-T V.250 §5, 3GPP TS 27.005). A core:
// lines in; text to write, answers, and unsolicited results out.
//
//   idle ─command▶ sent ─information line▶ sent ─OK▶ idle (answer)      any but idle ─time is up▶ quiet (failed)
//                   └─prompt▶ handed over ────────┘ └─ERROR▶ idle (failed)    quiet ─nothing heard for a while▶ idle
//
// After an answer that did not come, the modem is let finish whatever it says late: it would be taken for the answer to the next.
import { type Core, type Duration, type Instant, seconds } from '@lapwing/kernel';
import { type Failure, refusalOf } from './failures.ts';
import type { Heard } from './lines.ts';
import { signOf } from './signs.ts';

export interface Command {
  /** Without the carriage return. */
  readonly text: string;
  /** Digits to hand over at the prompt, with the octet that ends them. */
  readonly message?: Uint8Array;
  /** Of the answer to it, in ms. */
  readonly timeout: Duration;
  /** How its information lines begin, such as `+CMGL:`; '' for lines of any kind. Default: it has none. */
  readonly prefix?: string;
  /** A line with a PDU follows each information line. */
  readonly hasPdus?: true;
}

export interface InformationLine {
  readonly text: string;
  /** Hexadecimal digits; undefined where none came. */
  readonly pdu: string | undefined;
}

export type DialogueInput =
  | { readonly kind: 'command'; readonly id: number; readonly command: Command }
  | { readonly kind: 'heard'; readonly heard: Heard }
  /** The modem has started anew: no answer comes to what it was asked before. */
  | { readonly kind: 'restarted' }
  /** The port is gone. */
  | { readonly kind: 'closed' };

export type DialogueEffect =
  | { readonly kind: 'write'; readonly text: string | Uint8Array }
  | { readonly kind: 'answer'; readonly id: number; readonly lines: readonly InformationLine[] }
  | { readonly kind: 'failed'; readonly id: number; readonly failure: Failure }
  | { readonly kind: 'unsolicited'; readonly line: InformationLine };

/** Commands that wait. */
export const mostWaiting = 64;

/** Information lines of one answer: a full memory of 255 messages, with room. */
const MOST_LINES = 1024;

/** Nothing must be heard for so long before the modem is spoken to again after a missing answer; and the longest that this is waited for. */
const QUIET: Duration = seconds(1);
const LONGEST_QUIET: Duration = seconds(10);

/** Ends the wait for a message without one. */
export const ESCAPE = '\u001b';

/** Unsolicited results with a PDU on the next line (3GPP TS 27.005 §3.4.1). */
const carriesPdu = /^\+(?:CMT|CDS):/;
/** Other results that are no answer to any command of ours. */
const isUnsolicited = /^(?:\+(?:CMTI|CDSI|CBMI?|CBM|CREG|CGREG|CEREG|CUSD|CRING|CIEV):|RING$|NO CARRIER$|RDY$)/;
const isPdu = /^[0-9a-fA-F]{2,400}$/;

interface Waiting {
  readonly id: number;
  readonly command: Command;
}

interface Current extends Waiting {
  readonly lines: InformationLine[];
  readonly until: Instant;
  handedOver: boolean;
  echoed: boolean;
}

export class Dialogue implements Core<DialogueInput, DialogueEffect> {
  private readonly waiting: Waiting[] = [];
  private current: Current | undefined;
  /** An unsolicited result whose PDU has not come yet. */
  private announced: string | undefined;
  private quiet: { until: Instant; readonly atMost: Instant } | undefined;
  /** When the time of a command that has been answered would be up: a timer that is not moved costs less than one for each command. */
  private passed: Instant | undefined;

  /** No later than the earliest; it may be earlier, when a command was answered in time. */
  get deadline(): Instant | undefined {
    const { passed } = this;
    const next = this.current?.until ?? this.quiet?.until;
    return next === undefined || (passed !== undefined && passed < next) ? passed : next;
  }

  handle(input: DialogueInput, now: Instant): readonly DialogueEffect[] {
    const effects: DialogueEffect[] = [];
    switch (input.kind) {
      case 'command':
        if (this.waiting.length < mostWaiting) this.waiting.push(input);
        else effects.push({ kind: 'failed', id: input.id, failure: { kind: 'busy' } });
        break;
      case 'heard':
        if (this.quiet !== undefined) this.quiet.until = Math.min(now + QUIET, this.quiet.atMost);
        if (input.heard.kind === 'line') this.line(input.heard.text, effects);
        else if (input.heard.kind === 'prompt') this.prompt(effects);
        break;
      case 'restarted':
        this.abandon('restarted', effects);
        // If it was none, what it was asked before is answered now.
        this.quiet = { until: now + QUIET, atMost: now + LONGEST_QUIET };
        break;
      case 'closed':
        this.abandon('gone', effects);
        this.quiet = undefined;
        break;
    }
    this.next(now, effects);
    return effects;
  }

  expire(now: Instant): readonly DialogueEffect[] {
    const effects: DialogueEffect[] = [];
    const { current, quiet } = this;
    if (this.passed !== undefined && this.passed <= now) this.passed = undefined;
    if (current !== undefined && current.until <= now) {
      const { handedOver } = current;
      // A modem that waits for a message takes every command for one.
      if (current.command.message !== undefined) effects.push({ kind: 'write', text: ESCAPE });
      this.failed(current, { kind: 'silent', waited: current.command.timeout, handedOver }, effects);
      this.quiet = { until: now + QUIET, atMost: now + LONGEST_QUIET };
    } else if (quiet !== undefined && quiet.until <= now) {
      this.quiet = undefined;
    }
    this.next(now, effects);
    return effects;
  }

  private next(now: Instant, effects: DialogueEffect[]): void {
    if (this.current !== undefined || this.quiet !== undefined) return;
    const waiting = this.waiting.shift();
    if (waiting === undefined) return;
    const { id, command } = waiting;
    this.current = { id, command, lines: [], until: now + command.timeout, handedOver: false, echoed: false };
    effects.push({ kind: 'write', text: `${command.text}\r` });
  }

  private prompt(effects: DialogueEffect[]): void {
    const { current } = this;
    if (current?.command.message === undefined || current.handedOver) return;
    current.handedOver = true;
    effects.push({ kind: 'write', text: current.command.message });
  }

  private line(text: string, effects: DialogueEffect[]): void {
    if (this.takesAsPdu(text, effects)) return;
    const { current } = this;
    // What nearly all lines are goes first.
    if (current !== undefined && this.answers(text, current, effects)) return;
    if (carriesPdu.test(text)) {
      this.announced = text;
      return;
    }
    if (current === undefined || isUnsolicited.test(text)) {
      effects.push({ kind: 'unsolicited', line: { text, pdu: undefined } });
      return;
    }
    if (isEcho(text, current)) {
      current.echoed = true;
      return;
    }
    const refusal = refusalOf(text);
    if (refusal !== undefined || text === '4') {
      this.failed(current, refusal ?? { kind: 'refused', result: text, family: undefined, number: undefined }, effects);
    } else if (isName(text, current)) {
      current.lines.push({ text, pdu: undefined });
    } else {
      effects.push({ kind: 'unsolicited', line: { text, pdu: undefined } });
    }
  }

  /** Whether the line is of the answer and can be nothing else: its end, or one that begins as the command says. */
  private answers(text: string, current: Current, effects: DialogueEffect[]): boolean {
    const { command, lines, id, until } = current;
    if (text === 'OK' || text === '0') {
      // A message that was not handed over yet cannot have gone: a result that was late.
      if (command.message !== undefined && !current.handedOver) return true;
      this.current = undefined;
      this.passed = Math.min(this.passed ?? until, until);
      effects.push({ kind: 'answer', id, lines });
      return true;
    }
    const { prefix = '' } = command;
    if (prefix === '' || lines.length >= MOST_LINES || !text.startsWith(prefix)) return false;
    lines.push({ text, pdu: undefined });
    return true;
  }

  /** Digits behind a line that announced them: of an unsolicited result first, for that came later. */
  private takesAsPdu(text: string, effects: DialogueEffect[]): boolean {
    const { announced, current } = this;
    const last = current?.command.hasPdus === undefined ? undefined : current.lines.at(-1);
    const isWanted = announced !== undefined || (last !== undefined && last.pdu === undefined);
    this.announced = undefined;
    if (!isWanted || !isPdu.test(text)) return false;
    if (announced !== undefined) {
      effects.push({ kind: 'unsolicited', line: { text: announced, pdu: text } });
      return true;
    }
    if (current === undefined || last === undefined) return false;
    current.lines[current.lines.length - 1] = { text: last.text, pdu: text };
    return true;
  }

  private failed(current: Current, failure: Failure, effects: DialogueEffect[]): void {
    this.current = undefined;
    effects.push({ kind: 'failed', id: current.id, failure });
  }

  private abandon(kind: 'gone' | 'restarted', effects: DialogueEffect[]): void {
    const { current } = this;
    this.announced = undefined;
    this.passed = undefined;
    if (current !== undefined) this.failed(current, { kind, handedOver: current.handedOver }, effects);
    for (const { id } of this.waiting.splice(0))
      effects.push({ kind: 'failed', id, failure: { kind, handedOver: false } });
  }
}

/** Whatever its maker is called, a modem that says that it starts has not said its name. */
const isName = (text: string, { command, lines }: Current): boolean =>
  command.prefix === '' && lines.length < MOST_LINES && signOf(text) === undefined;

/** What the modem repeats of what was written to it: the command once, and the message with its end. */
function isEcho(text: string, { command, handedOver, echoed }: Current): boolean {
  if (!echoed && text === command.text) return true;
  const { message } = command;
  if (!handedOver || message === undefined || text.length < message.length - 1 || text.length > message.length)
    return false;
  for (let i = 0; i < text.length; i += 1) if (text.charCodeAt(i) !== message[i]) return false;
  return true;
}

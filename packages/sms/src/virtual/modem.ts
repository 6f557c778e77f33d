// A modem that is not there: the AT commands of 3GPP TS 27.005 and 27.007 that text messages need, a memory, and on demand the ways in
// which modems fail. A core: what is typed and what the network brings in; what is printed and what is sent out.
import { type Core, FormatError, fromHex, type Instant, toHex } from '@lapwing/kernel';
import type { SmsAddress } from '../pdu/address.ts';
import type { Deliver } from '../pdu/deliver.ts';
import { decodeOutgoing, encodeFrame, type Frame } from '../pdu/frame.ts';
import { octetCoding } from '../pdu/payload.ts';
import { plainSubmit, type Submit } from '../pdu/submit.ts';
import { answers, type Manners, settingOf } from './answers.ts';

/** What goes wrong: now, or with the next messages. */
export type Fault =
  /** Says nothing until it is awake. */
  | { readonly kind: 'silent' }
  | { readonly kind: 'awake' }
  /** Starts anew: settings are forgotten, the memory is not. `says`: the line that it prints then, default `RDY`; '' for none. */
  | { readonly kind: 'restart'; readonly says?: string }
  /** Prints a line that nobody has asked for. */
  | { readonly kind: 'say'; readonly line: string }
  /** Prints bytes without sense. */
  | { readonly kind: 'garbage'; readonly bytes: Uint8Array }
  /** Answers so many commands with that number of `+CMS ERROR`. `of`: how they begin, such as `CMGR` or `CNMI?`; default `CMGS`. */
  | { readonly kind: 'refuse'; readonly result: number; readonly times: number; readonly of?: string }
  /** Keeps so many of the next messages without telling of them. */
  | { readonly kind: 'hush'; readonly times: number }
  /** Takes the next message, sends it, and never says so. */
  | { readonly kind: 'mute-send' };

export type VirtualModemInput =
  | { readonly kind: 'typed'; readonly bytes: Uint8Array }
  | { readonly kind: 'delivery'; readonly message: Deliver }
  | { readonly kind: 'fault'; readonly fault: Fault };

export type VirtualModemEffect =
  | { readonly kind: 'print'; readonly bytes: Uint8Array }
  | { readonly kind: 'submit'; readonly message: Submit };

export interface VirtualModemOptions {
  /** Its own. */
  readonly number: SmsAddress;
  /** Messages that its memory holds; default 255. More wait in the network. */
  readonly places?: number;
  /** Places that are taken by drafts, which are not for whoever listens; default 0. */
  readonly drafts?: number;
  /** What AT+CGMI and AT+CGMM answer; default `Lapwing` and `vmodem`. */
  readonly maker?: string;
  readonly model?: string;
  /** As it starts: default echo on, words, numbers for errors, CR LF. */
  readonly manners?: Partial<Manners>;
}

/** Messages that wait in the network for a place. */
const MOST_IN_NETWORK = 1024;
/** Typed octets of a line or a message. */
const LONGEST_TYPED = 1024;

const [BACKSPACE, LF, CR, SUBSTITUTE, ESCAPE] = [0x08, 0x0a, 0x0d, 0x1a, 0x1b];

interface Place {
  readonly frame: string;
  readonly length: number;
  /** 3GPP TS 27.005 §3.1, <stat>: unread, read, to be sent. */
  status: 0 | 1 | 2;
}

export class VirtualModem implements Core<VirtualModemInput, VirtualModemEffect> {
  readonly deadline = undefined;
  private readonly options: VirtualModemOptions;
  private readonly places: number;
  private readonly memory = new Map<number, Place>();
  private readonly inNetwork: Deliver[] = [];
  private manners: Manners;
  private typed = '';
  /** Octets of the TPDU that is typed; undefined where commands are. */
  private messageLength: number | undefined;
  private reference = 0;
  private isSilent = false;
  private isMuteOnSend = false;
  private readonly refusals = new Map<string, { readonly result: number; left: number }>();
  private hushed = 0;
  private effects: VirtualModemEffect[] = [];

  constructor(options: VirtualModemOptions) {
    this.options = options;
    this.places = options.places ?? 255;
    this.manners = this.firstManners();
    const draft = { kind: 'octets', bytes: Uint8Array.of(1) } as const;
    const pdu = plainSubmit(options.number, { coding: octetCoding, elements: [], content: draft });
    for (let i = 1; i <= (options.drafts ?? 0); i += 1) this.keep({ serviceCentre: undefined, pdu }, 2);
  }

  /** Messages in its memory that came from the network. */
  get stored(): number {
    return [...this.memory.values()].filter(({ status }) => status !== 2).length;
  }

  handle(input: VirtualModemInput, _now: Instant): readonly VirtualModemEffect[] {
    this.effects = [];
    switch (input.kind) {
      case 'typed':
        for (const byte of input.bytes) this.type(byte);
        break;
      case 'delivery':
        this.deliver(input.message);
        break;
      case 'fault':
        this.fail(input.fault);
        break;
    }
    return this.effects;
  }

  expire(): readonly VirtualModemEffect[] {
    return [];
  }

  private firstManners(): Manners {
    return {
      echo: true,
      words: true,
      errors: 1,
      lineEnd: '\r\n',
      pduMode: false,
      announces: 0,
      memory: 'SM',
      ...this.options.manners,
    };
  }

  private type(byte: number): void {
    if (this.manners.echo) this.print(String.fromCharCode(byte));
    const ends = this.messageLength === undefined ? [CR, LF] : [SUBSTITUTE, ESCAPE];
    if (!ends.includes(byte)) {
      if (byte === BACKSPACE) this.typed = this.typed.slice(0, -1);
      else if (this.typed.length < LONGEST_TYPED) this.typed += String.fromCharCode(byte);
      return;
    }
    const { typed } = this;
    this.typed = '';
    if (this.messageLength === undefined) this.command(typed.trim());
    else if (byte === SUBSTITUTE) this.send(typed, this.messageLength);
    else {
      this.messageLength = undefined;
      this.end('OK');
    }
  }

  private command(text: string): void {
    if (!/^AT/i.test(text)) return;
    const rest = text.slice(2);
    const [, length] = /^\+CMGS=(\d{1,3})$/i.exec(rest) ?? [];
    if (length !== undefined) {
      this.askForMessage(Number(length));
      return;
    }
    for (const part of rest.split(';')) {
      const ending = this.extended(part) ?? this.basic(part);
      if (ending === 'OK') continue;
      this.end(ending);
      return;
    }
    this.end('OK');
  }

  /** How a command beginning with `+` ends; undefined for one that does not. */
  private extended(text: string): Ending | undefined {
    if (!text.startsWith('+')) return undefined;
    const upper = text.toUpperCase();
    const refusal = this.refusalOf(upper.slice(1));
    if (refusal !== undefined) return refusal;
    if (upper.startsWith('+CMGL')) return this.list(upper);
    const [, name, index] = /^\+(CMGR|CMGD)=(\d{1,5})(?:,\d)?$/.exec(upper) ?? [];
    if (name === 'CMGR') return this.read(Number(index));
    if (name === 'CMGD') return upper.endsWith(',4') ? this.forget(undefined) : this.forget(Number(index));
    const { places, manners } = this;
    const { maker = 'Lapwing', model = 'vmodem', number } = this.options;
    const lines = answers(upper, { maker, model, number, used: this.memory.size, places, manners });
    if (lines === undefined) return this.set(text);
    for (const line of lines) this.say(line);
    return upper.startsWith('+CPMS="') ? this.set(text) : 'OK';
  }

  /** Such as `E0V1`, one letter after the other; anything unknown is well. */
  private basic(text: string): Ending {
    if (/[^A-Z0-9&]/i.test(text)) return { family: 'CME', result: 3, words: 'operation not allowed' };
    return this.set(text);
  }

  private set(text: string): Ending {
    if (/^(?:Z|&F)\d?$/i.test(text)) {
      this.manners = this.firstManners();
      return 'OK';
    }
    const changed = settingOf(text, this.manners);
    if (changed === undefined) return { family: 'CME', result: 4, words: 'operation not supported' };
    this.manners = changed;
    return 'OK';
  }

  private askForMessage(length: number): void {
    if (!this.manners.pduMode) {
      this.end({ family: 'CMS', result: 303, words: 'operation not supported' });
      return;
    }
    this.messageLength = length;
    this.print(`${this.manners.lineEnd}> `);
  }

  private send(digits: string, length: number): void {
    this.messageLength = undefined;
    const refusal = this.refusalOf('CMGS');
    if (refusal !== undefined) {
      this.end(refusal);
      return;
    }
    try {
      const frame = fromHex(digits.trim());
      if (frame.length - 1 - (frame[0] ?? 0) !== length) throw new FormatError('another length');
      this.effects.push({ kind: 'submit', message: decodeOutgoing(frame).pdu });
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.end({ family: 'CMS', result: 304, words: 'invalid PDU mode parameter' });
      return;
    }
    this.reference = (this.reference + 1) & 0xff;
    if (this.isMuteOnSend) {
      this.isMuteOnSend = false;
      return;
    }
    this.say(`+CMGS: ${this.reference}`);
    this.end('OK');
  }

  private refusalOf(command: string): Ending | undefined {
    const [of, refusal] = [...this.refusals].find(([start]) => command.startsWith(start)) ?? [];
    if (of === undefined || refusal === undefined) return undefined;
    refusal.left -= 1;
    if (refusal.left <= 0) this.refusals.delete(of);
    return { family: 'CMS', result: refusal.result, words: 'refused' };
  }

  private list(text: string): Ending {
    const [, which] = /^\+CMGL=([0-4])$/.exec(text) ?? [];
    if (which === undefined || !this.manners.pduMode)
      return { family: 'CMS', result: 302, words: 'operation not allowed' };
    for (const [index, place] of this.memory) {
      if (which !== '4' && which !== String(place.status)) continue;
      this.say(`+CMGL: ${index},${place.status},,${place.length}${this.manners.lineEnd}${place.frame}`);
      if (place.status === 0) place.status = 1;
    }
    return 'OK';
  }

  private read(index: number): Ending {
    const place = this.memory.get(index);
    if (place === undefined) return { family: 'CMS', result: 321, words: 'invalid memory index' };
    if (!this.manners.pduMode) {
      this.say('+CMGR: "REC READ","",,""');
      return 'OK';
    }
    this.say(`+CMGR: ${place.status},,${place.length}${this.manners.lineEnd}${place.frame}`);
    if (place.status === 0) place.status = 1;
    return 'OK';
  }

  private forget(index: number | undefined): Ending {
    if (index === undefined) this.memory.clear();
    else if (!this.memory.delete(index)) return { family: 'CMS', result: 321, words: 'invalid memory index' };
    while (this.memory.size < this.places) {
      const next = this.inNetwork.shift();
      if (next === undefined) break;
      this.deliver(next);
    }
    return 'OK';
  }

  private deliver(message: Deliver): void {
    if (this.manners.announces === 2) {
      const { bytes, length } = encodeFrame({ serviceCentre: undefined, pdu: message });
      this.say(`+CMT: ,${length}${this.manners.lineEnd}${toHex(bytes).toUpperCase()}`);
      return;
    }
    if (this.memory.size >= this.places) {
      if (this.inNetwork.length < MOST_IN_NETWORK) this.inNetwork.push(message);
      return;
    }
    const index = this.keep({ serviceCentre: undefined, pdu: message }, 0);
    if (this.hushed > 0) this.hushed -= 1;
    else if (this.manners.announces === 1) this.say(`+CMTI: "${this.manners.memory}",${index}`);
  }

  /** In the first place that is free. */
  private keep(frame: Frame<Deliver | Submit>, status: Place['status']): number {
    const { bytes, length } = encodeFrame(frame);
    let index = 1;
    while (this.memory.has(index)) index += 1;
    this.memory.set(index, { frame: toHex(bytes).toUpperCase(), length, status });
    return index;
  }

  private fail(fault: Fault): void {
    switch (fault.kind) {
      case 'silent':
        this.isSilent = true;
        break;
      case 'awake':
        this.isSilent = false;
        break;
      case 'restart':
        this.manners = this.firstManners();
        this.typed = '';
        this.messageLength = undefined;
        if (fault.says !== '') this.say(fault.says ?? 'RDY');
        break;
      case 'say':
        this.say(fault.line);
        break;
      case 'garbage':
        this.effects.push({ kind: 'print', bytes: fault.bytes });
        break;
      case 'refuse':
        this.refusals.set(fault.of ?? 'CMGS', { result: fault.result, left: fault.times });
        break;
      case 'hush':
        this.hushed = fault.times;
        break;
      case 'mute-send':
        this.isMuteOnSend = true;
        break;
    }
  }

  private end(ending: Ending): void {
    const { words, errors } = this.manners;
    if (ending === 'OK') this.say(words ? 'OK' : '0');
    else if (ending.family === 'CME' && errors === 0) this.say(words ? 'ERROR' : '4');
    else this.say(`+${ending.family} ERROR: ${errors === 2 ? ending.words : ending.result}`);
  }

  private say(line: string): void {
    const { lineEnd } = this.manners;
    this.print(`${lineEnd}${line}${lineEnd}`);
  }

  private print(text: string): void {
    if (!this.isSilent) this.effects.push({ kind: 'print', bytes: Buffer.from(text, 'latin1') });
  }
}

type Ending = 'OK' | { readonly family: 'CMS' | 'CME'; readonly result: number; readonly words: string };

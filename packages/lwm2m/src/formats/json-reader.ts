// Reads JSON item by item, straight from the bytes (RFC 8259): what a format knows is taken where it lies, the rest is
// stepped over, and no object is made of peers' names. Strict: UTF-8 without a byte order mark, bounded depth, no half
// surrogate pairs. A string with escapes goes through JSON.parse. Throws FormatError and nothing else.
import { decodeUtf8, FormatError, textAt } from '@lapwing/kernel';
import { maxDepth } from './placing.ts';

export const Mark = { Quote: 0x22, OpenArray: 0x5b, CloseArray: 0x5d, OpenObject: 0x7b, CloseObject: 0x7d } as const;
const comma = 0x2c;
const colon = 0x3a;
const backslash = 0x5c;
const minus = 0x2d;
const zero = 0x30;

/** A label of up to four ASCII characters as a number: cheaper to compare than a string is to make. */
export function labelCode(label: string): number {
  let code = 0;
  if (label.length > 4) return unknownLabel;
  for (let i = 0; i < label.length; i += 1) {
    const unit = label.charCodeAt(i);
    if (unit >= 0x80) return unknownLabel;
    code = code * 128 + unit;
  }
  return code;
}

/** What `label` gives for a longer one. No label of up to four characters has it. */
export const unknownLabel = -1;

export class JsonReader {
  readonly bytes: Uint8Array;
  at = 0;
  /** Bounds of the string or number read last; a string without its quotes. */
  from = 0;
  to = 0;
  private escaped = false;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** The byte that the next item begins with, after white space; -1 at the end. */
  peek(): number {
    const bytes = this.bytes;
    let at = this.at;
    while (at < bytes.length) {
      const byte = bytes[at] as number;
      if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) {
        this.at = at;
        return byte;
      }
      at += 1;
    }
    this.at = at;
    return -1;
  }

  /** Steps into an array or an object. */
  open(mark: number): void {
    if (this.peek() !== mark) throw this.wrong(`'${String.fromCharCode(mark)}' is wanted`);
    this.at += 1;
  }

  /** Whether the array or object that ends with `close` goes on after `done` members; steps over commas and the end. */
  more(close: number, done: number): boolean {
    const byte = this.peek();
    if (byte === close) {
      this.at += 1;
      return false;
    }
    if (done === 0) return true;
    if (byte !== comma) throw this.wrong('a comma is wanted');
    this.at += 1;
    if (this.peek() === close) throw this.wrong('nothing follows a comma');
    return true;
  }

  /** The label of the next member as its code, past the colon; `text` gives it in full. */
  label(): number {
    const plain = this.string();
    const code = plain ? this.codeOfString() : labelCode(this.text());
    // Nobody compares it: look at least whether it is UTF-8.
    if (code === unknownLabel) this.text();
    if (this.peek() !== colon) throw this.wrong('a colon is wanted');
    this.at += 1;
    return code;
  }

  private codeOfString(): number {
    if (this.to - this.from > 4) return unknownLabel;
    let code = 0;
    for (let at = this.from; at < this.to; at += 1) {
      const byte = this.bytes[at] as number;
      if (byte >= 0x80) return unknownLabel;
      code = code * 128 + byte;
    }
    return code;
  }

  /** Steps over a string and notes its bounds; true when its bytes are its text. */
  string(): boolean {
    if (this.peek() !== Mark.Quote) throw this.wrong('a string is wanted');
    const bytes = this.bytes;
    let at = this.at + 1;
    this.from = at;
    this.escaped = false;
    for (; at < bytes.length; at += 1) {
      const byte = bytes[at] as number;
      if (byte === Mark.Quote) {
        this.to = at;
        this.at = at + 1;
        return !this.escaped;
      }
      if (byte === backslash) {
        this.escaped = true;
        at += 1;
      } else if (byte < 0x20) throw new FormatError('a control character in a JSON string', at);
    }
    throw new FormatError('a JSON string without end', at);
  }

  /** The text of the string read last. */
  text(): string {
    const { bytes, from, to } = this;
    if (this.escaped) return unescape(decodeUtf8(bytes.subarray(from - 1, to + 1)), from);
    return textAt(bytes, from, to - from);
  }

  /** A string, number, boolean or null. */
  scalar(): string | number | boolean | null {
    switch (this.peek()) {
      case Mark.Quote:
        this.string();
        return this.text();
      case 0x74:
        return this.word('true', true);
      case 0x66:
        return this.word('false', false);
      case 0x6e:
        return this.word('null', null);
      default:
        return this.number();
    }
  }

  /** The nearest double, infinite for what is beyond; `written` has the digits. */
  number(): number {
    const first = this.peek();
    const bytes = this.bytes;
    const negative = first === minus;
    let at = negative ? this.at + 1 : this.at;
    this.from = this.at;
    const digits = at;
    let number = 0;
    while (at < bytes.length && isDigit(bytes[at] as number)) {
      number = number * 10 + (bytes[at] as number) - zero;
      at += 1;
    }
    const next = bytes[at];
    const whole = next !== 0x2e && next !== 0x65 && next !== 0x45;
    const count = at - digits;
    if (whole && count > 0 && count < 16 && (count === 1 || bytes[digits] !== zero)) {
      this.to = at;
      this.at = at;
      return negative ? -number : number;
    }
    return this.longNumber(at);
  }

  private longNumber(from: number): number {
    let at = from;
    while (at < this.bytes.length && isNumeric(this.bytes[at] as number)) at += 1;
    this.to = at;
    this.at = at;
    const text = this.written();
    if (!/^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text)) throw this.wrong('a number is wanted');
    return Number(text);
  }

  /** The number read last as it stands in the text. */
  written(): string {
    return decodeUtf8(this.bytes.subarray(this.from, this.to));
  }

  private word<T>(word: string, value: T): T {
    for (let i = 0; i < word.length; i += 1) {
      if (this.bytes[this.at + i] !== word.charCodeAt(i)) throw this.wrong('a word that JSON has not');
    }
    this.at += word.length;
    return value;
  }

  /** Steps over one whole item, of at most `depth` levels. */
  skip(depth = maxDepth): void {
    const first = this.peek();
    const isObject = first === Mark.OpenObject;
    if (!isObject && first !== Mark.OpenArray) {
      this.scalar();
      return;
    }
    if (depth === 0) throw this.wrong(`JSON nested deeper than ${maxDepth}`);
    this.at += 1;
    const close = isObject ? Mark.CloseObject : Mark.CloseArray;
    for (let i = 0; this.more(close, i); i += 1) {
      if (isObject) this.label();
      this.skip(depth - 1);
    }
  }

  /** Throws FormatError when anything but white space follows. */
  end(): void {
    if (this.peek() !== -1) throw this.wrong('something follows the JSON item');
  }

  private wrong(what: string): FormatError {
    return new FormatError(what, this.at);
  }
}

const isDigit = (byte: number): boolean => byte >= zero && byte <= zero + 9;

/** Digits, and `+`, `-`, `.`, `e`, `E`. */
const isNumeric = (byte: number): boolean =>
  isDigit(byte) || byte === 0x2b || byte === minus || byte === 0x2e || byte === 0x65 || byte === 0x45;

/** `quoted` is a string of JSON with its quotes. */
function unescape(quoted: string, at: number): string {
  let text: unknown;
  try {
    text = JSON.parse(quoted);
  } catch {
    throw new FormatError('a wrong escape in a JSON string', at);
  }
  if (typeof text !== 'string' || /\p{Surrogate}/u.test(text)) {
    throw new FormatError('half a surrogate pair in a JSON string', at);
  }
  return text;
}

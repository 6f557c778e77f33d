// Reading DER (X.690 §8, §10): bounded, definite lengths only, each in its shortest form. FormatError for everything else.
import { FormatError } from '@lapwing/kernel';

/** Identifier octets of what certificates and keys are made of. */
export const Tag = {
  Boolean: 0x01,
  Integer: 0x02,
  BitString: 0x03,
  OctetString: 0x04,
  Null: 0x05,
  ObjectIdentifier: 0x06,
  Utf8String: 0x0c,
  PrintableString: 0x13,
  TeletexString: 0x14,
  Ia5String: 0x16,
  UtcTime: 0x17,
  GeneralizedTime: 0x18,
  BmpString: 0x1e,
  Sequence: 0x30,
  Set: 0x31,
} as const;

/** `[n]` of a constructed type. */
export const explicitTag = (n: number): number => 0xa0 | n;
/** `[n]` of a primitive type. */
export const implicitTag = (n: number): number => 0x80 | n;

export interface Element {
  readonly tag: number;
  /** With its header; a view. */
  readonly whole: Uint8Array;
  /** Without; a view. */
  readonly content: Uint8Array;
}

/** Reads elements of one content, front to back. */
export class DerReader {
  private readonly bytes: Uint8Array;
  private at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get done(): boolean {
    return this.at === this.bytes.length;
  }

  /** Tag of the next element, -1 at the end. */
  peek(): number {
    return this.bytes[this.at] ?? -1;
  }

  next(): Element {
    const { bytes, at } = this;
    const tag = bytes[at];
    const first = bytes[at + 1];
    if (tag === undefined || first === undefined) throw new FormatError('DER ends within an element', at);
    if ((tag & 0x1f) === 0x1f) throw new FormatError('DER tag of several bytes', at);
    let from = at + 2;
    let length = first;
    if (first >= 0x80) {
      const octets = first & 0x7f;
      if (octets === 0) throw new FormatError('DER of indefinite length', at);
      if (octets > 3) throw new FormatError('DER element too long', at);
      length = 0;
      for (let i = 0; i < octets; i += 1) length = length * 256 + (bytes[from + i] ?? 0);
      from += octets;
      if (length < 0x80 || (octets > 1 && length < 256 ** (octets - 1)))
        throw new FormatError('DER length with padding', at);
    }
    const end = from + length;
    if (end > bytes.length) throw new FormatError(`DER element of ${length} bytes passes the end`, at);
    this.at = end;
    return { tag, whole: bytes.subarray(at, end), content: bytes.subarray(from, end) };
  }

  /** The content of the next element, which must have this tag. */
  read(tag: number): Uint8Array {
    const found = this.peek();
    if (found !== tag) {
      throw new FormatError(
        `DER tag ${found < 0 ? 'missing' : `0x${found.toString(16)}`}, 0x${tag.toString(16)} expected`,
        this.at,
      );
    }
    return this.next().content;
  }

  /** A reader of the next element's content, which must have this tag. */
  enter(tag: number): DerReader {
    return new DerReader(this.read(tag));
  }

  /** Content of the next element when it has this tag, else undefined and nothing is read. */
  readIf(tag: number): Uint8Array | undefined {
    return this.peek() === tag ? this.next().content : undefined;
  }

  /** Throws unless everything was read. */
  end(what: string): void {
    if (!this.done) throw new FormatError(`${this.bytes.length - this.at} bytes too many after ${what}`, this.at);
  }
}

/** The one element that `bytes` consist of; throws for trailing bytes. */
export function readWhole(bytes: Uint8Array, tag: number, what: string): DerReader {
  const reader = new DerReader(bytes);
  const inner = reader.enter(tag);
  reader.end(what);
  return inner;
}

/** Dotted numbers of an object identifier's content. */
export function objectIdentifier(content: Uint8Array): string {
  if (content.length === 0 || content.length > 32) throw new FormatError('object identifier of no or too many bytes');
  const arcs: number[] = [];
  let arc = 0;
  content.forEach((byte, i) => {
    if (arc === 0 && byte === 0x80) throw new FormatError('object identifier with padding', i);
    arc = arc * 128 + (byte & 0x7f);
    if (arc > Number.MAX_SAFE_INTEGER) throw new FormatError('object identifier with a number too large', i);
    if (byte >= 0x80) {
      if (i === content.length - 1) throw new FormatError('object identifier ends within a number', i);
      return;
    }
    if (arcs.length === 0) {
      const root = Math.min(2, Math.floor(arc / 40));
      arcs.push(root, arc - root * 40);
    } else arcs.push(arc);
    arc = 0;
  });
  return arcs.join('.');
}

/** A non-negative INTEGER below 2^31 from its content. */
export function smallInteger(content: Uint8Array): number {
  checkInteger(content);
  if ((content[0] ?? 0) >= 0x80) throw new FormatError('negative integer');
  if (content.length > 4) throw new FormatError('integer too large');
  return content.reduce((value, byte) => value * 256 + byte, 0);
}

/** Throws unless the content of an INTEGER is its shortest form (X.690 §8.3.2). */
export function checkInteger(content: Uint8Array): void {
  const [first, second] = content;
  if (first === undefined) throw new FormatError('integer of no bytes');
  if (second === undefined) return;
  if ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))
    throw new FormatError('integer with padding');
}

/** DER knows one TRUE and one FALSE (X.690 §11.1). */
export function boolean(content: Uint8Array): boolean {
  const value = content[0];
  if (content.length !== 1 || (value !== 0 && value !== 0xff))
    throw new FormatError('boolean that is neither 00 nor ff');
  return value === 0xff;
}

/** Bytes of a BIT STRING without unused bits: keys and signatures. */
export function wholeBits(content: Uint8Array): Uint8Array {
  if (content[0] !== 0) throw new FormatError('bit string that is no whole number of bytes');
  return content.subarray(1);
}

/** Named bits (X.690 §11.2.2): bit n of the answer is the n-th named bit; those past the 16th are dropped. */
export function namedBits(content: Uint8Array): number {
  const unused = content[0];
  if (unused === undefined || unused > 7 || (content.length === 1 && unused > 0)) throw new FormatError('bit string');
  let bits = 0;
  for (let i = 1; i < Math.min(content.length, 3); i += 1) {
    for (let bit = 0; bit < 8; bit += 1) {
      if (((content[i] ?? 0) & (0x80 >>> bit)) !== 0) bits |= 1 << ((i - 1) * 8 + bit);
    }
  }
  return bits;
}

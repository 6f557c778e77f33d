// Distinguished names: compared as RFC 5280 §7.1 wants them compared, and written as RFC 4514 text.
import { decodeUtf8, encodeUtf8, equalBytes, FormatError, toHex } from '@lapwing/kernel';
import { DerReader, objectIdentifier, Tag } from './der.ts';

/** Short names of RFC 4514 §3 and of what device certificates carry besides. */
const shortNames: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.4': 'SN',
  '2.5.4.5': 'serialNumber',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.9': 'STREET',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '2.5.4.12': 'title',
  '2.5.4.42': 'GN',
  '0.9.2342.19200300.100.1.25': 'DC',
  '0.9.2342.19200300.100.1.1': 'UID',
  '1.2.840.113549.1.9.1': 'emailAddress',
};

interface Attribute {
  readonly type: string;
  /** Undefined for bits. */
  readonly text: string | undefined;
  readonly der: Uint8Array;
}

export class Name {
  /** The whole Name, DER. */
  readonly der: Uint8Array;
  private readonly parts: readonly (readonly Attribute[])[];
  private canonical: string | undefined;

  constructor(der: Uint8Array) {
    this.der = der;
    this.parts = readParts(der);
  }

  get empty(): boolean {
    return this.parts.length === 0;
  }

  /** RFC 4514 §2: most specific part first. */
  get text(): string {
    return [...this.parts]
      .reverse()
      .map((part) => part.map(attributeText).join('+'))
      .join(',');
  }

  /** The most specific common name. */
  get commonName(): string | undefined {
    return this.parts.flat().findLast((attribute) => attribute.type === '2.5.4.3')?.text;
  }

  /** Equal but for the type of string, case and white space (RFC 5280 §7.1). */
  equals(other: Name): boolean {
    return equalBytes(this.der, other.der) || this.key === other.key;
  }

  private get key(): string {
    this.canonical ??= JSON.stringify(
      this.parts.map((part) =>
        part
          .map(({ type, text, der }) => [type, text === undefined ? toHex(der) : fold(text)])
          .sort(([a = ''], [b = '']) => (a < b ? -1 : 1)),
      ),
    );
    return this.canonical;
  }
}

function fold(text: string): string {
  return text.normalize('NFKC').trim().replace(/\s+/g, ' ').toLowerCase();
}

function readParts(der: Uint8Array): (readonly Attribute[])[] {
  const reader = new DerReader(der);
  const sequence = reader.enter(Tag.Sequence);
  reader.end('a name');
  const parts: Attribute[][] = [];
  while (!sequence.done) {
    const set = sequence.enter(Tag.Set);
    const part: Attribute[] = [];
    do {
      const pair = set.enter(Tag.Sequence);
      const type = objectIdentifier(pair.read(Tag.ObjectIdentifier));
      const value = pair.next();
      pair.end('an attribute of a name');
      part.push({ type, text: stringOf(value.tag, value.content), der: value.whole });
    } while (!set.done);
    parts.push(part);
  }
  return parts;
}

function stringOf(tag: number, content: Uint8Array): string | undefined {
  switch (tag) {
    case Tag.Utf8String:
      return decodeUtf8(content);
    case Tag.PrintableString:
    case Tag.Ia5String:
    case Tag.TeletexString:
      return Buffer.from(content).toString('latin1');
    case Tag.BmpString:
      if (content.length % 2 !== 0) throw new FormatError('BMPString of an odd length');
      return Buffer.from(content).swap16().toString('utf16le');
    case Tag.BitString:
      if (content.length === 0 || (content[0] as number) > 7) throw new FormatError('a string of bits that is none');
      return undefined;
    default:
      // RFC 5280 Appendix A: values of names are strings of characters, in one old attribute bits.
      throw new FormatError('an attribute of a name that is no string');
  }
}

/**
 * RFC 4514 §2.4: what is no text, and what has no short name, is written in hexadecimal. Control characters are pairs of
 * digits, so that none reaches a log.
 */
function attributeText({ type, text, der }: Attribute): string {
  const name = shortNames[type];
  if (name === undefined || text === undefined) return `${name ?? type}=#${toHex(der)}`;
  const escaped = text
    .replace(/[\\",+;<>]|^[ #]| $/g, '\\$&')
    .replace(/\p{Cc}/gu, (control) => toHex(encodeUtf8(control)).replace(/../g, '\\$&'));
  return `${name}=${escaped}`;
}

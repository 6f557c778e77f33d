// Digits in semi-octets, low half first, as PDUs have numbers and times (3GPP TS 23.040 §9.1.2.3). Pure, both ways.
import { FormatError, type Writer } from '@lapwing/kernel';

const digits = '0123456789*#abc';
const FILLER = 0xf;

/** Two digits to an octet; an odd number of them ends with a filler. Throws FormatError for what is no digit. */
export function writeDigits(to: Writer, text: string): void {
  for (let i = 0; i < text.length; i += 2)
    to.u8(valueAt(text, i) | ((i + 1 < text.length ? valueAt(text, i + 1) : FILLER) << 4));
}

function valueAt(text: string, i: number): number {
  const value = digits.indexOf(text.charAt(i));
  if (value < 0) throw new FormatError('not a digit of a number', i);
  return value;
}

/** `count` digits. Throws FormatError where a filler stands among them, or when there are not so many. */
export function decodeDigits(octets: Uint8Array, count: number): string {
  if (count > octets.length * 2) throw new FormatError(`${count} digits do not fit ${octets.length} octets`);
  let text = '';
  for (let i = 0; i < count; i += 1) {
    const octet = octets[i >> 1] as number;
    const value = i % 2 === 0 ? octet & 0xf : octet >> 4;
    if (value === FILLER) throw new FormatError('a filler among the digits', i >> 1);
    text += digits.charAt(value);
  }
  return text;
}

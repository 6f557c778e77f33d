// Addresses of text messages (3GPP TS 23.040 §9.1.2.5): who sent one, who is to have it, which centre carried it. Pure,
// both ways.
import { FormatError, type Reader, type Writer } from '@lapwing/kernel';
import { packSeptets, septetsOf, textOfSeptets, unpackSeptets } from './gsm7.ts';
import { decodeDigits, writeDigits } from './semi-octets.ts';

/** Type of number, in the order of its three bits. */
const types = [
  'unknown',
  'international',
  'national',
  'network-specific',
  'subscriber',
  'alphanumeric',
  'abbreviated',
  'reserved',
] as const;

export interface SmsAddress {
  readonly type: (typeof types)[number];
  /** Numbering plan, 0 to 15: 1 for telephone numbers, 0 for names. */
  readonly plan: number;
  /** Digits, `*`, `#`, `a`, `b` and `c` without a sign; of an alphanumeric address the name. */
  readonly text: string;
}

/** The three bits that stand for it; SMPP's type of number (ton) is the same. */
export const numberOfType = (type: SmsAddress['type']): number => types.indexOf(type);
export const typeOfNumber = (number: number): SmsAddress['type'] => types[number & 7] ?? 'reserved';

/** Octets of digits or name in one address. */
const MOST_OCTETS = 10;

/** `+` and up to 15 digits are an international number, digits alone any other, such as a short code. Throws FormatError. */
export function parseNumber(text: string): SmsAddress {
  const isInternational = text.startsWith('+');
  const digits = isInternational ? text.slice(1) : text;
  if (!areDigits(digits)) throw new FormatError('a telephone number is 1 to 15 digits, with + when international');
  return { type: isInternational ? 'international' : 'unknown', plan: 1, text: digits };
}

/** `+14155550125`, `12345`, or the name of an alphanumeric address. */
export function formatNumber(address: SmsAddress): string {
  return address.type === 'international' ? `+${address.text}` : address.text;
}

/** Whether it can be written to: not a name, and no digits that `parseNumber` refuses. */
export const isNumber = ({ type, text }: SmsAddress): boolean => type !== 'alphanumeric' && areDigits(text);

const MOST_DIGITS = 15;

function areDigits(text: string): boolean {
  if (text.length < 1 || text.length > MOST_DIGITS) return false;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code < 0x30 || code > 0x39) return false;
  }
  return true;
}

/** An address whose length counts digits: TP-OA, TP-DA, TP-RA. Throws FormatError when it is too long. */
export function writeAddress(to: Writer, address: SmsAddress): void {
  const { text } = address;
  if (address.type !== 'alphanumeric') {
    checkSize('address', Math.ceil(text.length / 2));
    writeDigits(to.u8(text.length).u8(typeOctet(address)), text);
    return;
  }
  const septets = septetsOf(text);
  const octets = packSeptets(septets);
  checkSize('address', octets.length);
  to.u8(Math.ceil((septets.length * 7) / 4))
    .u8(typeOctet(address))
    .bytes(octets);
}

/** Throws FormatError. */
export function readAddress(from: Reader): SmsAddress {
  const semiOctets = from.u8();
  if (semiOctets > MOST_OCTETS * 2) throw new FormatError(`an address of ${semiOctets} semi-octets`, from.offset - 1);
  const { type, plan } = typeOf(from.u8());
  const octets = from.take(Math.ceil(semiOctets / 2));
  if (type !== 'alphanumeric') return { type, plan, text: decodeDigits(octets, semiOctets) };
  return { type, plan, text: textOfSeptets(unpackSeptets(octets, Math.floor((semiOctets * 4) / 7))) };
}

/** The service centre in front of a TPDU, whose length counts octets (3GPP TS 27.005 §3.1); undefined: the one of the SIM. */
export function writeServiceCentre(to: Writer, address: SmsAddress | undefined): void {
  if (address === undefined) {
    to.u8(0);
    return;
  }
  const octets = Math.ceil(address.text.length / 2);
  checkSize('service centre', octets);
  writeDigits(to.u8(octets + 1).u8(typeOctet(address)), address.text);
}

function checkSize(what: string, octets: number): void {
  if (octets > MOST_OCTETS) throw new FormatError(`${octets} octets of ${what}, ${MOST_OCTETS} at most`);
}

/** Throws FormatError. */
export function readServiceCentre(from: Reader): SmsAddress | undefined {
  const length = from.u8();
  if (length === 0) return undefined;
  if (length > MOST_OCTETS + 1) throw new FormatError(`a service centre of ${length} octets`, from.offset - 1);
  const { type, plan } = typeOf(from.u8());
  const octets = from.take(length - 1);
  const last = octets[octets.length - 1];
  const digits = octets.length * 2 - (last !== undefined && last >> 4 === 0xf ? 1 : 0);
  return { type, plan, text: decodeDigits(octets, digits) };
}

const typeOctet = ({ type, plan }: SmsAddress): number => 0x80 | (numberOfType(type) << 4) | plan;

function typeOf(octet: number): Pick<SmsAddress, 'type' | 'plan'> {
  return { type: typeOfNumber(octet >> 4), plan: octet & 0xf };
}

/** Networks take the plus away, or put it on: numbers are compared without. */
export const digitsOf = (number: string): string => (number.startsWith('+') ? number.slice(1) : number);

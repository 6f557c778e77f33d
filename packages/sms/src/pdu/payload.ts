// The payload of a text message, its user data (3GPP TS 23.040 §9.2.3.24): an optional header of elements, then text or
// octets in the coding that TP-DCS names (3GPP TS 23.038 §4). The length counts septets for 7-bit text, and octets for
// everything else. Pure, both ways.
import { FormatError, LimitError, noBytes, Reader, Writer } from '@lapwing/kernel';
import { packSeptets, septetsOf, textOfSeptets, unpackSeptets } from './gsm7.ts';

/** Octets of user data in one message, header and all. */
export const payloadSize = 140;

/** An element of the header; `concatenationOf` and `portsOf` know what those of interest say. */
export interface HeaderElement {
  readonly id: number;
  readonly bytes: Uint8Array;
}

export type Content =
  | { readonly kind: 'octets'; readonly bytes: Uint8Array }
  /** In the 7-bit alphabet. */
  | { readonly kind: 'gsm7'; readonly text: string }
  | { readonly kind: 'ucs2'; readonly text: string };

export interface Payload {
  /** TP-DCS: 0x04 for octets, 0x00 for 7-bit text, 0x08 for UCS-2, and others that carry a class besides. */
  readonly coding: number;
  readonly elements: readonly HeaderElement[];
  readonly content: Content;
}

/** TP-DCS of octets without a class. */
export const octetCoding = 0x04;

const alphabets = ['gsm7', 'octets', 'ucs2', 'gsm7'] as const;

/** The coding of TP-DCS (3GPP TS 23.038 §4). Throws FormatError for compressed text, which nobody sends. */
export function contentKindOf(coding: number): Content['kind'] {
  const group = coding >> 4;
  if (group < 8) {
    if ((coding & 0x20) !== 0) throw new FormatError('compressed text');
    return alphabets[(coding >> 2) & 3] as Content['kind'];
  }
  if (group === 0xe) return 'ucs2';
  return group === 0xf && (coding & 0x04) !== 0 ? 'octets' : 'gsm7';
}

/** TP-UDL and TP-UD. Throws FormatError for text that the coding has not, LimitError above 140 octets. */
export function writePayload(to: Writer, { coding, elements, content }: Payload): void {
  if (contentKindOf(coding) !== content.kind) throw new FormatError(`TP-DCS ${coding} is not for ${content.kind}`);
  const header = elements.length === 0 ? noBytes : encodeElements(elements);
  if (content.kind === 'gsm7') {
    const septets = septetsOf(content.text);
    const before = Math.ceil((header.length * 8) / 7);
    writeSized(to, before + septets.length, header, packSeptets(septets, before * 7 - header.length * 8));
    return;
  }
  const bytes = content.kind === 'octets' ? content.bytes : encodeUcs2(content.text);
  writeSized(to, header.length + bytes.length, header, bytes);
}

/** `hasHeader`: TP-UDHI. Throws FormatError, also when anything stands behind the data. */
export function readPayload(from: Reader, coding: number, { hasHeader }: { readonly hasHeader: boolean }): Payload {
  const kind = contentKindOf(coding);
  const length = from.u8();
  const octets = kind === 'gsm7' ? Math.ceil((length * 7) / 8) : length;
  if (octets > payloadSize) throw new FormatError(`${octets} octets of user data`, from.offset - 1);
  const data = from.take(octets);
  if (from.left > 0) throw new FormatError(`${from.left} octets behind the user data`, from.offset);
  const headerLength = hasHeader ? (data[0] ?? octets) + 1 : 0;
  if (headerLength > octets) throw new FormatError('a header longer than the user data', from.offset - octets);
  const elements = hasHeader ? decodeElements(data.subarray(1, headerLength)) : [];
  const rest = data.subarray(headerLength);
  if (kind === 'octets') return { coding, elements, content: { kind, bytes: rest } };
  if (kind === 'ucs2') return { coding, elements, content: { kind, text: decodeUcs2(rest) } };
  const before = Math.ceil((headerLength * 8) / 7);
  if (before > length) throw new FormatError('a header longer than the user data', from.offset - octets);
  const septets = unpackSeptets(rest, length - before, before * 7 - headerLength * 8);
  return { coding, elements, content: { kind, text: textOfSeptets(septets) } };
}

/** Octets that these elements take of the 140, with the octet that counts them. */
export function headerSize(elements: readonly HeaderElement[]): number {
  return elements.length === 0 ? 0 : elements.reduce((sum, { bytes }) => sum + 2 + bytes.length, 1);
}

/** One part of a message that did not fit (3GPP TS 23.040 §9.2.3.24.1 and .8). Numbers are as they came: `sequence` may be 0 or above `total`. */
export interface Concatenation {
  readonly reference: number;
  /** Bits of the reference. */
  readonly width: 8 | 16;
  readonly total: number;
  /** From 1. */
  readonly sequence: number;
}

export function concatenationElement({ reference, width, total, sequence }: Concatenation): HeaderElement {
  if (width === 8) return { id: 0x00, bytes: Uint8Array.of(reference, total, sequence) };
  return { id: 0x08, bytes: Uint8Array.of(reference >> 8, reference, total, sequence) };
}

/** Of several the last counts; one of another length is none (3GPP TS 23.040 §9.2.3.24). */
export function concatenationOf(elements: readonly HeaderElement[]): Concatenation | undefined {
  const element = elements.findLast(
    ({ id, bytes }) => (id === 0x00 && bytes.length === 3) || (id === 0x08 && bytes.length === 4),
  );
  if (element === undefined) return undefined;
  const from = new Reader(element.bytes);
  const width = element.id === 0x00 ? 8 : 16;
  return { reference: width === 8 ? from.u8() : from.u16(), width, total: from.u8(), sequence: from.u8() };
}

/** 16-bit application ports (3GPP TS 23.040 §9.2.3.24.4). */
export interface Ports {
  readonly destination: number;
  readonly source: number;
}

export function portsElement({ destination, source }: Ports): HeaderElement {
  return { id: 0x05, bytes: Uint8Array.of(destination >> 8, destination, source >> 8, source) };
}

/** Of 8-bit ports (§9.2.3.24.3) too; of several the last counts. */
export function portsOf(elements: readonly HeaderElement[]): Ports | undefined {
  const element = elements.findLast(
    ({ id, bytes }) => (id === 0x05 && bytes.length === 4) || (id === 0x04 && bytes.length === 2),
  );
  if (element === undefined) return undefined;
  const from = new Reader(element.bytes);
  if (element.id === 0x04) return { destination: from.u8(), source: from.u8() };
  return { destination: from.u16(), source: from.u16() };
}

/** The octet that counts them, and the elements. Throws LimitError above 140 octets. */
export function encodeElements(elements: readonly HeaderElement[]): Uint8Array {
  const size = headerSize(elements);
  if (size > payloadSize) throw new LimitError(`${size} octets of header do not fit one message`, payloadSize);
  const to = new Writer(size).u8(size - 1);
  for (const { id, bytes } of elements) to.u8(id).u8(bytes.length).bytes(bytes);
  return to.finish();
}

/** Behind the octet that counts them. Throws FormatError. */
export function decodeElements(bytes: Uint8Array): readonly HeaderElement[] {
  const from = new Reader(bytes);
  const elements: HeaderElement[] = [];
  while (from.left > 0) elements.push({ id: from.u8(), bytes: from.take(from.u8()) });
  return elements;
}

function writeSized(to: Writer, length: number, header: Uint8Array, bytes: Uint8Array): void {
  const octets = header.length + bytes.length;
  if (octets > payloadSize) throw new LimitError(`${octets} octets do not fit one message`, payloadSize);
  to.u8(length).bytes(header).bytes(bytes);
}

function encodeUcs2(text: string): Uint8Array {
  const to = new Writer(text.length * 2);
  for (let i = 0; i < text.length; i += 1) to.u16(text.charCodeAt(i));
  return to.finish();
}

function decodeUcs2(bytes: Uint8Array): string {
  const from = new Reader(bytes);
  let text = '';
  while (from.left > 0) text += String.fromCharCode(from.u16());
  return text;
}

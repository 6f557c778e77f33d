// Writing DER, as much as certificates and keys in tests need; also what is wrong on purpose.
import { concatBytes } from '@lapwing/kernel';
import { Tag } from '../x509/der.ts';

export function element(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const content = concatBytes(...contents);
  return concatBytes(Uint8Array.of(tag, ...lengthOctets(content.length)), content);
}

function lengthOctets(length: number): number[] {
  if (length < 0x80) return [length];
  if (length < 0x100) return [0x81, length];
  if (length < 0x1_0000) return [0x82, length >>> 8, length & 0xff];
  return [0x83, length >>> 16, (length >>> 8) & 0xff, length & 0xff];
}

export const sequence = (...contents: readonly Uint8Array[]): Uint8Array => element(Tag.Sequence, ...contents);
export const octets = (content: Uint8Array): Uint8Array => element(Tag.OctetString, content);
export const bits = (content: Uint8Array, unused = 0): Uint8Array =>
  element(Tag.BitString, Uint8Array.of(unused), content);
export const text = (content: string): Uint8Array => element(Tag.Utf8String, Buffer.from(content, 'utf8'));
export const flag = (): Uint8Array => element(Tag.Boolean, Uint8Array.of(0xff));

/** A non-negative integer from its big-endian bytes. */
export function integer(...bytes: readonly number[]): Uint8Array {
  return element(Tag.Integer, Uint8Array.of(...((bytes[0] ?? 0) >= 0x80 ? [0, ...bytes] : bytes)));
}

export function oid(dotted: string): Uint8Array {
  const [root = 0, first = 0, ...rest] = dotted.split('.').map(Number);
  const arcs = [root * 40 + first, ...rest].flatMap((arc) => {
    const groups = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128))
      groups.unshift((left & 0x7f) | 0x80);
    return groups;
  });
  return element(Tag.ObjectIdentifier, Uint8Array.of(...arcs));
}

/** From `2026-11-28`, or with a time `2026-11-28T10:58:00`. */
export function time(iso: string): Uint8Array {
  const digits = iso.replace(/\D/g, '').padEnd(14, '0');
  const utc = digits >= '19500101' && digits < '20500101';
  const form = Buffer.from(`${utc ? digits.slice(2) : digits}Z`, 'latin1');
  return element(utc ? Tag.UtcTime : Tag.GeneralizedTime, form);
}

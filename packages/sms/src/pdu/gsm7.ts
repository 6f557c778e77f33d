// The 7-bit alphabet of text messages (3GPP TS 23.038 §6.2.1) and how septets are packed into octets (§6.1.2.1).
// Pure, both ways.
import { FormatError } from '@lapwing/kernel';

const basic =
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u001bÆæßÉ' +
  ' !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà';

const ESCAPE = 0x1b;

/** 3GPP TS 23.038 §6.2.1.1: what an escape in front makes of a septet. */
const extension: ReadonlyMap<number, string> = new Map([
  [0x0a, '\f'],
  [0x14, '^'],
  [0x28, '{'],
  [0x29, '}'],
  [0x2f, '\\'],
  [0x3c, '['],
  [0x3d, '~'],
  [0x3e, ']'],
  [0x40, '|'],
  [0x65, '€'],
]);

const codes: ReadonlyMap<string, readonly number[]> = new Map<string, readonly number[]>([
  ...[...basic].flatMap((character, code) => (code === ESCAPE ? [] : [[character, [code]] as const])),
  ...[...extension].map(([code, character]) => [character, [ESCAPE, code]] as const),
]);

/** One or two septets for each character. Throws FormatError for a character that the alphabet has not. */
export function septetsOf(text: string): readonly number[] {
  const septets: number[] = [];
  let at = 0;
  for (const character of text) {
    const code = codes.get(character);
    if (code === undefined) throw new FormatError(`${JSON.stringify(character)} is not in the 7-bit alphabet`, at);
    septets.push(...code);
    at += character.length;
  }
  return septets;
}

/** An escape before a septet without a second meaning is left out; one at the end is a space (3GPP TS 23.038 §6.2.1.1). */
export function textOfSeptets(septets: readonly number[]): string {
  let text = '';
  for (let i = 0; i < septets.length; i += 1) {
    const septet = septets[i] as number;
    if (septet !== ESCAPE) {
      text += basic[septet & 0x7f];
      continue;
    }
    const next = septets[i + 1];
    const extended = next === undefined ? ' ' : extension.get(next);
    if (extended === undefined) continue;
    text += extended;
    i += 1;
  }
  return text;
}

/** Septets from the lowest bit on, behind `fill` bits that are zero (0 to 6): so they begin on a border of septets after a header. */
export function packSeptets(septets: readonly number[], fill = 0): Uint8Array {
  const octets = new Uint8Array(Math.ceil((fill + septets.length * 7) / 8));
  let bit = fill;
  for (const septet of septets) {
    const at = bit >> 3;
    const shifted = (septet & 0x7f) << (bit & 7);
    octets[at] = (octets[at] as number) | shifted;
    if (shifted > 0xff) octets[at + 1] = shifted >> 8;
    bit += 7;
  }
  return octets;
}

/** The first `count` septets behind `fill` bits. Throws FormatError when there are not so many. */
export function unpackSeptets(octets: Uint8Array, count: number, fill = 0): readonly number[] {
  if (fill + count * 7 > octets.length * 8)
    throw new FormatError(`${count} septets do not fit ${octets.length} octets`);
  const septets: number[] = [];
  for (let bit = fill; septets.length < count; bit += 7) {
    const at = bit >> 3;
    const both = (octets[at] as number) | ((octets[at + 1] ?? 0) << 8);
    septets.push((both >> (bit & 7)) & 0x7f);
  }
  return septets;
}

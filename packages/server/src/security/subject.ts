// The common name in a certificate's subject, which LwM2M makes the endpoint client name (Core 1.2.1 §6.2.1). Subjects are
// texts of RFC 4514: most specific first, `\` before what has a meaning.
import { decodeUtf8, FormatError } from '@lapwing/kernel';

const attribute = /^\s*(?:CN|2\.5\.4\.3)\s*=/i;

/** Undefined when the subject has none, or one that is no text. */
export function commonNameOf(subject: string): string | undefined {
  for (const part of partsOf(subject)) {
    const label = attribute.exec(part);
    if (label !== null) return unescaped(part.slice(label[0].length));
  }
  return undefined;
}

/** Relative names and the attributes of each, one list: `,` and `+` part them unless escaped. RFC 4514 §3. */
function* partsOf(subject: string): Iterable<string> {
  let from = 0;
  for (let i = 0; i < subject.length; i += 1) {
    const character = subject[i];
    if (character === '\\') i += 1;
    else if (character === ',' || character === '+') {
      yield subject.slice(from, i);
      from = i + 1;
    }
  }
  yield subject.slice(from);
}

/** RFC 4514 §2.4: `\` and two hexadecimal digits are a byte of UTF-8, `\` and anything else is that. */
function unescaped(value: string): string | undefined {
  // As hexadecimal of BER: a type that has no text.
  if (value.startsWith('#')) return undefined;
  const bytes: number[] = [];
  for (let i = 0; i < value.length; ) {
    const digits = /^\\([0-9a-fA-F]{2})/.exec(value.slice(i, i + 3));
    if (digits !== null) {
      bytes.push(Number.parseInt(digits[1] as string, 16));
      i += 3;
      continue;
    }
    if (value[i] === '\\') i += 1;
    const character = String.fromCodePoint(value.codePointAt(i) ?? 0x5c);
    bytes.push(...Buffer.from(character));
    i += character.length;
  }
  try {
    return decodeUtf8(Uint8Array.from(bytes));
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

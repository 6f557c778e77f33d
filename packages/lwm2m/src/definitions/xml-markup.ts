// A look at the markup of an XML text before it goes to the parser: document types are refused, so no entity can be
// declared, and nesting is bounded, since the parser works recursively (reliability: entity expansion, deep nesting).
// One pass, linear in the length.
import type { FormatError } from '@lapwing/kernel';

const deepest = 32;
const mostElements = 20_000;

/** Throws what `fail` makes. Anything it cannot make sense of is left to the parser to refuse. */
export function checkMarkup(text: string, fail: (message: string, offset: number) => FormatError): void {
  let depth = 0;
  let elements = 0;
  for (let at = text.indexOf('<'); at >= 0; ) {
    let end: number;
    if (text.startsWith('<!--', at)) end = endOf(text, '-->', at + 4);
    else if (text.startsWith('<![CDATA[', at)) end = endOf(text, ']]>', at + 9);
    else if (text.startsWith('<?', at)) end = endOf(text, '?>', at + 2);
    else if (text.startsWith('<!', at)) throw fail('a document type is not allowed', at);
    else if (text.startsWith('</', at)) {
      depth -= 1;
      end = endOf(text, '>', at + 2);
    } else {
      end = endOfTag(text, at + 1);
      elements += 1;
      if (text.charAt(end - 2) !== '/') depth += 1;
      if (depth > deepest) throw fail(`nested deeper than ${deepest}`, at);
      if (elements > mostElements) throw fail(`more than ${mostElements} elements`, at);
    }
    at = text.indexOf('<', end);
  }
}

function endOf(text: string, mark: string, from: number): number {
  const found = text.indexOf(mark, from);
  return found < 0 ? text.length : found + mark.length;
}

/** Behind the `>` of a tag, quoted ones passed over. */
function endOfTag(text: string, from: number): number {
  for (let at = from; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (character === '>') return at + 1;
    if (character === '"' || character === "'") at = endOf(text, character, at + 1) - 1;
  }
  return text.length;
}

// HOCON as EMQX writes it, read by one parser that is kept behind this function so that it can be replaced. That parser also
// fetches includes from anywhere, runs code given as a "transform" and answers some errors with undefined: whatever could start
// any of it is refused before it sees the text. Substitutions of the environment (`${?NAME}`) work.
/// <reference path="./hocon-parser.d.ts" />
import { FormatError } from '@lapwing/kernel';
import hocon from '@pushcorn/hocon-parser';

/** Throws FormatError, with line and column where the parser or the guard knows them. */
export async function parseHocon(text: string): Promise<unknown> {
  guard(text);
  let value: unknown;
  try {
    value = await hocon.parse({ text, strict: true });
  } catch (error) {
    throw new FormatError(`not HOCON: ${placeOf(error)}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new FormatError('not HOCON: no object in it');
  }
  return value;
}

const forbiddenWord = /^(include|require|required)\b/;
const forbiddenSigns: ReadonlyMap<string, string> = new Map([
  ['|', 'transforms (|) are not allowed'],
  ['@', 'includes (@) are not followed'],
  ['`', 'backquotes are not allowed'],
]);

function guard(text: string): void {
  let at = 0;
  while (at < text.length) {
    const c = text[at] as string;
    if (c === '"') at = skipQuoted(text, at);
    else if (c === '#' || (text.startsWith('//', at) && /^\s?$/.test(text[at - 1] ?? ''))) {
      const end = text.indexOf('\n', at);
      at = end < 0 ? text.length : end;
    } else {
      const forbidden = forbiddenSigns.get(c);
      if (forbidden !== undefined) throw refused(text, at, forbidden);
      const wordStarts = !/[\w.-]/.test(text[at - 1] ?? ' ');
      if (wordStarts && forbiddenWord.test(text.slice(at, at + 10)))
        throw refused(text, at, 'includes are not followed');
      at += 1;
    }
  }
}

function skipQuoted(text: string, from: number): number {
  if (text.startsWith('"""', from)) {
    const end = text.indexOf('"""', from + 3);
    if (end < 0) throw refused(text, from, 'text without closing """');
    return end + (/^"+/.exec(text.slice(end))?.[0].length ?? 3);
  }
  let at = from + 1;
  while (text[at] !== '"') {
    if (at >= text.length || text[at] === '\n' || text[at] === '\r')
      throw refused(text, from, 'text without closing "');
    at += text[at] === '\\' ? 2 : 1;
  }
  if (/^@?(include|require)/.test(text.slice(from + 1, at))) throw refused(text, from, 'includes are not followed');
  return at + 1;
}

function refused(text: string, at: number, why: string): FormatError {
  const before = text.slice(0, at).split('\n');
  return new FormatError(
    `not HOCON here: ${why} (line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1})`,
    at,
  );
}

/** The parser's own message quotes the text around the error, which may be a password: only what and where are kept. */
function placeOf(error: unknown): string {
  const message = error instanceof Error ? error.message : 'it does not parse';
  const what = /^[^'"`(]{0,80}/.exec(message)?.[0].trim() ?? '';
  const where = /line: (\d+), col: (\d+)/.exec(message);
  return where === null ? what : `${what} (line ${where[1]}, column ${where[2]})`;
}

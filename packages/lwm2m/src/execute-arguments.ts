// The arguments of Execute: `5`, `2='10.3'`, `7,0='https://example'` (Core 1.2.1 §6.3.5).
import { FormatError } from '@lapwing/kernel';

/** By digit, 0 to 9, in the order in which they stand; undefined for one without a value. */
export type ExecuteArguments = ReadonlyMap<number, string | undefined>;

/** One argument and the comma behind it. Printable ASCII without space, both quotes and backslash. */
const argument = /([0-9])(?:='([!#-&(-[\]-~]*)')?(,|$)/y;

/** Empty text is no arguments. Throws FormatError for anything but the grammar, and for a digit twice. */
export function parseArguments(text: string): ExecuteArguments {
  const parsed = new Map<number, string | undefined>();
  if (text === '') return parsed;
  let at = 0;
  for (;;) {
    argument.lastIndex = at;
    const match = argument.exec(text);
    if (match === null) throw new FormatError('not an argument of Execute', at);
    const digit = Number(match[1]);
    if (parsed.has(digit)) throw new FormatError(`argument ${digit} stands twice`, at);
    parsed.set(digit, match[2]);
    at += match[0].length;
    if (match[3] === '') return parsed;
  }
}

/** Throws FormatError for a digit that is none and for characters that have no place in the grammar. */
export function formatArguments(given: ExecuteArguments): string {
  const text = [...given].map(([digit, value]) => (value === undefined ? `${digit}` : `${digit}='${value}'`)).join(',');
  parseArguments(text);
  return text;
}

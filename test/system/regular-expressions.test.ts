// Every regular expression of every package, cut out of the sources and fed texts made to hurt: long runs of what it may match
// with an end that it cannot. A text of 16,000 characters takes a linear one well under a millisecond and a quadratic one
// about 100 ms, so the limit between them is far from both.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '@lapwing/kernel';
import { expect, it } from 'vitest';

const packages = fileURLToPath(new URL('../../packages/', import.meta.url));
const length = 16_000;
const limit = 25;

interface Literal {
  readonly place: string;
  readonly source: string;
  readonly flags: string;
}

function sources(): string[] {
  return readdirSync(packages).flatMap((name) =>
    readdirSync(join(packages, name, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !/\.(test|property|test-d|d)\.ts$/.test(file))
      .map((file) => join(name, 'src', file)),
  );
}

/** Comments and texts are passed over; a slash begins an expression where no value can stand before it. */
function literalsOf(file: string): Literal[] {
  const code = readFileSync(join(packages, file), 'utf8');
  const found: Literal[] = [];
  let line = 1;
  let before = '';
  for (let at = 0; at < code.length; at += 1) {
    const c = code[at] as string;
    if (c === '\n') line += 1;
    if (/\s/.test(c)) continue;
    if (code.startsWith('//', at)) {
      const end = code.indexOf('\n', at);
      at = end < 0 ? code.length : end - 1;
    } else if (c === '`') {
      const end = endOfTemplate(code, at);
      line += code.slice(at, end).split('\n').length - 1;
      at = end;
      before = c;
    } else if (code.startsWith('/*', at)) {
      const end = code.indexOf('*/', at);
      line += code.slice(at, end).split('\n').length - 1;
      at = end + 1;
    } else if (c === "'" || c === '"') {
      at += 1;
      while (code[at] !== c) at += code[at] === '\\' ? 2 : 1;
      before = c;
    } else if (c === '/' && (/[(,=:[!&|?{};+>]/.test(before) || /\breturn\s*$/.test(code.slice(at - 10, at)))) {
      let end = at + 1;
      for (let inClass = false; inClass || code[end] !== '/'; end += 1) {
        if (code[end] === '\\') end += 1;
        else if (code[end] === '[') inClass = true;
        else if (code[end] === ']') inClass = false;
      }
      const [flags = ''] = /^[a-z]*/.exec(code.slice(end + 1)) ?? [];
      found.push({ place: `${file}:${line}`, source: code.slice(at + 1, end), flags });
      at = end + flags.length;
      before = '/';
    } else before = c;
  }
  return found;
}

/** Offset of the closing backquote. What stands between braces is passed over too. */
function endOfTemplate(code: string, from: number): number {
  let depth = 0;
  for (let at = from + 1; at < code.length; at += 1) {
    const c = code[at];
    if (c === '\\') at += 1;
    else if (c === '`') {
      if (depth === 0) return at;
      at = endOfTemplate(code, at);
    } else if (code.startsWith('${', at)) depth += 1;
    else if (c === '}' && depth > 0) depth -= 1;
  }
  return code.length;
}

/** What an expression may be fond of: characters it names, and one of each usual kind. */
function* hurting({ source }: Literal): Generator<string> {
  const named = [...new Set(source.replace(/\\[a-zA-Z](\{[^}]*\})?/g, ''))].filter((c) => !/[a-zA-Z0-9()]/.test(c));
  const kinds = ['a', 'F', '0', ' ', '\t', '\n', '\u00e9', '\u0000', ...named];
  const words = source.match(/[a-z]{2,}/g) ?? [];
  for (const run of [...kinds, ...words, '1ms', '1.', '0/', '/0', 'a.', '%2', '0,', '\\"', '${', '="']) {
    const text = run.repeat(Math.ceil(length / run.length));
    for (const end of ['', '\u0001', '!', '"']) yield text + end;
    for (const start of ['"', '/', '0', 'a', '<', '${']) yield `${start}${text}\u0001`;
  }
}

/** In ms, the best of three: a pause of the machine is nobody's fault. */
function cost(expression: RegExp, text: string): number {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 3 && best > limit; i += 1) {
    const from = systemClock.now();
    expression.lastIndex = 0;
    if (expression.global) text.replace(expression, '');
    else expression.test(text);
    best = Math.min(best, systemClock.now() - from);
  }
  return best;
}

it('L-31: no regular expression of any package takes more than linear time', { timeout: 120_000 }, () => {
  const literals = sources().flatMap(literalsOf);
  expect(literals.length).toBeGreaterThan(40);
  const slow = new Set<string>();
  for (const literal of literals) {
    const expression = new RegExp(literal.source, literal.flags);
    for (const text of hurting(literal)) {
      if (cost(expression, text) <= limit) continue;
      slow.add(`${literal.place} /${literal.source}/ on ${JSON.stringify(text.slice(0, 8))}…`);
      break;
    }
  }
  expect([...slow]).toEqual([]);
});

it('L-31: a quadratic one would be found', () => {
  const texts = [...hurting({ place: '', source: '\\/+$', flags: '' })];
  expect(Math.max(...texts.slice(0, 200).map((text) => cost(/\/+$/, text)))).toBeGreaterThan(limit);
});

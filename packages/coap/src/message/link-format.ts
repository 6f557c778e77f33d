// CoRE link format, both ways (RFC 6690 §2): `</3303/0>;ct=112;rt="temperature",</1/0>`. One pass over the text,
// linear in its length. White space around separators is tolerated; everything else is as the grammar says.
import { FormatError } from '@lapwing/kernel';

/** A name alone is true. Names are as written (`rt`, `ct`, `title*`); of a repeated name the first counts. */
export type LinkAttributes = ReadonlyMap<string, string | true>;

export interface Link {
  /** As between the angle brackets: `/3/0`. */
  readonly target: string;
  /** Of links without attributes: one shared empty map. */
  readonly attributes: LinkAttributes;
}

const noAttributes: LinkAttributes = new Map();

const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const SEMICOLON = 0x3b;
const LESS = 0x3c;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;

/** `attributes` default to none. */
export function makeLink(target: string, attributes?: Iterable<readonly [string, string | true]>): Link {
  if (attributes === undefined) return { target, attributes: noAttributes };
  const map = new Map(attributes);
  return { target, attributes: map.size === 0 ? noAttributes : map };
}

/** Empty text is no links. Throws FormatError. */
export function parseLinks(text: string): Link[] {
  const links: Link[] = [];
  const end = text.length;
  let at = skipSpace(text, 0);
  if (at === end) return links;
  for (;;) {
    if (text.charCodeAt(at) !== LESS) throw new FormatError('link format: < expected', at);
    const close = text.indexOf('>', at + 1);
    if (close < 0) throw new FormatError('link format: < without >', at);
    const target = text.slice(at + 1, close);
    at = skipSpace(text, close + 1);
    if (text.charCodeAt(at) === SEMICOLON) {
      const attributes = new Map<string, string | true>();
      at = parseAttributes(text, at, attributes);
      links.push({ target, attributes });
    } else links.push({ target, attributes: noAttributes });
    if (at === end) return links;
    if (text.charCodeAt(at) !== COMMA) throw new FormatError('link format: , or ; expected', at);
    at = skipSpace(text, at + 1);
  }
}

/** Values that are numbers or plain words stand bare, all others quoted, as the examples of RFC 6690 do. */
export function formatLinks(links: readonly Link[]): string {
  let text = '';
  for (const { target, attributes } of links) {
    text += text === '' ? `<${target}>` : `,<${target}>`;
    for (const [name, value] of attributes)
      text += value === true ? `;${name}` : `;${name}=${formatValue(name, value)}`;
  }
  return text;
}

/** Reads `;name[=value]` until something else comes; gives the position of that. */
function parseAttributes(text: string, from: number, into: Map<string, string | true>): number {
  let at = from;
  while (text.charCodeAt(at) === SEMICOLON) {
    const start = skipSpace(text, at + 1);
    at = endOfToken(text, start);
    if (at === start) throw new FormatError('link format: attribute name expected', at);
    const name = text.slice(start, at);
    let value: string | true = true;
    at = skipSpace(text, at);
    if (text.charCodeAt(at) === EQUALS) {
      const open = skipSpace(text, at + 1);
      if (text.charCodeAt(open) === QUOTE) {
        at = endOfQuoted(text, open);
        value = unquote(text.slice(open + 1, at - 1));
      } else {
        at = endOfToken(text, open);
        if (at === open) throw new FormatError('link format: attribute value expected', at);
        value = text.slice(open, at);
      }
      at = skipSpace(text, at);
    }
    if (!into.has(name)) into.set(name, value);
  }
  return at;
}

/** Token characters: everything but separators, quotes, angle brackets, white space and controls (RFC 6690 §2, ptoken). */
function endOfToken(text: string, from: number): number {
  let at = from;
  for (; at < text.length; at += 1) {
    const c = text.charCodeAt(at);
    if (c <= SPACE || c === COMMA || c === SEMICOLON || c === EQUALS || c === QUOTE || c === LESS || c === 0x7f) break;
  }
  return at;
}

function endOfQuoted(text: string, open: number): number {
  for (let at = open + 1; at < text.length; at += 1) {
    const c = text.charCodeAt(at);
    if (c === QUOTE) return at + 1;
    if (c === BACKSLASH) at += 1;
  }
  throw new FormatError('link format: quote without end', open);
}

function unquote(quoted: string): string {
  return quoted.includes('\\') ? quoted.replaceAll(/\\(.)/gs, '$1') : quoted;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  for (; at < text.length; at += 1) {
    const c = text.charCodeAt(at);
    if (c !== SPACE && c !== TAB && c !== CARRIAGE_RETURN && c !== LINE_FEED) break;
  }
  return at;
}

/** RFC 6690 §2 gives these as quoted strings only. */
const alwaysQuoted: ReadonlySet<string> = new Set(['rt', 'if', 'rel', 'rev', 'anchor', 'title']);

function formatValue(name: string, value: string): string {
  const bare = !alwaysQuoted.has(name) && /^[\w.-]+$/.test(value);
  return bare ? value : `"${value.replaceAll(/["\\]/g, '\\$&')}"`;
}

/** Attributes that hold a list of words, any of which may match (RFC 6690 §3.1, §3.2). */
const lists: ReadonlySet<string> = new Set(['rt', 'if', 'rel', 'ct']);

/**
 * The links that match every `name=value` of a query (RFC 6690 §4.1): `href` is the target, a `*` at the end of the
 * value stands for any rest. Other parts of the query are ignored.
 */
export function filterLinks(links: readonly Link[], query: readonly string[]): readonly Link[] {
  const filters = query.flatMap((part) => {
    const equals = part.indexOf('=');
    return equals <= 0 ? [] : [{ name: part.slice(0, equals), wanted: part.slice(equals + 1) }];
  });
  return links.filter((link) => filters.every(({ name, wanted }) => matches(link, name, wanted)));
}

function matches(link: Link, name: string, wanted: string): boolean {
  const value = name === 'href' ? link.target : link.attributes.get(name);
  if (value === undefined) return false;
  const words = value === true ? [''] : lists.has(name) ? value.split(' ') : [value];
  if (!wanted.endsWith('*')) return words.includes(wanted) || value === wanted;
  const start = wanted.slice(0, -1);
  return words.some((word) => word.startsWith(start));
}

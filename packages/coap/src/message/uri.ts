// URIs and the options that carry them (RFC 7252 §6, RFC 8323 §8): text to parts and back, parts to options and
// back. Any scheme with an authority is taken as text, since who can speak it is not decided here; `tel:` and
// `sms:` are taken with a number in place of the host; `sms://` and `coap+sms://`, which others write, are read as `sms:`.
import { type Address, decodeUtf8, encodeUtf8, FormatError } from '@lapwing/kernel';
import { OptionSet, type OptionValue } from './option-set.ts';
import { Option } from './options.ts';

/** The parts of a URI, percent-decoded. */
export interface Uri {
  /** In lower case: `coap`, `coaps+tcp`, `tel`. */
  readonly scheme: string;
  /** Name in lower case, IPv4, IPv6 without brackets, or a telephone number. */
  readonly host: string;
  /** The scheme's own when the text names none; undefined for schemes without a known one. */
  readonly port: number | undefined;
  readonly path: readonly string[];
  readonly query: readonly string[];
}

/** RFC 7252 §6.1, §6.2, RFC 8323 §8.1 to §8.4. */
const ports: ReadonlyMap<string, number> = new Map([
  ['coap', 5683],
  ['coaps', 5684],
  ['coap+tcp', 5683],
  ['coaps+tcp', 5684],
  ['coap+ws', 80],
  ['coaps+ws', 443],
]);

export function portOfScheme(scheme: string): number | undefined {
  return ports.get(scheme);
}

/** Throws FormatError: relative references, user information, fragments, wrong ports, numbers of more than 15 digits, segments or queries above 255 bytes. */
export function parseUri(text: string): Uri {
  const colon = text.indexOf(':');
  const scheme = text.slice(0, Math.max(colon, 0)).toLowerCase();
  if (!/^[a-z][a-z0-9+.-]*$/.test(scheme)) throw new FormatError('URI without a scheme', 0);
  const wrong = text.search(/[\s#\\\p{Cc}]/u);
  if (wrong >= 0) throw new FormatError('URI with a fragment, white space, a control or a backslash', wrong);
  if (scheme === 'tel' || scheme === 'sms' || scheme === 'coap+sms') return parseNumber(text, scheme, colon + 1);
  if (!text.startsWith('//', colon + 1)) throw new FormatError('URI without an authority', colon + 1);
  const start = colon + 3;
  const pathAt = indexOrEnd(text, /[/?]/g, start);
  const { host, port } = parseAuthority(text.slice(start, pathAt), start);
  return { scheme, host, port: port ?? ports.get(scheme), ...parsePlace(text, pathAt) };
}

/** `parseUri` of it gives the same parts, provided that they are such as `parseUri` gives. The scheme's own port is left out. */
export function formatUri(uri: Uri): string {
  const place = `${formatPath(uri.path)}${formatQuery(uri.query)}`;
  if (uri.scheme === 'tel' || uri.scheme === 'sms') return `${uri.scheme}:${uri.host}${place}`;
  const host = uri.host.includes(':') ? `[${uri.host.replace('%', '%25')}]` : encodePart(uri.host, subDelimiters);
  const port = uri.port === undefined || uri.port === ports.get(uri.scheme) ? '' : `:${uri.port}`;
  return `${uri.scheme}://${host}${port}${place}`;
}

/** `/a/b`, percent-encoded; no segments give an empty text. RFC 7252 §6.5, steps 6 and 7. */
export function formatPath(path: readonly string[]): string {
  return path.map((segment) => `/${encodePart(segment, pathCharacters)}`).join('');
}

/** `?a=1&b`, percent-encoded; none give an empty text. RFC 7252 §6.5, step 8. */
export function formatQuery(query: readonly string[]): string {
  return query.length === 0 ? '' : `?${query.map((part) => encodePart(part, queryCharacters)).join('&')}`;
}

/**
 * Uri-Host, Uri-Path and Uri-Query of a request to that URI's own host and port (RFC 7252 §6.4). Uri-Host is there
 * for names only: an address is where the request goes anyway, and so is the port.
 */
export function uriOptions(uri: Uri): OptionSet {
  const options: (readonly [number, OptionValue])[] = [];
  if (uri.host !== '' && !isLiteralAddress(uri.host) && uri.scheme !== 'tel' && uri.scheme !== 'sms') {
    options.push([Option.UriHost, uri.host]);
  }
  return OptionSet.of(...options, ...placeOptions(uri.path, uri.query));
}

/** Uri-Path and Uri-Query alone: what a request to a known peer is about. */
export function placeOptions(path: readonly string[], query: readonly string[] = []): OptionSet {
  return OptionSet.of(
    ...path.map((segment) => [Option.UriPath, segment] as const),
    ...query.map((part) => [Option.UriQuery, part] as const),
  );
}

/** The URI that a request names (RFC 7252 §6.5); `destination` stands in for absent Uri-Host and Uri-Port. Throws FormatError. */
export function uriOf(scheme: string, options: OptionSet, destination: Address): Uri {
  const socket = destination.via === 'sms' ? { host: destination.msisdn, port: undefined } : destination;
  return {
    scheme,
    host: options.text(Option.UriHost) ?? socket.host,
    port: options.uint(Option.UriPort) ?? socket.port,
    path: options.path,
    query: options.query,
  };
}

/** ITU-T E.164 §6.2.1. */
const MOST_DIGITS = 15;

/**
 * A number in place of the host, without what is there for the eye, and then as in any URI. Parameters of the number (RFC 3966 §3) are
 * nothing that can be dialled, and are left out.
 */
function parseNumber(text: string, scheme: string, from: number): Uri {
  const start = scheme !== 'tel' && text.startsWith('//', from) ? from + 2 : from;
  const [, written = '', parameters = ''] = /^([^;/?]*)([^/?]*)/.exec(text.slice(start)) ?? [];
  const number = written.replaceAll(/[-.()]/g, '');
  const [, digits] = /^\+?(\d+)$/.exec(number) ?? [];
  if (digits === undefined) throw new FormatError(`${scheme} URI without a number`, start);
  if (digits.length > MOST_DIGITS) {
    const why = `number of ${digits.length} digits, where E.164 has ${MOST_DIGITS} at most`;
    throw new FormatError(`${scheme} URI with a ${why}`, start);
  }
  if (!/^(?:;[\w-]+(?:=(?:[^;%]|%[0-9A-Fa-f]{2})+)?)*$/.test(parameters))
    throw new FormatError(`${scheme} URI with malformed parameters`, start + written.length);
  return {
    scheme: scheme === 'tel' ? 'tel' : 'sms',
    host: number,
    port: undefined,
    ...parsePlace(text, start + written.length + parameters.length),
  };
}

function parseAuthority(text: string, offset: number): { readonly host: string; readonly port: number | undefined } {
  const parts = /^(?:\[([0-9A-Fa-f:.]+(?:%25[\w.~-]+)?)\]|([^@:[\]]*))(?::(\d*))?$/.exec(text);
  if (parts === null) throw new FormatError('URI with a malformed host or port', offset);
  const [, literal, name, digits] = parts;
  const host =
    literal === undefined ? decodePart(name ?? '', offset).toLowerCase() : literal.toLowerCase().replace('%25', '%');
  if (host === '') throw new FormatError('URI without a host', offset);
  if (/[\p{Cc}\s/\\?#@:[\]]/u.test(literal === undefined ? host : ''))
    throw new FormatError('URI with a malformed host', offset);
  if (literal !== undefined && !literal.includes(':')) throw new FormatError('URI with a malformed address', offset);
  const port = digits === undefined || digits === '' ? undefined : Number(digits);
  if (port !== undefined && (port === 0 || port > 65_535))
    throw new FormatError('URI with a port outside 1 to 65535', offset);
  return { host, port };
}

/** What stands behind the host, from there on. */
function parsePlace(text: string, pathAt: number): Pick<Uri, 'path' | 'query'> {
  const queryAt = indexOrEnd(text, /\?/g, pathAt);
  const path = parsePath(text.slice(pathAt, queryAt), pathAt);
  if (queryAt === text.length) return { path, query: [] };
  const parts = text.slice(queryAt + 1).split('&');
  return { path, query: parts.map((part) => decodePart(part, queryAt + 1)) };
}

/** A lone slash is no segment; dot segments are resolved (RFC 3986 §5.2.4), encoded ones too. */
function parsePath(text: string, offset: number): string[] {
  const path: string[] = [];
  if (text === '' || text === '/') return path;
  const parts = text.slice(1).split('/');
  for (const [i, part] of parts.entries()) {
    const segment = decodePart(part, offset);
    const isLast = i === parts.length - 1;
    if (segment === '..') path.pop();
    if (segment !== '.' && segment !== '..') path.push(segment);
    else if (isLast && path.length > 0) path.push('');
  }
  return path.length === 1 && path[0] === '' ? [] : path;
}

function decodePart(text: string, offset: number): string {
  const decoded = text.includes('%') ? decodePercent(text, offset) : text;
  const bytes = encodeUtf8(decoded).length;
  if (bytes > 255) throw new FormatError(`URI part of ${bytes} bytes`, offset);
  if (/\p{Surrogate}/u.test(decoded)) throw new FormatError('URI with half a character', offset);
  return decoded;
}

function decodePercent(text: string, offset: number): string {
  const bytes = encodeUtf8(text);
  const decoded = new Uint8Array(bytes.length);
  let used = 0;
  for (let i = 0; i < bytes.length; i += 1) {
    let byte = bytes[i] as number;
    if (byte === 0x25) {
      const digits = String.fromCharCode(bytes[i + 1] ?? 0, bytes[i + 2] ?? 0);
      if (!/^[0-9A-Fa-f]{2}$/.test(digits)) throw new FormatError('URI with a malformed percent encoding', offset);
      byte = Number.parseInt(digits, 16);
      i += 2;
    }
    decoded[used] = byte;
    used += 1;
  }
  return decodeUtf8(decoded.subarray(0, used));
}

/** RFC 3986 §3.2.2, §3.3, §3.4 without what RFC 7252 §6.5 excludes: `&` in queries. */
const subDelimiters = /[\w.~!$&'()*+,;=-]/;
const pathCharacters = /[\w.~!$&'()*+,;=:@-]/;
const queryCharacters = /[\w.~!$'()*+,;=:@/?-]/;

function encodePart(text: string, allowed: RegExp): string {
  let encoded = '';
  for (const byte of encodeUtf8(text)) {
    const character = String.fromCharCode(byte);
    encoded += allowed.test(character) ? character : `%${byte < 16 ? '0' : ''}${byte.toString(16).toUpperCase()}`;
  }
  return encoded;
}

function isLiteralAddress(host: string): boolean {
  return host.includes(':') || /^(\d{1,3}\.){3}\d{1,3}$/.test(host);
}

function indexOrEnd(text: string, pattern: RegExp, from: number): number {
  pattern.lastIndex = from;
  return pattern.exec(text)?.index ?? text.length;
}

// A CoAP response becomes a result, in the light of the operation that it answers: the asking side (Core 1.2.1 §6.3).
import { Code, ContentFormat, isSuccess, type Link, Option, parseLinks, type Response } from '@lapwing/coap';
import { decodeUtf8, FormatError } from '@lapwing/kernel';
import type { TypeLookup } from '../entry.ts';
import { codecFor } from '../formats/registry.ts';
import { baseOf, type ContentResult, type Operation, type Result } from '../operation.ts';
import type { Path } from '../path.ts';
import { under } from '../prefix.ts';
import { makeValue } from '../value.ts';
import { decodeContent } from './content.ts';
import { pathBelow, prefixedPathBelow } from './paths.ts';

/** Longest reason that is kept, in UTF-16 units. */
const longestReason = 256;

/**
 * A refusal is a result; what cannot be decoded throws FormatError. A content without a format is text
 * (RFC 7252 §5.10.3 leaves it open, devices mean that). `rootPath` is the device's, '' for none.
 */
export function readResponse(operation: Operation, response: Response, typeOf: TypeLookup, rootPath = ''): Result {
  const { code } = response;
  if (!isSuccess(code)) {
    const reason = readReason(response.payload);
    return reason === undefined ? { kind: 'refused', code } : { kind: 'refused', code, reason };
  }
  switch (operation.op) {
    case 'read':
    case 'observe':
    case 'cancel-observe':
    case 'read-composite':
    case 'observe-composite':
    case 'cancel-observe-composite':
      return code === Code.Content ? readContent(operation, response, typeOf, rootPath) : { kind: 'done', code };
    case 'discover':
      return { kind: 'links', code, links: readLinks(response, rootPath) };
    case 'create': {
      const location = readLocation(response, rootPath, operation.path.prefix);
      return location === undefined ? { kind: 'done', code } : { kind: 'done', code, location };
    }
    case 'write':
    case 'write-attributes':
    case 'execute':
    case 'delete':
    case 'write-composite':
    case 'send': {
      const { payload } = response;
      return payload.length === 0 ? { kind: 'done', code } : { kind: 'done', code, payload };
    }
  }
}

function readContent(operation: Operation, response: Response, typeOf: TypeLookup, root: string): ContentResult {
  const path = baseOf(operation);
  const { code, options, payload } = response;
  const format = options.contentFormat ?? ContentFormat.Text;
  // Bytes without a type, and formats that nobody here speaks, are handed on as the bytes that they are.
  const codec = format === ContentFormat.OctetStream ? undefined : codecFor(format);
  const trees = 'paths' in operation ? 'any' : undefined;
  const entries =
    codec === undefined
      ? [{ path, value: makeValue('opaque', payload) }]
      : decodeContent(codec, payload, path, typeOf, trees, root);
  const sequence = options.observe;
  // Two literals: a spread costs more than the decoding of a small notification.
  if (sequence === undefined) return { kind: 'content', code, entries, format, payload };
  return { kind: 'content', code, entries, format, payload, sequence };
}

function readLinks(response: Response, rootPath: string): readonly Link[] {
  const format = response.options.contentFormat ?? ContentFormat.LinkFormat;
  if (format !== ContentFormat.LinkFormat) throw new FormatError(`a list of links in Content-Format ${format}`);
  const links = parseLinks(decodeUtf8(response.payload));
  if (rootPath === '') return links;
  return links.map((link) =>
    link.target === rootPath || link.target.startsWith(`${rootPath}/`)
      ? { target: link.target.slice(rootPath.length) || '/', attributes: link.attributes }
      : link,
  );
}

/** With the root path or without: devices do both. A location that is no path is not worth losing the answer. */
function readLocation(response: Response, rootPath: string, prefix: string | undefined): Path | undefined {
  try {
    const segments = response.options.texts(Option.LocationPath);
    if (segments.length === 0) return undefined;
    const below = prefix === undefined ? pathBelow : prefixedPathBelow;
    const path = below(rootPath, segments) ?? below('', segments);
    return path === undefined ? undefined : under(prefix, path);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/** The start of a diagnostic payload without control characters (RFC 7252 §5.5.2); undefined for none. */
export function readReason(payload: Uint8Array): string | undefined {
  try {
    // A cut may go through a character: what follows the last whole one is dropped with it.
    const text = decodeUtf8(
      payload.length > longestReason * 3 ? payload.subarray(0, wholeCharacters(payload)) : payload,
    );
    const clean = text
      .replaceAll(/\p{Cc}+/gu, ' ')
      .slice(0, longestReason)
      .trim();
    return clean === '' ? undefined : clean;
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

function wholeCharacters(payload: Uint8Array): number {
  let end = longestReason * 3;
  while (end > 0 && ((payload[end] as number) & 0xc0) === 0x80) end -= 1;
  return end;
}

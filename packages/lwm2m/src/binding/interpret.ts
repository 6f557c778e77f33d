// A CoAP request becomes an operation: the answering side (Core 1.2.1 §6.3, §6.4). What cannot be one is thrown as the
// response that says why: 4.00 contents, 4.04 path, 4.05 method, 4.06 Accept, 4.15 Content-Format.
import { Code, ContentFormat, type Request, ResponseError } from '@lapwing/coap';
import { decodeUtf8, FormatError } from '@lapwing/kernel';
import { parseAttributes } from '../attributes.ts';
import type { Entry, Trees, TypeLookup } from '../entry.ts';
import { parseArguments } from '../execute-arguments.ts';
import { codecFor, formatTraits } from '../formats/registry.ts';
import { startsWithInstance } from '../formats/tlv.ts';
import { type Operation, outermost, type Selection } from '../operation.ts';
import { instancePath, type ObjectPath, type Path, rootPath as root } from '../path.ts';
import { under } from '../prefix.ts';
import { decodeContent } from './content.ts';
import { pathBelow, prefixedPathBelow } from './paths.ts';

/** Of one composite operation: what a server may make us remember. */
const mostPaths = 256;

export interface ReadRequestOptions {
  readonly typeOf: TypeLookup;
  /** Where the objects stand, without a slash at the end; default '' for none. */
  readonly rootPath?: string;
  /** Whether there is an end device with that prefix; default none. In composite operations any prefix is read. */
  readonly isBehind?: (prefix: string) => boolean;
}

/** Throws ResponseError and nothing else. */
export function readRequest(request: Request, options: ReadRequestOptions): Operation {
  const path = readPath(request, options);
  try {
    switch (request.code) {
      case Code.Get:
        return readGet(request, path);
      case Code.Put:
        return readPut(request, path, options);
      case Code.Post:
        return readPost(request, path, options);
      case Code.Delete:
        if (path.kind === 'instance' || path.kind === 'resource-instance') return { op: 'delete', path };
        throw new ResponseError(Code.MethodNotAllowed);
      case Code.Fetch:
        return readFetch(request, path, options);
      case Code.Ipatch:
        return readIpatch(request, path, options);
      default:
        throw new ResponseError(Code.MethodNotAllowed);
    }
  } catch (error) {
    if (error instanceof FormatError) throw ResponseError.badRequest(error.message);
    throw error;
  }
}

/** Whatever is no path has nothing behind it. */
function readPath(request: Request, { rootPath = '', isBehind }: ReadRequestOptions): Path {
  const segments = request.options.path;
  try {
    const path = pathBelow(rootPath, segments);
    if (path !== undefined) return path;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    if (isBehind !== undefined) return readPathBehind(segments, rootPath, isBehind);
  }
  throw new ResponseError(Code.NotFound);
}

/** Of an end device (Gateway 1.1.1 §8.3.1). */
function readPathBehind(segments: readonly string[], rootPath: string, isBehind: (prefix: string) => boolean): Path {
  try {
    const path = prefixedPathBelow(rootPath, segments);
    if (path?.prefix !== undefined && isBehind(path.prefix)) return path;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
  }
  throw new ResponseError(Code.NotFound);
}

function readGet(request: Request, path: Path): Operation {
  const { accept, observe, query } = request.options;
  if (accept === ContentFormat.LinkFormat && observe === undefined) {
    const depth = readDepth(query);
    return depth === undefined ? { op: 'discover', path } : { op: 'discover', path, depth };
  }
  if (observe === 1) return { op: 'cancel-observe', path };
  checkAccept(accept, path);
  const wanted = accept === undefined ? {} : { accept };
  // Any other number asks for nothing that RFC 7641 §2 knows.
  if (observe !== 0) return { op: 'read', path, ...wanted };
  const attributes = query.length === 0 ? {} : { attributes: parseAttributes(query) };
  return { op: 'observe', path, ...wanted, ...attributes };
}

function readDepth(query: readonly string[]): number | undefined {
  const depth = query.find((part) => part.startsWith('depth='))?.slice('depth='.length);
  if (depth === undefined) return undefined;
  if (!/^[0-3]$/.test(depth)) throw ResponseError.badRequest('depth is 0 to 3');
  return Number(depth);
}

function checkAccept(accept: number | undefined, path: Path): void {
  if (accept === undefined) return;
  if (!canSay(accept, path)) throw new ResponseError(Code.NotAcceptable);
}

/** Whether the format is spoken here and has a place for what can be at that path. */
function canSay(format: number, path: Path): boolean {
  const traits = formatTraits(format);
  if (traits === undefined) return false;
  if (path.kind === 'resource' || path.kind === 'resource-instance') return true;
  return traits.scope !== 'value' && (path.kind !== 'root' || traits.scope === 'composite');
}

function readPut(request: Request, path: Path, options: ReadRequestOptions): Operation {
  const { contentFormat, query } = request.options;
  if (contentFormat === undefined && query.length > 0 && request.payload.length === 0) {
    return { op: 'write-attributes', path, attributes: parseAttributes(query) };
  }
  return readWrite(request, path, 'replace', options);
}

function readPost(request: Request, path: Path, options: ReadRequestOptions): Operation {
  const { contentFormat } = request.options;
  if (path.kind === 'object') return readCreate(request, path, options);
  const isText = contentFormat === undefined || formatTraits(contentFormat)?.format === ContentFormat.Text;
  if (path.kind === 'resource' && isText) {
    if (request.payload.length === 0) return { op: 'execute', path };
    const args = decodeUtf8(request.payload);
    parseArguments(args);
    return { op: 'execute', path, args };
  }
  return readWrite(request, path, 'update', options);
}

function readWrite(request: Request, path: Path, mode: 'replace' | 'update', options: ReadRequestOptions): Operation {
  if (path.kind === 'root' || path.kind === 'object') throw new ResponseError(Code.MethodNotAllowed);
  const format = formatOf(request, path);
  return { op: 'write', path, mode, entries: decode(format, request.payload, path, options), format };
}

/** The id of the new instance stands in the content or nowhere; TLV may begin with the resources at once. */
function readCreate(request: Request, path: ObjectPath, options: ReadRequestOptions): Operation {
  if (request.payload.length === 0) return { op: 'create', path, entries: [] };
  const format = formatOf(request, path);
  if (formatTraits(format)?.format === ContentFormat.Tlv && !startsWithInstance(request.payload)) {
    const entries = decode(format, request.payload, under(path.prefix, instancePath(path.object, 0)), options);
    return { op: 'create', path, entries, format };
  }
  const decoded = decode(format, request.payload, path, options);
  const instances = new Set(decoded.map((entry) => ('instance' in entry.path ? entry.path.instance : undefined)));
  const [instance] = instances;
  if (instances.size !== 1 || instance === undefined) throw ResponseError.badRequest('one instance at a time');
  const entries = decoded.filter((entry) => entry.path.kind !== 'instance');
  return { op: 'create', path, instance, entries, format };
}

/** The paths of a composite operation are its body; it is asked of the root (Core 1.2.1 §6.3.8, §6.4.3). */
function readFetch(request: Request, path: Path, options: ReadRequestOptions): Operation {
  const { accept, observe, query } = request.options;
  checkAccept(accept, root);
  const format = compositeFormatOf(request, path);
  const selection = { ...selectionOf(request, format, options), ...(accept === undefined ? {} : { accept }) };
  if (observe === 1) return { op: 'cancel-observe-composite', ...selection };
  if (observe !== 0) return { op: 'read-composite', ...selection };
  const attributes = query.length === 0 ? {} : { attributes: parseAttributes(query) };
  return { op: 'observe-composite', ...selection, ...attributes };
}

function selectionOf(request: Request, format: number, options: ReadRequestOptions): Selection {
  const entries = decode(format, request.payload, root, options, treesOf(options));
  if (entries.length === 0) throw ResponseError.badRequest('no path');
  if (entries.length > mostPaths) throw ResponseError.badRequest(`more than ${mostPaths} paths`);
  if (entries.some((entry) => entry.value !== undefined)) throw ResponseError.badRequest('a path with a value');
  return { paths: outermost(entries.map((entry) => entry.path)), format };
}

function readIpatch(request: Request, path: Path, options: ReadRequestOptions): Operation {
  const format = compositeFormatOf(request, path);
  const entries = decode(format, request.payload, root, options, treesOf(options));
  if (entries.length === 0) throw ResponseError.badRequest('nothing to write');
  if (entries.some((entry) => entry.time !== undefined)) throw ResponseError.badRequest('a value with a time');
  return { op: 'write-composite', entries, format };
}

const treesOf = ({ isBehind }: ReadRequestOptions): Trees => (isBehind === undefined ? undefined : 'any');

function compositeFormatOf(request: Request, path: Path): number {
  if (path.kind !== 'root' || path.prefix !== undefined) throw new ResponseError(Code.MethodNotAllowed);
  return formatOf(request, path);
}

/** Throws ResponseError and nothing else: what a device sends by itself, as its server reads it (Core 1.2.1 §6.4.5). */
export function readSend(
  request: Request,
  typeOf: TypeLookup,
  /** Of the device that sends. */
  rootPath = '',
): Extract<Operation, { op: 'send' }> & { readonly format: number } {
  if (request.code !== Code.Post) throw new ResponseError(Code.MethodNotAllowed);
  const format = formatOf(request, root);
  try {
    const entries = decode(format, request.payload, root, { typeOf, rootPath }, 'any');
    if (entries.length === 0) throw ResponseError.badRequest('nothing was sent');
    if (entries.some((entry) => entry.value === undefined)) throw ResponseError.badRequest('a path without a value');
    return { op: 'send', entries, format };
  } catch (error) {
    if (error instanceof FormatError) throw ResponseError.badRequest(error.message);
    throw error;
  }
}

function formatOf(request: Request, path: Path): number {
  const format = request.options.contentFormat;
  if (format === undefined) throw ResponseError.diagnostic(Code.UnsupportedContentFormat, 'no Content-Format');
  if (!canSay(format, path)) throw new ResponseError(Code.UnsupportedContentFormat);
  return format;
}

function decode(
  format: number,
  payload: Uint8Array,
  base: Path,
  { typeOf, rootPath = '' }: Pick<ReadRequestOptions, 'typeOf' | 'rootPath'>,
  trees?: Trees,
): readonly Entry[] {
  const codec = codecFor(format);
  if (codec === undefined) throw new ResponseError(Code.UnsupportedContentFormat);
  return decodeContent(codec, payload, base, typeOf, trees, rootPath);
}

// The bootstrap interface on CoAP, both directions and both sides (Core 1.2.1 §6.1.7; the table in §6.3 of Transport 1.2.1):
// POST /bs and GET /bspack go up, everything else comes down, and POST /bs coming down is Bootstrap-Finish.
import {
  Code,
  ContentFormat,
  isSuccess,
  makeRequest,
  makeResponse,
  Option,
  OptionSet,
  placeOptions,
  type Request,
  type Response,
  ResponseError,
} from '@lapwing/coap';
import { FormatError, noBytes } from '@lapwing/kernel';
import {
  type BootstrapLinks,
  type BootstrapOperation,
  type BootstrapPlace,
  type BootstrapRequestFields,
  formatBootstrapLinks,
  formatBootstrapRequest,
  parseBootstrapLinks,
} from '../bootstrap.ts';
import type { Entry, TypeLookup } from '../entry.ts';
import { codecFor, formatTraits } from '../formats/registry.ts';
import { idsOf, type Path, pathOfSegments, rootPath } from '../path.ts';
import { type Lwm2mVersion, versionTraits } from '../version.ts';
import { readReason } from './response.ts';

/** Where a Bootstrap-Request goes, and where a Bootstrap-Finish comes. */
const bootstrapPath = 'bs';
const packPath = 'bspack';

export type BootstrapAsk = 'request' | 'pack';

/** What a device asks for by this path and method; undefined for neither. */
export function bootstrapAskOf(request: Request): BootstrapAsk | undefined {
  const { path } = request.options;
  if (path.length !== 1) return undefined;
  if (path[0] === bootstrapPath && request.code === Code.Post) return 'request';
  return path[0] === packPath && request.code === Code.Get ? 'pack' : undefined;
}

export function bootstrapRequest(fields: BootstrapRequestFields): Request {
  return makeRequest(Code.Post, placeOptions([bootstrapPath], formatBootstrapRequest(fields)));
}

/** Core 1.2.1 §6.1.7.7; `accept` is the format that the pack is wanted in. */
export function bootstrapPackRequest(fields: BootstrapRequestFields, accept: number): Request {
  const options = placeOptions([packPath], formatBootstrapRequest(fields));
  return makeRequest(Code.Get, options.with(Option.Accept, accept));
}

/** Formats that can say a pack: entries of several objects, as we like them best. */
export const packFormats: readonly number[] = [
  ContentFormat.SenmlCbor,
  ContentFormat.Lwm2mCbor,
  ContentFormat.SenmlJson,
];

/** Throws FormatError for what the format cannot say, and for one that says only one object. */
export function bootstrapPack(entries: readonly Entry[], format: number): Response {
  if (!packFormats.includes(format)) throw new FormatError(`a pack in Content-Format ${format}`);
  return makeResponse(Code.Content, OptionSet.of([Option.ContentFormat, format]), encode(format, entries, rootPath));
}

/** Throws FormatError for anything else than a pack. */
export function readBootstrapPack(response: Response, typeOf: TypeLookup): readonly Entry[] {
  const format = response.options.contentFormat;
  const codec = format === undefined || !packFormats.includes(format) ? undefined : codecFor(format);
  if (codec === undefined) throw new FormatError(`a pack in Content-Format ${format ?? 'none'}`);
  return codec.decode(response.payload, rootPath, typeOf);
}

/** Format to write in: `preferred` is the device's, TLV where it has said nothing, since then it may be one of 1.0. */
export function writeBootstrapOperation(operation: BootstrapOperation, preferred?: number): Request {
  switch (operation.op) {
    case 'bootstrap-discover':
      return makeRequest(Code.Get, at(operation.path).with(Option.Accept, ContentFormat.LinkFormat));
    case 'bootstrap-read': {
      const accept = operation.accept ?? preferred;
      return makeRequest(
        Code.Get,
        accept === undefined ? at(operation.path) : at(operation.path).with(Option.Accept, accept),
      );
    }
    case 'bootstrap-write': {
      const { path, entries } = operation;
      const format = operation.format ?? preferred ?? ContentFormat.Tlv;
      return makeRequest(Code.Put, at(path).with(Option.ContentFormat, format), encode(format, entries, path));
    }
    case 'bootstrap-delete':
      return makeRequest(Code.Delete, at(operation.path));
    case 'bootstrap-finish':
      return makeRequest(Code.Post, placeOptions([bootstrapPath]));
  }
}

export interface ReadBootstrapOptions {
  readonly typeOf: TypeLookup;
  readonly version: Lwm2mVersion;
}

/** A request of the bootstrap server: the device's side. Throws ResponseError and nothing else. */
export function readBootstrapOperation(request: Request, options: ReadBootstrapOptions): BootstrapOperation {
  const { path: segments } = request.options;
  if (request.code === Code.Post) {
    if (segments.length === 1 && segments[0] === bootstrapPath) return { op: 'bootstrap-finish' };
    throw new ResponseError(Code.MethodNotAllowed);
  }
  const path = pathFrom(segments);
  try {
    switch (request.code) {
      case Code.Get:
        return readGet(request, path, options.version);
      case Code.Put:
        return readWrite(request, path, options.typeOf);
      case Code.Delete:
        if (path.kind === 'root' || path.kind === 'object' || path.kind === 'instance')
          return { op: 'bootstrap-delete', path };
        throw new ResponseError(Code.MethodNotAllowed);
      default:
        throw new ResponseError(Code.MethodNotAllowed);
    }
  } catch (error) {
    if (error instanceof FormatError) throw ResponseError.badRequest(error.message);
    throw error;
  }
}

function pathFrom(segments: readonly string[]): Path {
  try {
    return pathOfSegments(segments);
  } catch (error) {
    if (error instanceof FormatError) throw new ResponseError(Code.NotFound);
    throw error;
  }
}

function readGet(request: Request, path: Path, version: Lwm2mVersion): BootstrapOperation {
  const { accept } = request.options;
  if (accept === ContentFormat.LinkFormat) {
    if (path.kind === 'root' || path.kind === 'object') return { op: 'bootstrap-discover', path };
    throw new ResponseError(Code.MethodNotAllowed);
  }
  if (!versionTraits[version].bootstrap.read || (path.kind !== 'object' && path.kind !== 'instance'))
    throw new ResponseError(Code.MethodNotAllowed);
  if (accept === undefined) return { op: 'bootstrap-read', path };
  const traits = formatTraits(accept);
  if (traits === undefined || traits.scope === 'value') throw new ResponseError(Code.NotAcceptable);
  return { op: 'bootstrap-read', path, accept };
}

function readWrite(request: Request, path: Path, typeOf: TypeLookup): BootstrapOperation {
  if (path.kind === 'root' || path.kind === 'resource-instance') throw new ResponseError(Code.MethodNotAllowed);
  const format = request.options.contentFormat;
  if (format === undefined) throw ResponseError.diagnostic(Code.UnsupportedContentFormat, 'no Content-Format');
  const scope = formatTraits(format)?.scope;
  const codec = codecFor(format);
  if (codec === undefined || (scope === 'value' && path.kind !== 'resource'))
    throw new ResponseError(Code.UnsupportedContentFormat);
  return { op: 'bootstrap-write', path, entries: codec.decode(request.payload, path, typeOf), format };
}

/** What a device has to say to an operation, before it has a form. */
export type BootstrapAnswer =
  | { readonly kind: 'done'; readonly code: Code }
  | { readonly kind: 'content'; readonly entries: readonly Entry[] }
  | { readonly kind: 'places'; readonly places: readonly BootstrapPlace[] };

/** A content that the wanted format cannot say becomes 4.06. */
export function writeBootstrapAnswer(
  operation: BootstrapOperation,
  answer: BootstrapAnswer,
  version: Lwm2mVersion,
): Response {
  switch (answer.kind) {
    case 'done':
      return makeResponse(answer.code);
    case 'places': {
      const options = OptionSet.of([Option.ContentFormat, ContentFormat.LinkFormat]);
      return makeResponse(Code.Content, options, formatBootstrapLinks(version, answer.places));
    }
    case 'content': {
      const accept = operation.op === 'bootstrap-read' ? operation.accept : undefined;
      const format = codecFor(accept ?? versionTraits[version].assumedFormat)?.format ?? ContentFormat.Tlv;
      const base = operation.op === 'bootstrap-read' ? operation.path : rootPath;
      try {
        const payload = encode(format, answer.entries, base);
        return makeResponse(Code.Content, OptionSet.of([Option.ContentFormat, format]), payload);
      } catch (error) {
        if (error instanceof FormatError) return makeResponse(Code.NotAcceptable);
        throw error;
      }
    }
  }
}

/** What comes back to a bootstrap server. */
export type BootstrapResult =
  | { readonly kind: 'done'; readonly code: Code }
  | { readonly kind: 'content'; readonly code: Code; readonly entries: readonly Entry[] }
  | { readonly kind: 'links'; readonly code: Code; readonly links: BootstrapLinks }
  | { readonly kind: 'refused'; readonly code: Code; readonly reason?: string };

/** A refusal is a result; what cannot be decoded throws FormatError. */
export function readBootstrapAnswer(
  operation: BootstrapOperation,
  response: Response,
  typeOf: TypeLookup,
): BootstrapResult {
  const { code, options, payload } = response;
  if (!isSuccess(code)) {
    const reason = readReason(payload);
    return reason === undefined ? { kind: 'refused', code } : { kind: 'refused', code, reason };
  }
  switch (operation.op) {
    case 'bootstrap-discover':
      return { kind: 'links', code, links: parseBootstrapLinks(payload) };
    case 'bootstrap-read': {
      const format = options.contentFormat ?? ContentFormat.Tlv;
      const codec = codecFor(format);
      if (codec === undefined) throw new FormatError(`a content in Content-Format ${format}`);
      return { kind: 'content', code, entries: codec.decode(payload, operation.path, typeOf) };
    }
    case 'bootstrap-write':
    case 'bootstrap-delete':
    case 'bootstrap-finish':
      return { kind: 'done', code };
  }
}

function encode(format: number, entries: readonly Entry[], base: Path): Uint8Array {
  const codec = codecFor(format);
  if (codec === undefined) throw new FormatError(`no codec for Content-Format ${format}`);
  return entries.length === 0 ? noBytes : codec.encode(entries, base);
}

const at = (path: Path): OptionSet => placeOptions(idsOf(path).map(String));

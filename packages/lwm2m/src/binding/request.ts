// An operation becomes a CoAP request: the asking side (Core 1.2.1 §6.3, §6.4; the table in §6.3 of Transport 1.2.1).
import { Code, ContentFormat, makeRequest, Option, OptionSet, type OptionValue, type Request } from '@lapwing/coap';
import { encodeUtf8, FormatError, noBytes } from '@lapwing/kernel';
import { type AttributePatch, formatAttributes, misplacedAttribute } from '../attributes.ts';
import type { Entry } from '../entry.ts';
import { parseArguments } from '../execute-arguments.ts';
import { codecFor } from '../formats/registry.ts';
import { baseOf, type Operation, outermost, type Selection } from '../operation.ts';
import { contains, formatPath, instancePath, type Path, rootPath } from '../path.ts';
import { under } from '../prefix.ts';
import { type Lwm2mVersion, versionTraits } from '../version.ts';
import { encodeContent } from './content.ts';
import { dataPath, segmentsOf } from './paths.ts';
import { singleValueFormat } from './single-value.ts';

/** What has to be known of a device to speak to it. A registration fits. */
export interface RequestTarget {
  readonly version: Lwm2mVersion;
  /** Without a slash at the end, '' for none. */
  readonly rootPath: string;
  /** Content-Formats that the device has announced; without them it is asked for its own choice. */
  readonly formats?: readonly number[];
}

type Options = (readonly [number, OptionValue])[];

/**
 * Throws FormatError for entries that the format cannot say, for a format that is not spoken here, for attributes that have no meaning
 * at their path, and for arguments of Execute that are none (Core 1.2.1 §6.3.5).
 */
export function writeRequest(operation: Operation, target: RequestTarget): Request {
  const options: Options = segmentsOf(target.rootPath, baseOf(operation)).map((segment) => [Option.UriPath, segment]);
  switch (operation.op) {
    case 'read':
      addAccept(options, operation.accept, target);
      return make(Code.Get, options);
    case 'discover':
      options.push([Option.Accept, ContentFormat.LinkFormat]);
      if (operation.depth !== undefined) options.push([Option.UriQuery, `depth=${operation.depth}`]);
      return make(Code.Get, options);
    case 'observe':
      refuseMisplaced(operation.attributes, [operation.path]);
      options.push([Option.Observe, 0]);
      for (const part of formatAttributes(operation.attributes ?? {})) options.push([Option.UriQuery, part]);
      addAccept(options, operation.accept, target);
      return make(Code.Get, options);
    case 'cancel-observe':
      options.push([Option.Observe, 1]);
      return make(Code.Get, options);
    case 'write': {
      const { path, entries } = operation;
      const format = operation.format ?? formatFor(path, entries, target);
      options.push([Option.ContentFormat, format]);
      return make(operation.mode === 'replace' ? Code.Put : Code.Post, options, encode(format, entries, path, target));
    }
    case 'write-attributes':
      refuseMisplaced(operation.attributes, [operation.path]);
      for (const part of formatAttributes(operation.attributes)) options.push([Option.UriQuery, part]);
      return make(Code.Put, options);
    case 'execute':
      if (operation.args === undefined) return make(Code.Post, options);
      if (operation.anyArgs !== true) parseArguments(operation.args);
      options.push([Option.ContentFormat, ContentFormat.Text]);
      return make(Code.Post, options, encodeUtf8(operation.args));
    case 'create':
      return create(operation, options, target);
    case 'delete':
      return make(Code.Delete, options);
    case 'read-composite':
      return fetch(operation, options, target);
    case 'observe-composite':
      refuseMisplaced(operation.attributes, operation.paths);
      options.push([Option.Observe, 0]);
      for (const part of formatAttributes(operation.attributes ?? {})) options.push([Option.UriQuery, part]);
      return fetch(operation, options, target);
    case 'cancel-observe-composite':
      options.push([Option.Observe, 1]);
      return fetch(operation, options, target);
    case 'write-composite': {
      const { entries } = operation;
      const format = operation.format ?? removing(compositeFormat(target), entries);
      options.push([Option.ContentFormat, format]);
      return make(Code.Ipatch, options, encode(format, entries, rootPath, target));
    }
    case 'send':
      return send(operation, target);
  }
}

function refuseMisplaced(attributes: AttributePatch | undefined, paths: readonly Path[]): void {
  if (attributes === undefined) return;
  for (const path of paths) {
    const reason = misplacedAttribute(attributes, path);
    if (reason !== undefined) throw new FormatError(reason);
  }
}

/** RFC 8132 §2: the paths go along as a body. */
function fetch({ paths, format, accept }: Selection, options: Options, target: RequestTarget): Request {
  const asked = outermost(paths);
  if (asked.length === 0) throw new FormatError('a composite operation without a path');
  // LwM2M-CBOR has no name for the root.
  const chosen = format ?? (asked[0]?.kind === 'root' ? ContentFormat.SenmlCbor : compositeFormat(target));
  options.push([Option.ContentFormat, chosen]);
  const wanted = accept ?? announcedComposite(target);
  if (wanted !== undefined) options.push([Option.Accept, wanted]);
  const entries = asked.map((path) => ({ path }));
  return make(Code.Fetch, options, encode(chosen, entries, rootPath, target));
}

/** Plain SenML cannot say that something is to go; its sister for PATCH can (RFC 8790 §3). */
function removing(format: number, entries: readonly Entry[]): number {
  if (entries.every((entry) => entry.value !== undefined)) return format;
  if (format === ContentFormat.SenmlCbor) return ContentFormat.SenmlEtchCbor;
  return format === ContentFormat.SenmlJson ? ContentFormat.SenmlEtchJson : format;
}

/** Core 1.2.1 §6.4.5. Measurements have their times; LwM2M-CBOR could not tell them. */
function send({ entries, format }: Extract<Operation, { op: 'send' }>, target: RequestTarget): Request {
  const timed = entries.some((entry) => entry.time !== undefined);
  const chosen = format ?? (timed ? ContentFormat.SenmlCbor : compositeFormat(target));
  const payload = encode(chosen, entries, rootPath, target);
  return make(
    Code.Post,
    [
      [Option.UriPath, dataPath],
      [Option.ContentFormat, chosen],
    ],
    payload,
  );
}

function make(code: Code, options: Options, payload: Uint8Array = noBytes): Request {
  return makeRequest(code, OptionSet.of(...options), payload);
}

function addAccept(options: Options, accept: number | undefined, target: RequestTarget): void {
  const wanted = accept ?? announced(target);
  if (wanted !== undefined) options.push([Option.Accept, wanted]);
}

/** The one we like best of those that the device has announced. */
function announced(target: RequestTarget): number | undefined {
  return versionTraits[target.version].formats.find((format) => target.formats?.includes(format));
}

function announcedComposite(target: RequestTarget): number | undefined {
  return versionTraits[target.version].compositeFormats.find((format) => target.formats?.includes(format));
}

const compositeFormat = (target: RequestTarget): number => announcedComposite(target) ?? ContentFormat.SenmlCbor;

/** One value goes as text or bytes, which every device reads; several in what the device knows. */
function formatFor(path: Path, entries: readonly Entry[], target: RequestTarget): number {
  return singleValueFormat(entries, path) ?? announced(target) ?? versionTraits[target.version].assumedFormat;
}

/** Only TLV can leave the id of the new instance to the device (Core 1.2.1 §6.3.6). */
function create(operation: Extract<Operation, { op: 'create' }>, options: Options, target: RequestTarget): Request {
  const { path, instance, entries } = operation;
  const [first] = entries;
  if (instance === undefined) {
    const format = operation.format ?? ContentFormat.Tlv;
    if (format !== ContentFormat.Tlv) throw new FormatError('only TLV leaves the instance to the device');
    options.push([Option.ContentFormat, format]);
    const below =
      first === undefined || first.path.kind === 'root' || first.path.kind === 'object' ? 0 : first.path.instance;
    const base = under(path.prefix, instancePath(path.object, below));
    return make(Code.Post, options, encode(format, entries, base, target));
  }
  const format = operation.format ?? announced(target) ?? versionTraits[target.version].assumedFormat;
  options.push([Option.ContentFormat, format]);
  const created = under(path.prefix, instancePath(path.object, instance));
  const stray = entries.find((entry) => !contains(created, entry.path));
  if (stray !== undefined) throw new FormatError(`${formatPath(stray.path)} is outside ${formatPath(created)}`);
  const named = first === undefined ? [{ path: created }] : entries;
  return make(Code.Post, options, encode(format, named, path, target));
}

function encode(format: number, entries: readonly Entry[], base: Path, target: RequestTarget): Uint8Array {
  const codec = codecFor(format);
  if (codec === undefined) throw new FormatError(`no codec for Content-Format ${format}`);
  return encodeContent(codec, entries, base, target.rootPath);
}

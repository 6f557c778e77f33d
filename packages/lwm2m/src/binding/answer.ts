// A result becomes a CoAP response: the answering side (Core 1.2.1 §6.3, §7.4).
import {
  Code,
  ContentFormat,
  formatLinks,
  makeResponse,
  Option,
  OptionSet,
  type OptionValue,
  type Response,
} from '@lapwing/coap';
import { encodeUtf8, FormatError } from '@lapwing/kernel';
import type { Entry } from '../entry.ts';
import { codecFor } from '../formats/registry.ts';
import { baseOf, type ContentResult, type Operation, type Result } from '../operation.ts';
import type { Path } from '../path.ts';
import { type Lwm2mVersion, versionTraits } from '../version.ts';
import { encodeContent } from './content.ts';
import { segmentsOf } from './paths.ts';
import { singleValueFormat } from './single-value.ts';

/** What the answering side knows: a result before it has a form. */
export type Answer = Exclude<Result, ContentResult> | Pick<ContentResult, 'kind' | 'code' | 'entries'>;

export interface WriteResponseOptions {
  readonly version: Lwm2mVersion;
  /** Where the objects stand, without a slash at the end; default '' for none. */
  readonly rootPath?: string;
  /** Content-Format for several values when none is asked for; default by version. */
  readonly format?: number;
}

/** A content that the wanted format cannot say becomes 4.06. Throws FormatError for one that none can say. */
export function writeResponse(operation: Operation, answer: Answer, context: WriteResponseOptions): Response {
  const { rootPath = '' } = context;
  switch (answer.kind) {
    case 'done':
      return makeResponse(
        answer.code,
        answer.location === undefined ? OptionSet.empty : location(rootPath, answer.location),
      );
    case 'refused':
      return makeResponse(answer.code, OptionSet.empty, encodeUtf8(answer.reason ?? ''));
    case 'links': {
      const links = answer.links.map(({ target, attributes }) => ({ target: `${rootPath}${target}`, attributes }));
      const options = OptionSet.of([Option.ContentFormat, ContentFormat.LinkFormat]);
      return makeResponse(answer.code, options, encodeUtf8(formatLinks(links)));
    }
    case 'content':
      return writeContent(operation, answer.code, answer.entries, context);
  }
}

function writeContent(
  operation: Operation,
  code: Code,
  entries: readonly Entry[],
  options: WriteResponseOptions,
): Response {
  const accept = 'accept' in operation ? operation.accept : undefined;
  if (accept === undefined) return inChosenFormat(baseOf(operation), code, entries, options);
  try {
    return inFormat(code, accept, entries, baseOf(operation), options.rootPath ?? '');
  } catch (error) {
    if (error instanceof FormatError) return makeResponse(Code.NotAcceptable);
    throw error;
  }
}

/** One value goes as text or bytes, which every server reads; several, or one without a text, as the version has it. */
function inChosenFormat(path: Path, code: Code, entries: readonly Entry[], options: WriteResponseOptions): Response {
  const several = options.format ?? versionTraits[options.version].assumedFormat;
  const root = options.rootPath ?? '';
  const single = singleValueFormat(entries, path);
  if (single === undefined) return inFormat(code, several, entries, path, root);
  try {
    return inFormat(code, single, entries, path, root);
  } catch (error) {
    if (error instanceof FormatError) return inFormat(code, several, entries, path, root);
    throw error;
  }
}

function inFormat(code: Code, format: number, entries: readonly Entry[], base: Path, root: string): Response {
  const codec = codecFor(format);
  if (codec === undefined) throw new FormatError(`no codec for Content-Format ${format}`);
  const payload = encodeContent(codec, entries, base, root);
  return makeResponse(code, OptionSet.of([Option.ContentFormat, codec.format]), payload);
}

function location(rootPath: string, path: Path): OptionSet {
  return OptionSet.of(
    ...segmentsOf(rootPath, path).map((segment): [number, OptionValue] => [Option.LocationPath, segment]),
  );
}

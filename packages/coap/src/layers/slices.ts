// The answering side of Block2: a response whose body is larger than a message, served slice by slice
// (RFC 7959 §2.2, §2.4). Payloads are sliced as views and never copied, body sources are read block by block.
import { type Clock, equalBytes, hmacSha256, noBytes, Writer } from '@lapwing/kernel';
import { type Block, blockOffset, blockSize, encodeBlock, type Szx } from '../message/block.ts';
import { Code } from '../message/code.ts';
import { type BodySource, makeResponse, type Request, type Response } from '../message/message.ts';
import type { OptionSet } from '../message/option-set.ts';
import { Option } from '../message/options.ts';
import { type Room, stepOf, szxBeside } from './block-sizes.ts';
import type { Transfer } from './transfers.ts';

/** A response that is being fetched. */
export interface Download extends Transfer {
  readonly code: Code;
  /** Of every slice: ETag included, Block2, Size2 and Observe not. */
  readonly options: OptionSet;
  readonly body: BodySource | Uint8Array;
  /** Of a request that has a body and no effect (FETCH): tells two of them apart. */
  readonly digest: Uint8Array;
}

/** Content never changes under a payload that was handed over, so it is digested once however often it is served. */
const etags = new WeakMap<object, Uint8Array>();
const ETAG_LENGTH = 6;

/** Makes a download of a response; gives it an ETag if it has none, so that a peer notices when the body changes. */
export function downloadOf(request: Request, response: Response, clock: Clock): Download {
  const body = response.body ?? response.payload;
  const tagged = response.options.has(Option.Etag)
    ? response.options
    : response.options.with(Option.Etag, etagOf(body, clock));
  return {
    dropped: undefined,
    code: response.code,
    options: tagged.without(Option.Observe),
    body,
    digest: digestOf(request),
  };
}

export function isDownload(transfer: Transfer | undefined): transfer is Download {
  return transfer !== undefined && 'digest' in transfer;
}

function digestOf(request: Request): Uint8Array {
  return request.code === Code.Fetch && request.payload.length > 0 ? digest(request.payload) : noBytes;
}

/** False for a continuation that names another body in its payload (RFC 8132 §2); one without payload is taken at its word. */
export function continues(download: Download, request: Request): boolean {
  return request.payload.length === 0 || equalBytes(download.digest, digestOf(request));
}

function etagOf(body: BodySource | Uint8Array, clock: Clock): Uint8Array {
  if (!(body instanceof Uint8Array) && body.etag !== undefined) return body.etag;
  let etag = etags.get(body);
  if (etag === undefined) {
    etag = body instanceof Uint8Array ? digest(body) : sourceTag(clock);
    etags.set(body, etag);
  }
  return etag;
}

function digest(bytes: Uint8Array): Uint8Array {
  return hmacSha256(noBytes, bytes).slice(0, ETAG_LENGTH);
}

let sources = 0;

/** A source without an ETag is its own state: the same object, the same body; another after a restart. */
function sourceTag(clock: Clock): Uint8Array {
  sources += 1;
  return new Writer(8)
    .u32(Math.floor(clock.wall() / 1000) % 2 ** 32)
    .u32(sources)
    .finish();
}

export interface Slice {
  readonly chunk: Uint8Array;
  readonly more: boolean;
}

/** Undefined behind the end of the body. Rejects as the source does, and when it is shorter than it says. */
export async function readSlice(
  body: BodySource | Uint8Array,
  offset: number,
  length: number,
): Promise<Slice | undefined> {
  if (body instanceof Uint8Array) return sliceOf(body, offset, length);
  const { size } = body;
  // One byte more than the slice tells whether anything follows where the size is not known.
  const read = await body.read(offset, size === undefined ? length + 1 : Math.min(length, Math.max(size - offset, 0)));
  if (read.length === 0 && offset > 0) return undefined;
  const chunk = read.length > length ? read.subarray(0, length) : read;
  const more = size === undefined ? read.length > length : offset + length < size;
  if (more && chunk.length < length) throw new RangeError(`a body of ${size} bytes ended at ${offset + chunk.length}`);
  return { chunk, more };
}

function sliceOf(body: Uint8Array, offset: number, length: number): Slice | undefined {
  if (offset > 0 && offset >= body.length) return undefined;
  const end = Math.min(offset + length, body.length);
  return { chunk: body.subarray(offset, end), more: end < body.length };
}

/** The response that carries the wanted block, in blocks that fit: 4.00 when there is none such. */
export async function serveSlice(download: Download, wanted: Block, room: Room): Promise<Response> {
  const smaller = szxBeside(download.options, Math.min(wanted.szx, room.szx) as Szx, room);
  const offset = blockOffset(wanted);
  const slice = await readSlice(download.body, offset, stepOf(smaller, room));
  const num = offset / blockSize(smaller);
  if (slice === undefined || num > 0xf_ffff) return makeResponse(Code.BadRequest);
  const options = download.options.with(Option.Block2, encodeBlock({ num, more: slice.more, szx: smaller }));
  return makeResponse(download.code, options, slice.chunk);
}

/** In bytes, where it is known. */
export function sizeOf(body: BodySource | Uint8Array): number | undefined {
  return body instanceof Uint8Array ? body.length : body.size;
}

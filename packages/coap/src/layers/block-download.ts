// The asking side of Block2 (RFC 7959 §2.4, §2.6): fetches the blocks of a body one after the other, sees to it that
// they are blocks of one body, and puts them together within a limit or hands them on one by one.
import { concatBytes, equalBytes, noBytes } from '@lapwing/kernel';
import { BlockError, BodyLimitError } from '../errors.ts';
import type { BlockListener, Context, Service } from '../exchange/service.ts';
import { type Block, blockOf, blockOffset, blockSize, encodeBlock, largestNum, type Szx } from '../message/block.ts';
import { Code, isSuccess } from '../message/code.ts';
import { makeResponse, type Request, type Response } from '../message/message.ts';
import { Option } from '../message/options.ts';
import { largestSzx } from './block-sizes.ts';
import { fitsBlock } from './upload.ts';

export interface DownloadTask {
  readonly ask: Service;
  /** As it was asked first. */
  readonly request: Request;
  /** Of every later request: without token, notify and listener. */
  readonly context: Context;
  /** Of a body that is put together, in bytes. */
  readonly limit: number;
  readonly onBlock: BlockListener | undefined;
}

/**
 * The whole response that begins with `first`, or the error that the peer answers on the way. A body that changes
 * meanwhile is fetched once more from its start, unless parts of it are handed on already.
 * Throws BlockError for blocks that do not fit together, BodyLimitError above the limit.
 */
export async function download(task: DownloadTask, first: Response): Promise<Response> {
  const whole = await fetchBlocks(task, first);
  if (whole !== 'changed') return whole;
  if (task.onBlock !== undefined || !isRepeatable(task.request)) {
    throw new BlockError('the body changed while it was fetched');
  }
  const again = await task.ask(restartOf(task.request), task.context);
  if (!isSuccess(again.code) || !again.options.has(Option.Block2)) return again;
  const second = await fetchBlocks(task, again);
  if (second === 'changed') throw new BlockError('the body changed twice while it was fetched');
  return second;
}

async function fetchBlocks(task: DownloadTask, first: Response): Promise<Response | 'changed'> {
  const { onBlock, limit, request, context, ask } = task;
  const etag = first.options.bytes(Option.Etag);
  const size = declaredSize(first);
  if (onBlock === undefined && size !== undefined && size > limit) throw tooLarge(limit);
  const chunks: Uint8Array[] = [];
  let held = 0;
  let response = first;
  const largest = largestSzx(context.peer);
  let block = firstBlock(request, first, largest);
  for (;;) {
    const { payload } = response;
    if (!fitsBlock(block, payload)) throw new BlockError(`block ${block.num} has ${payload.length} bytes`);
    const offset = blockOffset(block) + payload.length;
    if (onBlock !== undefined) await Promise.resolve(onBlock(payload, offset - payload.length, size, etag));
    else {
      held += payload.length;
      if (held > limit || (block.more && held === limit)) throw tooLarge(limit);
      chunks.push(payload);
    }
    if (!block.more) return wholeOf(first, chunks);
    response = await ask(
      followUp(request, { num: offset / blockSize(block.szx), more: false, szx: block.szx }),
      context,
    );
    if (!isSuccess(response.code)) return response;
    const next = readBlock(response, largest);
    if (next === undefined) throw new BlockError('a block was asked for and a response without one came');
    if (blockSize(next.szx) > blockSize(block.szx) || blockOffset(next) !== offset) {
      throw new BlockError(`block at ${offset} was asked for and block at ${blockOffset(next)} came`);
    }
    if (!sameTag(etag, response.options.bytes(Option.Etag))) return 'changed';
    block = next;
  }
}

/** A peer that was asked for the body must begin at its start, one that was asked for a block with that. */
function firstBlock(request: Request, first: Response, largest: Szx): Block {
  const block = readBlock(first, largest);
  const asked = blockOf(request.options, Option.Block2, largest);
  const wanted = asked === undefined ? 0 : blockOffset(asked);
  if (
    block === undefined ||
    blockOffset(block) !== wanted ||
    (asked !== undefined && blockSize(block.szx) > blockSize(asked.szx))
  ) {
    throw new BlockError(`block at ${wanted} was asked for and another came`);
  }
  return block;
}

function readBlock(response: Response, largest: Szx): Block | undefined {
  try {
    return blockOf(response.options, Option.Block2, largest);
  } catch (error) {
    throw new BlockError('a malformed Block2 option came', { cause: error });
  }
}

/** Size2, where it can be believed to be a size. */
function declaredSize(response: Response): number | undefined {
  const value = response.options.bytes(Option.Size2);
  return value === undefined || value.length > 4 ? undefined : response.options.uint(Option.Size2);
}

/**
 * The same request for a later block (RFC 7959 §2.4, §2.6): no Observe, no body, no ETag that could be met by 2.03.
 * A FETCH is only the same with its body (RFC 8132 §2), which goes along where it fits into the message.
 */
function followUp(request: Request, block: Block): Request {
  if (block.num > largestNum) throw new BlockError('the body has more blocks than can be named');
  const options = restartOf(request).options.without(Option.Etag).with(Option.Block2, encodeBlock(block));
  const payload = request.code === Code.Fetch && !request.options.has(Option.Block1) ? request.payload : noBytes;
  return { code: request.code, options, payload };
}

/** Without effect, and whole in one message. */
function isRepeatable(request: Request): boolean {
  return request.code === Code.Get || (request.code === Code.Fetch && !request.options.has(Option.Block1));
}

/** The request from its start, without its observation. */
function restartOf(request: Request): Request {
  const options = request.options.without(Option.Observe).without(Option.Block1).without(Option.Size1);
  return { ...request, options };
}

function sameTag(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && equalBytes(a, b));
}

/** Without the marks of the transfer; the body is empty where it was handed on. */
function wholeOf(first: Response, chunks: readonly Uint8Array[]): Response {
  const options = first.options.without(Option.Block2).without(Option.Size2);
  return makeResponse(first.code, options, chunks.length === 0 ? noBytes : concatBytes(...chunks));
}

function tooLarge(limit: number): BodyLimitError {
  return new BodyLimitError(`the response is larger than ${limit} bytes`, limit);
}

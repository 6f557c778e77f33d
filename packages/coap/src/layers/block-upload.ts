// The asking side of Block1 (RFC 7959 §2.3, §2.5, §2.9): sends a body block by block, in smaller ones where the peer
// wants them, and once more from its start where the peer lost it.
import { BlockError } from '../errors.ts';
import type { Context, Service } from '../exchange/service.ts';
import { blockOf, blockSize, encodeBlock, largestNum, type Szx } from '../message/block.ts';
import { Code, isSuccess } from '../message/code.ts';
import type { Request, Response } from '../message/message.ts';
import { Option } from '../message/options.ts';
import { hasRoomBeside, largestSzx, type Room, stepOf, szxBeside } from './block-sizes.ts';
import { readSlice, sizeOf } from './slices.ts';

export interface UploadTask {
  readonly ask: Service;
  /** With its body; Request-Tag included where it needs one. */
  readonly request: Request;
  /** Of all blocks but the last: without token and notify. */
  readonly context: Context;
  /** Of the last block, whose response is that of the request. */
  readonly lastContext: Context;
  readonly room: Room;
}

/** answered: by the peer, for good · smaller: begin again with blocks of that size · lost: begin again (4.08) */
export type UploadOutcome =
  | { readonly kind: 'answered'; readonly response: Response }
  | { readonly kind: 'smaller'; readonly szx: Szx; readonly response: Response }
  | { readonly kind: 'lost'; readonly response: Response };

/** Throws BlockError for an answer that does not fit the block. */
export async function sendBlocks(task: UploadTask, largest: Szx): Promise<UploadOutcome> {
  const { ask, request, room } = task;
  const largestSaid = largestSzx(task.context.peer);
  const body = request.body ?? request.payload;
  const size = sizeOf(body);
  let szx = szxBeside(request.options, largest, room);
  let offset = 0;
  for (;;) {
    const num = offset / blockSize(szx);
    if (num > largestNum) throw new BlockError('the body has more blocks than can be named');
    const slice = await readSlice(body, offset, stepOf(szx, room));
    if (slice === undefined) throw new BlockError(`the body ended at ${offset}`);
    let options = request.options.with(Option.Block1, encodeBlock({ num, more: slice.more, szx }));
    if (offset === 0 && size !== undefined && hasRoomBeside(options, slice.chunk.length, room))
      options = options.with(Option.Size1, size);
    // The relation is of the exchange that is answered with content: the last.
    if (slice.more) options = options.without(Option.Observe);
    const sent: Request = { code: request.code, options, payload: slice.chunk };
    const response = await ask(sent, slice.more ? task.context : task.lastContext);
    if (response.code === Code.Continue && slice.more) {
      const block = blockOf(response.options, Option.Block1, largestSaid);
      if (block === undefined || block.num !== num)
        throw new BlockError(`block ${num} was sent and another acknowledged`);
      offset += slice.chunk.length;
      szx = Math.min(szx, block.szx) as Szx;
      continue;
    }
    if (response.code === Code.RequestEntityTooLarge) return smaller(response, szx, size, largestSaid);
    if (response.code === Code.RequestEntityIncomplete) return { kind: 'lost', response };
    if (isSuccess(response.code) && (slice.more || response.code === Code.Continue)) {
      throw new BlockError(`block ${num} was answered as if it were ${slice.more ? 'the last' : 'not the last'}`);
    }
    return { kind: 'answered', response };
  }
}

/** What to make of 4.13 (RFC 7959 §2.9.3): only a strictly smaller block is another try. */
export function smaller(response: Response, szx: Szx, size: number | undefined, largestSaid: Szx): UploadOutcome {
  const hint = blockOf(response.options, Option.Block1, largestSaid);
  const limit = response.options.has(Option.Size1)
    ? (response.options.uint(Option.Size1) ?? 0)
    : Number.POSITIVE_INFINITY;
  if (hint === undefined || hint.szx >= szx || (size !== undefined && size > limit))
    return { kind: 'answered', response };
  return { kind: 'smaller', szx: hint.szx, response };
}

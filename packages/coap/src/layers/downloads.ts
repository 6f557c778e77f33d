// The answering side of Block2 (RFC 7959 §2.4): a response larger than a message is kept for its peer and request,
// and served block by block without asking the service again.
import type { Clock, Peer } from '@lapwing/kernel';
import type { Context, Service } from '../exchange/service.ts';
import { type Block, encodeBlock, type Szx } from '../message/block.ts';
import { Code, isSuccess } from '../message/code.ts';
import { makeResponse, type Request, type Response } from '../message/message.ts';
import { Option } from '../message/options.ts';
import { fitsWhole, hasRoomBeside, type Rooms, stepOf, szxBeside } from './block-sizes.ts';
import { cacheKey } from './cache-key.ts';
import { continues, type Download, downloadOf, isDownload, readSlice, serveSlice, sizeOf } from './slices.ts';
import type { TransferTable } from './transfers.ts';

export interface DownloadSettings {
  readonly clock: Clock;
  readonly rooms: Rooms;
}

export class Downloads {
  private readonly settings: DownloadSettings;
  private readonly table: TransferTable;

  constructor(settings: DownloadSettings, table: TransferTable) {
    this.settings = settings;
    this.table = table;
  }

  /** Whether it goes as it is, into one message, where no block was asked for. */
  fits(response: Response, peer: Peer): boolean {
    const { body, options, payload } = response;
    return body === undefined && fitsWhole(options, payload.length, this.settings.rooms.of(peer));
  }

  /** What the service answered, as the first message of it; `asked` is the block that the peer wants to begin with. */
  async begin(request: Request, context: Context, response: Response, asked: Block | undefined): Promise<Response> {
    const room = this.settings.rooms.of(context.peer);
    const { options, payload, body } = response;
    if (asked === undefined && this.fits(response, context.peer)) return response;
    if (options.has(Option.Block2) || response.code === Code.Empty) return response;
    const szx = szxBeside(options, Math.min(asked?.szx ?? room.szx, room.szx) as Szx, room);
    const first: Block = { num: 0, more: false, szx };
    if (body === undefined && asked !== undefined && payload.length <= stepOf(szx, room)) {
      return makeResponse(response.code, options.with(Option.Block2, encodeBlock(first)), payload);
    }
    if (body !== undefined && asked === undefined) {
      const slice = await readSlice(body, 0, room.tight === undefined ? room.whole : stepOf(szx, room));
      if (slice !== undefined && !slice.more) return makeResponse(response.code, options, slice.chunk);
    }
    const download = downloadOf(request, response, this.settings.clock);
    this.keep(keyOf(request, context), context, download);
    const slice = await serveSlice(download, first, room);
    const total = sizeOf(download.body);
    const hasSize = total !== undefined && hasRoomBeside(slice.options, slice.payload.length, room);
    const sized = hasSize ? slice.options.with(Option.Size2, total) : slice.options;
    const observe = options.bytes(Option.Observe);
    return makeResponse(slice.code, observe === undefined ? sized : sized.with(Option.Observe, observe), slice.payload);
  }

  /** A later block: from what is kept; else a request without effect is put to the service again. */
  async resume(request: Request, context: Context, wanted: Block, run: Service): Promise<Response> {
    const { clock, rooms } = this.settings;
    const room = rooms.of(context.peer);
    const key = keyOf(request, context);
    const kept = this.table.get(key);
    if (isDownload(kept) && continues(kept, request)) {
      this.table.touch(key, clock.now());
      return serveSlice(kept, wanted, room);
    }
    const repeatable = request.code === Code.Get || (request.code === Code.Fetch && request.payload.length > 0);
    if (!repeatable) return makeResponse(Code.RequestEntityIncomplete);
    const plain = { ...request, options: request.options.without(Option.Block2).without(Option.Observe) };
    // A later block is not observed (RFC 7959 §2.6).
    const unobserved = context.notify === undefined ? context : { peer: context.peer, signal: context.signal };
    const response = await run(plain, unobserved);
    if (!isSuccess(response.code) || response.options.has(Option.Block2)) return response;
    const download = downloadOf(request, response, this.settings.clock);
    this.keep(key, context, download);
    return serveSlice(download, wanted, room);
  }

  /** For want of room nothing is kept, and each block asks the service anew. */
  private keep(key: string, context: Context, download: Download): void {
    const { body } = download;
    const bytes = body instanceof Uint8Array ? body.length : 0;
    this.table.put(
      key,
      context.peer,
      download,
      bytes,
      this.settings.clock.now(),
      body instanceof Uint8Array ? body.buffer : body,
    );
  }
}

function keyOf(request: Request, context: Context): string {
  return `2${context.peer.key} ${cacheKey(request)}`;
}

// Block-wise transfer when we answer (RFC 7959): bodies that arrive in blocks are put together, or handed over as a
// stream, before the service sees the request (uploads.ts); responses larger than a message are kept and served
// block by block (downloads.ts). Both live in one table with one set of limits (transfers.ts).
import { type Clock, type Instant, minutes, seconds } from '@lapwing/kernel';
import { type Context, extendContext, type Layer, type Service } from '../exchange/service.ts';
import { type Block, blockOf } from '../message/block.ts';
import { Code } from '../message/code.ts';
import { makeResponse, type Request, type Response } from '../message/message.ts';
import { Option } from '../message/options.ts';
import { largestSzx, Rooms } from './block-sizes.ts';
import { Downloads } from './downloads.ts';
import { type TransferLimits, TransferTable } from './transfers.ts';
import { Uploads } from './uploads.ts';

export interface BlockInOptions {
  readonly clock: Clock;
  /** Bytes in one datagram of the transport; default 1,152. Decides the block size. */
  readonly mtu?: number;
  /** Most bytes in a block, 16 to 1,024; default what fits into `mtu`. */
  readonly blockSize?: number;
  /** Of a body that is put together, in bytes; default 65,536. */
  readonly bodyLimit?: number;
  readonly limits?: Partial<TransferLimits>;
  /** Whose bodies are handed over as `context.body`, without a limit to their size; default none. */
  readonly streams?: (request: Request) => boolean;
}

export interface BlockInCounters {
  /** Under way now, in both directions, and the bytes that they hold. */
  readonly transfers: number;
  readonly bytes: number;
  /** Dropped after their idle time, and to make room. */
  readonly expired: number;
  readonly evicted: number;
  /** Not kept for want of room. */
  readonly refused: number;
  /** Uploads ended by a block that did not follow (4.08), was malformed (4.00) or went past the limit (4.13). */
  readonly incomplete: number;
  readonly malformed: number;
  readonly tooLarge: number;
}

export const transferLimits: TransferLimits = {
  perPeer: 4,
  total: 1024,
  bytes: 16 * 1024 * 1024,
  idle: seconds(60),
  idleAuthenticated: minutes(5),
};

export class BlockIn implements Disposable {
  private readonly clock: Clock;
  private readonly table: TransferTable;
  private readonly uploads: Uploads;
  private readonly downloads: Downloads;
  private malformed = 0;
  private timer: Disposable | undefined;
  private armedFor: Instant = 0;
  private closed = false;

  constructor(options: BlockInOptions) {
    const { clock, mtu = 1152, bodyLimit = 65_536, streams = () => false } = options;
    const rooms = new Rooms(mtu, options.blockSize);
    this.clock = clock;
    this.table = new TransferTable({ ...transferLimits, ...options.limits });
    this.uploads = new Uploads({ clock, rooms, bodyLimit, streams }, this.table);
    this.downloads = new Downloads({ clock, rooms }, this.table);
  }

  readonly layer: Layer = (inner) => (request, context) => this.serve(inner, request, context);

  stats(): BlockInCounters {
    const { malformed, ...uploads } = this.uploads.counters();
    const { size: transfers, bytes } = this.table;
    return { transfers, bytes, ...this.table.counters(), ...uploads, malformed: malformed + this.malformed };
  }

  /** Drops every transfer and stops the timer. */
  [Symbol.dispose](): void {
    this.closed = true;
    this.table.clear();
    this.timer?.[Symbol.dispose]();
    this.timer = undefined;
  }

  private async serve(inner: Service, request: Request, context: Context): Promise<Response> {
    const { options } = request;
    if (options.has(Option.Block1) || options.has(Option.Block2)) return this.serveBlock(inner, request, context);
    const response = await inner(request, this.notifying(request, context));
    if (this.downloads.fits(response, context.peer)) return response;
    const first = await this.downloads.begin(request, context, response, undefined);
    this.arm();
    return first;
  }

  private async serveBlock(inner: Service, request: Request, context: Context): Promise<Response> {
    let block1: Block | undefined;
    let block2: Block | undefined;
    try {
      const largest = largestSzx(context.peer);
      block1 = blockOf(request.options, Option.Block1, largest);
      block2 = blockOf(request.options, Option.Block2, largest);
    } catch {
      this.malformed += 1;
      return makeResponse(Code.BadRequest);
    }
    const run: Service = async (whole, its) => {
      const plain = block2 === undefined ? whole : { ...whole, options: whole.options.without(Option.Block2) };
      const response = await inner(plain, this.notifying(request, its));
      return this.downloads.begin(request, its, response, block2);
    };
    try {
      if (block1 !== undefined) return await this.uploads.receive(request, context, block1, run);
      if (block2 !== undefined && block2.num > 0) return await this.downloads.resume(request, context, block2, inner);
      return await run(request, context);
    } finally {
      this.arm();
    }
  }

  /**
   * Notifications are responses like the first: their later blocks are fetched by requests of their own (RFC 7959 §2.6).
   * One that is overtaken while its first block is made is superseded, lest it came to be the last.
   */
  private notifying(request: Request, context: Context): Context {
    const { notify } = context;
    if (notify === undefined) return context;
    let newest = 0;
    return extendContext(context, {
      notify: async (response, options) => {
        newest += 1;
        if (this.downloads.fits(response, context.peer)) return notify(response, options);
        const mine = newest;
        const first = await this.downloads.begin(request, context, response, undefined);
        this.arm();
        return mine === newest ? notify(first, options) : 'superseded';
      },
    });
  }

  /** One timer for all that is held. */
  private arm(): void {
    const { deadline } = this.table;
    if (this.closed || deadline === undefined || (this.timer !== undefined && deadline >= this.armedFor)) return;
    this.timer?.[Symbol.dispose]();
    this.armedFor = deadline;
    this.timer = this.clock.at(deadline, () => {
      this.timer = undefined;
      this.table.expire(this.clock.now());
      this.arm();
    });
  }
}

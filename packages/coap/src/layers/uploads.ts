// The answering side of Block1 (RFC 7959 §2.3, §2.5, §2.9, RFC 9175 §3): which transfer a block belongs to, and
// what is said to it. A body is keyed by peer and request, Request-Tag included.
import { type Clock, type Duration, type Instant, noBytes, type Peer, seconds } from '@lapwing/kernel';
import type { Context, Service } from '../exchange/service.ts';
import { type Block, encodeBlock, type Szx } from '../message/block.ts';
import { Code } from '../message/code.ts';
import { makeResponse, type Request, type Response } from '../message/message.ts';
import { OptionSet } from '../message/option-set.ts';
import { Option } from '../message/options.ts';
import type { Rooms } from './block-sizes.ts';
import { cacheKey } from './cache-key.ts';
import type { Transfer, TransferTable } from './transfers.ts';
import { fitsBlock, type Incoming, StreamedUpload, Upload } from './upload.ts';

export interface UploadSettings {
  readonly clock: Clock;
  readonly rooms: Rooms;
  /** Of a body that is put together, in bytes. */
  readonly bodyLimit: number;
  /** Whose bodies are handed over as streams. */
  readonly streams: (request: Request) => boolean;
}

/**
 * Two bodies to one resource without Request-Tag cannot be told apart, so that neither may go on when one starts in
 * the midst of the other: their key is refused until the blocks of both have died out. A first that has been silent
 * for this long counts as abandoned, and the second takes its place.
 */
const contested: Duration = seconds(10);

class Contest implements Transfer {
  readonly dropped = undefined;
  readonly until: Instant;

  constructor(until: Instant) {
    this.until = until;
  }
}

export class Uploads {
  private readonly settings: UploadSettings;
  private readonly table: TransferTable;
  private readonly tally = { incomplete: 0, malformed: 0, tooLarge: 0 };

  constructor(settings: UploadSettings, table: TransferTable) {
    this.settings = settings;
    this.table = table;
  }

  counters(): { readonly incomplete: number; readonly malformed: number; readonly tooLarge: number } {
    return { ...this.tally };
  }

  /** Takes a request with a Block1 option; `run` is called once its body is whole, or at once where it is streamed. */
  async receive(request: Request, context: Context, block: Block, run: Service): Promise<Response> {
    if (block.num === 0 && !block.more) {
      if (!fitsBlock(block, request.payload)) return this.refuse('malformed');
      return acknowledged(await run(withBody(request, request.payload), context), block);
    }
    const { clock } = this.settings;
    const key = `1${context.peer.key} ${cacheKey(request)}`;
    const now = clock.now();
    if (block.num === 0) {
      const refusal = this.begin(key, request, context, block, run, now);
      if (refusal !== undefined) return refusal;
    }
    const upload = this.table.get(key);
    if (!isIncoming(upload)) return this.refuse('incomplete');
    const step = upload.accept(block, request.payload);
    switch (step) {
      case 'continue':
      case 'repeated':
        upload.activeAt = now;
        this.table.touch(key, now);
        if (!this.table.resize(key, upload.capacity)) return this.drop(upload, Code.ServiceUnavailable);
        return upload instanceof StreamedUpload
          ? this.taken(key, upload, context.peer, block)
          : this.proceed(context.peer, block);
      case 'complete':
        this.table.delete(key);
        return this.completed(upload, request, context, block, run);
      case 'incomplete':
      case 'malformed':
      case 'too-large':
        this.table.delete(key);
        upload.dropped?.();
        return this.refuse(step);
    }
  }

  /** Makes a place for a body whose first block has come, or says why not. */
  private begin(
    key: string,
    request: Request,
    context: Context,
    block: Block,
    run: Service,
    now: Instant,
  ): Response | undefined {
    const kept = this.table.get(key);
    if (kept instanceof Contest && kept.until > now) return this.refuse('incomplete');
    if (isIncoming(kept)) {
      if (kept.repeatsStart(request.payload)) return undefined;
      this.table.delete(key);
      kept.dropped?.();
      if (kept.activeAt + contested > now) {
        this.table.put(key, context.peer, new Contest(now + contested), 0, now);
        return this.refuse('incomplete');
      }
    }
    if (!fitsBlock(block, request.payload)) return this.refuse('malformed');
    if (this.settings.streams(request)) return this.beginStream(key, request, context, run, now);
    const size = declaredSize(request);
    if (size === 'malformed') return this.refuse('malformed');
    if (size > this.settings.bodyLimit) return this.refuse('too-large');
    const upload = new Upload(this.settings.bodyLimit, now);
    return this.table.put(key, context.peer, upload, 0, now) ? undefined : makeResponse(Code.ServiceUnavailable);
  }

  private beginStream(
    key: string,
    request: Request,
    context: Context,
    run: Service,
    now: Instant,
  ): Response | undefined {
    const upload = new StreamedUpload(now);
    if (!this.table.put(key, context.peer, upload, upload.capacity, now)) return makeResponse(Code.ServiceUnavailable);
    const { peer } = context;
    upload.begun(run(withBody(request, noBytes), { peer, signal: upload.signal, body: upload.stream }));
    return undefined;
  }

  /** The next block is asked for only when the service has done with this one. */
  private async taken(key: string, upload: StreamedUpload, peer: Peer, block: Block): Promise<Response> {
    const early = await upload.progress();
    if (early !== undefined) {
      this.table.delete(key);
      return acknowledged(early, block);
    }
    if (this.table.get(key) !== upload) return this.refuse('incomplete');
    this.table.touch(key, this.settings.clock.now());
    return this.proceed(peer, block);
  }

  private async completed(
    upload: Incoming,
    request: Request,
    context: Context,
    block: Block,
    run: Service,
  ): Promise<Response> {
    if (upload instanceof Upload) return acknowledged(await run(withBody(request, upload.body), context), block);
    const response = upload instanceof StreamedUpload ? await upload.finish() : undefined;
    return acknowledged(response ?? makeResponse(Code.InternalServerError), block);
  }

  /** 2.31 (RFC 7959 §2.9.1), with our block size where that is smaller: early negotiation (§2.3). */
  private proceed(peer: Peer, block: Block): Response {
    const szx = Math.min(block.szx, this.settings.rooms.of(peer).accepted) as Szx;
    return makeResponse(Code.Continue, OptionSet.of([Option.Block1, encodeBlock({ num: block.num, more: true, szx })]));
  }

  private drop(upload: Incoming, code: Code): Response {
    upload.dropped?.();
    return makeResponse(code);
  }

  private refuse(why: 'incomplete' | 'malformed' | 'too-large'): Response {
    switch (why) {
      case 'incomplete':
        this.tally.incomplete += 1;
        return makeResponse(Code.RequestEntityIncomplete);
      case 'malformed':
        this.tally.malformed += 1;
        return makeResponse(Code.BadRequest);
      case 'too-large':
        this.tally.tooLarge += 1;
        return makeResponse(Code.RequestEntityTooLarge, OptionSet.of([Option.Size1, this.settings.bodyLimit]));
    }
  }
}

function isIncoming(kept: Transfer | undefined): kept is Incoming {
  return kept instanceof Upload || kept instanceof StreamedUpload;
}

function withBody(request: Request, payload: Uint8Array): Request {
  return { code: request.code, options: request.options.without(Option.Block1), payload };
}

/** The final response says which block it answers (RFC 7959 §2.3). */
function acknowledged(response: Response, block: Block): Response {
  if (response.code === Code.Empty) return response;
  const value = encodeBlock({ num: block.num, more: false, szx: block.szx });
  return { ...response, options: response.options.with(Option.Block1, value) };
}

/** Size1, or 0 where the peer does not tell. */
function declaredSize(request: Request): number | 'malformed' {
  const value = request.options.bytes(Option.Size1);
  if (value === undefined) return 0;
  return value.length > 4 ? 'malformed' : (request.options.uint(Option.Size1) ?? 0);
}

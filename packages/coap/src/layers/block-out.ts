// Block-wise transfer when we ask (RFC 7959): a body larger than a message goes up block by block (Block1), a
// response that comes in blocks is fetched and put together or handed on as it comes (Block2). Each block is an
// exchange of its own, so that each starts its back-off anew.
import { type Clock, ClosedError, type Duration, deadlineSignal, minutes, type Random } from '@lapwing/kernel';
import { type Context, extendContext, type Layer, type Service } from '../exchange/service.ts';
import { encodeBlock, type Szx } from '../message/block.ts';
import { Code } from '../message/code.ts';
import { makeResponse, type Request, type Response } from '../message/message.ts';
import { Option } from '../message/options.ts';
import { download } from './block-download.ts';
import { fitsWhole, largestSzx, type Room, Rooms } from './block-sizes.ts';
import { sendBlocks, smaller, type UploadTask } from './block-upload.ts';
import { cacheKey } from './cache-key.ts';
import { RequestTags } from './request-tags.ts';

export interface BlockOutOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Bytes in one datagram of the transport; default 1,152. Decides the block size. */
  readonly mtu?: number;
  /** Most bytes in a block, 16 to 1,024; default what fits into `mtu`. */
  readonly blockSize?: number;
  /** Of a response that is put together, in bytes; default 65,536. */
  readonly bodyLimit?: number;
  /** For all blocks of one request or notification, in ms; default 30 min. Responses taken by `onBlock` have none. */
  readonly timeLimit?: Duration;
}

export interface BlockOutCounters {
  /** Notifications whose later blocks are being fetched. */
  readonly fetching: number;
  /** Fetches ended by a newer notification, and for another reason: their value was not delivered. */
  readonly superseded: number;
  readonly abandoned: number;
}

/** Of one upload, each with smaller blocks than the last. */
const MOST_TRIES = 6;

export class BlockOut {
  private readonly clock: Clock;
  private readonly rooms: Rooms;
  private readonly bodyLimit: number;
  private readonly timeLimit: Duration;
  private readonly tags: RequestTags;
  /** What is being fetched for whom; anything that stands for one observation is a key. */
  private fetches: Map<object, AbortController> | undefined = undefined;
  private readonly tally = { superseded: 0, abandoned: 0 };

  constructor(options: BlockOutOptions) {
    const { mtu = 1152, bodyLimit = 65_536, timeLimit = minutes(30) } = options;
    this.clock = options.clock;
    this.rooms = new Rooms(mtu, options.blockSize);
    this.bodyLimit = bodyLimit;
    this.timeLimit = timeLimit;
    this.tags = new RequestTags(options.clock, options.random);
  }

  readonly layer: Layer = (inner) => (request, context) => this.ask(inner, request, context);

  stats(): BlockOutCounters {
    return { fetching: this.fetches?.size ?? 0, ...this.tally };
  }

  /**
   * Takes a notification and delivers it whole: at once, or when its later blocks have been fetched with tokens of
   * their own. One that comes meanwhile takes its place (RFC 7959 §2.6): the newest is delivered, never a mixture.
   * `observation` is any object that stands for it, `context` a context to ask with.
   */
  notified(
    inner: Service,
    observation: object,
    request: Request,
    context: Context,
    response: Response,
    deliver: (whole: Response) => void,
  ): void {
    if (this.forget(observation)) this.tally.superseded += 1;
    if (!response.options.has(Option.Block2)) {
      deliver(response);
      return;
    }
    const controller = new AbortController();
    this.fetches ??= new Map();
    const { fetches } = this;
    fetches.set(observation, controller);
    const { signal } = controller;
    this.fetch(inner, request, { peer: context.peer, signal }, response)
      .then(
        (whole) => {
          if (!signal.aborted) deliver(whole);
        },
        () => {
          if (!signal.aborted) this.tally.abandoned += 1;
        },
      )
      .finally(() => {
        if (fetches.get(observation) === controller) fetches.delete(observation);
      });
  }

  /** The observation has ended: what is being fetched for it is not wanted any more. True when something was. */
  forget(observation: object): boolean {
    const controller = this.fetches?.get(observation);
    if (controller === undefined) return false;
    this.fetches?.delete(observation);
    controller.abort(new ClosedError('a newer notification has come, or none will'));
    return true;
  }

  private ask(inner: Service, request: Request, context: Context): Promise<Response> {
    if (this.isPlain(request, context)) {
      return inner(request, context).then((response) =>
        response.code === Code.RequestEntityTooLarge || response.options.has(Option.Block2)
          ? this.answered(inner, request, context, response)
          : response,
      );
    }
    return this.askInBlocks(inner, request, context);
  }

  /** Small, not streamed, and nothing said about blocks: the request goes out as it is. */
  isPlain(request: Request, context: Context): boolean {
    const { options, payload, body } = request;
    const { onBlock, notify, peer } = context;
    const room = this.rooms.of(peer);
    return (
      onBlock === undefined &&
      notify === undefined &&
      body === undefined &&
      fitsWhole(options, payload.length, room) &&
      !options.has(Option.Block1) &&
      !options.has(Option.Block2) &&
      !asksForSmall(request, room)
    );
  }

  private async askInBlocks(inner: Service, request: Request, context: Context): Promise<Response> {
    const { options, body, payload } = request;
    const { onBlock, peer } = context;
    const room = this.rooms.of(peer);
    // Who writes the options transfers the blocks; to begin a stream at a later block is the exception.
    if (options.has(Option.Block1) || (options.has(Option.Block2) && onBlock === undefined))
      return inner(request, context);
    const sized = asksForSmall(request, room) ? withBlock2(request, room.szx) : request;
    const observing = context.notify === undefined ? context : this.observing(inner, sized, context);
    if (body !== undefined || !fitsWhole(sized.options, payload.length, room))
      return this.upload(inner, sized, context, observing, room.szx);
    return this.answered(inner, sized, context, await inner(sized, observing), observing);
  }

  private answered(
    inner: Service,
    request: Request,
    context: Context,
    response: Response,
    observing: Context = context,
  ): Promise<Response> {
    if (response.code === Code.RequestEntityTooLarge) {
      const { length } = request.payload;
      const { peer } = context;
      const outcome = smaller(response, this.rooms.of(peer).szx, length, largestSzx(peer));
      if (outcome.kind === 'smaller' && length > 0) {
        return this.upload(inner, request, context, observing, outcome.szx);
      }
    }
    return this.finish(inner, request, context, response);
  }

  /** The response, with its later blocks. */
  private async finish(inner: Service, request: Request, context: Context, response: Response): Promise<Response> {
    const { onBlock, peer, type } = context;
    if (response.options.has(Option.Block2)) {
      const later = { peer, signal: context.signal, ...(type === undefined ? {} : { type }) };
      return this.fetch(inner, request, onBlock === undefined ? later : { ...later, onBlock }, response);
    }
    if (onBlock === undefined || response.payload.length === 0) return response;
    await Promise.resolve(onBlock(response.payload, 0, response.payload.length, response.options.bytes(Option.Etag)));
    return makeResponse(response.code, response.options);
  }

  /** Within the time limit, unless it is streamed. */
  private async fetch(inner: Service, request: Request, context: Context, first: Response): Promise<Response> {
    const { onBlock, ...later } = context;
    const { bodyLimit: limit } = this;
    if (onBlock !== undefined) return download({ ask: inner, request, context: later, limit, onBlock }, first);
    // The first block is here: the peer has seen the request.
    const deadline = deadlineSignal(this.clock, this.timeLimit, 'block-wise response', context.signal, 'response');
    try {
      const within = { ...later, signal: deadline.signal };
      return await download({ ask: inner, request, context: within, limit, onBlock }, first);
    } finally {
      deadline[Symbol.dispose]();
    }
  }

  private async upload(
    inner: Service,
    request: Request,
    context: Context,
    lastContext: Context,
    largest: Szx,
  ): Promise<Response> {
    const { peer, signal, type } = context;
    const key = `${peer.key} ${cacheKey(request)}`;
    const tag = this.tags.begin(key);
    const later: Context = { peer, signal, ...(type === undefined ? {} : { type }) };
    let task: UploadTask = { ask: inner, request, context: later, lastContext, room: this.rooms.of(peer) };
    let ended: 'whole' | 'broken' = 'broken';
    const tagWith = (fresh: Uint8Array): void => {
      task = { ...task, request: { ...request, options: request.options.with(Option.RequestTag, fresh) } };
    };
    if (tag !== undefined) tagWith(tag);
    try {
      let szx = largest;
      let lost = false;
      for (let tries = 1; ; tries += 1) {
        const outcome = await sendBlocks(task, szx);
        if (outcome.kind === 'smaller' && tries < MOST_TRIES) {
          szx = outcome.szx;
          continue;
        }
        if (outcome.kind === 'lost' && !lost) {
          lost = true;
          tagWith(this.tags.fresh());
          continue;
        }
        ended = 'whole';
        const fetched = { ...task.request, options: task.request.options.with(Option.Block1, 0) };
        return await this.finish(inner, fetched, context, outcome.response);
      }
    } finally {
      this.tags.end(key, ended);
    }
  }

  /** Notifications come whole to whom the context belongs. */
  private observing(inner: Service, request: Request, context: Context): Context {
    const { notify } = context;
    if (notify === undefined) return context;
    const observation = {};
    return extendContext(context, {
      notify: (response, options) => {
        const deliver = (whole: Response): void => void notify(whole, options).catch(() => undefined);
        this.notified(inner, observation, request, context, response, deliver);
        return Promise.resolve('delivered');
      },
    });
  }
}

/** Early negotiation (RFC 7959 §2.4) is worth its bytes only where full blocks do not fit. */
function asksForSmall(request: Request, { szx }: Room): boolean {
  return szx < 6 && !request.options.has(Option.Block2) && (request.code === Code.Get || request.code === Code.Fetch);
}

function withBlock2(request: Request, szx: Szx): Request {
  return { ...request, options: request.options.with(Option.Block2, encodeBlock({ num: 0, more: false, szx })) };
}

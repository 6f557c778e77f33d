// Plugs a sending stack straight into a serving stack: no wire, no messages, only requests and responses. Faults are
// injected between the two; notifications take the way of responses.
import { type Clock, nobody, type Peer, type Random } from '@lapwing/kernel';
import { SeededRandom, VirtualClock } from '@lapwing/kernel/testing';
import { type Context, compose, type Notify, type Service } from '../exchange/service.ts';
import { BlockIn, type BlockInOptions } from '../layers/block-in.ts';
import { BlockOut, type BlockOutOptions } from '../layers/block-out.ts';
import { errors } from '../layers/errors.ts';
import { observeIn } from '../layers/observe-in.ts';
import type { Request, Response } from '../message/message.ts';

/** What stands between asking and serving: sees every request and response, and may change or refuse them. */
export type Between = (request: Request, context: Context, next: Service) => Promise<Response>;

export interface PlugOptions {
  readonly clock?: Clock;
  readonly random?: Random;
  readonly out?: Partial<BlockOutOptions>;
  readonly in?: Partial<BlockInOptions>;
  readonly between?: Between;
  /** As whom the serving side sees the asking side. */
  readonly peer?: Peer;
}

export interface Plug {
  readonly ask: (request: Request, parts?: Partial<Context>) => Promise<Response>;
  /** The serving side alone, as a peer that writes its own blocks finds it. */
  readonly answer: (request: Request, parts?: Partial<Context>) => Promise<Response>;
  readonly clock: Clock;
  readonly blockIn: BlockIn;
  readonly blockOut: BlockOut;
  /** Every request that went over, in order. */
  readonly requests: Request[];
  /** Every response that came back, in order; notifications not. */
  readonly responses: Response[];
}

export function strangerAt(host: string): Peer {
  return { key: `${host}:5683`, address: { via: 'udp', host, port: 5683 }, identity: nobody };
}

export function plug(serve: Service, options: PlugOptions = {}): Plug {
  const { clock = new VirtualClock(), random = new SeededRandom(1), peer = strangerAt('192.0.2.1') } = options;
  const between: Between = options.between ?? ((request, context, next) => next(request, context));
  const requests: Request[] = [];
  const responses: Response[] = [];
  const blockIn = new BlockIn({ clock, ...options.in });
  const blockOut = new BlockOut({ clock, random, ...options.out });
  const served = compose(serve, observeIn, blockIn.layer, errors());
  const road: Service = async (request, context) => {
    requests.push(request);
    const response = await between(request, context, (sent, its) => served(onWire(sent), its));
    responses.push(response);
    return response;
  };
  const send = compose(road, blockOut.layer);
  return {
    ask: (request, parts = {}) => send(request, { peer, signal: new AbortController().signal, ...parts }),
    answer: (request, parts = {}) => served(request, { peer, signal: new AbortController().signal, ...parts }),
    clock,
    blockIn,
    blockOut,
    requests,
    responses,
  };
}

/** What a message can carry: no body but the payload. */
function onWire(request: Request): Request {
  if (request.body !== undefined) throw new TypeError('a body source got as far as the wire');
  return { code: request.code, options: request.options, payload: request.payload };
}

/** A notify that keeps what it hears. */
export function listening(into: Response[]): Notify {
  return (response) => {
    into.push(response);
    return Promise.resolve('delivered');
  };
}

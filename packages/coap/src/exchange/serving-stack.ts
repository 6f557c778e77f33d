// The layers of serving, and the short cut through them. What a layer does depends on options of the request, which
// most requests do not have: these go straight to the service, a third of whose time each layer would take.

import type { Peer } from '@lapwing/kernel';
import type { BlockIn } from '../layers/block-in.ts';
import { fitsWhole, type Rooms } from '../layers/block-sizes.ts';
import { errors } from '../layers/errors.ts';
import { noResponse } from '../layers/no-response.ts';
import { observeIn } from '../layers/observe-in.ts';
import type { Request, Response } from '../message/message.ts';
import { Option } from '../message/options.ts';
import type { ReceivedMessage } from '../message/udp.ts';
import type { Protection } from './protection.ts';
import { type Context, compose, type Layer, type Service } from './service.ts';

export interface ServingStackOptions {
  readonly serve: Service;
  /** Around `serve`, outermost first. */
  readonly layers: readonly Layer[];
  readonly blocks: BlockIn;
  readonly protection: Protection | undefined;
  readonly rooms: Rooms;
  /** Hears what a service did not mean to throw. */
  readonly unexpected: (error: unknown) => void;
}

export class ServingStack {
  /** What is served, without the layers that the options of a request call for. */
  readonly service: Service;
  /** Through every layer. */
  readonly layered: Service;
  /** Whether a request with the OSCORE option can be understood. */
  readonly unprotects: boolean;
  private readonly errors: Layer;
  private readonly blocks: BlockIn;
  private readonly rooms: Rooms;

  constructor(options: ServingStackOptions) {
    this.errors = errors({ diagnostics: 'authenticated', unexpected: options.unexpected });
    this.blocks = options.blocks;
    this.rooms = options.rooms;
    this.service = compose(options.serve, ...options.layers);
    const { protection } = options;
    const clear = compose(this.service, noResponse, observeIn, options.blocks.layer, this.errors);
    this.unprotects = protection !== undefined;
    this.layered = protection === undefined ? clear : protection.serving(clear);
  }

  /** Whether `service` alone will do: no layer minds an option below Block2 but Observe and OSCORE, and few have what lies between. */
  isPlain(message: ReceivedMessage): boolean {
    return message.lastOption < Option.Block2 && !message.options.hasWithin(Option.Observe, Option.Oscore);
  }

  isLarge(response: Response, peer: Peer): boolean {
    const { body, options, payload } = response;
    return body !== undefined || !fitsWhole(options, payload.length, this.rooms.of(peer));
  }

  inBlocks(response: Response, request: Request, context: Context): Promise<Response> {
    return this.blocks.layer(() => Promise.resolve(response))(request, context);
  }

  /** What an error becomes. */
  refusal(error: unknown, request: Request, context: Context): Promise<Response> {
    return this.errors(() => Promise.reject(error))(request, context);
  }
}

// The layers of asking, and the short cut through them, as serving has one: nearly every request is small and has an
// answer that leaves nothing to be done. It goes to the exchange and back; each layer on the way would cost a promise.
import type { BlockOut } from '../layers/block-out.ts';
import { echoing } from '../layers/echo.ts';
import { Code } from '../message/code.ts';
import type { Request, Response } from '../message/message.ts';
import { Option } from '../message/options.ts';
import { type Context, compose, type Service } from './service.ts';

/** What becomes of the first answer to a request. */
export type Completion = (response: Response, request: Request, context: Context) => Response | Promise<Response>;

/** The innermost service; its promise settles with what `complete` makes of the answer. */
export type Ask = (request: Request, context: Context, complete?: Completion) => Promise<Response>;

export class AskingStack {
  private readonly ask: Ask;
  private readonly blocks: BlockOut;
  private readonly layered: Service;

  constructor(ask: Ask, blocks: BlockOut) {
    this.ask = ask;
    this.blocks = blocks;
    this.layered = this.layersOver((request, context) => ask(request, context));
  }

  request(request: Request, context: Context): Promise<Response> {
    return this.blocks.isPlain(request, context)
      ? this.ask(request, context, this.complete)
      : this.layered(request, context);
  }

  /** An answer that is not the whole one goes through the layers after all, as if they had asked. */
  private readonly complete: Completion = (response, request, context) => {
    if (isWhole(response)) return response;
    let first: Response | undefined = response;
    const inner: Service = (next, its) => {
      if (first === undefined) return this.ask(next, its);
      const answer = Promise.resolve(first);
      first = undefined;
      return answer;
    };
    return this.layersOver(inner)(request, context);
  };

  private layersOver(inner: Service): Service {
    return compose(inner, this.blocks.layer, echoing);
  }
}

/** No later blocks (RFC 7959 §2.4), no smaller ones asked for (§2.9.3), no Echo value to be sent back (RFC 9175 §2.3). */
function isWhole({ code, options }: Response): boolean {
  return code !== Code.RequestEntityTooLarge && code !== Code.Unauthorized && !options.has(Option.Block2);
}

// What the tests of operations begin with: requests made of what matters in them, and a service that answers as an endpoint would.
import {
  type Context,
  makeRequest,
  Option,
  OptionSet,
  type OptionValue,
  type Request,
  type Response,
  ResponseError,
  type Service,
} from '@lapwing/coap';
import { type Clock, encodeUtf8, noBytes, nobody } from '@lapwing/kernel';
import { History } from '../notify/history.ts';
import type { Observing } from '../operations/observe.ts';

export interface More {
  readonly query?: readonly string[];
  readonly format?: number;
  readonly accept?: number;
  readonly payload?: string | Uint8Array;
  readonly observe?: number;
}

export function request(code: number, path: string, more: More = {}): Request {
  const { query = [], format, accept, payload = noBytes, observe } = more;
  const options: (readonly [number, OptionValue])[] = path
    .split('/')
    .filter((segment) => segment !== '')
    .map((segment) => [Option.UriPath, segment]);
  for (const part of query) options.push([Option.UriQuery, part]);
  if (format !== undefined) options.push([Option.ContentFormat, format]);
  if (accept !== undefined) options.push([Option.Accept, accept]);
  if (observe !== undefined) options.push([Option.Observe, observe]);
  return makeRequest(code, OptionSet.of(...options), typeof payload === 'string' ? encodeUtf8(payload) : payload);
}

/** A server that asks, by the address that it has. */
export function askerOf(serve: Service): (request: Request, parts?: Partial<Context>) => Promise<Response> {
  const context: Context = {
    peer: { key: 's', address: { via: 'udp', host: '192.0.2.1', port: 5683 }, identity: nobody },
    signal: new AbortController().signal,
  };
  return async (asked, parts = {}) => {
    try {
      return await serve(asked, { ...context, ...parts });
    } catch (error) {
      if (error instanceof ResponseError) return error.toResponse();
      throw error;
    }
  };
}

/** A device that keeps no past, and of which nobody wants to know what it observes. */
export const unwatched = (
  clock: Clock,
): Pick<Observing, 'storage' | 'past' | 'stirred' | 'wanted' | 'held' | 'watched'> => ({
  storage: { limit: 100, drop: 'oldest' },
  past: new History(
    clock,
    () => undefined,
    () => undefined,
  ).reader(),
  stirred: () => undefined,
  wanted: () => undefined,
  held: () => false,
  watched: () => undefined,
});

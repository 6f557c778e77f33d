// Path to service (RFC 7252 §5.10.1), and what there is to be found at `/.well-known/core` (RFC 6690 §4).
// Paths are looked up segment by segment in maps: no path is ever a property name or a file name.
// The list is the one answer here that is much longer than its question, so that Echo guards it (RFC 9175 §2.4).
import { type Clock, encodeUtf8, type Random, systemClock, systemRandom } from '@lapwing/kernel';
import { EchoGuard } from '../layers/echo.ts';
import { Code } from '../message/code.ts';
import { ContentFormat } from '../message/content-format.ts';
import { filterLinks, formatLinks, type Link, makeLink } from '../message/link-format.ts';
import { makeResponse, type Request, type Response } from '../message/message.ts';
import { OptionSet } from '../message/option-set.ts';
import { Option } from '../message/options.ts';
import { formatPath } from '../message/uri.ts';
import { chooseFormat } from './negotiation.ts';
import type { Context, Service } from './service.ts';

/** A service for each method; others are answered with 4.05. */
export interface Methods {
  readonly get?: Service;
  readonly post?: Service;
  readonly put?: Service;
  readonly delete?: Service;
  readonly fetch?: Service;
  readonly patch?: Service;
  readonly ipatch?: Service;
}

export interface RouteOptions {
  /** Lists the path at `/.well-known/core` with these attributes; default: not listed. */
  readonly link?: Iterable<readonly [string, string | true]>;
  /** Takes bodies as `context.body`, block by block, of any size; default: whole, as `payload`. */
  readonly body?: 'whole' | 'streamed';
}

export interface RouterOptions {
  readonly clock?: Clock;
  readonly random?: Random;
  /** Who gets a long list: by default only addresses that have shown that they are there. */
  readonly guard?: EchoGuard;
}

interface Route {
  readonly service: Service | Methods;
  readonly streamed: boolean;
}

interface Place {
  readonly children: Map<string, Place>;
  exact: Route | undefined;
  below: Route | undefined;
}

const newPlace = (): Place => ({ children: new Map(), exact: undefined, below: undefined });

const methodOf: ReadonlyMap<Code, keyof Methods> = new Map([
  [Code.Get, 'get'],
  [Code.Post, 'post'],
  [Code.Put, 'put'],
  [Code.Delete, 'delete'],
  [Code.Fetch, 'fetch'],
  [Code.Patch, 'patch'],
  [Code.Ipatch, 'ipatch'],
]);

export class Router {
  private readonly root = newPlace();
  private readonly links = new Map<string, Link>();

  constructor(options: RouterOptions = {}) {
    const { clock = systemClock, random = systemRandom, guard = new EchoGuard({ clock, random }) } = options;
    this.add('/.well-known/core', { get: guard.layer(async (request, context) => this.list(request, context)) });
  }

  /**
   * `/rd` is that path alone, `/rd/*` everything below it and not itself; the longest match serves. Segments stand
   * as they are, without percent encoding. Replaces what was there.
   */
  add(pattern: string, service: Service | Methods, options: RouteOptions = {}): this {
    const segments = pattern.split('/').slice(1);
    const below = segments.at(-1) === '*';
    if (below) segments.pop();
    const place = this.placeOf(segments.length === 1 && segments[0] === '' ? [] : segments);
    const route: Route = { service, streamed: options.body === 'streamed' };
    if (below) place.below = route;
    else place.exact = route;
    if (options.link !== undefined) this.links.set(pattern, makeLink(formatPath(segments) || '/', options.link));
    return this;
  }

  /** 4.04 for paths without a service, 4.05 for methods without one. Rejects with FormatError for a path that is no text. */
  readonly serve: Service = async (request, context) => {
    const method = methodOf.get(request.code);
    const route = this.find(request.options.path);
    if (method === undefined) return makeResponse(Code.MethodNotAllowed);
    if (route === undefined) return makeResponse(Code.NotFound);
    const { service } = route;
    const chosen = typeof service === 'function' ? service : service[method];
    return chosen === undefined ? makeResponse(Code.MethodNotAllowed) : chosen(request, context);
  };

  /** Whether the request's service takes its body as a stream; for the block-wise layer. */
  readonly streams = (request: Request): boolean => {
    try {
      return this.find(request.options.path)?.streamed ?? false;
    } catch {
      return false;
    }
  };

  private find(path: readonly string[]): Route | undefined {
    let place = this.root;
    let below: Route | undefined;
    for (const segment of path) {
      // What is not a plain name is no resource of ours, so that no service below has to mind.
      if (!isPlain(segment)) return undefined;
      below = place.below ?? below;
      const next = place.children.get(segment);
      if (next === undefined) {
        place = newPlace();
        break;
      }
      place = next;
    }
    return place.exact ?? (path.every(isPlain) ? below : undefined);
  }

  private placeOf(segments: readonly string[]): Place {
    let place = this.root;
    for (const segment of segments) {
      let next = place.children.get(segment);
      if (next === undefined) {
        next = newPlace();
        place.children.set(segment, next);
      }
      place = next;
    }
    return place;
  }

  private list(request: Request, context: Context): Response {
    const format = chooseFormat(request, [ContentFormat.LinkFormat]);
    const links = filterLinks([...this.links.values()], request.options.query);
    // RFC 7252 §8.2: a group is not told that nothing was found.
    if (links.length === 0 && context.multicast === true) return makeResponse(Code.Empty);
    const options = OptionSet.of([Option.ContentFormat, format]);
    return makeResponse(Code.Content, options, encodeUtf8(formatLinks(links)));
  }
}

/** Not empty, no dot segment, no separator of any file system, no control. */
function isPlain(segment: string): boolean {
  return segment !== '' && segment !== '.' && segment !== '..' && !/[/\\\p{Cc}]/u.test(segment);
}

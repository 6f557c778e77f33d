// Lapwing's CoAP endpoint on UDP, in both roles: a site with the same resources as the other servers, and a client
// that is asked in few words.

import type { Context, Layer, Request } from '@lapwing/coap';
import {
  Code,
  Endpoint,
  makeRequest,
  makeResponse,
  Option,
  OptionSet,
  type Response,
  udpTransport,
} from '@lapwing/coap';
import type { Oscore } from '@lapwing/coap/oscore';
import type { Address, Peer, Transport } from '@lapwing/kernel';

/** Five blocks of 1,024 bytes. */
export const largeBody: Buffer = Buffer.from(Array.from({ length: 5000 }, (_, i) => 97 + (i % 26)));

/** What an endpoint stands on, and at which UDP port that is once it is open. */
export interface Road {
  readonly transport: Transport;
  readonly port: () => number;
}

function plain(): Road {
  const transport = udpTransport();
  return { transport, port: () => transport.address.port };
}

function roadOf({ transport, port }: Partial<Road>): Road {
  if (transport === undefined) return plain();
  return { transport, port: port ?? (() => boundPort(transport)) };
}

/** Of a transport that says where it is bound. */
function boundPort(transport: Transport & { readonly address?: Address | undefined }): number {
  const { address } = transport;
  return address !== undefined && 'port' in address ? address.port : 0;
}

type Content = Map<string, Buffer>;

function fresh(): Content {
  return new Map([
    ['small', Buffer.from('small')],
    ['large', largeBody],
    ['slow', Buffer.from('slow')],
  ]);
}

/**
 * `/small`, `/large`, `/slow` (separate response): GET, PUT, POST, DELETE. `/counter` and `/confirmed` (in confirmable
 * notifications) count each 100 ms while somebody observes.
 */
export class LapwingCoapServer implements AsyncDisposable {
  readonly port: number;
  readonly endpoint: Endpoint;
  readonly content: Content;
  /** Who has asked, in order. */
  readonly peers: Peer[] = [];
  private readonly scheme: string;
  /** Observations that are alive. */
  observers = 0;

  private constructor(port: number, endpoint: Endpoint, content: Content, scheme: string) {
    this.scheme = scheme;
    this.port = port;
    this.endpoint = endpoint;
    this.content = content;
  }

  /** On plain UDP, or on what is given in its place; with OSCORE where a context store is given. */
  static async start(
    options: Partial<Road> & {
      readonly scheme?: string;
      readonly oscore?: Oscore;
      readonly layers?: readonly Layer[];
    } = {},
  ): Promise<LapwingCoapServer> {
    const { oscore, layers = [], scheme = 'coap' } = options;
    const road = roadOf(options);
    const content = fresh();
    const { transport } = road;
    const site: { server?: LapwingCoapServer } = {};
    const endpoint = await Endpoint.open({
      transport,
      layers,
      ...(oscore === undefined ? {} : { protection: oscore }),
      serve: async (request, context) => {
        site.server?.peers.push(context.peer);
        const path = request.options.path.join('/');
        if (path === 'slow') await new Promise((resolve) => setTimeout(resolve, 3000));
        return path === 'counter' || path === 'confirmed'
          ? site.server!.#count(context, path === 'confirmed' ? 'con' : 'auto')
          : answer(content, path, request);
      },
    });
    site.server = new LapwingCoapServer(road.port(), endpoint, content, scheme);
    return site.server;
  }

  get uri(): string {
    return `${this.scheme}://127.0.0.1:${this.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.endpoint[Symbol.asyncDispose]();
  }

  #count({ notify, signal }: Context, type: 'con' | 'auto'): Response {
    if (notify === undefined) return makeResponse(Code.Content, OptionSet.empty, Buffer.from('0'));
    let value = 0;
    const state = (): Response =>
      makeResponse(Code.Content, OptionSet.of([Option.Observe, 0]), Buffer.from(String(value++)));
    const timer = setInterval(() => void notify(state(), { type }).catch(() => {}), 100);
    this.observers += 1;
    signal.addEventListener('abort', () => {
      this.observers -= 1;
      clearInterval(timer);
    });
    return state();
  }
}

function answer(content: Content, path: string, { code, payload }: Request): Response {
  const stored = content.get(path);
  switch (code) {
    case Code.Get:
      return stored === undefined
        ? makeResponse(Code.NotFound)
        : makeResponse(Code.Content, OptionSet.of([Option.ContentFormat, 0]), stored);
    case Code.Put:
      content.set(path, Buffer.from(payload));
      return makeResponse(stored === undefined ? Code.Created : Code.Changed);
    case Code.Post:
      content.set(`${path}/1`, Buffer.from(payload));
      return makeResponse(Code.Created, OptionSet.of([Option.LocationPath, path], [Option.LocationPath, '1']));
    case Code.Delete:
      content.delete(path);
      return makeResponse(Code.Deleted);
    default:
      return makeResponse(Code.MethodNotAllowed);
  }
}

export interface LapwingAsk {
  readonly code?: Code;
  readonly payload?: Buffer | string;
  readonly query?: string;
  readonly contentFormat?: number;
  readonly type?: 'con' | 'non';
}

export class LapwingCoapClient implements AsyncDisposable {
  readonly endpoint: Endpoint;
  readonly peer: Peer;

  private constructor(endpoint: Endpoint, peer: Peer) {
    this.endpoint = endpoint;
    this.peer = peer;
  }

  /** With a context, under which everything is asked. */
  static async start(
    port: number,
    options: Partial<Road> & {
      readonly host?: string;
      readonly oscore?: Oscore;
      readonly recipientId?: Uint8Array;
      readonly idContext?: Uint8Array;
    } = {},
  ): Promise<LapwingCoapClient> {
    const { oscore, recipientId, idContext, host = '127.0.0.1' } = options;
    const { transport } = roadOf(options);
    const endpoint = await Endpoint.open({ transport, ...(oscore === undefined ? {} : { protection: oscore }) });
    const via: Extract<Address, { port: number }>['via'] = transport.traits.reliable ? 'tcp' : 'udp';
    const peer = await endpoint.connect({ via, host, port });
    const guarded = recipientId === undefined ? undefined : await oscore?.peer(peer, recipientId, idContext);
    return new LapwingCoapClient(endpoint, guarded ?? peer);
  }

  ask(path: string, asked: LapwingAsk = {}): Promise<Response> {
    const { code = Code.Get, payload = '', query, contentFormat, type = 'con' } = asked;
    const request = makeRequest(code, pathOptions(path, query, contentFormat), Buffer.from(payload));
    return this.endpoint.request(this.peer, request, { type });
  }

  /** Observes until so many states have come, the first answer included; then lets go without a word. */
  async observe(path: string, count: number): Promise<string[]> {
    const states: string[] = [];
    const abort = new AbortController();
    await new Promise<void>((resolve, reject) => {
      const take = ({ payload }: Response): void => {
        states.push(Buffer.from(payload).toString());
        if (states.length >= count) resolve();
      };
      const request = makeRequest(Code.Get, pathOptions(path).with(Option.Observe, 0));
      this.endpoint.request(this.peer, request, { signal: abort.signal, notify: take }).then(take, reject);
    });
    abort.abort();
    return states;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.endpoint[Symbol.asyncDispose]();
  }
}

function pathOptions(path: string, query?: string, contentFormat?: number): OptionSet {
  const segments = path.split('/').map((segment): [number, string] => [Option.UriPath, segment]);
  return OptionSet.of(
    ...segments,
    ...(query === undefined ? [] : [[Option.UriQuery, query] as const]),
    ...(contentFormat === undefined ? [] : [[Option.ContentFormat, contentFormat] as const]),
  );
}

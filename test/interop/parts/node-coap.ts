// node-coap (npm `coap`), the usual CoAP of Node.js, in both roles within the test's own process.
import { once } from 'node:events';
import coap, { type IncomingMessage, type ObserveReadStream, type OutgoingMessage, type Server } from 'coap';
import type { Part } from './part.ts';
import { freeUdpPort } from './ports.ts';

export const nodeCoap: Part = { name: 'node-coap', from: 'npm', available: async () => true };

export interface NodeAnswer {
  /** `2.05` and so on. */
  readonly code: string;
  readonly payload: Buffer;
  readonly message: IncomingMessage;
}

export interface NodeRequest {
  readonly method?: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly payload?: Buffer | string;
  readonly query?: string;
  readonly options?: Readonly<Record<string, string | number | Buffer>>;
}

/** One agent, so one socket at a time: an agent that has nothing pending closes its socket and opens another later. */
export class NodeCoapClient implements Disposable {
  readonly #agent = new coap.Agent({ type: 'udp4' });
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  async ask(path: string, { method = 'GET', payload, query, options = {} }: NodeRequest = {}): Promise<NodeAnswer> {
    const request = coap.request({
      host: '127.0.0.1',
      port: this.#port,
      pathname: path,
      method,
      agent: this.#agent,
      ...(query === undefined ? {} : { query }),
    });
    for (const [name, value] of Object.entries(options)) request.setOption(name, value);
    if (payload === undefined) request.end();
    else request.end(payload);
    const [message] = (await once(request, 'response')) as [IncomingMessage];
    return { code: message.code, payload: message.payload, message };
  }

  /** Observes; the stream gives one chunk per notification and `close` cancels. */
  async observe(path: string): Promise<ObserveReadStream> {
    const request = coap.request({
      host: '127.0.0.1',
      port: this.#port,
      pathname: path,
      observe: true,
      agent: this.#agent,
    });
    request.end();
    const [stream] = (await once(request, 'response')) as [ObserveReadStream];
    return stream;
  }

  [Symbol.dispose](): void {
    try {
      this.#agent.close();
    } catch {
      // It has closed itself.
    }
  }
}

/** A server with `/small` (GET, PUT, DELETE), `/large` (5,000 bytes), `/counter` (observable) and `/slow` (separate). */
export class NodeCoapServer implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;
  readonly #timers: Set<NodeJS.Timeout>;

  private constructor(port: number, server: Server, timers: Set<NodeJS.Timeout>) {
    this.port = port;
    this.#server = server;
    this.#timers = timers;
  }

  static async start(): Promise<NodeCoapServer> {
    const port = await freeUdpPort();
    const server = coap.createServer({ type: 'udp4' });
    const timers = new Set<NodeJS.Timeout>();
    let small: Buffer = Buffer.from('small');
    server.on('request', (request: IncomingMessage, response: OutgoingMessage) => {
      switch (request.url.split('?')[0]) {
        case '/small':
          if (request.method === 'GET') response.end(small);
          else {
            small = request.method === 'DELETE' ? Buffer.alloc(0) : request.payload;
            response.code = request.method === 'DELETE' ? '2.02' : '2.04';
            response.end();
          }
          break;
        case '/large':
          response.end(Buffer.alloc(5000, 'x'));
          break;
        case '/slow':
          setTimeout(() => response.end('slow'), 500);
          break;
        case '/counter':
          count(request, response, timers);
          break;
        default:
          response.code = '4.04';
          response.end();
      }
    });
    await new Promise<void>((resolve, reject) => {
      server.listen(port, '127.0.0.1', (error?: Error) => (error === undefined ? resolve() : reject(error)));
    });
    return new NodeCoapServer(port, server, timers);
  }

  get uri(): string {
    return `coap://127.0.0.1:${this.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // It would write to the closed socket and throw where nobody can catch it.
    for (const timer of this.#timers) clearInterval(timer);
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

function count(request: IncomingMessage, response: OutgoingMessage, timers: Set<NodeJS.Timeout>): void {
  if (request.headers['Observe'] !== 0) {
    response.end('0');
    return;
  }
  let value = 0;
  const next = (): void => void response.write(String(value++));
  next();
  const timer = setInterval(next, 100);
  timers.add(timer);
  response.on('finish', () => clearInterval(timer));
}

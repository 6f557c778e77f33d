// node-coap as a LwM2M device and as a small LwM2M server: its server and its agent on one socket.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import coap, {
  type Agent,
  type IncomingMessage,
  type ObserveReadStream,
  type ObserveWriteStream,
  type OutgoingMessage,
  type Server,
} from 'coap';
import type {
  DeviceState,
  PeerAnswer,
  PeerDevice,
  PeerLwm2mServer,
  PeerObservation,
  PeerRegistration,
  PeerRequest,
} from './lwm2m-peer.ts';
import { resourcesIn, tlvOf } from './small-tlv.ts';

const text = 0;
const links = 40;
const tlv = 11_542;

/** node-coap knows these by name when they come, and takes numbers when they go. */
const formats: Readonly<Record<string, number>> = {
  'text/plain': text,
  'application/link-format': links,
  'application/vnd.oma.lwm2m+tlv': tlv,
};

function formatIn(message: IncomingMessage, option: 'Accept' | 'Content-Format'): number | undefined {
  const name = message.headers[option];
  return name === undefined ? undefined : formats[String(name)];
}

/** A server and an agent that share a socket on loopback. */
class Node implements AsyncDisposable {
  readonly port: number;
  readonly agent: Agent;
  readonly #socket: Socket;
  readonly #server: Server;

  private constructor(socket: Socket, serve: (request: IncomingMessage, response: OutgoingMessage) => void) {
    this.#socket = socket;
    this.port = socket.address().port;
    this.#server = coap.createServer({ type: 'udp4' }, serve);
    this.#server.listen(socket);
    this.agent = new coap.Agent({ type: 'udp4', socket });
  }

  static async open(serve: (request: IncomingMessage, response: OutgoingMessage) => void): Promise<Node> {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new Node(socket, serve);
  }

  async ask({ method = 'GET', uri, payload, contentFormat: format, accept }: PeerRequest): Promise<PeerAnswer> {
    const { hostname, port, pathname, search } = new URL(uri);
    const query = search.slice(1);
    const request = coap.request({
      host: hostname,
      port: Number(port),
      pathname,
      method,
      agent: this.agent,
      ...(query === '' ? {} : { query }),
    });
    if (format !== undefined) request.setOption('Content-Format', format);
    if (accept !== undefined) request.setOption('Accept', accept);
    // It divides a body only where it is told the size of the blocks: 1,024 bytes.
    if (payload !== undefined && payload.length > 1024) request.setOption('Block1', Buffer.of(6));
    request.end(payload ?? '');
    const [message] = (await once(request, 'response')) as [IncomingMessage];
    return answerOf(message);
  }

  async observe(uri: string): Promise<ObserveReadStream> {
    const { hostname, port, pathname } = new URL(uri);
    const request = coap.request({ host: hostname, port: Number(port), pathname, observe: true, agent: this.agent });
    request.end();
    const [stream] = (await once(request, 'response')) as [ObserveReadStream];
    return stream;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // It would write to the closed socket and throw where nobody can catch it.
    Object.assign(this.#socket, { send: () => {} });
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#socket.close();
    await once(this.#socket, 'close');
  }
}

function answerOf(message: IncomingMessage): PeerAnswer {
  const location = (message._packet.options ?? [])
    .filter(({ name }) => name === 'Location-Path')
    .map(({ value }) => `/${String(value)}`)
    .join('');
  return { code: message.code, payload: message.payload, location: location === '' ? undefined : location };
}

interface Relation {
  readonly path: string;
  readonly stream: ObserveWriteStream;
}

export class NodeCoapDevice implements PeerDevice {
  readonly #values = new Map([
    ['/3/0/0', 'node-coap'],
    ['/3303/0/5700', '21.5'],
    ['/3303/0/5750', 'kitchen'],
  ]);
  readonly #executables = ['/3/0/4', '/3303/0/5605'];
  readonly #executed: string[] = [];
  /** By token. */
  readonly #relations = new Map<string, Relation>();
  #node!: Node;

  static async start(): Promise<NodeCoapDevice> {
    const device = new NodeCoapDevice();
    device.#node = await Node.open((request, response) => device.#serve(request, response));
    return device;
  }

  get port(): number {
    return this.#node.port;
  }

  ask(request: PeerRequest): Promise<PeerAnswer> {
    return this.#node.ask(request);
  }

  async set(path: string, value: string): Promise<void> {
    this.#values.set(path, value);
    for (const relation of this.#relations.values())
      if (covers(relation.path, path)) relation.stream.write(this.#content(relation.path, undefined)[1]);
  }

  async state(): Promise<DeviceState> {
    const values = Object.fromEntries(this.#values);
    return { values, executed: this.#executed, observers: this.#relations.size };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { stream } of this.#relations.values()) stream.end();
    await this.#node[Symbol.asyncDispose]();
  }

  #serve(request: IncomingMessage, response: OutgoingMessage): void {
    const path = request.url.split('?')[0] ?? '';
    const say = (code: string): void => {
      response.code = code;
      response.end();
    };
    const format = formatIn(request, 'Content-Format');
    const isExecutable = this.#executables.includes(path);
    if (![...this.#values.keys(), ...this.#executables].some((each) => covers(path, each))) say('4.04');
    else if (request.method === 'GET' && (!isExecutable || formatIn(request, 'Accept') === links))
      this.#read(path, request, response);
    else if (request.method === 'PUT' && this.#values.has(path) && format === text) {
      void this.set(path, request.payload.toString());
      say('2.04');
    } else if (request.method === 'POST' && isExecutable) {
      this.#executed.push(request.payload.toString());
      say('2.04');
    } else if (request.method === 'POST' && !this.#values.has(path) && format === tlv) {
      for (const [id, value] of resourcesIn(request.payload)) void this.set(`${path}/${id}`, value.toString());
      say('2.04');
    } else say('4.05');
  }

  #read(path: string, request: IncomingMessage, response: OutgoingMessage): void {
    const token = (request._packet.token ?? Buffer.of()).toString('hex');
    const [format, content] = this.#content(path, formatIn(request, 'Accept'));
    response.setOption('Content-Format', format);
    const observe = request.headers.Observe;
    if (observe !== 0) {
      if (observe === 1) this.#relations.get(token)?.stream.end();
      response.end(content);
      return;
    }
    const stream = response as unknown as ObserveWriteStream;
    this.#relations.set(token, { path, stream });
    stream.on('finish', () => this.#relations.delete(token));
    stream.write(content);
  }

  #content(path: string, accept: number | undefined): [number, Buffer] {
    if (accept === links) {
      const below = [path, ...this.#values.keys(), ...this.#executables].filter((each) => covers(path, each));
      return [links, Buffer.from([...new Set(below)].map((each) => `<${each}>`).join(','))];
    }
    const value = this.#values.get(path);
    if (value !== undefined && accept !== tlv) return [text, Buffer.from(value)];
    const below = [...this.#values].filter(([each]) => covers(path, each));
    return [tlv, Buffer.concat(below.map(([each, content]) => tlvOf(each, content)))];
  }
}

const covers = (path: string, other: string): boolean => path === other || other.startsWith(`${path}/`);

export class NodeCoapLwm2mServer implements PeerLwm2mServer {
  readonly #registrations: { -readonly [K in keyof PeerRegistration]: PeerRegistration[K] }[] = [];
  #node!: Node;

  static async start(): Promise<NodeCoapLwm2mServer> {
    const server = new NodeCoapLwm2mServer();
    server.#node = await Node.open((request, response) => server.#serve(request, response));
    return server;
  }

  get port(): number {
    return this.#node.port;
  }

  async registrations(): Promise<readonly PeerRegistration[]> {
    return this.#registrations;
  }

  ask(request: PeerRequest): Promise<PeerAnswer> {
    return this.#node.ask(request);
  }

  async observe(uri: string): Promise<PeerObservation> {
    const stream = await this.#node.observe(uri);
    const states = stream[Symbol.asyncIterator]();
    const next = async (): Promise<Buffer> => (await states.next()).value as Buffer;
    const payload = await next();
    return {
      first: { code: stream.code, payload, location: undefined },
      next: async () => (await next()).toString(),
      cancel: async () => void stream.close(),
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#node[Symbol.asyncDispose]();
  }

  #serve(request: IncomingMessage, response: OutgoingMessage): void {
    const [path = '', query = ''] = request.url.split('?');
    const [, root, id] = path.split('/');
    const known = id === undefined ? undefined : this.#registrations[Number(id)];
    if (root === 'rd' && id === undefined && request.method === 'POST') {
      this.#registrations.push({
        uri: `coap://127.0.0.1:${request.rsinfo.port}`,
        query: Object.fromEntries(query.split('&').map((part) => part.split('=') as [string, string])),
        objects: request.payload.toString(),
        updates: 0,
        over: false,
      });
      response.setOption('Location-Path', [Buffer.from('rd'), Buffer.from(String(this.#registrations.length - 1))]);
      response.code = '2.01';
    } else if (known === undefined || known.over) response.code = '4.04';
    else if (request.method === 'DELETE') {
      known.over = true;
      response.code = '2.02';
    } else {
      known.updates += 1;
      if (request.payload.length > 0) known.objects = request.payload.toString();
      response.code = '2.04';
    }
    response.end();
  }
}

// A server and who asks it, for tests of what it answers: no socket, virtual time.
import {
  Code,
  decodeMessage,
  encodeMessage,
  type Message,
  Option,
  OptionSet,
  type OptionValue,
  Type,
} from '@lapwing/coap';
import { encodeUtf8, type Identity, nobody, type Peer, type Transport, type TransportSink } from '@lapwing/kernel';
import { SeededRandom, VirtualClock } from '@lapwing/kernel/testing';
import type { ServerOptions } from '../options.ts';
import { Server } from '../server.ts';

export const psk = (id: string): Identity => ({ kind: 'psk', id: encodeUtf8(id) });
export const peerOf = (key: string, identity: Identity = nobody, host = '192.0.2.1'): Peer => ({
  key,
  address: { via: 'udp', host, port: 5683 },
  identity,
});

export const certified = (name: string, leaf: number): Identity => ({
  kind: 'x509',
  subject: `CN=${name}`,
  chain: [Uint8Array.of(leaf)],
});

/** A server whose peers are whoever the test says they are. */
export class Wire {
  readonly clock = new VirtualClock();
  readonly events: string[] = [];
  private sink: TransportSink | undefined;
  private readonly answers = new Map<number, Message>();
  private nextId = 0;
  server!: Server;

  readonly transport: Transport = {
    traits: { reliable: false, framing: 'rfc7252', mtu: 1152 },
    open: (sink: TransportSink) => {
      this.sink = sink;
      return Promise.resolve();
    },
    connect: () => Promise.reject(new Error('nobody')),
    send: (_peer: Peer, bytes: Uint8Array) => {
      const message = decodeMessage(bytes);
      if (message.type === Type.Ack) this.answers.set(message.id, message);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };

  static async open(options: Partial<ServerOptions> = {}): Promise<Wire> {
    const wire = new Wire();
    await wire.listen(options);
    return wire;
  }

  async listen(options: Partial<ServerOptions> = {}): Promise<void> {
    this.server = await Server.listen({
      listeners: [{ transport: this.transport }],
      clock: this.clock,
      random: new SeededRandom(1),
      limits: { registerRate: { perSecond: 1000, burst: 1000 } },
      ...options,
    });
    for (const kind of ['registered', 'updated', 'deregistered', 'expired'] as const)
      this.server.events.on(kind, ({ registration }) => this.events.push(`${kind} ${registration.name}`));
  }

  async ask(
    peer: Peer,
    code: number,
    path: string,
    query: readonly string[] = [],
    payload = '',
    options: readonly (readonly [number, OptionValue])[] = [],
  ): Promise<Message> {
    this.nextId += 1;
    const id = this.nextId;
    const segments = path.split('/').filter((segment) => segment !== '');
    const bytes = encodeMessage({
      type: Type.Con,
      id,
      token: Uint8Array.of(1),
      code,
      options: OptionSet.of(
        ...segments.map((segment) => [Option.UriPath, segment] as const),
        ...query.map((part) => [Option.UriQuery, part] as const),
        ...options,
      ),
      payload: encodeUtf8(payload),
    });
    this.sink?.receive({ peer, bytes, at: this.clock.now() });
    await this.clock.advance(0);
    await this.clock.advance(0);
    const answer = this.answers.get(id);
    if (answer === undefined) throw new Error('no answer');
    return answer;
  }

  register(peer: Peer, query: readonly string[], payload = '</3/0>'): Promise<Message> {
    return this.ask(peer, Code.Post, '/rd', query, payload);
  }

  async location(peer: Peer, name: string, ...more: readonly string[]): Promise<string> {
    const { code, options } = await this.register(peer, [`ep=${name}`, 'lwm2m=1.1', ...more]);
    if (code !== Code.Created) throw new Error(`${name} is refused: ${code}`);
    return options.texts(Option.LocationPath).join('/');
  }
}

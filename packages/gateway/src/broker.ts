// The embedded broker (aedes, MQTT 3.1.1): who may connect and publish what. The gateway itself is joined to it by a pair of
// streams in memory, so it needs neither a port nor a password and works whatever the outside rules are. Nothing is kept for
// clients that are away, and of retained messages only so much: clients do not choose the memory of this process.
import { createServer, type Server as TcpServer } from 'node:net';
import { type Duplex, duplexPair } from 'node:stream';
import { type Clock, encodeUtf8, equalInConstantTime, type Secret } from '@lapwing/kernel';
import { Aedes, type AuthenticateError, type Client } from 'aedes';
import { GuardedSocket } from './broker-guard.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { OpenStream } from './mqtt.ts';

export interface BrokerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Absent: anybody who reaches the port. */
  readonly user?: { readonly name: string; readonly password: Secret };
  /** TCP connections at most. */
  readonly maxConnections: number;
  /** Client id that nobody from outside may take. */
  readonly ownId: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

const badIdentifier = 2;
const badCredentials = 4;
/** Characters of all retained messages with their topics. */
const maxRetained = 16 * 1024 ** 2;

export class EmbeddedBroker implements AsyncDisposable {
  private readonly aedes: Aedes;
  private readonly listener: TcpServer;
  /** Ends of the gateway's own connections, as the broker sees them. */
  private readonly inside: WeakSet<object>;

  private constructor(aedes: Aedes, listener: TcpServer, inside: WeakSet<object>) {
    this.aedes = aedes;
    this.listener = listener;
    this.inside = inside;
  }

  /** Rejects when the address cannot be bound. */
  static async open(options: BrokerOptions): Promise<EmbeddedBroker> {
    const inside = new WeakSet<object>();
    const retained = new Retained(maxRetained);
    const aedes = await Aedes.createBroker({
      authenticate: (client, username, password, done) => {
        const taken = client.id === options.ownId;
        const known = isInside(client, inside) || (!taken && isKnown(options.user, username, password));
        if (!known) {
          options.metrics.add('broker.refused');
          options.log.warn('broker refused a client', { client: client.id });
        }
        done(known ? null : refusal(taken ? badIdentifier : badCredentials), known);
      },
      preConnect: (client, packet, done) => {
        if (!isInside(client, inside)) packet.clean = true;
        done(null, true);
      },
      authorizePublish: (client, packet, done) => {
        if (client !== null && packet.topic.startsWith('$'))
          done(new Error("topics that start with $ are the broker's"));
        else if (packet.retain && !retained.set(packet.topic, packet.payload.length))
          done(new Error('no room for retained messages'));
        else done(null);
      },
      maxClientsIdLength: 256,
    });
    const listener = createServer({ noDelay: true }, (socket) => {
      const guarded = new GuardedSocket(socket, options.clock, (why) => {
        options.metrics.add('broker.cut');
        options.log.warn('broker cut a connection', { from: socket.remoteAddress, why });
      });
      aedes.handle(readWhole(guarded));
    });
    listener.maxConnections = options.maxConnections;
    try {
      await new Promise<void>((resolve, reject) => {
        listener.once('error', reject);
        listener.listen(options.port, options.host, () => {
          listener.off('error', reject);
          resolve();
        });
      });
    } catch (error) {
      // Its timers would keep the process alive.
      await new Promise<void>((resolve) => aedes.close(resolve));
      throw error;
    }
    listener.on('error', (error) => options.log.error('broker listener failed', { error: error.message }));
    aedes.on('clientError', (client, error) =>
      options.log.warn('broker client error', { client: client.id, error: error.message }),
    );
    aedes.on('connectionError', (_client, error) =>
      options.log.warn('broker connection error', { error: error.message }),
    );
    return new EmbeddedBroker(aedes, listener, inside);
  }

  get port(): number {
    const address = this.listener.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** The gateway's own way in. */
  readonly connectInside: OpenStream = (): Duplex => {
    const [ours, theirs] = duplexPair({ readableHighWaterMark: 65_536, writableHighWaterMark: 65_536 });
    this.inside.add(theirs);
    // A pair does not close together by itself.
    theirs.on('close', () => ours.destroy());
    ours.on('close', () => theirs.destroy());
    this.aedes.handle(readWhole(theirs));
    return ours;
  };

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.listener.close(() => resolve()));
    await new Promise<void>((resolve) => this.aedes.close(resolve));
    await closed;
  }
}

/**
 * aedes asks once for all that waits, and from Node.js 26 on `read()` gives one piece of it: a packet of which the rest stayed
 * behind would wait for the next one.
 */
function readWhole<T extends Duplex>(stream: T): T {
  const read = stream.read.bind(stream);
  stream.read = (size?: number | null): Buffer | null => {
    if (typeof size === 'number') return read(size) as Buffer | null;
    const pieces: Buffer[] = [];
    for (let piece = read() as Buffer | null; piece !== null; piece = read()) pieces.push(piece);
    return pieces.length > 1 ? Buffer.concat(pieces) : (pieces[0] ?? null);
  };
  return stream;
}

function refusal(returnCode: number): AuthenticateError {
  return Object.assign(new Error('not let in'), { returnCode }) as AuthenticateError;
}

/** What retained messages take, by topic. */
class Retained {
  private readonly limit: number;
  private readonly sizes = new Map<string, number>();
  private total = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** False when there is no room. A message without a payload takes the topic's away (MQTT 3.1.1 §3.3.1.3). */
  set(topic: string, length: number): boolean {
    const size = length === 0 ? 0 : topic.length + length;
    const total = this.total - (this.sizes.get(topic) ?? 0) + size;
    if (size > 0 && total > this.limit) return false;
    if (size === 0) this.sizes.delete(topic);
    else this.sizes.set(topic, size);
    this.total = total;
    return true;
  }
}

function isInside(client: Client, inside: WeakSet<object>): boolean {
  return inside.has(client.conn);
}

function isKnown(
  user: BrokerOptions['user'],
  name: string | undefined,
  password: Readonly<Buffer> | undefined,
): boolean {
  if (user === undefined) return true;
  const nameFits = equalInConstantTime(encodeUtf8(name ?? ''), encodeUtf8(user.name));
  const passwordFits = equalInConstantTime(new Uint8Array(password ?? []), user.password.reveal());
  return nameFits && passwordFits;
}

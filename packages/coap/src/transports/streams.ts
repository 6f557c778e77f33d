// A transport over streams (shell): connections come in and are made, each has its core, and its peer is the connection. What
// carries the bytes (TCP, TLS, WebSockets, a network in memory) is handed in.
import {
  type Address,
  type Agreement,
  type ByteStream,
  ClosedError,
  deadlineSignal,
  formatAddress,
  type Identity,
  type Instant,
  LimitError,
  type Peer,
  type StreamRoad,
  type Transport,
  type TransportSink,
  type TransportTraits,
  untilAborted,
} from '@lapwing/kernel';
import { BASE_MESSAGE_SIZE } from '../message/tcp.ts';
import { Connection, type ConnectionHost } from './connection.ts';
import type { SignallingCount } from './effects.ts';
import { type StreamOptions, type StreamSettings, streamSettings } from './stream-options.ts';

export interface StreamStats extends Readonly<Record<SignallingCount, number>> {
  /** Alive, and of these not yet introduced. */
  readonly connections: number;
  readonly unready: number;
  readonly accepted: number;
  readonly connected: number;
  /** Turned away, and closed to make room, because there were too many. */
  readonly refused: number;
  readonly evicted: number;
  /** Closed because their peer did not read. */
  readonly overflowed: number;
  /** Not sent: the connection was gone. */
  readonly unsent: number;
}

export interface StreamTransport extends Transport {
  /** Where it listens; undefined where it only connects, and before `open`. */
  readonly address: Address | undefined;
  stats(): StreamStats;
  /** Ends every connection of an identity that is not let in any more; the sink is told. Returns how many there were. */
  revoke(isRevoked: (identity: Identity) => boolean): number;
}

/** A peer that is a connection: another connection from the same place is another peer. */
class StreamPeer implements Peer {
  readonly key: string;
  readonly address: Address;
  readonly identity: Identity;
  connection: Agreement = { mtu: BASE_MESSAGE_SIZE, bert: false };

  constructor(key: string, { remote, identity }: ByteStream) {
    this.key = key;
    this.address = remote;
    this.identity = identity;
  }
}

interface Attempt {
  readonly promise: Promise<StreamPeer>;
  readonly controller: AbortController;
  callers: number;
}

/** Addresses whose wish to be left alone is kept, and how long at most. */
const mostHeldOff = 1024;
const longestHoldOff = 3_600_000;

export function streamTransport(road: StreamRoad, options: StreamOptions = {}): StreamTransport {
  return new Streams(road, streamSettings(options));
}

class Streams implements StreamTransport, ConnectionHost<StreamPeer> {
  readonly traits: TransportTraits;
  readonly settings: StreamSettings;
  private readonly road: StreamRoad;
  private readonly connections = new Map<string, Connection<StreamPeer>>();
  private readonly unready = new Set<Connection<StreamPeer>>();
  /** Those we have made, by where they lead. */
  private readonly made = new Map<string, Connection<StreamPeer>>();
  private readonly attempts = new Map<string, Attempt>();
  private readonly heldOff = new Map<string, Instant>();
  private sink: TransportSink | undefined;
  private serial = 0;
  private closed = false;
  private readonly tally = {
    accepted: 0,
    connected: 0,
    refused: 0,
    evicted: 0,
    overflowed: 0,
    unsent: 0,
    idleMessages: 0,
    pongsWithheld: 0,
    unknownSignals: 0,
    readingStopped: 0,
    refusedAfterRelease: 0,
    unsentAfterRelease: 0,
    abortsSent: 0,
    abortsReceived: 0,
    timeouts: 0,
  };

  constructor(road: StreamRoad, settings: StreamSettings) {
    this.road = road;
    this.settings = settings;
    this.traits = { reliable: true, framing: 'rfc8323', mtu: BASE_MESSAGE_SIZE };
  }

  get address(): Address | undefined {
    return this.road.address;
  }

  stats(): StreamStats {
    return { connections: this.connections.size, unready: this.unready.size, ...this.tally };
  }

  async open(sink: TransportSink): Promise<void> {
    if (this.sink !== undefined || this.closed) throw new ClosedError('a transport is opened once');
    this.sink = sink;
    await this.road.open((stream) => this.accept(stream));
  }

  async connect(address: Address, signal?: AbortSignal): Promise<Peer> {
    signal?.throwIfAborted();
    if (this.sink === undefined || this.closed) throw new ClosedError('the transport is not open');
    const place = formatAddress(address);
    const known = this.made.get(place);
    if (known?.isReady === true) return known.peer;
    const attempt = this.attempts.get(place) ?? this.attempt(address, place);
    attempt.callers += 1;
    try {
      return await untilAborted(attempt.promise, signal);
    } finally {
      attempt.callers -= 1;
      if (attempt.callers === 0) attempt.controller.abort(new ClosedError('nobody waits for the connection any more'));
    }
  }

  send(peer: Peer, bytes: Uint8Array): void {
    const connection = this.connections.get(peer.key);
    if (connection === undefined) {
      this.tally.unsent += 1;
      // Whoever waits for an answer on it waits for nothing.
      if (!this.closed) this.sink?.lost(peer, new ClosedError('the connection is gone'));
    } else if (connection.stream.backlog + bytes.length > this.settings.backlog) {
      this.tally.overflowed += 1;
      connection.drop(new LimitError('the peer does not read what it is sent', this.settings.backlog));
    } else connection.handle({ kind: 'send', bytes });
  }

  close(peer: Peer, reason?: Error): void {
    const connection = this.connections.get(peer.key);
    if (connection === undefined) return;
    this.forget(connection);
    connection.handle({ kind: 'close', reason });
  }

  ping(peer: Peer, signal?: AbortSignal): Promise<void> {
    const connection = this.connections.get(peer.key);
    if (connection === undefined) return Promise.reject(new ClosedError('the connection is gone'));
    const pong = connection.awaitPong();
    connection.handle({ kind: 'ping' });
    return untilAborted(pong, signal);
  }

  settled(peer: Peer, bytes: number): void {
    this.connections.get(peer.key)?.handle({ kind: 'settled', bytes });
  }

  revoke(isRevoked: (identity: Identity) => boolean): number {
    const revoked = [...this.connections.values()].filter(({ peer }) => isRevoked(peer.identity));
    for (const connection of revoked) connection.handle({ kind: 'close', reason: undefined });
    return revoked.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    for (const { controller } of this.attempts.values()) controller.abort(new ClosedError('the transport was closed'));
    for (const connection of [...this.connections.values()]) connection.handle({ kind: 'close', reason: undefined });
    await this.road[Symbol.asyncDispose]();
  }

  // What connections tell

  ready(connection: Connection<StreamPeer>): void {
    this.unready.delete(connection);
  }

  agreed({ peer }: Connection<StreamPeer>, agreement: Agreement): void {
    peer.connection = agreement;
  }

  deliver({ peer }: Connection<StreamPeer>, bytes: Uint8Array, at: Instant): void {
    if (!this.closed) this.sink?.receive({ peer, bytes, at });
  }

  released({ peer }: Connection<StreamPeer>, wait: number): void {
    const place = formatAddress(peer.address);
    // As soon as it has introduced itself, or later.
    if (this.made.get(place)?.peer !== peer && !this.attempts.has(place)) return;
    this.made.delete(place);
    if (wait === 0) return;
    if (this.heldOff.size >= mostHeldOff) this.heldOff.clear();
    this.heldOff.set(place, this.settings.clock.now() + Math.min(wait, longestHoldOff));
  }

  count(what: SignallingCount): void {
    this.tally[what] += 1;
  }

  flow({ peer, isReady }: Connection<StreamPeer>, state: 'congested' | 'clear'): void {
    if (!this.closed && isReady) this.sink?.flow?.(peer, state);
  }

  over(connection: Connection<StreamPeer>, cause: Error): void {
    if (this.forget(connection) && !this.closed && connection.isReady) this.sink?.lost(connection.peer, cause);
  }

  /** False when it was forgotten before. */
  private forget(connection: Connection<StreamPeer>): boolean {
    const { peer } = connection;
    const place = formatAddress(peer.address);
    if (this.made.get(place) === connection) this.made.delete(place);
    this.unready.delete(connection);
    return this.connections.delete(peer.key);
  }

  private accept(stream: ByteStream): void {
    const { connections, unready } = this.settings;
    if (this.closed || this.connections.size >= connections) {
      this.tally.refused += 1;
      stream.destroy();
      return;
    }
    if (this.unready.size >= unready) {
      const [oldest] = this.unready;
      this.tally.evicted += 1;
      oldest?.drop(new LimitError('too many connections that have not introduced themselves', unready));
    }
    this.tally.accepted += 1;
    this.begin(stream);
  }

  private begin(stream: ByteStream): Connection<StreamPeer> {
    this.serial += 1;
    const peer = new StreamPeer(`${stream.remote.via} ${formatAddress(stream.remote)} ${this.serial}`, stream);
    const connection = new Connection(stream, peer, this);
    this.connections.set(peer.key, connection);
    this.unready.add(connection);
    connection.start();
    return connection;
  }

  /** One for all who want to get to the same place. */
  private attempt(address: Address, place: string): Attempt {
    const controller = new AbortController();
    const promise = this.make(address, place, controller.signal).finally(() => this.attempts.delete(place));
    promise.catch(() => undefined);
    const attempt: Attempt = { promise, controller, callers: 0 };
    this.attempts.set(place, attempt);
    return attempt;
  }

  private async make(address: Address, place: string, signal: AbortSignal): Promise<StreamPeer> {
    const { clock, connectTimeout } = this.settings;
    const until = this.heldOff.get(place) ?? 0;
    // RFC 8323 §5.5: it asked to be left alone for a while.
    if (until > clock.now()) throw new ClosedError(`${place} wants no new connection yet`);
    this.heldOff.delete(place);
    using deadline = deadlineSignal(clock, connectTimeout, `connection to ${place}`, signal);
    const stream = await this.road.connect(address, deadline.signal);
    if (this.closed || deadline.signal.aborted) {
      stream.destroy();
      throw new ClosedError('the transport was closed');
    }
    this.tally.connected += 1;
    const connection = this.begin(stream);
    try {
      await untilAborted(connection.introduced, deadline.signal);
    } catch (error) {
      connection.drop(error as Error);
      throw error;
    }
    if (this.connections.has(connection.peer.key)) this.made.set(place, connection);
    return connection.peer;
  }
}

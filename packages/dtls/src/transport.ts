// DTLS 1.2 as a function from transport to transport (shell): whatever carries datagrams below, the layer above sends and
// receives plaintext with peers that have proved who they are, and cannot tell the difference.
import {
  type Address,
  type Clock,
  ClosedError,
  ConfigError,
  type Datagram,
  type Identity,
  type Instant,
  type Peer,
  type Transport,
  type TransportSink,
  type TransportTraits,
} from '@lapwing/kernel';
import type { AssociationPeer } from './association.ts';
import { Associations } from './associations.ts';
import type { Connection } from './connection.ts';
import { Connections } from './connections.ts';
import { type AlertError, HandshakeError } from './errors.ts';
import type { Answer, Established, Question } from './handshake/contract.ts';
import { Journaling } from './journaling.ts';
import { lookUp } from './look-up.ts';
import { machineSettings } from './machine-settings.ts';
import { type EstablishedEvent, type SecureOptions, type Settings, settle } from './options.ts';
import type { Outlet } from './outlet.ts';
import { contentRoom } from './record/protection.ts';
import { Sealing } from './sealing.ts';
import { serverNames } from './server-names.ts';
import { Sessions } from './sessions.ts';
import { type Restored, restoreInto, snapshotOf } from './snapshot.ts';
import { Counters, type DtlsStats } from './stats.ts';
import { exportKeyingMaterial } from './suites/prf.ts';
import { defaultSuites } from './suites/registry.ts';
import { TicketKeys } from './tickets.ts';
import { SteadyWall } from './wall.ts';

/**
 * `connect` shakes hands, or gives the peer with whom hands are shaken already; it rejects with HandshakeError or
 * AlertError that say what is wrong, or with the signal's reason. `peer.key` names an association: it stays when the peer's
 * address changes, and another handshake gives another key. `lost` tells the end of an association. `send` drops what the
 * peer has said not to take in one record, and counts it: `traits.mtu` is what everybody takes who has said nothing.
 */
export interface DtlsTransport extends Transport {
  stats(): DtlsStats;
  /** Says goodbye and forgets the association; nothing happens when there is none. The sink is not told. */
  close(peer: Peer): void;
  /** Ends every association of an identity that is not let in any more; the sink is told. Returns how many there were. */
  revoke(isRevoked: (identity: Identity) => boolean): number;
  /** Every established peer, those that were quiet longest first. */
  peers(): IterableIterator<Peer>;
  /** The established peers of these identities, those that were quiet longest first; none where `limits.perIdentity` is as high as `associations`. */
  peersOf(...identities: readonly Identity[]): readonly Peer[];
  /** All associations, to be restored by the next process; holds keys. See snapshot.ts for what it rests on. */
  snapshot(): Uint8Array;
  /** Writes everybody to the journal; who was heard is written by itself, and everybody when the transport is closed. */
  checkpoint(): void;
  /**
   * Takes up associations, of `snapshot` or of everything that the journal was given, by its keys: all in one call, and
   * before `open`, which writes to the journal that this time has begun. A damaged record of a journal is refused alone; a damaged snapshot throws FormatError. Throws
   * ConfigError without a `journal`: who takes up associations must be able to write down that it did.
   */
  restore(records: Uint8Array | Iterable<readonly [key: string, record: Uint8Array]>): Restored;
  /** Closing keeps quiet to those who have an association: they may be restored. `closeAll` says goodbye to everybody first. */
  closeAll(): void;
}

/** Secures a datagram transport. Throws ConfigError for options out of range, or a transport that carries a stream. */
export function secure(inner: Transport, options: SecureOptions): DtlsTransport {
  const settings = settle(options, inner.traits.pace);
  if (inner.traits.framing !== 'rfc7252') throw new ConfigError(['transport: DTLS is for datagrams, use TLS over TCP']);
  return new SecuredTransport(inner, settings);
}

/** Bytes of the content of a record (RFC 6347 §4.1). */
const LONGEST_RECORD = 16_384;

/** Of the ids that others ask us to put into our records, as far as `traits.mtu` reckons with them. */
const USUAL_ID = 8;

interface Waiting {
  readonly connection: Connection;
  readonly promise: Promise<Peer>;
  resolve(peer: Peer): void;
  reject(error: unknown): void;
  /** Callers that have not given up. */
  callers: number;
}

class SecuredTransport implements DtlsTransport, Outlet {
  readonly traits: TransportTraits;
  private readonly inner: Transport;
  private readonly settings: Settings;
  private readonly clock: Clock;
  private readonly wall: SteadyWall;
  private readonly counters = new Counters();
  private readonly table: Associations;
  private readonly journaling: Journaling;
  private readonly sealing: Sealing;
  private readonly core: Connections;
  private readonly waiting = new Map<Connection, Waiting>();
  private sink: TransportSink | undefined;
  private closed = false;
  private timer: Disposable | undefined;
  private armedFor: Instant | undefined;

  constructor(inner: Transport, settings: Settings) {
    const { clock, random, limits, sessionLifetime } = settings;
    this.inner = inner;
    this.settings = settings;
    this.clock = clock;
    this.wall = new SteadyWall(clock);
    const suites = settings.suites ?? defaultSuites;
    const roomIn = (bytes: number): number => Math.min(...suites.map((suite) => contentRoom(suite, USUAL_ID, bytes)));
    const { mtu, longest } = inner.traits;
    const more = longest === undefined ? {} : { longest: Math.min(roomIn(longest), LONGEST_RECORD) };
    this.traits = { ...inner.traits, mtu: roomIn(mtu), ...more };
    this.table = new Associations(settings.connectionId, limits, random, this.wall);
    this.journaling = new Journaling(settings.journal, this.table, this.wall, this.counters);
    this.sealing = new Sealing(this.table, limits, this.counters, this.journaling);
    this.core = new Connections({
      settings,
      machine: { client: machineSettings(settings, 'client'), server: machineSettings(settings, 'server') },
      sessions: new Sessions(settings),
      tickets: settings.tickets ? new TicketKeys(random, sessionLifetime, (now) => this.wall.at(now)) : undefined,
      table: this.table,
      sealing: this.sealing,
      journaling: this.journaling,
      counters: this.counters,
      outlet: this,
      datagram: inner.traits.mtu,
    });
  }

  async open(sink: TransportSink): Promise<void> {
    if (this.sink !== undefined || this.closed) throw new ClosedError('a transport is opened once');
    // Before the first record comes or goes.
    this.journaling.reserve(this.clock.now());
    this.sink = sink;
    await this.inner.open({
      receive: (datagram) => this.receive(datagram),
      // Datagrams cannot lose a peer; what carries them may. The association is not bound to the road.
      lost: () => undefined,
    });
    this.arm();
  }

  async connect(address: Address, signal?: AbortSignal): Promise<Peer> {
    signal?.throwIfAborted();
    const { connect } = this.settings;
    if (connect === undefined)
      throw new HandshakeError('credentials', 'this transport has no credentials to connect with');
    if (this.sink === undefined || this.closed) throw new ClosedError('the transport is not open');
    const road = await this.inner.connect(address, signal);
    if (this.closed) throw new ClosedError('the transport was closed');
    const known = this.core.connectedTo(road.address, this.clock.now());
    if (known !== undefined) return known;
    const names = serverNames(address, this.settings.serverName);
    const shaking = this.core.handshakes.at(road, 'client');
    const waiting = shaking === undefined ? undefined : this.waiting.get(shaking);
    if (waiting !== undefined) return this.await(waiting, signal);
    const credentials = connect(address, names.serverName);
    return this.await(
      this.begin((now) => this.core.handshakes.connect(road, credentials, names, now)),
      signal,
    );
  }

  send(peer: Peer, bytes: Uint8Array): void {
    if (this.closed || this.sink === undefined) return;
    this.core.send(peer, bytes, this.clock.now());
    if (this.armedFor === undefined) this.arm();
  }

  close(peer: Peer): void {
    if (!this.closed) this.core.close(peer, this.clock.now());
  }

  revoke(isRevoked: (identity: Identity) => boolean): number {
    return this.closed ? 0 : this.core.revoke(isRevoked, this.clock.now());
  }

  peers(): IterableIterator<Peer> {
    return this.table.inOrder();
  }

  peersOf(...identities: readonly Identity[]): readonly Peer[] {
    const { table } = this;
    const peers = identities.flatMap((identity) => table.byIdentity(identity));
    return peers.sort((a, b) => table.seenAt(a) - table.seenAt(b));
  }

  snapshot(): Uint8Array {
    return snapshotOf(this.table, this.table.inOrder(), 'stopped', this.wall.at(this.clock.now()));
  }

  checkpoint(): void {
    if (!this.closed) this.journaling.writeAll(this.clock.now());
  }

  restore(records: Uint8Array | Iterable<readonly [key: string, record: Uint8Array]>): Restored {
    if (this.settings.journal === undefined)
      throw new ConfigError(['journal: associations are not taken up without it']);
    if (this.sink !== undefined || this.closed)
      throw new ClosedError('associations are taken up before a transport is opened');
    const restored = restoreInto(this.table, records, this.wall, this.clock.now());
    this.counters.add('restored', restored.associations);
    this.counters.add('notRestored', restored.refused.length);
    return restored;
  }

  stats(): DtlsStats {
    return this.counters.snapshot({
      associations: this.table.size,
      warm: this.table.warmSize,
      handshakes: this.core.handshakes.size,
      lingering: this.core.handshakes.lingeringSize,
      slabBytes: this.table.slabBytes,
    });
  }

  closeAll(): void {
    for (const peer of this.table.inOrder()) this.close(peer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.closed) return;
    this.core.handshakes.close(new HandshakeError('closed', 'the transport was closed'));
    this.journaling.stop(this.clock.now());
    this.closed = true;
    this.timer?.[Symbol.dispose]();
    this.timer = undefined;
    this.table.erase();
    await this.inner[Symbol.asyncDispose]();
  }

  /** What can be printed: nothing that leads to keys. */
  toJSON(): object {
    return { traits: this.traits, associations: this.table.size };
  }

  [Symbol.for('nodejs.util.inspect.custom')](): object {
    return this.toJSON();
  }

  // What the core says

  transmit(road: Peer, bytes: Uint8Array): void {
    const { counts } = this.counters;
    counts.datagramsOut += 1;
    counts.bytesOut += bytes.length;
    this.inner.send(road, bytes);
  }

  deliver(peer: AssociationPeer, bytes: Uint8Array, at: Instant): void {
    this.sink?.receive({ peer, bytes, at });
  }

  lost(peer: AssociationPeer, cause: Error): void {
    this.sink?.lost(peer, cause);
  }

  lookUp(connection: Connection, question: Question): void {
    lookUp(this.settings.accept, question, (answer) => this.found(connection, answer));
  }

  established(connection: Connection, outcome: Established): void {
    const { peer, hasOwnCid, sendCid } = connection.live;
    const { onEstablished } = this.settings;
    if (onEstablished !== undefined) {
      const { suite, masterSecret, clientRandom, serverRandom } = outcome;
      const event: EstablishedEvent = {
        peer,
        role: outcome.role,
        suite: suite.name,
        identity: outcome.identity,
        serverName: outcome.serverName,
        resumed: outcome.resumed,
        connectionIds: { ours: hasOwnCid, theirs: sendCid !== undefined && sendCid.length > 0 },
        exporter: (label, length, context) =>
          exportKeyingMaterial(suite.hash, masterSecret, clientRandom, serverRandom, label, context, length),
      };
      try {
        onEstablished(event);
      } catch {
        this.counters.add('listenerErrors');
      }
    }
    this.settleWaiting(connection)?.resolve(peer);
  }

  failed(connection: Connection, error: AlertError | HandshakeError): void {
    this.settleWaiting(connection)?.reject(error);
  }

  private receive(datagram: Datagram): void {
    // RFC 6347: there is no association with a group.
    if (this.closed || datagram.multicast === true) return;
    this.core.receive(datagram.peer, datagram.bytes, datagram.at);
    this.arm();
  }

  private found(connection: Connection, answer: Answer): void {
    if (this.closed) return;
    this.core.handshakes.handle(connection, { kind: 'found', answer }, this.clock.now());
    this.arm();
  }

  private begin(start: (now: Instant) => Connection): Waiting {
    const connection = start(this.clock.now());
    const { promise, resolve, reject } = promiseParts<Peer>();
    const waiting: Waiting = { connection, promise, resolve, reject, callers: 0 };
    // What is below may carry datagrams at once, then it is over already.
    if (connection.state === 'shaking') this.waiting.set(connection, waiting);
    else if (connection.error === undefined) resolve(connection.live.peer);
    else reject(connection.error);
    this.arm();
    return waiting;
  }

  private await(waiting: Waiting, signal: AbortSignal | undefined): Promise<Peer> {
    waiting.callers += 1;
    if (signal === undefined) return waiting.promise;
    return new Promise((resolve, reject) => {
      const aborted = (): void => {
        reject(signal.reason);
        waiting.callers -= 1;
        if (waiting.callers === 0) {
          this.core.handshakes.drop(waiting.connection, new HandshakeError('closed', 'the caller gave up'));
        }
      };
      signal.addEventListener('abort', aborted, { once: true });
      const done = (): void => signal.removeEventListener('abort', aborted);
      waiting.promise.then(
        (peer) => {
          done();
          resolve(peer);
        },
        (error) => {
          done();
          reject(error);
        },
      );
    });
  }

  private settleWaiting(connection: Connection): Waiting | undefined {
    const waiting = this.waiting.get(connection);
    this.waiting.delete(connection);
    return waiting;
  }

  private arm(): void {
    const { deadline } = this.core;
    if (deadline === this.armedFor || this.closed) return;
    // A later deadline keeps the earlier timer: waking early is harmless, and re-arming for each record is not free.
    if (this.timer !== undefined && deadline !== undefined && this.armedFor !== undefined && deadline > this.armedFor)
      return;
    this.timer?.[Symbol.dispose]();
    this.timer = undefined;
    this.armedFor = deadline;
    if (deadline !== undefined) this.timer = this.clock.at(deadline, this.due);
  }

  private readonly due = (): void => {
    this.timer = undefined;
    this.armedFor = undefined;
    if (this.closed) return;
    this.core.expire(this.clock.now());
    this.arm();
  };
}

function promiseParts<T>(): { promise: Promise<T>; resolve(value: T): void; reject(error: unknown): void } {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  // Callers that gave up do not hear of it.
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}

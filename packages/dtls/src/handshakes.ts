// All handshakes of a transport: begins them, carries out what their machines say, keeps their deadlines and their number,
// and turns those that succeed into associations. An old association of the same address lives until the new handshake
// has finished: a forged hello costs it nothing.
import { DueQueue, type Identity, type Instant, LinkedList, type Peer } from '@lapwing/kernel';
import type { Admission } from './admission.ts';
import type { AssociationPeer, LiveAssociation } from './association.ts';
import type { Associations } from './associations.ts';
import { Connection } from './connection.ts';
import type { Credentials } from './credentials.ts';
import { begunAgain, gaveWay, gaveWayToItself, shakenAgain, tooManyHalfOpen } from './endings.ts';
import { type AlertError, HandshakeError } from './errors.ts';
import { FlightWriter } from './flight-writer.ts';
import type { Established, HandshakeEffect, HandshakeInput, Question } from './handshake/contract.ts';
import { Handshake } from './handshake/machine.ts';
import type { TicketSource } from './handshake/session.ts';
import type { HandshakeSettings } from './handshake/settings.ts';
import type { Journaling } from './journaling.ts';
import type { Settings } from './options.ts';
import type { Outlet } from './outlet.ts';
import { sameIdentity } from './same-identity.ts';
import type { Sealing } from './sealing.ts';
import type { ServerNames } from './server-names.ts';
import type { Sessions } from './sessions.ts';
import type { Counters } from './stats.ts';
import { traceEnd, traceMessage } from './traces.ts';

export interface HandshakeParts {
  readonly settings: Settings;
  readonly machine: { readonly client: HandshakeSettings; readonly server: HandshakeSettings };
  readonly sessions: Sessions;
  readonly tickets: TicketSource | undefined;
  readonly table: Associations;
  readonly sealing: Sealing;
  readonly journaling: Journaling;
  readonly admission: Admission;
  readonly counters: Counters;
  readonly outlet: Outlet;
  /** Bytes of a datagram. */
  readonly datagram: number;
  /** Ends an established association; the sink is told. */
  readonly end: (peer: AssociationPeer, cause: Error) => void;
  /** Looks once more at what came before its keys. */
  readonly again: (connection: Connection, datagram: Uint8Array, now: Instant) => void;
}

interface Step {
  readonly connection: Connection;
  /** Undefined: time has passed. */
  readonly input: HandshakeInput | undefined;
}

export class Handshakes {
  private readonly parts: HandshakeParts;
  private readonly deadlines = new DueQueue<Connection>();
  /** By the key of the road: those on their way, and those whose last flight is kept. */
  private readonly outgoing = new Map<string, Connection>();
  private readonly incoming = new Map<string, Connection>();
  /** In the order in which they began. */
  private readonly halfOpen = new LinkedList<Connection>();
  private readonly lingering = new LinkedList<Connection>();
  private readonly writer: FlightWriter;
  private readonly evicted: Error;
  private readonly evictedByItself: Error;
  private shaking = 0;
  private readonly waiting: Step[] = [];
  private isBusy = false;

  constructor(parts: HandshakeParts) {
    this.parts = parts;
    this.writer = new FlightWriter(parts);
    this.evicted = gaveWay(parts.settings.limits.associations);
    this.evictedByItself = gaveWayToItself(parts.settings.limits.perIdentity);
  }

  get size(): number {
    return this.shaking;
  }

  get lingeringSize(): number {
    return this.lingering.size;
  }

  get deadline(): Instant | undefined {
    return this.deadlines.first?.dueAt;
  }

  at(road: Peer, role: 'client' | 'server'): Connection | undefined {
    return (role === 'client' ? this.outgoing : this.incoming).get(road.key);
  }

  /** Begins a handshake with a server. Throws HandshakeError when there is no room for another association. */
  connect(road: Peer, credentials: Credentials, name: ServerNames, now: Instant): Connection {
    const { settings, machine, datagram } = this.parts;
    const live = this.reserve(road, 'client', now);
    if (live === undefined) throw new HandshakeError('limit', 'there are too many associations, and all are in use');
    const sessionKey = `${road.key} ${name.serverName ?? ''}`;
    const handshake = this.make(live, () =>
      Handshake.client({
        settings: machine.client,
        credentials,
        serverName: name.serverName,
        hostName: name.hostName,
        session: this.parts.sessions.offer(sessionKey, now),
        tickets: settings.tickets ? 'ask' : 'none',
        connectionId: this.parts.table.connectionIdOf(live),
        datagram,
        wall: settings.clock.wall(),
      }),
    );
    const connection = new Connection(handshake, live, now, { sessionKey });
    const before = this.outgoing.get(road.key);
    if (before !== undefined) this.release(before);
    this.outgoing.set(road.key, connection);
    this.begin(connection);
    this.handle(connection, { kind: 'start' }, now);
    return connection;
  }

  /** Begins a handshake with a client that has shown its address. `sequence`: record number of its hello. */
  accept(road: Peer, helloRandom: Uint8Array, sequence: number, now: Instant): Connection | undefined {
    const { settings, machine, datagram, counters, admission } = this.parts;
    const before = this.incoming.get(road.key);
    if (before !== undefined) this.drop(before, begunAgain);
    const oldest = this.halfOpen.first;
    if (oldest !== undefined && this.halfOpen.size >= settings.limits.halfOpen) {
      counters.add('halfOpenEvicted');
      this.drop(oldest, tooManyHalfOpen);
    }
    const live = settings.accept === undefined ? undefined : this.reserve(road, 'server', now);
    if (live === undefined || settings.accept === undefined) return undefined;
    const credentials = settings.accept;
    const handshake = this.make(live, () =>
      Handshake.server({
        settings: machine.server,
        credentials,
        sessions: this.parts.sessions.source,
        tickets: this.parts.tickets,
        connectionId: this.parts.table.connectionIdOf(live),
        datagram,
        wall: settings.clock.wall(),
      }),
    );
    const connection = new Connection(handshake, live, now, {
      helloRandom: helloRandom.slice(),
      plainSequence: sequence,
    });
    this.incoming.set(road.key, connection);
    this.halfOpen.add(connection);
    admission.enter(road.address);
    this.begin(connection);
    return connection;
  }

  /** An input that an effect causes waits until the effects of the running step are carried out. */
  handle(connection: Connection, input: HandshakeInput, now: Instant): void {
    this.waiting.push({ connection, input });
    if (this.isBusy) return;
    for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) this.step(next, now);
  }

  expire(now: Instant): void {
    for (let due = this.deadlines.take(now); due !== undefined; due = this.deadlines.take(now)) {
      this.step({ connection: due, input: undefined }, now);
    }
    for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) this.step(next, now);
  }

  private step({ connection, input }: Step, now: Instant): void {
    if (connection.state === 'over') return;
    if (input?.kind === 'fragment') traceMessage('in', connection, input.epoch, input.bytes);
    const { machine } = connection;
    this.isBusy = true;
    try {
      this.run(connection, input === undefined ? machine.expire(now) : machine.handle(input, now), now);
    } finally {
      this.isBusy = false;
    }
  }

  /** Gives up one that has not finished; its owner is told. */
  drop(connection: Connection, error: HandshakeError): void {
    if (connection.state !== 'shaking') {
      this.release(connection);
      return;
    }
    this.comeToNothing(connection, error);
  }

  /** Forgets one that has finished: its last flight will not be repeated any more. */
  release(connection: Connection): void {
    if (connection.state !== 'established') return;
    this.finish(connection);
    connection.state = 'over';
  }

  /** Ends all that have not finished. */
  close(error: HandshakeError): void {
    for (const map of [this.outgoing, this.incoming]) for (const each of [...map.values()]) this.drop(each, error);
    this.deadlines.clear();
  }

  /** Whether a record that came before its keys was kept for later. */
  keepEarly(connection: Connection, rest: Uint8Array): boolean {
    const { early, earlyBytes } = this.parts.settings.limits;
    connection.early ??= [];
    if (connection.early.length >= early || connection.earlyBytes + rest.length > earlyBytes) return false;
    connection.early.push(new Uint8Array(rest));
    connection.earlyBytes += rest.length;
    return true;
  }

  /** A place is not lost when credentials turn out to be none. */
  private make(live: LiveAssociation, machine: () => Handshake): Handshake {
    try {
      return machine();
    } catch (error) {
      this.parts.table.remove(live.peer);
      throw error;
    }
  }

  private begin(connection: Connection): void {
    this.shaking += 1;
    this.parts.counters.add('handshakesStarted');
    traceMessage('start', connection, 0, undefined);
  }

  private reserve(road: Peer, role: 'client' | 'server', now: Instant): LiveAssociation | undefined {
    const { table, settings, counters } = this.parts;
    if (table.size + this.shaking >= settings.limits.associations) {
      const stale = table.stalest(now);
      if (stale === undefined) {
        counters.add('associationsFull');
        return undefined;
      }
      counters.add('associationsEvicted');
      this.parts.end(stale, this.evicted);
    }
    return table.reserve(road, role, now);
  }

  private run(connection: Connection, effects: readonly HandshakeEffect[], now: Instant): void {
    let question: Question | undefined;
    let gotKeys = false;
    for (let i = 0; i < effects.length; i += 1) {
      const effect = effects[i] as HandshakeEffect;
      switch (effect.kind) {
        case 'send':
          this.writer.write(connection, effect, now);
          break;
        case 'flush':
          this.writer.flush(connection);
          break;
        case 'keys':
          this.takeKeys(connection, effect.protection);
          gotKeys = true;
          break;
        case 'look-up':
          question = effect.question;
          break;
        case 'established':
          this.writer.flush(connection);
          this.establish(connection, effect.outcome, now);
          break;
        case 'failed':
          this.writer.flush(connection);
          this.fail(connection, effect.error);
          break;
        case 'released':
          this.release(connection);
          break;
      }
    }
    this.writer.flush(connection);
    if (connection.state === 'over') return;
    const { deadline } = connection.machine;
    if (deadline === undefined) this.deadlines.delete(connection);
    else this.deadlines.set(connection, deadline);
    if (question !== undefined) this.parts.outlet.lookUp(connection, question);
    if (gotKeys) this.readEarly(connection, now);
  }

  private takeKeys(connection: Connection, protection: Established['protection']): void {
    const { live } = connection;
    const isClient = connection.role === 'client';
    live.suite = protection.suite;
    live.sendCid = protection.sendCid;
    live.hasOwnCid = (protection.receiveCid?.length ?? 0) > 0;
    if (live.pending !== undefined) {
      live.pending.sealing = isClient ? protection.client : protection.server;
      live.pending.opening = isClient ? protection.server : protection.client;
    }
    connection.hasKeys = true;
  }

  private readEarly(connection: Connection, now: Instant): void {
    const { early } = connection;
    connection.early = undefined;
    connection.earlyBytes = 0;
    if (early !== undefined) for (const datagram of early) this.parts.again(connection, datagram, now);
  }

  private establish(connection: Connection, outcome: Established, now: Instant): void {
    const { table, counters, outlet, sessions, journaling } = this.parts;
    const { live } = connection;
    live.sendLimit = outcome.sendLimit;
    table.establish(live, outcome.identity);
    table.touch(live, now);
    this.finish(connection);
    connection.state = 'established';
    this.linger(connection);
    counters.add('handshakesDone');
    if (outcome.resumed) counters.add('handshakesResumed');
    sessions.keep(connection, outcome.session, now);
    this.replace(live, outcome.identity, now);
    if (live.role === 'server') this.thinOut(live.peer, outcome.identity);
    traceEnd(connection, outcome);
    journaling.write(live.peer, now);
    outlet.established(connection, outcome);
  }

  /** What the new association stands for: nobody will use the old ones any more, or can. */
  private replace({ peer, road, role }: LiveAssociation, identity: Identity, now: Instant): void {
    const { table } = this.parts;
    for (;;) {
      const old = table.byAddress(
        road.address,
        (other) =>
          other !== peer &&
          table.liveOf(other, now).role === role &&
          (!table.hasOwnCid(other) || sameIdentity(other.identity, identity)),
      );
      if (old === undefined) return;
      this.parts.end(old, shakenAgain);
    }
  }

  /** One credential does not fill the table. */
  private thinOut(peer: AssociationPeer, identity: Identity): void {
    const { table, settings, counters } = this.parts;
    const others = table.byIdentity(identity).filter((other) => other !== peer);
    for (const old of others.slice(0, Math.max(0, others.length + 1 - settings.limits.perIdentity))) {
      counters.add('associationsEvicted');
      this.parts.end(old, this.evictedByItself);
    }
  }

  private comeToNothing(connection: Connection, error: AlertError | HandshakeError): void {
    this.finish(connection);
    connection.state = 'over';
    connection.error = error;
    this.parts.table.remove(connection.live.peer);
    this.parts.counters.add('handshakesFailed');
    traceEnd(connection, error);
    this.parts.outlet.failed(connection, error);
  }

  private fail(connection: Connection, error: AlertError | HandshakeError): void {
    if (connection.state === 'shaking') {
      this.parts.sessions.forget(connection.live, connection.sessionKey);
      this.comeToNothing(connection, error);
    } else {
      this.release(connection);
      this.parts.end(connection.live.peer, error);
    }
  }

  private linger(connection: Connection): void {
    const { limits } = this.parts.settings;
    this.lingering.add(connection);
    (connection.role === 'client' ? this.outgoing : this.incoming).set(connection.origin.key, connection);
    connection.live.handshake = connection;
    const oldest = this.lingering.first;
    if (oldest !== undefined && this.lingering.size > limits.lingering) this.release(oldest);
  }

  /** Takes it out of every list. */
  private finish(connection: Connection): void {
    const map = connection.role === 'client' ? this.outgoing : this.incoming;
    const { key, address } = connection.origin;
    if (map.get(key) === connection) map.delete(key);
    if (this.halfOpen.delete(connection)) this.parts.admission.leave(address);
    this.lingering.delete(connection);
    this.deadlines.delete(connection);
    if (connection.state === 'shaking') this.shaking -= 1;
    if (connection.live.handshake === connection) connection.live.handshake = undefined;
    connection.early = undefined;
  }
}

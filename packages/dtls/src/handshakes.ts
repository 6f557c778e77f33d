// All handshakes of a transport: begins them, carries out what their machines say, keeps their deadlines and their number,
// and turns those that succeed into associations. An old association of the same address lives until the new handshake
// has finished: a forged hello costs it nothing.
import { DueQueue, type Instant, LinkedList, type Peer } from '@lapwing/kernel';
import type { Admission } from './admission.ts';
import type { AssociationPeer, LiveAssociation } from './association.ts';
import type { Associations } from './associations.ts';
import { Connection } from './connection.ts';
import { ConnectionTable } from './connection-table.ts';
import type { Credentials } from './credentials.ts';
import { begunAgain, tooManyHalfOpen } from './endings.ts';
import { type AlertError, HandshakeError } from './errors.ts';
import { FlightWriter } from './flight-writer.ts';
import type { Established, HandshakeEffect, HandshakeInput, Question } from './handshake/contract.ts';
import { Handshake } from './handshake/machine.ts';
import type { TicketSource } from './handshake/session.ts';
import type { HandshakeSettings } from './handshake/settings.ts';
import type { Journaling } from './journaling.ts';
import type { Settings } from './options.ts';
import type { Outlet } from './outlet.ts';
import type { Sealing } from './sealing.ts';
import type { ServerNames } from './server-names.ts';
import type { Sessions } from './sessions.ts';
import type { Counters } from './stats.ts';
import { Succession } from './succession.ts';
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
  readonly input: HandshakeInput;
}

export class Handshakes {
  private readonly parts: HandshakeParts;
  private readonly deadlines = new DueQueue<Connection>();
  /** Those on their way, and those whose last flight is kept. */
  private readonly outgoing = new ConnectionTable();
  private readonly incoming = new ConnectionTable();
  /** In the order in which they began. */
  private readonly halfOpen = new LinkedList<Connection>();
  private readonly lingering = new LinkedList<Connection>();
  private readonly writer: FlightWriter;
  private readonly succession: Succession;
  private readonly wall: () => number;
  private shaking = 0;
  private readonly waiting: Step[] = [];
  private isBusy = false;

  constructor(parts: HandshakeParts) {
    this.parts = parts;
    this.writer = new FlightWriter(parts);
    this.succession = new Succession(parts);
    this.wall = () => parts.settings.clock.wall();
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
    return this.tableOf(role).at(road);
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
        wall: this.wall,
      }),
    );
    const connection = new Connection(handshake, live, now, { sessionKey });
    const before = this.outgoing.at(road);
    if (before !== undefined) {
      this.release(before);
      this.outgoing.delete(before);
    }
    this.outgoing.add(connection);
    this.begin(connection);
    this.handle(connection, { kind: 'start' }, now);
    return connection;
  }

  /** Begins a handshake with a client that has shown its address. `sequence`: record number of its hello. */
  accept(road: Peer, helloMark: number, sequence: number, now: Instant): Connection | undefined {
    const { settings, machine, datagram, counters, admission } = this.parts;
    const before = this.incoming.at(road);
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
        wall: this.wall,
      }),
    );
    const connection = new Connection(handshake, live, now, {
      helloMark,
      plainSequence: sequence,
    });
    this.incoming.add(connection);
    this.halfOpen.add(connection);
    admission.enter(road.address);
    this.begin(connection);
    return connection;
  }

  /** An input that an effect causes waits until the effects of the running step are carried out. */
  handle(connection: Connection, input: HandshakeInput, now: Instant): void {
    if (this.isBusy) this.waiting.push({ connection, input });
    else {
      this.step(connection, input, now);
      this.catchUp(now);
    }
  }

  expire(now: Instant): void {
    for (let due = this.deadlines.take(now); due !== undefined; due = this.deadlines.take(now)) {
      this.step(due, undefined, now);
    }
    this.catchUp(now);
  }

  private catchUp(now: Instant): void {
    while (this.waiting.length > 0) {
      const { connection, input } = this.waiting.shift() as Step;
      this.step(connection, input, now);
    }
  }

  /** Without an input time has passed. */
  private step(connection: Connection, input: HandshakeInput | undefined, now: Instant): void {
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
    for (const each of [...this.outgoing.all(), ...this.incoming.all()]) this.drop(each, error);
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
    return this.succession.makeRoom(this.shaking, now) ? this.parts.table.reserve(road, role, now) : undefined;
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
    this.shook(connection);
    connection.state = 'established';
    this.linger(connection);
    counters.counts.handshakesDone += 1;
    if (outcome.resumed) counters.counts.handshakesResumed += 1;
    sessions.keep(connection, outcome.session, now);
    this.succession.follow(live, outcome.identity, now);
    traceEnd(connection, outcome);
    journaling.write(live.peer, now);
    outlet.established(connection, outcome);
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
    const oldest = this.lingering.first;
    if (oldest !== undefined && this.lingering.size > limits.lingering) this.release(oldest);
  }

  /** Takes it out of every list. */
  private finish(connection: Connection): void {
    if (connection.state === 'shaking') this.shook(connection);
    this.tableOf(connection.role).delete(connection);
    this.lingering.delete(connection);
    this.deadlines.delete(connection);
    if (connection.live.handshake === connection) connection.live.handshake = undefined;
  }

  /** It is on its way no more. */
  private shook(connection: Connection): void {
    this.shaking -= 1;
    if (this.halfOpen.delete(connection)) this.parts.admission.leave(connection.origin.address);
    connection.early = undefined;
  }

  private tableOf(role: 'client' | 'server'): ConnectionTable {
    return role === 'client' ? this.outgoing : this.incoming;
  }
}

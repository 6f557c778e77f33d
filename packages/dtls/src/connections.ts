// The core of a secured transport: which association a record belongs to, and what becomes of it. A record with a connection
// id goes to the association that the id names, any other to whoever is at its address; what fits nobody is dropped and
// counted, without decrypting and without an answer (RFC 6347 §4.1.2.7).
//
//   datagram ─► record ─┬─ type 25 ──────────► by id ────┐
//                       ├─ epoch 1 ──────────► by address ┴─► window ─► open ─► data · alert · handshake
//                       └─ epoch 0 ─┬─ hello ─► cookie ─► a new handshake
//                                   └─ others ─► the handshake at that address
import { type Address, FormatError, type Identity, type Instant, LimitError, type Peer } from '@lapwing/kernel';
import { Admission } from './admission.ts';
import { AlertDescription, AlertLevel, decodeAlert, encodeAlert } from './alert.ts';
import type { AssociationPeer, LiveAssociation } from './association.ts';
import type { Associations } from './associations.ts';
import type { Connection } from './connection.ts';
import { closedByPeer, revoked } from './endings.ts';
import { AlertError } from './errors.ts';
import { type HandshakeParts, Handshakes } from './handshakes.ts';
import { Hearing } from './hearing.ts';
import type { Journaling } from './journaling.ts';
import { HandshakeType } from './messages/handshake.ts';
import type { Settings } from './options.ts';
import type { Outlet } from './outlet.ts';
import { ContentType, DTLS_1_2, RecordView, readRecord } from './record/record.ts';
import { accept, isFresh } from './record/replay-window.ts';
import type { Sealing } from './sealing.ts';
import type { Sessions } from './sessions.ts';
import type { Counters } from './stats.ts';
import { traceAlert } from './traces.ts';
import { Unprotected } from './unprotected.ts';

const noRenegotiation = encodeAlert({ level: AlertLevel.Warning, description: AlertDescription.NoRenegotiation });
const closeNotify = encodeAlert({ level: AlertLevel.Warning, description: AlertDescription.CloseNotify });
/** A peer that asks for a renegotiation is told not more often, in ms. */
const REFUSAL_PACE = 1000;

export type ConnectionParts = Omit<HandshakeParts, 'end' | 'again' | 'admission'>;

export class Connections {
  readonly handshakes: Handshakes;
  private readonly settings: Settings;
  private readonly table: Associations;
  private readonly sealing: Sealing;
  private readonly counters: Counters;
  private readonly outlet: Outlet;
  private readonly sessions: Sessions;
  private readonly journaling: Journaling;
  private readonly hearing: Hearing;
  private readonly unprotected: Unprotected;
  private readonly view = new RecordView();
  /** Bytes of our connection ids in records; 0 when others put none into theirs. */
  private readonly idLength: number;
  private sweepAt: Instant | undefined;
  /** One function for all records. */
  private readonly needsNoId = (peer: AssociationPeer): boolean => !this.table.hasOwnCid(peer);

  constructor(parts: ConnectionParts) {
    const { settings, table, sealing, counters, outlet, sessions, journaling } = parts;
    this.settings = settings;
    this.table = table;
    this.sealing = sealing;
    this.counters = counters;
    this.outlet = outlet;
    this.sessions = sessions;
    this.journaling = journaling;
    this.hearing = new Hearing(parts, (peer, cause) => this.end(peer, cause));
    this.idLength = table.ids?.length ?? 0;
    const admission = new Admission(parts);
    this.handshakes = new Handshakes({
      ...parts,
      admission,
      end: (peer, cause) => this.end(peer, cause),
      again: (connection, datagram, now) => this.receive(connection.origin, datagram, now),
    });
    const serves = settings.accept !== undefined;
    this.unprotected = new Unprotected({ admission, counters, outlet }, this.handshakes, { serves });
  }

  /** The next instant at which `expire` has work. */
  get deadline(): Instant | undefined {
    const first = Math.min(
      this.handshakes.deadline ?? Infinity,
      this.sweepAt ?? Infinity,
      this.journaling.deadline ?? Infinity,
      this.hearing.deadline ?? Infinity,
    );
    return first === Infinity ? undefined : first;
  }

  expire(now: Instant): void {
    this.handshakes.expire(now);
    this.journaling.expire(now);
    this.hearing.expire(now);
    if (this.sweepAt === undefined || this.sweepAt > now) return;
    this.table.cool(this.settings.timers.cool, now);
    this.sweepAt = this.table.warmSize > 0 ? now + this.settings.timers.cool : undefined;
  }

  // In

  receive(road: Peer, bytes: Uint8Array, now: Instant): void {
    const { view, idLength } = this;
    const { counts } = this.counters;
    counts.datagramsIn += 1;
    counts.bytesIn += bytes.length;
    let left = this.settings.limits.records;
    for (let at = 0; at < bytes.length; ) {
      if (!readRecord(bytes, at, idLength, view)) {
        counts.noRecord += 1;
        return;
      }
      if (left === 0) {
        counts.tooManyRecords += 1;
        return;
      }
      left -= 1;
      at = view.end;
      counts.recordsIn += 1;
      if (view.cidLength > 0) this.withId(road, bytes, now);
      else if (view.epoch === 0) this.unprotected.receive(road, bytes, view, now);
      else this.withoutId(road, bytes, now);
    }
  }

  private withId(road: Peer, bytes: Uint8Array, now: Instant): void {
    const { view, counters } = this;
    if (view.version !== DTLS_1_2) {
      counters.counts.wrongVersion += 1;
      return;
    }
    const peer = this.table.byConnectionId(bytes, view.cidAt);
    if (peer === undefined) counters.counts.unknownConnectionId += 1;
    else if (peer === 'foreign-node') counters.counts.foreignNode += 1;
    else if (view.epoch !== 1) counters.counts.wrongEpoch += 1;
    else {
      const live = this.table.liveOf(peer, now);
      const { handshake } = live;
      if (handshake !== undefined && !handshake.hasKeys) this.early(handshake, bytes);
      else if (!live.hasOwnCid) counters.counts.unknownConnectionId += 1;
      else this.protected(live, road, bytes, now);
    }
  }

  /** By address: a new handshake goes first, since its Finished would be a forgery to an old association. */
  private withoutId(road: Peer, bytes: Uint8Array, now: Instant): void {
    const { view, counters } = this;
    if (view.version !== DTLS_1_2) {
      counters.counts.wrongVersion += 1;
      return;
    }
    if (view.epoch !== 1) {
      counters.counts.wrongEpoch += 1;
      return;
    }
    if (view.type < ContentType.ChangeCipherSpec || view.type > ContentType.ApplicationData) {
      counters.counts.unknownType += 1;
      return;
    }
    const { address } = road;
    const shaking = this.shakingAt(road);
    const old = this.table.byAddress(address, this.needsNoId);
    if (shaking !== undefined && old === undefined && !shaking.hasKeys) {
      this.early(shaking, bytes);
      return;
    }
    const isForShaking = shaking?.hasKeys === true && !shaking.live.hasOwnCid;
    if (isForShaking && this.protected(shaking.live, road, bytes, now, old !== undefined)) return;
    if (old !== undefined) {
      const isIts = this.protected(this.table.liveOf(old, now), road, bytes, now);
      if (!isIts && isForShaking) this.handshakes.handle(shaking, { kind: 'forged' }, now);
    } else if (!isForShaking) {
      // RFC 9146 §3: whoever has agreed to put an id into records cannot leave it out.
      const hasId = shaking !== undefined || this.table.byAddress(address, () => true) !== undefined;
      counters.add(hasId ? 'missingConnectionId' : 'unknownPeer');
    }
  }

  private shakingAt(road: Peer): Connection | undefined {
    const outgoing = this.handshakes.at(road, 'client');
    if (outgoing?.state === 'shaking') return outgoing;
    const incoming = this.handshakes.at(road, 'server');
    return incoming?.state === 'shaking' ? incoming : undefined;
  }

  private early(handshake: Connection, bytes: Uint8Array): void {
    const kept = this.handshakes.keepEarly(handshake, bytes.subarray(this.view.at, this.view.end));
    if (!kept) this.counters.add('tooEarly');
  }

  /** False when the record is not this association's; `isGuess`: then it may be another's, and is not counted. */
  private protected(live: LiveAssociation, road: Peer, bytes: Uint8Array, now: Instant, isGuess?: boolean): boolean {
    const { view } = this;
    const { counts } = this.counters;
    if (!isFresh(live, view.sequence)) {
      counts.replayed += 1;
      return true;
    }
    if (view.sequence < live.right && this.settings.lateRecords === 'drop') {
      counts.late += 1;
      return true;
    }
    const content = this.sealing.open(live, view, bytes);
    if (content === undefined) {
      if (isGuess !== true) this.forged(live, now);
      return false;
    }
    const isNewest = accept(live, view.sequence);
    if (view.type === ContentType.ApplicationData) this.data(live, road, content, isNewest, now);
    else this.control(live, road, view.type, content, isNewest, now);
    return true;
  }

  private data(live: LiveAssociation, road: Peer, content: Uint8Array, isNewest: boolean, now: Instant): void {
    const { handshake, peer } = live;
    if (handshake !== undefined) {
      if (handshake.state === 'shaking') {
        this.counters.add('tooEarly');
        return;
      }
      this.handshakes.handle(handshake, { kind: 'confirmed' }, now);
    }
    this.heard(live, road, isNewest, now);
    this.outlet.deliver(peer, content, now);
  }

  /** An authentic record has come. */
  private heard(live: LiveAssociation, road: Peer, isNewest: boolean, now: Instant): void {
    if (this.sweepAt === undefined) this.sweepAt = now + this.settings.timers.cool;
    this.hearing.heard(live, road, isNewest, now);
  }

  private control(
    live: LiveAssociation,
    road: Peer,
    type: number,
    content: Uint8Array,
    isNewest: boolean,
    now: Instant,
  ): void {
    const { handshake } = live;
    const isShaking = handshake?.state === 'shaking';
    if (!isShaking) this.heard(live, road, isNewest, now);
    switch (type) {
      case ContentType.Alert:
        this.alert(live, content, now);
        break;
      case ContentType.Handshake:
        if (isShaking || (handshake !== undefined && content[0] === HandshakeType.finished)) {
          this.handshakes.handle(handshake, { kind: 'fragment', epoch: 1, bytes: content }, now);
        } else this.refuseRenegotiation(live, content, now);
        break;
      default:
        this.counters.add(type === ContentType.ChangeCipherSpec ? 'unexpected' : 'unknownType');
    }
  }

  private alert(live: LiveAssociation, content: Uint8Array, now: Instant): void {
    const { peer, handshake } = live;
    this.counters.add('alertsReceived');
    traceAlert('in', peer, live.road, content);
    let alert: ReturnType<typeof decodeAlert>;
    try {
      alert = decodeAlert(content);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.counters.add('malformed');
      return;
    }
    if (handshake?.state === 'shaking') this.handshakes.handle(handshake, { kind: 'alert', alert, epoch: 1 }, now);
    else if (alert.description === AlertDescription.CloseNotify) {
      this.counters.add('closedByPeer');
      this.leave(live, now);
      this.outlet.lost(peer, closedByPeer);
    } else if (alert.level === AlertLevel.Fatal) {
      this.counters.add('closedByPeer');
      this.sessions.forget(live);
      this.end(peer, new AlertError(alert, 'received'));
    }
  }

  /** RFC 5246 §7.2.2, §7.4.1.1: a warning, and the association goes on. */
  private refuseRenegotiation(live: LiveAssociation, content: Uint8Array, now: Instant): void {
    const type = content[0];
    if (type !== HandshakeType.helloRequest && type !== HandshakeType.clientHello) {
      this.counters.add('unexpected');
      return;
    }
    this.counters.add('renegotiationsRefused');
    if (live.refusedAt + REFUSAL_PACE > now) return;
    live.refusedAt = now;
    this.say(live, noRenegotiation, now);
  }

  private forged(live: LiveAssociation, now: Instant): void {
    const { handshake, peer } = live;
    this.counters.counts.forged += 1;
    live.forgeries += 1;
    if (handshake?.state === 'shaking') this.handshakes.handle(handshake, { kind: 'forged' }, now);
    else if (live.forgeries >= Math.min(this.settings.limits.forgeries, live.suite.forgeryLimit)) {
      this.counters.add('forgeryLimit');
      this.end(peer, new LimitError('too many forged records for one key', live.forgeries));
    }
  }

  // Out

  send(peer: Peer, bytes: Uint8Array, now: Instant): void {
    const { table, sealing } = this;
    const { counts } = this.counters;
    const owned = table.owns(peer);
    if (owned === undefined || !table.isEstablished(owned)) {
      counts.unsendable += 1;
      return;
    }
    const live = owned.live ?? table.liveOf(owned, now);
    if (this.sweepAt === undefined) this.sweepAt = now + this.settings.timers.cool;
    if (bytes.length > live.sendLimit) {
      counts.tooLong += 1;
      return;
    }
    if (!this.mayUse(live, now)) return;
    const datagram = sealing.room(sealing.length(live, bytes.length));
    sealing.seal(live, ContentType.ApplicationData, bytes, datagram, 0);
    this.outlet.transmit(live.road, datagram);
  }

  /** Says goodbye, tells nobody here. */
  close(peer: Peer, now: Instant): void {
    const owned = this.table.owns(peer);
    if (owned === undefined || !this.table.isEstablished(owned)) return;
    this.counters.add('closedByUs');
    this.leave(this.table.liveOf(owned, now), now);
  }

  revoke(isRevoked: (identity: Identity) => boolean, now: Instant): number {
    let ended = 0;
    for (const peer of this.table.inOrder()) {
      if (!isRevoked(peer.identity)) continue;
      const live = this.table.liveOf(peer, now);
      this.sessions.forget(live);
      this.leave(live, now);
      this.outlet.lost(peer, revoked);
      ended += 1;
    }
    return ended;
  }

  private mayUse(live: LiveAssociation, now: Instant): boolean {
    const verdict = this.sealing.maySeal(live, now);
    if (verdict === 'never') {
      this.counters.add('sequenceLimit');
      this.end(
        live.peer,
        new LimitError('the keys have been used for as many records as they may', live.sealedRecords),
      );
    }
    return verdict === 'yes';
  }

  /** Forgets it before the goodbye is on its way, which is the last that is said, whatever comes back. */
  private leave(live: LiveAssociation, now: Instant): void {
    const { peer, road } = live;
    const goodbye = this.write(live, closeNotify, now);
    this.forget(peer);
    if (goodbye !== undefined) this.outlet.transmit(road, goodbye);
  }

  private say(live: LiveAssociation, alert: Uint8Array, now: Instant): void {
    const datagram = this.write(live, alert, now);
    if (datagram !== undefined) this.outlet.transmit(live.road, datagram);
  }

  private write(live: LiveAssociation, alert: Uint8Array, now: Instant): Uint8Array | undefined {
    if (this.sealing.maySeal(live, now) !== 'yes') return undefined;
    const datagram = this.sealing.room(this.sealing.length(live, alert.length));
    this.sealing.seal(live, ContentType.Alert, alert, datagram, 0);
    this.counters.add('alertsSent');
    traceAlert('out', live.peer, live.road, alert);
    return datagram;
  }

  private end(peer: AssociationPeer, cause: Error): void {
    if (!this.table.isEstablished(peer)) return;
    this.forget(peer);
    this.outlet.lost(peer, cause);
  }

  private forget(peer: AssociationPeer): void {
    const handshake = peer.live?.handshake;
    if (handshake !== undefined) this.handshakes.release(handshake);
    this.table.remove(peer);
    this.journaling.remove(peer);
  }

  /** Where we are the client. */
  connectedTo(address: Address, now: Instant): AssociationPeer | undefined {
    return this.table.byAddress(address, (peer) => this.table.liveOf(peer, now).role === 'client');
  }
}

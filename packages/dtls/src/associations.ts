// The table of associations: each has a place, which its connection id names, and is found by that id, by its key or by its
// address. A busy one is an object (LiveAssociation); an idle one is bytes in the slab and a small peer object, nothing else:
// no timer, no key handle, no map entry.
import {
  type Address,
  equalAddresses,
  formatAddress,
  type Identity,
  type Instant,
  nobody,
  type Peer,
  type Random,
} from '@lapwing/kernel';
import { AddressIndex, hashAddress } from './address-index.ts';
import { AssociationPeer, LastWords, LiveAssociation, type PeerHolder } from './association.ts';
import { keyOf, makeConnectionId, NAME_LENGTH, placeOfKey, provesName, readPlace } from './connection-id.ts';
import { Identities } from './identities.ts';
import type { ConnectionIdSettings, Limits } from './options.ts';
import {
  type Association,
  copyKeys,
  countsOf,
  ELSEWHERE,
  hasOwnCid,
  isAt,
  NAME_AT,
  type PackedIdentity,
  packedSize,
  packInto,
  readAddress,
  readCounts,
  readIdentity,
  readKeys,
  readSeen,
  readTerms,
  writeCounts,
} from './packed.ts';
import { PackedStore } from './packed-store.ts';
import { Recency } from './recency.ts';
import { type ActiveKeys, CipherCache, type Way } from './record/active-keys.ts';
import { sameIdentity } from './same-identity.ts';
import { LONGEST_PIECE } from './slab.ts';
import type { DirectionKeys } from './suites/key-block.ts';
import { defaultSuites } from './suites/registry.ts';
import type { Suite } from './suites/suite.ts';
import type { SteadyWall } from './wall.ts';
import { Warm } from './warm.ts';

export class Associations implements PeerHolder {
  readonly ids: ConnectionIdSettings | undefined;
  private readonly limits: Limits;
  private readonly random: Random;
  private readonly wall: SteadyWall;
  private readonly peers: (AssociationPeer | undefined)[] = [];
  private readonly free: number[] = [];
  private readonly store = new PackedStore();
  private readonly index = new AddressIndex();
  private readonly recency = new Recency();
  private readonly ciphers: CipherCache;
  private readonly warm: Warm;
  private readonly identities: Identities;
  private established = 0;

  constructor(ids: ConnectionIdSettings | undefined, limits: Limits, random: Random, wall: SteadyWall) {
    this.ids = ids;
    this.identities = new Identities(limits);
    this.limits = limits;
    this.random = random;
    this.wall = wall;
    this.ciphers = new CipherCache(limits.ciphers);
    this.warm = new Warm(limits.warm);
  }

  get size(): number {
    return this.established;
  }

  get warmSize(): number {
    return this.warm.size;
  }

  get slabBytes(): number {
    return this.store.bytes;
  }

  /** The association that the id at `at` names. */
  byConnectionId(bytes: Uint8Array, at: number): AssociationPeer | 'foreign-node' | undefined {
    const { ids } = this;
    if (ids === undefined) return undefined;
    const place = readPlace(ids, bytes, at);
    if (place === 'foreign-node') return place;
    const peer = this.peers[place];
    if (peer === undefined) return undefined;
    const name = peer.live?.pending?.name;
    if (name !== undefined) return provesName(ids, bytes, at, name, 0) ? peer : undefined;
    return provesName(ids, bytes, at, this.store.block(place), this.store.offset(place) + NAME_AT) ? peer : undefined;
  }

  /** Whoever is established at that address; `which` sorts out. */
  byAddress(address: Address, which: (peer: AssociationPeer) => boolean): AssociationPeer | undefined {
    const hash = hashAddress(address);
    for (let step = this.index.find(hash, 0); step >= 0; step = this.index.find(hash, step + 1)) {
      const peer = this.peers[this.index.placeAt(hash, step)];
      if (peer !== undefined && this.isAt(peer, address) && which(peer)) return peer;
    }
    return undefined;
  }

  /** Everybody of that identity, those that were quiet longest first. */
  byIdentity(identity: Identity): AssociationPeer[] {
    const peers = [...this.identities.placesLike(identity)].flatMap((place) => this.peers[place] ?? []);
    return peers
      .filter((peer) => sameIdentity(peer.identity, identity))
      .sort((a, b) => this.seenAt(a) - this.seenAt(b));
  }

  /** False only when it is sure that there are not more than `count` of that identity. */
  mayBeMoreThan(count: number, identity: Identity): boolean {
    return this.identities.mayBeMoreThan(count, identity);
  }

  /** Also for a peer object of others with the same key. */
  byKey(key: string): AssociationPeer | undefined {
    const place = placeOfKey(key);
    const peer = place === undefined ? undefined : this.peers[place];
    return peer?.key === key ? peer : undefined;
  }

  owns(peer: Peer): AssociationPeer | undefined {
    if (peer instanceof AssociationPeer && peer.holder === this) return peer;
    return this.byKey(peer.key);
  }

  isEstablished(peer: AssociationPeer): boolean {
    return peer.holder === this && this.store.has(peer.place);
  }

  hasOwnCid(peer: AssociationPeer): boolean {
    if (peer.live !== undefined) return peer.live.hasOwnCid;
    return hasOwnCid(this.store.block(peer.place), this.store.offset(peer.place));
  }

  /** Established, from the one that was quiet longest. */
  *inOrder(): IterableIterator<AssociationPeer> {
    for (const place of this.recency) {
      const peer = this.peers[place];
      if (peer !== undefined) yield peer;
    }
  }

  keyOf(peer: AssociationPeer): string {
    return keyOf(peer.place, this.nameOf(peer), 0);
  }

  /** A view. */
  private nameOf({ place, live }: AssociationPeer): Uint8Array {
    if (live?.pending !== undefined) return live.pending.name;
    const at = this.store.offset(place) + NAME_AT;
    return this.store.block(place).subarray(at, at + NAME_LENGTH);
  }

  addressOf(peer: AssociationPeer): Address {
    return readAddress(this.store.block(peer.place), this.store.offset(peer.place));
  }

  identityOf(peer: AssociationPeer): Identity {
    if (!this.store.has(peer.place)) return nobody;
    const packed = readIdentity(this.store.block(peer.place), this.store.offset(peer.place));
    return packed === ELSEWHERE ? (this.identities.get(peer.place) ?? nobody) : packed;
  }

  /** When it was last heard. */
  seenAt(peer: AssociationPeer): Instant {
    if (peer.live !== undefined) return peer.live.seenAt;
    return readSeen(this.store.block(peer.place), this.store.offset(peer.place)) - this.wall.at(0);
  }

  /** What the peer of an association that is being agreed on is to put into its records. */
  connectionIdOf(live: LiveAssociation): Uint8Array | undefined {
    const name = live.pending?.name;
    return this.ids === undefined || name === undefined ? undefined : makeConnectionId(this.ids, live.peer.place, name);
  }

  /** A place for an association that is being agreed on; undefined when all are taken and nobody may be sent away. */
  reserve(road: Peer, role: 'client' | 'server', now: Instant): LiveAssociation | undefined {
    const place = this.freePlace();
    const name = this.random.bytes(NAME_LENGTH);
    const since = Math.floor(this.wall.at(now));
    return this.occupy(place, name, road, { role, suite: defaultSuites[0] as Suite, since }, now);
  }

  private freePlace(): number {
    // One that was taken up since is passed over.
    for (let place = this.free.pop(); place !== undefined; place = this.free.pop()) {
      if (this.peers[place] === undefined) return place;
    }
    return this.peers.length;
  }

  private occupy(
    place: number,
    name: Uint8Array,
    road: Peer,
    terms: { readonly role: 'client' | 'server'; readonly suite: Suite; readonly since: number },
    now: Instant,
  ): LiveAssociation {
    const peer = new AssociationPeer(place, this);
    const live = new LiveAssociation(peer, road, terms, now);
    live.pending = { name, sealing: undefined, opening: undefined };
    peer.live = live;
    this.peers[place] = peer;
    return live;
  }

  /** What was agreed on moves into the slab. */
  establish(live: LiveAssociation, identity: Identity): void {
    const { peer, pending } = live;
    if (pending?.sealing === undefined || pending.opening === undefined) throw new RangeError('keys are missing');
    live.identity = identity;
    const { sealing, opening, name } = pending;
    this.pack(live, name, sealing, opening);
    live.pending = undefined;
    // From now on it is read from the slab by whoever asks.
    live.identity = undefined;
    this.index.add(hashAddress(live.road.address), peer.place);
    this.recency.add(peer.place);
    this.identities.add(identity, peer.place);
    this.warmUp(live, live.seenAt);
    this.established += 1;
  }

  private warmUp(live: LiveAssociation, now: Instant): void {
    const gone = this.warm.add(live, now);
    if (gone !== undefined) this.putAway(gone);
  }

  /** An association of another process at its old place, put away; false when the place or its key is taken. */
  takeUp(place: number, association: Association): boolean {
    if (this.peers[place] !== undefined || this.established >= this.limits.associations) return false;
    for (let between = this.peers.length; between < place; between += 1) {
      this.peers[between] = undefined;
      this.free.push(between);
    }
    const { name, identity, address, sealing, opening } = association;
    const road: Peer = { key: formatAddress(address), address, identity: nobody };
    const seenAt = association.seen - this.wall.at(0);
    const live = this.occupy(place, name, road, association, seenAt);
    Object.assign(live, countsOf(association));
    live.sendCid = association.sendCid;
    live.hasOwnCid = association.hasOwnCid;
    live.sendLimit = association.sendLimit;
    live.pending = { name, sealing, opening };
    this.establish(live, identity);
    this.putAway(live);
    return true;
  }

  /** Overwrites all keys. */
  erase(): void {
    for (const peer of [...this.inOrder()]) this.remove(peer);
  }

  /** Forgets it and overwrites its keys. */
  remove(peer: AssociationPeer): void {
    const { place } = peer;
    if (peer.holder !== this) return;
    const last = new LastWords(peer, this.nameOf(peer).slice());
    if (this.store.has(place)) {
      this.index.remove(hashAddress(peer.address), place);
      this.recency.remove(place);
      this.store.delete(place);
      this.identities.remove(last.identityOf(), place);
      this.established -= 1;
    }
    if (peer.live !== undefined) this.chill(peer.live);
    peer.live = undefined;
    peer.holder = last;
    this.peers[place] = undefined;
    this.free.push(place);
  }

  /** The one to send away when there are too many; undefined while all were heard lately. */
  stalest(now: Instant): AssociationPeer | undefined {
    const place = this.recency.first;
    const peer = place === undefined ? undefined : this.peers[place];
    return peer !== undefined && this.seenAt(peer) + this.limits.evictAfter <= now ? peer : undefined;
  }

  // At hand and put away

  touch(live: LiveAssociation, now: Instant): void {
    live.seenAt = now;
    this.recency.touch(live.peer.place);
  }

  /** The association at hand, so that records can be sealed and opened. */
  liveOf(peer: AssociationPeer, now: Instant): LiveAssociation {
    return peer.live ?? this.wake(peer, now);
  }

  private wake(peer: AssociationPeer, now: Instant): LiveAssociation {
    const block = this.store.block(peer.place);
    const at = this.store.offset(peer.place);
    const terms = readTerms(block, at);
    const address = readAddress(block, at);
    const road: Peer = { key: formatAddress(address), address, identity: nobody };
    const live = new LiveAssociation(peer, road, terms, now);
    live.sendCid = terms.sendCid;
    live.hasOwnCid = terms.hasOwnCid;
    live.sendLimit = terms.sendLimit;
    live.seenAt = readSeen(block, at) - this.wall.at(0);
    readCounts(block, at, live);
    live.writtenRight = live.right;
    peer.live = live;
    this.warmUp(live, now);
    return live;
  }

  /** Puts away what was quiet for `quiet` ms. */
  cool(quiet: number, now: Instant): void {
    for (const live of this.warm.quietFor(quiet, now)) this.putAway(live);
  }

  /** The bytes of an established association, up to date. */
  packed(peer: AssociationPeer): { readonly bytes: Uint8Array; readonly at: number } {
    if (peer.live !== undefined) this.write(peer.live);
    return { bytes: this.store.block(peer.place), at: this.store.offset(peer.place) };
  }

  /** The keys of one direction, ready for use. */
  activate(live: LiveAssociation, way: Way): ActiveKeys {
    return this.ciphers.keep(live, way, live.suite, this.keysOf(live, way));
  }

  /** Follows an authentic newest record (RFC 9146 §6). */
  move(live: LiveAssociation, road: Peer): void {
    const { peer } = live;
    const hash = hashAddress(live.road.address);
    const keys = { sealing: copyKeys(this.keysOf(live, 'sealing')), opening: copyKeys(this.keysOf(live, 'opening')) };
    const name = this.nameOf(peer).slice();
    live.identity = peer.identity;
    live.road = road;
    this.pack(live, name, keys.sealing, keys.opening);
    this.index.remove(hash, peer.place);
    this.index.add(hashAddress(road.address), peer.place);
  }

  private keysOf(live: LiveAssociation, way: Way): DirectionKeys {
    const pending = live.pending?.[way];
    if (pending !== undefined) return pending;
    return readKeys(this.store.block(live.peer.place), this.store.offset(live.peer.place), way);
  }

  private pack(live: LiveAssociation, name: Uint8Array, sealing: DirectionKeys, opening: DirectionKeys): void {
    const { place } = live.peer;
    const identity = live.identity ?? nobody;
    const { address } = live.road;
    const beside = { name, sealing, opening, address, seen: this.wall.at(live.seenAt) };
    let packed: PackedIdentity = identity.kind === 'x509' ? ELSEWHERE : identity;
    if (packed !== ELSEWHERE && packedSize(live, address, packed) > LONGEST_PIECE) packed = ELSEWHERE;
    if (packed === ELSEWHERE) this.identities.set(place, identity);
    this.store.take(place, packedSize(live, address, packed));
    packInto(this.store.block(place), this.store.offset(place), live, beside, packed);
  }

  private putAway(live: LiveAssociation): void {
    this.write(live);
    this.chill(live);
    live.peer.live = undefined;
  }

  private chill(live: LiveAssociation): void {
    this.warm.delete(live);
    this.ciphers.drop(live);
  }

  private write(live: LiveAssociation): void {
    writeCounts(this.store.block(live.peer.place), this.store.offset(live.peer.place), live, this.wall.at(live.seenAt));
  }

  private isAt(peer: AssociationPeer, address: Address): boolean {
    if (peer.live !== undefined) return equalAddresses(peer.live.road.address, address);
    return isAt(this.store.block(peer.place), this.store.offset(peer.place), address);
  }
}

// One association as others see it (a peer, small, for as long as it lives) and as the record layer needs it (what is kept
// at hand while records come and go, given up again when they stop).
import type { Address, Identity, Instant, Linked, LinkedList, Peer } from '@lapwing/kernel';
import type { Connection } from './connection.ts';
import { keyOf } from './connection-id.ts';
import type { Counts, Terms } from './packed.ts';
import type { ActiveKeys, CipherOwner } from './record/active-keys.ts';
import type { ReplayWindow } from './record/replay-window.ts';
import type { DirectionKeys } from './suites/key-block.ts';
import type { Suite } from './suites/suite.ts';

/** Who knows what a peer does not carry itself. */
export interface PeerHolder {
  keyOf(peer: AssociationPeer): string;
  addressOf(peer: AssociationPeer): Address;
  identityOf(peer: AssociationPeer): Identity;
}

export class AssociationPeer implements Peer {
  /** In the table. */
  readonly place: number;
  /** The table while the association lives; then what was known last, so that late readers are told the same. */
  holder: PeerHolder;
  /** At hand while records come and go. */
  live: LiveAssociation | undefined = undefined;
  known: object | undefined = undefined;

  constructor(place: number, holder: PeerHolder) {
    this.place = place;
    this.holder = holder;
  }

  /** Made when it is asked for: who holds many idle peers by their keys holds the keys. */
  get key(): string {
    const { live } = this;
    if (live === undefined) return this.holder.keyOf(this);
    live.key ??= this.holder.keyOf(this);
    return live.key;
  }

  get address(): Address {
    return this.live === undefined ? this.holder.addressOf(this) : this.live.road.address;
  }

  get identity(): Identity {
    const { live } = this;
    if (live === undefined) return this.holder.identityOf(this);
    live.identity ??= this.holder.identityOf(this);
    return live.identity;
  }

  /** Without what it hangs on, which has keys. */
  toJSON(): Peer {
    const { key, address, identity } = this;
    return { key, address, identity };
  }

  [Symbol.for('nodejs.util.inspect.custom')](): Peer {
    return this.toJSON();
  }
}

/** What is left of an association that has ended. */
export class LastWords implements PeerHolder {
  /** Written out when somebody asks. */
  private readonly name: Uint8Array;
  private key: string | undefined;
  private readonly address: Address;
  private readonly identity: Identity;

  constructor({ address, identity, live }: AssociationPeer, name: Uint8Array) {
    this.name = name;
    this.key = live?.key;
    this.address = address;
    this.identity = identity;
  }

  keyOf({ place }: AssociationPeer): string {
    this.key ??= keyOf(place, this.name, 0);
    return this.key;
  }

  addressOf(): Address {
    return this.address;
  }

  identityOf(): Identity {
    return this.identity;
  }
}

/** Before it is established, what the slab will hold then. */
export interface Pending {
  readonly name: Uint8Array;
  sealing: DirectionKeys | undefined;
  opening: DirectionKeys | undefined;
}

export class LiveAssociation implements ReplayWindow, Counts, CipherOwner, Linked<LiveAssociation> {
  readonly peer: AssociationPeer;
  readonly role: 'client' | 'server';
  /** The peer of the transport below. */
  road: Peer;
  suite: Suite;
  sendCid: Uint8Array | undefined = undefined;
  hasOwnCid = false;
  sendLimit = 16_384;
  /** In ms since 1970. */
  since: number;
  seenAt: Instant;
  writeSequence = 0;
  /** Record numbers from here on may not be used yet: see snapshot.ts. */
  allowance = 0;
  right = -1;
  /** What the journal has of `right`. */
  writtenRight = -1;
  low = 0;
  high = 0;
  sealedRecords = 0;
  forgeries = 0;
  followsFrom = 0;
  sealing: ActiveKeys | undefined = undefined;
  opening: ActiveKeys | undefined = undefined;
  key: string | undefined = undefined;
  identity: Identity | undefined = undefined;
  /** Unfinished, or finished and perhaps asked for its last flight once more. */
  handshake: Connection | undefined = undefined;
  pending: Pending | undefined = undefined;
  /** Of the session, for as long as a fatal alert should end that too. */
  sessionId: Uint8Array | undefined = undefined;
  /** When the other side was last told that there is no renegotiation. */
  refusedAt: Instant = -Infinity;
  list: LinkedList<LiveAssociation> | undefined = undefined;
  older: LiveAssociation | undefined = undefined;
  newer: LiveAssociation | undefined = undefined;

  constructor(peer: AssociationPeer, road: Peer, terms: Pick<Terms, 'role' | 'suite' | 'since'>, now: Instant) {
    this.peer = peer;
    this.road = road;
    this.role = terms.role;
    this.suite = terms.suite;
    this.since = terms.since;
    this.seenAt = now;
  }
}

// DTLS 1.2 as a function from transport to transport (shell): whatever carries datagrams below, the layer above sends and
// receives plaintext with peers that have proved who they are, and cannot tell the difference.
import { ClosedError, type Identity, type Peer, type Transport } from '@lapwing/kernel';
import { type SecureOptions, settle } from './options.ts';
import type { DtlsStats } from './stats.ts';

/** What became of a snapshot. */
export interface Restored {
  readonly associations: number;
  /** Expired, of another format, or a place or key that is taken; their peers will have to shake hands again. */
  readonly refused: number;
}

/**
 * `connect` shakes hands, or gives the peer with whom hands are shaken already; it rejects with HandshakeError or
 * AlertError that say what is wrong, or with the signal's reason. `peer.key` names an association: it stays when the peer's
 * address changes, and another handshake gives another key. `lost` tells the end of an association.
 */
export interface DtlsTransport extends Transport {
  stats(): DtlsStats;
  /** Says goodbye and forgets the association; nothing happens when there is none. The sink is not told. */
  close(peer: Peer): void;
  /** Ends every association of an identity that is not let in any more; the sink is told. Returns how many there were. */
  revoke(isRevoked: (identity: Identity) => boolean): number;
  /** Every established peer, those that were quiet longest first. */
  peers(): IterableIterator<Peer>;
  /** All associations, to be restored by the next process; holds keys. See snapshot.ts for what must not be done with it. */
  snapshot(): Uint8Array;
  /** Takes up associations of `snapshot` or of the journal; before or after `open`. Throws FormatError for other bytes. */
  restore(snapshot: Uint8Array): Restored;
}

/** Secures a datagram transport. Throws ConfigError for options out of range. */
export function secure(inner: Transport, options: SecureOptions): DtlsTransport {
  settle(options);
  throw new ClosedError(`not ready to secure a transport of ${inner.traits.mtu} bytes`);
}

// What comes out of the core of a secured transport. Records are too many for a list of effects, so they are carried out
// as they come: the shell implements this, decides nothing, and may call the core again from within.
import type { Instant, Peer } from '@lapwing/kernel';
import type { AssociationPeer } from './association.ts';
import type { Connection } from './connection.ts';
import type { AlertError, HandshakeError } from './errors.ts';
import type { Established, Question } from './handshake/contract.ts';

export interface Outlet {
  /** One datagram, in memory of its own. */
  transmit(road: Peer, bytes: Uint8Array): void;
  /** Plaintext of one record; it belongs to whoever receives it. */
  deliver(peer: AssociationPeer, bytes: Uint8Array, at: Instant): void;
  /** Only the store of credentials knows: answered with an input `found`, at once or later. */
  lookUp(connection: Connection, question: Question): void;
  established(connection: Connection, outcome: Established): void;
  failed(connection: Connection, error: AlertError | HandshakeError): void;
  /** An established association is gone. */
  lost(peer: AssociationPeer, cause: Error): void;
}

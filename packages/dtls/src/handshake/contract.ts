// What goes into a handshake and what comes out of it: inputs, effects and the outcome of both roles, as plain data.
// The machine never sees a datagram, a record number or a cipher: the connection opens and seals records, numbers
// them and moves them; the machine decides what they say and which of them share a datagram.
import type { Identity } from '@lapwing/kernel';
import type { Alert } from '../alert.ts';
import type { AlertError, HandshakeError } from '../errors.ts';
import type { DirectionKeys } from '../suites/key-block.ts';
import type { Suite } from '../suites/suite.ts';
import type { Session } from './session.ts';

export type Role = 'client' | 'server';

export type HandshakeInput =
  /** Client, once: send the first flight. A server starts with the first fragment of a ClientHello. */
  | { readonly kind: 'start' }
  /**
   * Payload of a record of type 22, authenticated when `epoch` is 1; it may hold several fragments. Only read during
   * the call. The first one that a server is given belongs to a ClientHello whose cookie has been verified: its
   * message_seq says where the numbers of both sides begin.
   */
  | { readonly kind: 'fragment'; readonly epoch: 0 | 1; readonly bytes: Uint8Array }
  /** A record of type 20 in epoch 0. */
  | { readonly kind: 'change-cipher-spec' }
  /** A record of epoch 1 that the keys of this handshake do not open. */
  | { readonly kind: 'forged' }
  | { readonly kind: 'alert'; readonly alert: Alert; readonly epoch: 0 | 1 }
  /** Answer to the one `look-up` that is open; any other is ignored. */
  | { readonly kind: 'found'; readonly answer: Answer }
  /** Application data was authenticated: the peer has our last flight, nobody will ask for it again. */
  | { readonly kind: 'confirmed' };

/** What only the store of credentials can tell. It may take any time; the machine waits, and sends nothing twice meanwhile. */
export type Question =
  /** The key of this identity, byte for byte; asked again when a session is resumed. */
  | { readonly about: 'psk'; readonly identity: Uint8Array; readonly serverName: string | undefined }
  /** Whether this client may connect; `publicKey` is a canonical SubjectPublicKeyInfo (DER). */
  | { readonly about: 'raw-public-key'; readonly publicKey: Uint8Array }
  /** Whether this client, whose chain has passed every check, may connect; DER, leaf first. */
  | { readonly about: 'certificate'; readonly chain: readonly Uint8Array[] };

export type Answer =
  | { readonly about: 'psk'; readonly key: Uint8Array | undefined }
  | { readonly about: 'raw-public-key' | 'certificate'; readonly accepted: boolean };

/** Keys of epoch 1. */
export interface Protection {
  /** With encrypt-then-MAC when that was agreed on. */
  readonly suite: Suite;
  readonly client: DirectionKeys;
  readonly server: DirectionKeys;
  /** The peer's connection id, in every record of epoch 1 that we send; undefined: none was negotiated. May be empty. */
  readonly sendCid: Uint8Array | undefined;
  /** Ours, in every record of epoch 1 that we receive; undefined: none was negotiated. May be empty. */
  readonly receiveCid: Uint8Array | undefined;
}

export type HandshakeEffect =
  /** One record of type 20, 21 or 22. Epoch 1 is sealed with the keys of the latest `keys`. */
  | { readonly kind: 'send'; readonly epoch: 0 | 1; readonly type: 20 | 21 | 22; readonly payload: Uint8Array }
  /** What was sent since the last flush is one datagram; it fits `datagram` bytes (RFC 6347 §4.1.1). */
  | { readonly kind: 'flush' }
  /** From now on records of epoch 1 can be sealed and opened. At most once in a handshake. */
  | { readonly kind: 'keys'; readonly protection: Protection }
  | { readonly kind: 'look-up'; readonly question: Question }
  /** Application data may flow both ways. The machine lives on until `released`, to repeat its last flight. */
  | { readonly kind: 'established'; readonly outcome: Established }
  /** It is over; an alert for the peer has been sent before when one is due. Nothing follows. */
  | { readonly kind: 'failed'; readonly error: AlertError | HandshakeError }
  /** After `established`: nothing will follow any more, the machine can be forgotten. */
  | { readonly kind: 'released' };

/** For the next step. Taking out one after the other costs a fifth of setting a length. */
export function clearEffects(effects: HandshakeEffect[]): void {
  while (effects.length > 0) effects.pop();
}

export interface Established {
  readonly role: Role;
  readonly suite: Suite;
  /** What the peer has proved. */
  readonly identity: Identity;
  readonly resumed: boolean;
  /** 48 bytes; with the two randoms (32 bytes each) what an exporter needs (RFC 5705). */
  readonly masterSecret: Uint8Array;
  readonly clientRandom: Uint8Array;
  readonly serverRandom: Uint8Array;
  /** RFC 7627. */
  readonly extendedMasterSecret: boolean;
  /** The same as in `keys`. */
  readonly protection: Protection;
  /** Most bytes of plaintext that the peer takes in one record (RFC 6066 §4, RFC 8449), at most 2^14. */
  readonly sendLimit: number;
  /** Most bytes of plaintext that we have said to take in one record. */
  readonly receiveLimit: number;
  readonly serverName: string | undefined;
  /** To be kept for resumption: by its id (both roles), by its ticket (client). Undefined when neither was agreed. */
  readonly session: Session | undefined;
}

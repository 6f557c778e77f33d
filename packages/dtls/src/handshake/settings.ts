// What a handshake is told when it begins: settings that all handshakes of a transport share, and what belongs to one.
import type { Duration, Random } from '@lapwing/kernel';
import type { CredentialStore, Credentials } from '../credentials.ts';
import type { Suite } from '../suites/suite.ts';
import type { Decoy } from './decoy.ts';
import { type NamedGroup, namedGroups } from './key-exchange.ts';
import type { Session, SessionSource, TicketSource } from './session.ts';

export interface HandshakeSettings {
  readonly random: Random;
  /** Allowed suites, best first: the order that a client offers, and by which a server chooses. */
  readonly suites: readonly Suite[];
  /** RFC 7627; 'optional' also takes peers that do not know it. */
  readonly extendedMasterSecret: 'required' | 'optional';
  /** RFC 7366: 'required' refuses CBC suites with a peer that does not know it. */
  readonly encryptThenMac: 'required' | 'optional';
  /** Most bytes of plaintext in a record that we take, 64 to 16,384; said to the peer when below (RFC 8449). */
  readonly recordSizeLimit: number;
  /** Client: asks for it beside the record size limit, for servers that know only RFC 6066 §4. */
  readonly maxFragmentLength: 512 | 1024 | 2048 | 4096 | undefined;
  /** RFC 8422 §5.1, best first. */
  readonly groups: readonly NamedGroup[];
  readonly timers: HandshakeTimers;
  /** Datagrams after `shrinkAfter` retransmissions: small enough for every road. */
  readonly smallDatagram: number;
  /** Most bytes of one handshake message, reassembled. */
  readonly messageLimit: number;
  /**
   * What a server does for an identity that its store does not know: 'indistinguishable' goes on with a key that
   * nobody has, so that it looks like a wrong key (RFC 4279 §2); 'alert' says unknown_psk_identity at once.
   */
  readonly unknownIdentity: 'indistinguishable' | 'alert';
  /** The key for those that the store does not know. */
  readonly decoy: Decoy;
  /**
   * What is done when the peer's Finished cannot be opened, nor when it is sent again: end with decrypt_error, or wait
   * for the end as if it were lost.
   */
  readonly wrongKey: 'alert' | 'silent';
}

/** RFC 6347 §4.2.4.1. */
export interface HandshakeTimers {
  /** First wait for an answer; doubled each time. 1 s, or 9 s and more on slow roads (RFC 7925 §11). */
  readonly initial: Duration;
  /** No wait is longer. */
  readonly longest: Duration;
  /** How often a flight is sent again before the handshake is given up. */
  readonly retransmissions: number;
  /** From this retransmission on, datagrams are no longer than `smallDatagram`. */
  readonly shrinkAfter: number;
  /** The whole handshake takes no longer. */
  readonly total: Duration;
  /** How long the last flight is kept for a peer that asks again. */
  readonly repeatFor: Duration;
}

/** What one handshake of a client is about. */
export interface ClientOptions {
  readonly settings: HandshakeSettings;
  readonly credentials: Credentials;
  /** Sent as server_name (RFC 6066 §3). */
  readonly serverName: string | undefined;
  /** With X.509, what the server's certificate must be for unless the credentials name something else (RFC 9525). */
  readonly hostName: string | undefined;
  /** Offered for resumption; a full handshake follows when the server does not know it. */
  readonly session: Session | undefined;
  /** Asks for a ticket (RFC 5077). */
  readonly tickets: 'ask' | 'none';
  /** Ours, to be put into what the peer sends; may be empty; undefined: connection ids are not offered (RFC 9146). */
  readonly connectionId: Uint8Array | undefined;
  /** Most bytes of a datagram, without the headers of IP and UDP. */
  readonly datagram: number;
  /** The wall clock in ms since 1970: certificates are judged by it. */
  readonly wall: () => number;
}

export interface ServerOptions {
  readonly settings: HandshakeSettings;
  readonly credentials: CredentialStore;
  readonly sessions: SessionSource | undefined;
  readonly tickets: TicketSource | undefined;
  /** As above; used when the client offers the extension. */
  readonly connectionId: Uint8Array | undefined;
  readonly datagram: number;
  readonly wall: () => number;
}

export const defaultTimers: HandshakeTimers = {
  initial: 1_000,
  longest: 60_000,
  retransmissions: 6,
  shrinkAfter: 3,
  total: 120_000,
  repeatFor: 240_000,
};

export const defaultSettings: Omit<HandshakeSettings, 'random' | 'suites' | 'decoy'> = {
  extendedMasterSecret: 'required',
  encryptThenMac: 'optional',
  recordSizeLimit: 16_384,
  maxFragmentLength: undefined,
  groups: namedGroups,
  timers: defaultTimers,
  smallDatagram: 508,
  messageLimit: 8_192,
  unknownIdentity: 'indistinguishable',
  wrongKey: 'alert',
};

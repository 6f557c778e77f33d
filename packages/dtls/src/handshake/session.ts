// What two sides keep of a handshake to have a shorter one next time: by session id (RFC 5246 §7.3) or, sealed by
// the server and carried by the client, as a ticket (RFC 5077). The stores themselves belong to the transport.
import type { Identity, Instant } from '@lapwing/kernel';

export interface Session {
  /** 1 to 32 bytes; empty for a session that lives in a ticket only. */
  readonly id: Uint8Array;
  /** Client: as the server sealed it. */
  readonly ticket: Uint8Array | undefined;
  /** Id of the cipher suite, which a resumption keeps. */
  readonly suite: number;
  /** 48 bytes. */
  readonly masterSecret: Uint8Array;
  readonly extendedMasterSecret: boolean;
  readonly encryptThenMac: boolean;
  /** The name that the client asked for (RFC 6066 §3): a session is never resumed under another. */
  readonly serverName: string | undefined;
  /** What the other side proved; a server asks its store again before it resumes. */
  readonly identity: Identity;
  /**
   * 16 bytes that change with the credential behind the session, so that a replaced key ends it. A client's: with all that it
   * proves itself with and trusts. A server's: with the PSK, empty without one.
   */
  readonly credential: Uint8Array;
}

/** Where a server finds sessions. Both look-ups are synchronous: what is not at hand leads to a full handshake. */
export interface SessionSource {
  /** New ids of 32 bytes are given out, and sessions kept by them. Undefined when sessions are kept in tickets only. */
  find?(id: Uint8Array, now: Instant): Session | undefined;
}

export interface TicketSource {
  /** Undefined for a ticket that is forged, too old, or sealed with a key that has been forgotten. */
  open(ticket: Uint8Array, now: Instant): Session | undefined;
  /** `lifetime` in seconds is the hint for the client (RFC 5077 §3.3). Undefined: this session gets none. */
  seal(session: Session, now: Instant): { readonly ticket: Uint8Array; readonly lifetime: number } | undefined;
}

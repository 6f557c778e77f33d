// What carries whole messages between peers, in both directions, and knows nothing of CoAP or Node.
// DTLS, TCP and SMS are transports like any other; a layer above looks at the traits, never at the class.
import type { Duration, Instant } from './clock.ts';

/** Where a peer is: for people and sockets, never for authorisation. */
export type Address =
  | { readonly via: 'udp' | 'tcp'; readonly host: string; readonly port: number }
  | { readonly via: 'sms'; readonly msisdn: string };

/** What a peer has proved about itself: for authorisation. An OSCORE `id` is as `@lapwing/coap/oscore` makes it. */
export type Identity =
  | { readonly kind: 'none' }
  | { readonly kind: 'psk'; readonly id: Uint8Array }
  | { readonly kind: 'rpk'; readonly publicKey: Uint8Array }
  | { readonly kind: 'x509'; readonly subject: string; readonly chain: readonly Uint8Array[] }
  | { readonly kind: 'oscore'; readonly id: Uint8Array };

/**
 * The other side. Peers with equal `key` may continue each other's exchanges, blocks and observations; nothing
 * else may. Two objects may stand for one peer: compare keys, not references. `address` may change, `key` not.
 */
export interface Peer {
  readonly key: string;
  readonly address: Address;
  readonly identity: Identity;
  /** The transport's own peer, where a layer above it has found out who that is: messages go there. */
  readonly below?: Peer;
  /** Where peer and connection are one: what was agreed on it. What comes from such a peer comes in order and once. */
  readonly connection?: Agreement;
  /** For whoever speaks with the peer, to find again what they keep of it; whoever made the peer leaves it alone. */
  known?: object | undefined;
}

/** What holds on one connection in place of the traits of its transport; may change while the connection lives. */
export interface Agreement {
  /** Bytes in one send. */
  readonly mtu: number;
  /** The peer takes many blocks of a body in one message (RFC 8323 §6). */
  readonly bert: boolean;
}

/** `bytes` belong to who receives them: the transport does not touch them again, so views of them stay valid. */
export interface Datagram {
  readonly peer: Peer;
  readonly bytes: Uint8Array;
  readonly at: Instant;
  /** Sent to a group: RFC 7252 §8 forbids some answers. */
  readonly multicast?: true;
}

export interface TransportSink {
  receive(datagram: Datagram): void;
  /** The peer cannot be reached any more (connection closed, association gone). */
  lost(peer: Peer, cause: Error): void;
  /** More is on its way to the peer than should be: what can wait waits until it is `clear`. Told by roads with connections. */
  flow?(peer: Peer, state: 'congested' | 'clear'): void;
}

/** How patient one must be on a road, in ms, and how often something may be said again. */
export interface Pace {
  /** As CoAP's ACK_TIMEOUT. */
  readonly ackTimeout: Duration;
  /** As CoAP's MAX_RETRANSMIT, where the usual number is too dear. */
  readonly maxRetransmit?: number;
  /** Of a security handshake: the first wait for an answer and the longest, how often a flight is sent again, and how long it may all take. */
  readonly handshake?: {
    readonly retransmitAfter: Duration;
    readonly retransmitAtMost: Duration;
    readonly retransmissions: number;
    readonly patience: Duration;
  };
}

export interface TransportTraits {
  /** Delivery, order and no duplicates are guaranteed below. */
  readonly reliable: boolean;
  readonly framing: 'rfc7252' | 'rfc8323';
  /** Bytes in one send. */
  readonly mtu: number;
  /** Bytes in a send that cannot be made shorter, where they may be more than `mtu` at a price; default `mtu`. */
  readonly longest?: number;
  /** A slow road says so itself. */
  readonly pace?: Pace;
}

export interface Transport extends AsyncDisposable {
  readonly traits: TransportTraits;
  /** Starts delivering to `sink`; once. Rejects when the address cannot be bound. */
  open(sink: TransportSink): Promise<void>;
  /** Makes a peer of an address: a look-up, a connection, a handshake. Rejects with the signal's reason when aborted. */
  connect(address: Address, signal?: AbortSignal): Promise<Peer>;
  /** May wait for the end of the turn: the bytes stay as they are. Loss is silent, as on a network. */
  send(peer: Peer, bytes: Uint8Array): void;
  /**
   * Gives up the connection with the peer, where the road has connections; `connect` then makes a new one. The sink is
   * not told. With a reason the peer is at fault, and told so where the road can.
   */
  close?(peer: Peer, reason?: Error): void;
  /** Resolves when the peer shows that it is there, where the road itself can ask it. Rejects with the signal's reason. */
  ping?(peer: Peer, signal?: AbortSignal): Promise<void>;
  /** A message of so many bytes that was received is dealt with: a road that can stop reading lets in the next. */
  settled?(peer: Peer, bytes: number): void;
}

export const nobody: Identity = Object.freeze({ kind: 'none' });

export function equalAddresses(a: Address, b: Address): boolean {
  if (a === b) return true;
  if (a.via === 'sms') return b.via === 'sms' && a.msisdn === b.msisdn;
  return a.via === b.via && a.port === b.port && a.host === b.host;
}

/** For people: `192.0.2.1:5683`, `[2001:db8::1]:5683`, `+49…`. */
export function formatAddress(address: Address): string {
  if (address.via === 'sms') return address.msisdn;
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

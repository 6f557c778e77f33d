// Path building and validation (RFC 5280 §6) from a peer's leaf to what this side trusts, with the certificate usages
// of LwM2M. Bounded: eight certificates, sixteen signature checks.
import type { Trust } from '../credentials.ts';
import type { PublicKey } from './keys.ts';
import type { Refusal } from './verdict.ts';

/** A chain with more certificates is refused. */
export const LONGEST_CHAIN = 8;

/** `Trust` once it was read and checked. */
export interface LoadedTrust {
  readonly trust: Trust;
}

/** Reads all certificates of a `Trust`. Throws ConfigError that says which is wrong and how. */
export function loadTrust(trust: Trust): LoadedTrust {
  return { trust };
}

export interface PeerCheck {
  /** What the peer is in this handshake: a server's certificate needs serverAuth and the right name, a client's clientAuth. */
  readonly peer: 'client' | 'server';
  /** Wall clock, ms since 1970 (`Clock.wall`). */
  readonly wall: number;
  /** The host that was connected to, for `Trust.hostName` undefined; only looked at when the peer is a server. */
  readonly hostName?: string;
}

export type Verdict =
  | {
      readonly ok: true;
      /** RFC 4514 text. */
      readonly subject: string;
      readonly commonName: string | undefined;
      readonly publicKey: PublicKey;
      /** As presented, DER, leaf first. */
      readonly chain: readonly Uint8Array[];
    }
  | Refusal;

/** Whether a presented chain (DER, leaf first) is believed. Never throws for what the peer sent. */
export function verifyPeer(chain: readonly Uint8Array[], trust: LoadedTrust, check: PeerCheck): Verdict {
  throw new Error(`not yet: ${chain.length} ${trust} ${check.peer}`);
}

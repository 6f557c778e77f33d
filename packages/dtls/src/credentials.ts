// What one side proves itself with and what it trusts of the other: the words that an application hands to this package.
// Plain bytes only: what they mean is found out once, by handshake/authentication.ts and x509/, with errors that name them.
import type { Secret } from '@lapwing/kernel';

/**
 * Key or certificate as it comes out of a file, a database or an LwM2M resource: DER bytes, PEM bytes or PEM text.
 * Which of them it is is seen from the content.
 */
export type Material = Uint8Array | string;

/** A private key: PKCS #8 or SEC 1, DER or PEM, not encrypted. As a `Secret` it cannot be printed by accident. */
export type PrivateKeyMaterial = Secret | Material;

/** The certificates that a private key is shown with. */
export interface CertificateAndKey {
  /** The leaf first, then each one's issuer (RFC 5246 §7.4.2); the root may be left out. One PEM may hold them all. */
  readonly chain: readonly Material[];
  readonly privateKey: PrivateKeyMaterial;
}

/** A key that is shown without a certificate (RFC 7250). */
export interface RawKey {
  readonly privateKey: PrivateKeyMaterial;
  /** Computed from the private key; when given, it is checked that they belong together. */
  readonly publicKey?: Material;
}

/** How a pinned key or certificate is written down (Core 1.2.1 §E.1, Matching Type: 0, 1, 2, 3). */
export type Matching = 'exact' | 'sha-256' | 'sha-384' | 'sha-512';

/** What a side believes of certificates. */
export interface Trust {
  /** Certificates that a chain must lead to; a self-signed leaf is trusted when it is listed itself. */
  readonly roots: readonly Material[];
  /**
   * Certificate usage of the LwM2M Security object (Core 1.2.1 §E.1, RFC 6698 §2.1.1), together with `pinned`:
   * 0 the chain leads to `roots` and contains `pinned`; 1 it leads to `roots` and its leaf is `pinned`;
   * 2 it leads to `pinned`, `roots` do not count; 3 its leaf is `pinned` and nothing else counts.
   * Default: 3 when `pinned` is given, else plain path building to `roots`.
   */
  readonly usage?: 0 | 1 | 2 | 3;
  /** The certificate of the LwM2M resource Server Public Key, or its digest when `matching` says so. */
  readonly pinned?: Material;
  /** Default 'exact'. */
  readonly matching?: Matching;
  /**
   * The name that a server's certificate must carry (RFC 9525), a DNS name or an IP address. Default: the host that was
   * connected to. `false` checks no name: only for a private CA that issues to nobody else. With usage 3 the pinned
   * certificate says it all, and a name is only compared when one is set here (RFC 7671 §5.1).
   */
  readonly hostName?: string | false;
  /**
   * RFC 9525 §2 looks for names in subjectAltName only. 'accepted' compares the common name for certificates that have
   * no names there, as older LwM2M servers show them. Default 'ignored'.
   */
  readonly commonName?: 'ignored' | 'accepted';
  /**
   * What to do about dates: 'check' (default); 'check-when-set' skips them while the wall clock shows a time before
   * 2024, for devices that boot in 1970; 'ignore'.
   */
  readonly dates?: 'check' | 'check-when-set' | 'ignore';
}

/** What a client proves itself with, and what it trusts of its server. */
export type Credentials =
  | {
      readonly kind: 'psk';
      /** 1 to 65,535 bytes; servers accept 128 (RFC 7925 §4.2 asks for no more). */
      readonly identity: Uint8Array;
      /** 1 to 65,535 bytes. */
      readonly key: Secret;
    }
  | ({
      readonly kind: 'rpk';
      /** The public keys (SubjectPublicKeyInfo, DER or PEM; or digests, see `matching`) of which the server must show one. */
      readonly trusted: readonly Material[];
      /** Default 'exact'. */
      readonly matching?: Matching;
    } & RawKey)
  | {
      readonly kind: 'x509';
      /** What the client shows of itself; without it only the server is authenticated. */
      readonly own?: CertificateAndKey;
      readonly trust: Trust;
    };

/** What was found out about a peer's certificates when a server is asked whether it lets the peer in. */
export interface PeerCertificate {
  /** RFC 4514 text of the leaf's subject. */
  readonly subject: string;
  /** The most specific common name of the subject, when it has one: what LwM2M binds an endpoint name to. */
  readonly commonName: string | undefined;
  /** As presented, leaf first; DER. */
  readonly chain: readonly Uint8Array[];
}

/**
 * What a server asks during a handshake; whatever is left out is not offered. A server may hold all kinds at once: the
 * suite of each hello is chosen among those that it has credentials for. The same objects should be returned for the
 * same answers: what is parsed of `certificate` and `rawPublicKey` is kept as long as the object lives.
 */
export interface CredentialStore {
  /** Key of a PSK identity, which is compared byte by byte. `undefined`: nobody of that name. */
  psk?(identity: Uint8Array, serverName: string | undefined): Secret | undefined | Promise<Secret | undefined>;
  /** Sent to PSK clients (RFC 4279 §5.2); LwM2M has no use for it. */
  readonly identityHint?: Uint8Array;
  /** Certificate for a server name (RFC 6066 §3), or the one for clients that name none. */
  certificate?(serverName: string | undefined): CertificateAndKey | undefined;
  /** Own raw public key. */
  readonly rawPublicKey?: RawKey;
  /** Whether a client may come in with this key; SubjectPublicKeyInfo, DER. Left out: no client may. */
  acceptRawPublicKey?(spki: Uint8Array): boolean | Promise<boolean>;
  /** Certificates of clients. Left out: no client may come in with one. */
  readonly acceptCertificate?: {
    readonly trust: Trust;
    /** Asked after the chain was found valid, for revocation lists and the like. */
    verify?(peer: PeerCertificate): boolean | Promise<boolean>;
  };
  /** In suites with certificates or raw keys. 'optional' and 'none' let clients in as nobody. Default 'required'. */
  readonly clientAuthentication?: 'required' | 'optional' | 'none';
}

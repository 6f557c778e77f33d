// Who shows what in a handshake: reads an application's credentials once, chooses what a server shows to a hello and a
// client to a CertificateRequest, and judges what the peer shows. Pure of state but for the memory of what was read.
import type { Secret } from '@lapwing/kernel';
import type { CertificateAndKey, CredentialStore, Credentials, RawKey } from '../credentials.ts';
import type { LoadedTrust } from '../x509/chain.ts';
import type { KeyVerdict, PrivateKey } from '../x509/keys.ts';

/** RFC 7250 §3. */
export const CertificateType = { x509: 0, rawPublicKey: 2 } as const;
export type CertificateType = (typeof CertificateType)[keyof typeof CertificateType];

/** RFC 5246 §7.4.4, RFC 8422 §5.5: what a CertificateRequest lists. */
export const ClientCertificateType = { rsaSign: 1, ecdsaSign: 64 } as const;

/** What this side shows in its Certificate message: a chain, or a raw key whose `chain` is empty. */
export interface Shown {
  readonly type: CertificateType;
  /** DER, leaf first, for 'x509'. */
  readonly chain: readonly Uint8Array[];
  readonly key: PrivateKey;
}

/** Credentials of a client once they were read and checked. */
export type LoadedCredentials =
  | { readonly kind: 'psk'; readonly identity: Uint8Array; readonly key: Secret }
  | { readonly kind: 'rpk'; readonly own: Shown; readonly trusts: (spki: Uint8Array) => boolean }
  | { readonly kind: 'x509'; readonly own: Shown | undefined; readonly trust: LoadedTrust };

/** Throws ConfigError that names every problem. Remembered for as long as the object lives. */
export function loadCredentials(credentials: Credentials): LoadedCredentials {
  throw new Error(`not yet: ${credentials.kind}`);
}

/** Throws ConfigError. Remembered for as long as the object lives. */
export function loadCertificate(certificate: CertificateAndKey): Shown {
  throw new Error(`not yet: ${certificate.chain.length}`);
}

/** Throws ConfigError. Remembered for as long as the object lives. */
export function loadRawKey(key: RawKey): Shown {
  throw new Error(`not yet: ${key.publicKey}`);
}

/** The parts of a ClientHello that decide what a server can show. */
export interface HelloWishes {
  readonly serverName?: string | undefined;
  /** signature_algorithms; undefined when the extension was absent. */
  readonly signatureSchemes?: readonly number[] | undefined;
  /** supported_groups; undefined when absent. */
  readonly groups?: readonly number[] | undefined;
  /** RFC 7250 §4.1, in the client's order of preference; undefined when absent, which means X.509 only. */
  readonly serverCertificateTypes?: readonly number[] | undefined;
  readonly clientCertificateTypes?: readonly number[] | undefined;
}

/** One thing that a server can show to a hello, and the key exchange that goes with it. */
export interface ServerChoice {
  readonly keyExchange: 'ecdhe_ecdsa' | 'ecdhe_rsa';
  readonly shown: Shown;
  /** Signs the ServerKeyExchange. */
  readonly scheme: number;
}

/** What a server can do for a hello: its suites are those of `psk` and of each choice. */
export interface ServerAuthentication {
  /** PSK and ECDHE_PSK suites are possible. */
  readonly psk: boolean;
  /** In order of preference; empty when nothing fits. */
  readonly choices: readonly ServerChoice[];
  /** Whether to send a CertificateRequest and of which type the answer will be; undefined: do not ask. */
  readonly request: { readonly type: CertificateType; readonly required: boolean } | undefined;
  /** Why a certificate suite is impossible, with the alert to send when PSK is no way out either. */
  readonly refusal: { readonly ok: false; readonly alert: number; readonly reason: string } | undefined;
}

/** RFC 7250 §4.2, RFC 8422 §5.1: never shows what the client cannot check. Throws ConfigError for a broken store. */
export function serverAuthentication(store: CredentialStore, hello: HelloWishes): ServerAuthentication {
  throw new Error(`not yet: ${store.clientAuthentication} ${hello.serverName}`);
}

/** What a client shows to a CertificateRequest and how it signs; undefined: an empty Certificate message. */
export function clientChoice(
  own: Shown | undefined,
  request: { readonly certificateTypes: readonly number[]; readonly signatureSchemes: readonly number[] },
): { readonly shown: Shown; readonly scheme: number } | undefined {
  throw new Error(`not yet: ${own?.type} ${request.certificateTypes}`);
}

/** A raw key that a server showed to this client. */
export function judgeServerKey(credentials: Extract<LoadedCredentials, { kind: 'rpk' }>, spki: Uint8Array): KeyVerdict {
  throw new Error(`not yet: ${credentials.kind} ${spki.length}`);
}

// Who shows what in a handshake: reads an application's credentials once, chooses what a server shows to a hello and a
// client to a CertificateRequest, and judges what the peer shows. Pure of state but for the memory of what was read.
import { ConfigError, equalBytes, FormatError, type Secret } from '@lapwing/kernel';
import { AlertDescription } from '../alert.ts';
import type { CertificateAndKey, CredentialStore, Credentials, RawKey } from '../credentials.ts';
import { describeCertificate, readCertificate } from '../x509/certificate.ts';
import { LONGEST_CHAIN, type LoadedTrust, loadTrust } from '../x509/chain.ts';
import { KeyUsage } from '../x509/extensions.ts';
import type { KeyAlgorithm, KeyVerdict, PrivateKey } from '../x509/keys.ts';
import { readMaterial } from '../x509/material.ts';
import { readPrivateKey, readPublicKey } from '../x509/private-key.ts';
import { judgeRawKey, loadTrustedKeys, type TrustedKeys } from '../x509/raw-public-key.ts';
import { type Refusal, refuse } from '../x509/verdict.ts';
import { describeGroup, NamedGroup, pskProblem } from './key-exchange.ts';
import { chooseScheme, describeScheme } from './signatures.ts';

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
  | { readonly kind: 'rpk'; readonly own: Shown; readonly trusted: TrustedKeys }
  | { readonly kind: 'x509'; readonly own: Shown | undefined; readonly trust: LoadedTrust };

const loaded = new WeakMap<object, Shown>();

/** Finds out whether a handshake could be made with them. Throws ConfigError that names every problem. */
export function checkCredentials(credentials: Credentials): void {
  loadCredentials(credentials);
}

/** Throws ConfigError that names every problem. */
export function loadCredentials(credentials: Credentials): LoadedCredentials {
  const problems: string[] = [];
  const read = <T>(make: () => T): T | undefined => {
    try {
      return make();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push(...error.problems);
      return undefined;
    }
  };
  const finish = <T>(value: T | undefined): T => {
    if (value === undefined || problems.length > 0) throw new ConfigError(problems);
    return value;
  };
  switch (credentials.kind) {
    case 'psk': {
      const { identity, key } = credentials;
      const problem = pskProblem(key.reveal());
      if (problem !== undefined) problems.push(`key: ${problem}`);
      if (identity.length === 0) problems.push('identity: it is empty, the server could look up nothing');
      if (identity.length > 0xffff) problems.push(`identity: ${identity.length} bytes, 65,535 is the most that fits`);
      return finish(credentials);
    }
    case 'rpk': {
      const own = read(() => loadRawKey(credentials));
      const trusted = read(() => loadTrustedKeys(credentials.trusted, credentials.matching));
      return finish(own && trusted && { kind: 'rpk', own, trusted });
    }
    case 'x509': {
      const { own } = credentials;
      const shown = own === undefined ? undefined : read(() => loadCertificate(own));
      const trust = read(() => loadTrust(credentials.trust));
      return finish(trust && { kind: 'x509', own: shown, trust });
    }
    default:
      return credentials satisfies never;
  }
}

/** Throws ConfigError. Remembered for as long as the object lives. */
export function loadCertificate(certificate: CertificateAndKey): Shown {
  const known = loaded.get(certificate);
  if (known !== undefined) return known;
  const key = usable(readPrivateKey(certificate.privateKey, 'privateKey'), 'privateKey');
  const chain = certificate.chain.flatMap((each, i) => readMaterial(each, 'certificate', `chain[${i}]`));
  checkOwnChain(chain, key);
  const shown: Shown = { type: CertificateType.x509, chain, key };
  loaded.set(certificate, shown);
  return shown;
}

/** Throws ConfigError. Remembered for as long as the object lives. */
export function loadRawKey(raw: RawKey): Shown {
  const known = loaded.get(raw);
  if (known !== undefined) return known;
  const key = usable(readPrivateKey(raw.privateKey, 'privateKey'), 'privateKey');
  if (raw.publicKey !== undefined && !equalBytes(readPublicKey(raw.publicKey, 'publicKey'), key.spki)) {
    throw new ConfigError(['publicKey: it is not the public half of privateKey']);
  }
  const shown: Shown = { type: CertificateType.rawPublicKey, chain: [], key };
  loaded.set(raw, shown);
  return shown;
}

/**
 * Reads what a server shows and trusts before the first handshake does, but for certificates of server names. Throws ConfigError
 * that names every problem with its place in the store.
 */
export function checkCredentialStore(store: CredentialStore): void {
  const { rawPublicKey, acceptCertificate } = store;
  const certificate = store.certificate?.(undefined);
  const problems: string[] = [];
  const check = (place: string, read: () => unknown): void => {
    try {
      read();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push(...error.problems.map((problem) => `${place}.${problem}`));
    }
  };
  if (certificate !== undefined) check('certificate', () => checkMaySign(loadCertificate(certificate)));
  if (rawPublicKey !== undefined) check('rawPublicKey', () => loadRawKey(rawPublicKey));
  if (acceptCertificate !== undefined) check('acceptCertificate.trust', () => loadTrust(acceptCertificate.trust));
  if (problems.length > 0) throw new ConfigError(problems);
}

/** With an ephemeral exchange the key signs (RFC 8422 §5.3): no peer may take a certificate that forbids it. Throws ConfigError. */
function checkMaySign({ chain: [leaf] }: Shown): void {
  if (leaf === undefined) return;
  const certificate = readCertificate(leaf);
  const { keyUsage } = certificate.extensions;
  if (keyUsage === undefined || (keyUsage & KeyUsage.digitalSignature) !== 0) return;
  throw new ConfigError([
    `chain: ${describeCertificate(certificate)} may not sign a handshake: have one issued whose key usage has digitalSignature`,
  ]);
}

function usable(key: PrivateKey, what: string): PrivateKey {
  if (key.algorithm !== 'ec-p521') return key;
  throw new ConfigError([`${what}: keys of curve P-521 sign no handshake here: take P-256`]);
}

function checkOwnChain(chain: readonly Uint8Array[], key: PrivateKey): void {
  if (chain.length === 0) throw new ConfigError(['chain: no certificate is given']);
  if (chain.length > LONGEST_CHAIN) {
    throw new ConfigError([`chain: ${chain.length} certificates, peers accept ${LONGEST_CHAIN} at most`]);
  }
  const certificates = chain.map((der, i) => {
    try {
      return readCertificate(der);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      throw new ConfigError([`chain[${i}]: a damaged certificate: ${error.message}`]);
    }
  });
  const [leaf] = certificates;
  if (leaf !== undefined && !equalBytes(leaf.spki, key.spki)) {
    const other = certificates.findIndex((each) => equalBytes(each.spki, key.spki));
    throw new ConfigError([
      other > 0
        ? `chain: the private key belongs to certificate ${other + 1} of the chain: put that one first`
        : `privateKey: it does not belong to ${describeCertificate(leaf)}`,
    ]);
  }
  for (const [i, certificate] of certificates.entries()) {
    const issuer = certificates[i + 1];
    if (issuer === undefined || certificate.issuer.equals(issuer.subject)) continue;
    throw new ConfigError([
      `chain: ${describeCertificate(issuer)} did not issue ${describeCertificate(certificate)} before it: put the leaf first, then each one's issuer`,
    ]);
  }
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
  readonly refusal: Refusal | undefined;
}

/** RFC 7250 §4.2, RFC 8422 §5.1: never shows what the client cannot check. Throws ConfigError for a broken store. */
export function serverAuthentication(store: CredentialStore, hello: HelloWishes): ServerAuthentication {
  const psk = store.psk !== undefined;
  const request = requestFor(store, hello);
  if (request?.ok === false) return { psk, choices: [], request: undefined, refusal: request };
  const choices: ServerChoice[] = [];
  let refusal: Refusal | undefined;
  const candidates = shownTo(store, hello);
  for (const shown of candidates) {
    const choice = choiceOf(shown, hello);
    if (choice.ok) choices.push(choice.choice);
    else refusal ??= choice;
  }
  if (candidates.length === 0) refusal = nothingToShow(store, hello);
  return { psk, choices, request, refusal: choices.length > 0 ? undefined : refusal };
}

/** In the client's order of preference. */
function shownTo(store: CredentialStore, hello: HelloWishes): Shown[] {
  const shown: Shown[] = [];
  for (const type of new Set(hello.serverCertificateTypes ?? [CertificateType.x509])) {
    if (type === CertificateType.x509) {
      const certificate = store.certificate?.(hello.serverName);
      if (certificate !== undefined) shown.push(loadCertificate(certificate));
    } else if (type === CertificateType.rawPublicKey && store.rawPublicKey !== undefined) {
      shown.push(loadRawKey(store.rawPublicKey));
    }
  }
  return shown;
}

function nothingToShow(store: CredentialStore, hello: HelloWishes): Refusal {
  const { serverName, serverCertificateTypes: types } = hello;
  if (store.certificate === undefined && store.rawPublicKey === undefined) {
    return refuse(AlertDescription.HandshakeFailure, 'this server has neither a certificate nor a raw public key');
  }
  const wishes = types === undefined ? 'X.509 certificates only' : types.map(describeType).join(' and ');
  if (types?.includes(CertificateType.x509) !== false && store.certificate !== undefined) {
    const name = serverName === undefined ? 'clients that name no server' : `the server name "${serverName}"`;
    return refuse(AlertDescription.HandshakeFailure, `this server has no certificate for ${name}`);
  }
  const held = store.certificate === undefined ? 'a raw public key' : 'a certificate';
  return refuse(
    AlertDescription.UnsupportedCertificate,
    `the client takes ${wishes} from its server, but all that this server has is ${held}`,
  );
}

function choiceOf(shown: Shown, hello: HelloWishes): { ok: true; choice: ServerChoice } | Refusal {
  const { key } = shown;
  const curve = groupOfKey[key.algorithm];
  // RFC 8422 §5.1: the list of groups also says on which curves the client checks signatures.
  if (curve !== undefined && hello.groups !== undefined && !hello.groups.includes(curve)) {
    return refuse(
      AlertDescription.UnsupportedCertificate,
      `the client does not know the curve of this server's key (${describeGroup(curve)})`,
    );
  }
  const scheme = chooseScheme(key, hello.signatureSchemes);
  if (scheme === undefined) {
    const offered = hello.signatureSchemes?.map(describeScheme).join(', ');
    return refuse(
      AlertDescription.HandshakeFailure,
      `no signature scheme in common: the client offers ${offered || 'none'}, none goes with this server's ${key.algorithm} key`,
    );
  }
  return { ok: true, choice: { keyExchange: key.algorithm === 'rsa' ? 'ecdhe_rsa' : 'ecdhe_ecdsa', shown, scheme } };
}

const groupOfKey: Readonly<Partial<Record<KeyAlgorithm, number>>> = {
  'ec-p256': NamedGroup.secp256r1,
  'ec-p384': NamedGroup.secp384r1,
};

/** RFC 7250 §4.2 (client_certificate_type): undefined where nothing is asked. */
function requestFor(
  store: CredentialStore,
  hello: HelloWishes,
): { ok?: never; type: CertificateType; required: boolean } | Refusal | undefined {
  const mode = store.clientAuthentication ?? 'required';
  if (mode === 'none') return undefined;
  const accepted: CertificateType[] = [];
  if (store.acceptCertificate !== undefined) accepted.push(CertificateType.x509);
  if (store.acceptRawPublicKey !== undefined) accepted.push(CertificateType.rawPublicKey);
  const offered = hello.clientCertificateTypes ?? [CertificateType.x509];
  for (const wish of offered) {
    const type = accepted.find((each) => each === wish);
    if (type !== undefined) return { type, required: mode === 'required' };
  }
  if (mode === 'optional') return undefined;
  if (accepted.length === 0) {
    return refuse(
      AlertDescription.HandshakeFailure,
      'clients must prove themselves, but the store accepts neither certificates nor raw public keys: give it acceptCertificate or acceptRawPublicKey, or let clients in without (clientAuthentication)',
    );
  }
  return refuse(
    AlertDescription.UnsupportedCertificate,
    `the client can show ${offered.map(describeType).join(' or ') || 'nothing'}, this server accepts ${accepted.map(describeType).join(' or ')}`,
  );
}

function describeType(type: number): string {
  if (type === CertificateType.x509) return 'X.509 certificates';
  return type === CertificateType.rawPublicKey ? 'raw public keys' : `certificates of type ${type}`;
}

/** What a client shows to a CertificateRequest and how it signs; undefined: an empty Certificate message. */
export function clientChoice(
  own: Shown | undefined,
  request: { readonly certificateTypes: readonly number[]; readonly signatureSchemes: readonly number[] },
): { readonly shown: Shown; readonly scheme: number } | undefined {
  if (own === undefined) return undefined;
  const needed = own.key.algorithm === 'rsa' ? ClientCertificateType.rsaSign : ClientCertificateType.ecdsaSign;
  if (!request.certificateTypes.includes(needed)) return undefined;
  const scheme = chooseScheme(own.key, request.signatureSchemes);
  return scheme === undefined ? undefined : { shown: own, scheme };
}

/** A raw key that a server showed to this client. Never throws. */
export function judgeServerKey(credentials: Extract<LoadedCredentials, { kind: 'rpk' }>, spki: Uint8Array): KeyVerdict {
  return judgeRawKey(spki, credentials.trusted);
}

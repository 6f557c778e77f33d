// DTLS 1.2, both roles, with connection ids: a transport over any datagram transport.

export { AlertDescription, AlertLevel, describeAlert } from './alert.ts';
export type {
  CertificateAndKey,
  CredentialStore,
  Credentials,
  Matching,
  Material,
  PeerCertificate,
  PrivateKeyMaterial,
  RawKey,
  Trust,
} from './credentials.ts';
export { AlertError, HandshakeError, type HandshakeProblem } from './errors.ts';
export { checkCredentialStore, checkCredentials } from './handshake/authentication.ts';
export { dateProblemOf, keyExchangeOfCertificate, keyExchangeOfRawKey } from './handshake/own-certificate.ts';
export type { Session } from './handshake/session.ts';
export type {
  ConnectionIdOptions,
  EstablishedEvent,
  Journal,
  Limits,
  ResumptionOptions,
  SecureOptions,
  Timers,
} from './options.ts';
export { memorySessionCache, type SessionCache } from './session-cache.ts';
export type { RefusedRecord, Restored } from './snapshot.ts';
export type { CounterName, DtlsStats } from './stats.ts';
export { suites as cipherSuites } from './suites/registry.ts';
export type { Suite as CipherSuite } from './suites/suite.ts';
export type { AlertTrace, HandshakeTrace } from './traces.ts';
export { type DtlsTransport, secure } from './transport.ts';

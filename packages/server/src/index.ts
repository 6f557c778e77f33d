// The management side of LwM2M: registrations, devices, observations, queue mode.
export { type Asker, Device, type Notification, type PerformOptions } from './device.ts';
export { NotRegisteredError } from './errors.ts';
export type { Observation, ServerEvents } from './events.ts';
export {
  type AssociationStore,
  type CertificateAndKey,
  cipherSuites,
  type DtlsStats,
  type ListenerSecurity,
  type Material,
  type RawKey,
  type RefusedRecord,
  type StreamSecurity,
  type StreamStats,
} from './listen.ts';
export type { Candidate, Listener, ServerOptions, Verdict } from './options.ts';
export type { Rate } from './rate-limit.ts';
export type { Registration } from './registration/registration.ts';
export { MemorySecurityStore } from './security/memory-store.ts';
export {
  CredentialTakenError,
  type DeviceCredential,
  type DeviceSecurity,
  type SecurityStore,
} from './security/store.ts';
export { commonNameOf } from './security/subject.ts';
export { Server, type ServerStats } from './server.ts';

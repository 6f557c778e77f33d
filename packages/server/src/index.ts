// The management side of LwM2M: registrations, devices, observations, queue mode.
export { type Asker, Device, type Notification, type PerformOptions } from './device.ts';
export { NotRegisteredError } from './errors.ts';
export type { Observation, ServerEvents } from './events.ts';
export type { KeepingStats } from './keeping.ts';
export {
  type AssociationStore,
  type CertificateAndKey,
  cipherSuites,
  type DtlsStats,
  type ListenerSecurity,
  type Material,
  type RawKey,
} from './listen.ts';
export type { Candidate, Listener, ServerOptions, Stores, Verdict } from './options.ts';
export type { CommandReceiver, QueueOptions } from './queue.ts';
export type { QueuedCommand } from './queued.ts';
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
export type {
  CommandChange,
  CommandFailure,
  CommandState,
  CommandStore,
  KeptCommand,
  Outcome,
  RetryPolicy,
} from './stores/command-store.ts';
export { MemoryCommandStore, MemoryObservationStore, MemoryRegistrationStore } from './stores/memory-stores.ts';
export type { KeptObservation, ObservationChange, ObservationStore } from './stores/observation-store.ts';
export type { KeptRegistration, RegistrationChange, RegistrationStore } from './stores/registration-store.ts';
export { formatTagged, parseTagged } from './stores/tagged-json.ts';
export type { Keep } from './wishes.ts';

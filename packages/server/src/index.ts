// The management side of LwM2M: registrations, devices, observations, queue mode.
export type {
  BootstrapEvents,
  BootstrapFailureReason,
  BootstrapSession,
  BootstrapStep,
  StepOutcome,
} from './bootstrap/events.ts';
export type { BootstrapCandidate, BootstrapServerOptions } from './bootstrap/options.ts';
export type {
  Plan,
  PlannedAccess,
  PlannedOscore,
  PlannedRoad,
  PlannedSecurity,
  PlannedServer,
  PlannedWrite,
} from './bootstrap/plan.ts';
export { BootstrapServer, type BootstrapStats } from './bootstrap/server.ts';
export { SessionFailure } from './bootstrap/session.ts';
export { problemsOf as planProblems } from './bootstrap/steps.ts';
export { MemoryPlanStore, PlanConflictError, type PlanStore, type StoredPlan } from './bootstrap/store.ts';
export { requestBootstrap } from './bootstrap/trigger.ts';
export {
  type Asker,
  Device,
  type FormatOptions,
  type Notification,
  type ObserveOptions,
  type PerformOptions,
  type ReadValues,
} from './device.ts';
export type { EndDevicesStats } from './end-devices.ts';
export { NotRegisteredError, UnsupportedError } from './errors.ts';
export type { Observation, ServerEvents } from './events.ts';
export { type Delivered, type Failure, type FailureKind, failureOf } from './failure.ts';
export type { KeepingStats } from './keeping.ts';
export {
  type AlertTrace,
  type AssociationStore,
  type CertificateAndKey,
  checkListenerSecurity,
  checkStreamSecurity,
  cipherSuites,
  type DtlsStats,
  dateProblemOf,
  type HandshakeTrace,
  handshakeProblem,
  type KeptAssociation,
  keyExchangeOfCertificate,
  keyExchangeOfRawKey,
  type ListenerSecurity,
  type Material,
  type PassedOver,
  type RawKey,
  type RefusedRecord,
  type StreamSecurity,
  type StreamStats,
  type TlsHandshakeTrace,
} from './listen.ts';
export type { Candidate, Listener, ServerOptions, Stores, Verdict } from './options.ts';
export type { CommandReceiver, QueueOptions } from './queue.ts';
export type { QueuedCommand } from './queued.ts';
export type { Rate } from './rate-limit.ts';
export type { Registration } from './registration/registration.ts';
export { isSameCredential } from './security/changing.ts';
export { retireWithdrawn } from './security/contexts.ts';
export { credentialKey, MemorySecurityStore } from './security/memory-store.ts';
export {
  type CredentialChange,
  CredentialTakenError,
  type DeviceCredential,
  type DeviceSecurity,
  type SecurityStore,
} from './security/store.ts';
export { commonNameOf } from './security/subject.ts';
export { Server } from './server.ts';
export type { ServerStats } from './stats.ts';
export type {
  CommandChange,
  CommandState,
  CommandStore,
  KeptCommand,
  Outcome,
  RetryPolicy,
} from './stores/command-store.ts';
export { MemoryCommandStore, MemoryObservationStore, MemoryRegistrationStore } from './stores/memory-stores.ts';
export type { KeptObservation, ObservationChange, ObservationStore } from './stores/observation-store.ts';
export type {
  EndOfProcess,
  KeptRegistration,
  RegistrationChange,
  RegistrationStore,
} from './stores/registration-store.ts';
export { formatTagged, parseTagged } from './stores/tagged-json.ts';
export {
  type WakeBySmsOptions,
  type WakingHandle,
  type WakingMessenger,
  type WakingRoad,
  type WakingStats,
  wakeBySms,
} from './trigger.ts';
export type { Keep } from './wish.ts';

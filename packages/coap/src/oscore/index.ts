// OSCORE (RFC 8613): contexts, where they are kept, and the layer that protects the exchanges of endpoints.
export {
  type ContextParameters,
  deriveContext,
  identityOf,
  keyNames,
  readIdentity,
  type SecurityContext,
} from './context.ts';
export type { OscoreCount, OscoreCounters } from './counters.ts';
export { OscoreError, type OscoreProblem } from './errors.ts';
export { Oscore, type OscoreOptions, type OscoreStats, protectedOnly } from './layer.ts';
export { decodeOscoreOption, encodeOscoreOption, type OscoreOption } from './option.ts';
export { type Binding, type Opened, type Refusal, unprotectRequest } from './protect.ts';
export type { WindowSnapshot } from './replay.ts';
export {
  type ContextStore,
  contextStore,
  highestBeginning,
  type KeyUseStore,
  MemoryContextStore,
  MemoryKeyUseStore,
  type ProvisionedContext,
} from './store.ts';

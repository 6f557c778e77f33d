// What an engine tells of its way to its servers: sixteen events whose names and numbers do not change, for those who come from
// other engines with the same list. docs/reference/client-events.md says when each comes and what follows from it.

/** By number. */
export const engineEvents = [
  'none',
  'bootstrap-reg-failure',
  'bootstrap-reg-complete',
  'bootstrap-transfer-complete',
  'registration-failure',
  'registration-complete',
  'reg-timeout',
  'reg-update-complete',
  'deregister-failure',
  'disconnect',
  'queue-mode-rx-off',
  'engine-suspended',
  'network-error',
  'reg-update',
  'deregister',
  'server-disabled',
] as const;

export type EngineEvent = (typeof engineEvents)[number];

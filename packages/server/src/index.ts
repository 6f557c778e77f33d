// The management side of LwM2M: registrations, devices, observations, queue mode.
export { type Asker, Device, type Notification, type PerformOptions } from './device.ts';
export { NotRegisteredError } from './errors.ts';
export type { Observation, ServerEvents } from './events.ts';
export type { Candidate, Listener, ServerOptions, Verdict } from './options.ts';
export type { Rate } from './rate-limit.ts';
export type { Registration } from './registration/registration.ts';
export { Server, type ServerStats } from './server.ts';

// The management side of LwM2M: registrations, devices, observations, queue mode.
export type { Observation, ServerEvents } from './events.ts';
export type { Lwm2mVersion, Registration } from './registration/registration.ts';

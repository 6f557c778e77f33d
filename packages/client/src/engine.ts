// `@lapwing/client/engine`: the client and what an application needs to run it, without the built-in objects, firmware, software and stores
// on disk. What a device may need later (bootstrap, DTLS, connections) is loaded when it does.
export { Client, type SendChoice } from './client.ts';
export type { Connector, Credentials, Destination } from './connect.ts';
export { EndDeviceError, SendError } from './errors.ts';
export type { About, ClientEvents } from './events.ts';
export { Instance, type InstancePatch } from './objects/instance.ts';
export type { ObjectPolicy } from './objects/policy.ts';
export { ObjectStore, type Origin, type StoreEvents, type StoreLimits } from './objects/store.ts';
export type { BootstrapAccount, BootstrapPolicy, ClientOptions, ServerAccount } from './options.ts';
export type { Phase } from './registration/transitions.ts';

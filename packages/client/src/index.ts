// The device side of LwM2M: objects, registration, notifications.
export type { AccountStats, SendOptions } from './account.ts';
export type { Downgrade } from './bootstrap/consistency.ts';
export { BootstrapError } from './bootstrap/errors.ts';
export type { BootstrapFailure, BootstrapPhase, BootstrapTerms } from './bootstrap/machine.ts';
export { SecurityMode, SecurityObject, SmsSecurityMode } from './builtin/security.ts';
export { ServerObject } from './builtin/server.ts';
export { type About, Client, type ClientEvents, type SendChoice } from './client.ts';
export { type Connector, type Credentials, type Destination, secured } from './connect.ts';
export { type EngineEvent, engineEvents } from './engine-events.ts';
export { EndDeviceError, SendError } from './errors.ts';
export {
  type EndDevice,
  type EndDeviceEvents,
  type EndDeviceFields,
  EndDevices,
  type EndDevicesOptions,
} from './gateway/end-devices.ts';
export type { Moment } from './notify/delivery.ts';
export { MemoryNotificationStore } from './notify/memory-notification-store.ts';
export type { KeptNotifications, NotificationStore } from './notify/notification-store.ts';
export type { NotificationStats } from './notify/remembering.ts';
export { Instance, type InstancePatch } from './objects/instance.ts';
export { type ObjectPolicy, ObjectStore, type Origin, type StoreEvents, type StoreLimits } from './objects/store.ts';
export type { BootstrapAccount, BootstrapPolicy, ClientOptions, ServerAccount } from './options.ts';
export { defaultRetry, type RetryPolicy } from './registration/backoff.ts';
export type { Phase } from './registration/transitions.ts';
export type { ServerSms, SmsAccess } from './sms.ts';
export type { TriggerStats } from './trigger.ts';

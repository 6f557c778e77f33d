// The device side of LwM2M: objects, registration, notifications. Everything is loaded at once; `@lapwing/client/engine` is the way in
// for who wants to start fast.
import './bootstrap/session.ts';

export type { AccountStats } from './account-listener.ts';
export type { Downgrade } from './bootstrap/consistency.ts';
export { BootstrapError } from './bootstrap/errors.ts';
export type { BootstrapFailure, BootstrapPhase, BootstrapTerms } from './bootstrap/machine.ts';
export {
  AdvancedFirmwareObject,
  type AdvancedFirmwareOptions,
  AdvancedFirmwareUpdate,
  type FirmwarePart,
  type PartUpdates,
} from './builtin/advanced-firmware-update.ts';
export { BinaryContainer, type BinaryContainerOptions, type ContainerLabel } from './builtin/binary-container.ts';
export {
  type ApnSettings,
  type BearerSettings,
  Cellular,
  type CellularModem,
  type CellularOptions,
  type CellularSettings,
  SimulatedModem,
} from './builtin/cellular.ts';
export { type Connectivity, ConnectivityMonitoring, NetworkBearer } from './builtin/connectivity-monitoring.ts';
export {
  ConnectivityStatistics,
  type ConnectivityStatisticsOptions,
  type TextCounts,
} from './builtin/connectivity-statistics.ts';
export { Device, DeviceError, type DeviceOptions, type PowerSource } from './builtin/device.ts';
export { EventLog, type EventLogOptions, LogStatus } from './builtin/event-log.ts';
export { FirmwareUpdate, type FirmwareUpdateOptions } from './builtin/firmware-update.ts';
export { Actuator, type ActuatorOptions, type ActuatorState } from './builtin/ipso/actuator.ts';
export { AudioClip, type AudioClipOptions, type Sound } from './builtin/ipso/audio-clip.ts';
export { type Axes, AxesSensor, type AxesSensorOptions } from './builtin/ipso/axes.ts';
export { Bitmap, type BitmapOptions } from './builtin/ipso/bitmap.ts';
export { Buzzer, type BuzzerOptions } from './builtin/ipso/buzzer.ts';
export { DigitalInput, type DigitalInputOptions } from './builtin/ipso/digital-input.ts';
export { Dimmer, type DimmerOptions } from './builtin/ipso/dimmer.ts';
export { EnergyMeter, type EnergyMeterOptions } from './builtin/ipso/energy-meter.ts';
export { Joystick, type JoystickOptions, type JoystickPosition } from './builtin/ipso/joystick.ts';
export { LoadControl, type LoadControlOptions, type LoadEvent } from './builtin/ipso/load-control.ts';
export { LocationSensor, type LocationSensorOptions, type Whereabouts } from './builtin/ipso/location-sensor.ts';
export { Positioner, type PositionerOptions } from './builtin/ipso/positioner.ts';
export { PowerMeter, type PowerMeterOptions, type PowerReading } from './builtin/ipso/power-meter.ts';
export { Selector, type SelectorOptions } from './builtin/ipso/selector.ts';
export { Sensor, type SensorDefinition, type SensorOptions } from './builtin/ipso/sensor.ts';
export { Setting, type SettingDefinition, type SettingOptions, type SettingValue } from './builtin/ipso/setting.ts';
export { Stopwatch, type StopwatchOptions } from './builtin/ipso/stopwatch.ts';
export { TextDisplay, type TextDisplayOptions } from './builtin/ipso/text-display.ts';
export { TimeKeeper, type TimeOptions } from './builtin/ipso/time-object.ts';
export { Timer, type TimerOptions } from './builtin/ipso/timer.ts';
export { TimerMode } from './builtin/ipso/timer-core.ts';
export { UpDownControl, type UpDownControlOptions } from './builtin/ipso/up-down-control.ts';
export { type Fix, Location, type LocationOptions } from './builtin/location.ts';
export { AuthStatus, type Identities, Portfolio, type PortfolioOptions } from './builtin/portfolio.ts';
export { SecurityMode, SecurityObject, SmsSecurityMode } from './builtin/security.ts';
export { ServerObject } from './builtin/server.ts';
export { SoftwareManagement, type SoftwareManagementOptions } from './builtin/software-management.ts';
export { Client, type SendChoice } from './client.ts';
export type {
  AssociationRecords,
  Connector,
  Credentials,
  Destination,
} from './connect.ts';
export { secured, tlsCredentialsOf } from './connect-secured.ts';
export type { AddressPolicy } from './download/addresses.ts';
export type { ArrivalOptions } from './download/arrival.ts';
export type { DownloadPatience } from './download/downloader.ts';
export { PackageError, type PackageProblem } from './download/errors.ts';
export { MemoryPackageStore } from './download/memory-package-store.ts';
export type { PackageStore } from './download/package-store.ts';
export type { PackageBeginning, PackageSink, PackageSource, PackageTag, PackageWish } from './download/source.ts';
export type { PackageLabel, StoredPackage } from './download/stored-package.ts';
export { type EngineEvent, engineEvents } from './engine-events.ts';
export { EndDeviceError, SendError } from './errors.ts';
export type { About, ClientEvents } from './events.ts';
export type { ComponentOptions } from './firmware/component.ts';
export { FirmwareState, type FirmwareStatus, UpdateResult } from './firmware/machine.ts';
export {
  type EndDevice,
  type EndDeviceEvents,
  type EndDeviceFields,
  EndDevices,
  type EndDevicesOptions,
} from './gateway/end-devices.ts';
export type { Moment, NotificationOutcome } from './notify/delivery.ts';
export type { HistoryOptions, Series } from './notify/history.ts';
export { MemoryNotificationStore } from './notify/memory-notification-store.ts';
export type { KeptNotifications, NotificationStore } from './notify/notification-store.ts';
export type { NotificationStats } from './notify/remembering.ts';
export { Instance, type InstancePatch } from './objects/instance.ts';
export type { ObjectPolicy } from './objects/policy.ts';
export { ObjectStore, type Origin, type StoreEvents, type StoreLimits } from './objects/store.ts';
export type { Approve, Measuring, Proposal } from './objects/tree.ts';
export { LocalAccess, type LocalAccessOptions } from './operations/local-access.ts';
export type { NotificationStorage, Watched } from './operations/observe.ts';
export type { SendOptions, SendStorage } from './operations/sends.ts';
export type { BootstrapAccount, BootstrapPolicy, ClientOptions, ServerAccount } from './options.ts';
export { FileStateStore, type FileStoreOptions } from './persistence/file.ts';
export type { Hibernation } from './persistence/hibernation.ts';
export { PackageFile, type PackageFileOptions } from './persistence/package-file.ts';
export { MemoryStateStore, type StateStore } from './persistence/store.ts';
export type { Expectation } from './radio.ts';
export { defaultRetry, type RetryPolicy } from './registration/backoff.ts';
export type { Phase } from './registration/transitions.ts';
export type { ServerSms, SmsAccess } from './sms.ts';
export { SoftwareResult, SoftwareState, type SoftwareStatus } from './software/machine.ts';
export type { SoftwareOptions } from './software/software.ts';

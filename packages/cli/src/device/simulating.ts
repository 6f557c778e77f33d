// What it takes to simulate one instance of an object.
import type { EndDevices, ObjectStore, TextCounts } from '@lapwing/client';
import type { Clock } from '@lapwing/kernel';
import type { Entry } from '@lapwing/lwm2m';
import type { Packages } from './packages.ts';

export interface Place {
  readonly objects: ObjectStore;
  readonly instance: number;
  readonly clock: Clock;
  /** It has done something, such as `sounds at 50 %`. */
  readonly acted: (what: string) => void;
}

export interface Surroundings {
  readonly packages: Packages;
  /** Of its modem; default it has none. */
  readonly texts?: () => TextCounts;
  /** Those behind the device; from the first call on it is a gateway. */
  readonly endDevices: () => EndDevices;
  /** To the servers of the device; rejects while it is stopped. */
  readonly send: (entries: readonly Entry[]) => Promise<void>;
  readonly reboot: () => void | Promise<void>;
  readonly factoryReset: () => void | Promise<void>;
}

/** What is to be let go of, where there is something. */
export type Made = Partial<Disposable & AsyncDisposable> | undefined;

/** Makes an instance, or an object without one. */
export type Simulate = (at: Place & Surroundings) => Made | Promise<Made>;

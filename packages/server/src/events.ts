// Every event of the server, as one map of types.
import type { Code } from '@lapwing/coap';
import type { Duration, Peer } from '@lapwing/kernel';
import type { ContentResult, EndDevice, EndDeviceProblem, Entry, Path, Result } from '@lapwing/lwm2m';
import type { QueuedCommand } from './queued.ts';
import type { Registration } from './registration/registration.ts';
import type { Outcome } from './stores/command-store.ts';

export interface Observation {
  /** Unique in this server, for as long as it runs. */
  readonly id: number;
  /** Endpoint client name. */
  readonly name: string;
  /** What is observed; of a composite the root. */
  readonly path: Path;
  /** Of a composite, in the order in which they were asked for; else the one. */
  readonly paths: readonly Path[];
  /** What the caller of observe gave, untouched. */
  readonly tag: unknown;
}

export interface ServerEvents {
  /** A new registration. `replaced` is the one that the same name had before. */
  registered: { readonly registration: Registration; readonly replaced?: Registration };
  /** An Update. `withObjects`: it carried an object list. */
  updated: { readonly registration: Registration; readonly previous: Registration; readonly withObjects: boolean };
  deregistered: { readonly registration: Registration };
  /** A Register under a name that its credentials do not speak for; it was answered 4.03. */
  'not-owner': {
    readonly name: string;
    readonly peer: Peer;
    /** Name of the listener. */
    readonly listener: string;
    readonly reason: string;
  };
  /**
   * A Register that was refused for what it is: it says something that cannot be, there is no room, or it comes too often. One for want of
   * rights is not among them: `authorize` knows of it, and `not-owner` tells it.
   */
  'register-refused': {
    /** What it calls itself; nobody has said that it is that. */
    readonly name: string | undefined;
    readonly peer: Peer;
    /** Name of the listener. */
    readonly listener: string;
    /** Of the answer. */
    readonly code: Code;
    /** Code and cause in words. */
    readonly reason: string;
  };
  expired: { readonly registration: Registration };
  /** Queue mode: the device may be spoken to, from now until `asleep`. */
  awake: { readonly registration: Registration };
  /** Something was asked of a device that sleeps. */
  wanted: { readonly registration: Registration };
  asleep: { readonly registration: Registration };
  /** A notification in time order; stale ones are dropped before. */
  notify: { readonly registration: Registration; readonly observation: Observation; readonly result: ContentResult };
  /** What a device sent by itself (Core 1.2.1 §6.4.5). Times are Unix time in seconds; without one it is of now. */
  sent: {
    readonly registration: Registration;
    /** Of the end device whose values they are; of a gateway that sends for several, one event for each. */
    readonly prefix?: string;
    readonly entries: readonly Entry[];
    /** Content-Format that it came in. */
    readonly format: number;
  };
  /** A gateway has told of an end device behind it (Gateway 1.1.1 §8.2). */
  'end-device-added': { readonly registration: Registration; readonly endDevice: EndDevice };
  /** It has other objects now, or another instance of object 25. */
  'end-device-changed': {
    readonly registration: Registration;
    readonly endDevice: EndDevice;
    readonly previous: EndDevice;
  };
  /** It is behind the gateway no more, or the gateway is registered no more. */
  'end-device-removed': { readonly registration: Registration; readonly endDevice: EndDevice };
  /** What a gateway said of some end devices cannot be; they are left out. The first 100 of so many. */
  'end-devices-refused': {
    readonly registration: Registration;
    readonly refused: number;
    readonly problems: readonly EndDeviceProblem[];
  };
  /** Object 25 could not be read or observed. It is tried again with the next registration. */
  'end-devices-failed': { readonly registration: Registration; readonly error: Error };
  /** Nothing comes any more: cancelled here, refused or ended by the device, replaced by one of the same path, or over with the registration. */
  'observation-ended': {
    readonly observation: Observation;
    readonly cause: 'cancelled' | 'refused' | 'registration-ended' | 'replaced';
    /** The notification with which the device ended it, where it gave a reason (RFC 7641 §3.2). */
    readonly refusal?: Extract<Result, { kind: 'refused' }>;
  };
  /** A kept observation was made again, after a new registration or after the device had forgotten it; `result` is the value now. */
  'observation-renewed': {
    readonly registration: Registration;
    readonly observation: Observation;
    readonly result: ContentResult;
  };
  /** A kept observation could not be made again. `retryIn`: next try in ms; without one, when the device registers anew. */
  'observation-not-renewed': {
    /** Endpoint client name. */
    readonly name: string;
    readonly path: Path;
    /** What the device answered. */
    readonly code?: Code;
    readonly error?: Error;
    readonly retryIn?: Duration;
  };
  /** A queued command has its outcome, and that is written down. */
  'command-settled': { readonly command: QueuedCommand; readonly outcome: Outcome };
  /** A store could not be written or read. What can be tried again is. */
  'store-failed': { readonly error: Error };
  /** A notification that could not be decoded. The observation goes on. */
  'notify-failed': {
    readonly registration: Registration;
    readonly observation: Observation;
    readonly error: Error;
    readonly sequence?: number;
  };
  /** A listener of another event threw. The server goes on; what a listener of this one throws is only counted. */
  'listener-failed': { readonly event: string; readonly error: unknown };
}

// What a gateway is made of: the two ends that it joins, and what it is given for that.
import type { Link } from '@lapwing/coap';
import type { Clock, Duration, Events } from '@lapwing/kernel';
import type { Operation, Result, TypeLookup } from '@lapwing/lwm2m';
import type { Keep, Registration, ServerEvents } from '@lapwing/server';
import type { Lwm2mConfig } from './config.ts';
import type { DeviceQueue } from './kept-commands.ts';
import type { Log } from './log.ts';
import type { Logins } from './login.ts';
import type { Metrics } from './metrics.ts';
import type { OutMessage } from './outbox.ts';
import type { Pace } from './pace.ts';
import type { Redelivered } from './repeats.ts';
import type { Routes } from './topics.ts';

/** The part of the server that the gateway stands on. */
export interface DeviceServer {
  readonly events: Events<ServerEvents>;
  registration(name: string): Registration | undefined;
  perform(name: string, operation: Operation, options: DeviceOptions): Promise<Result>;
}

export interface DeviceOptions {
  readonly tag?: unknown;
  readonly order?: 'queued' | 'now';
  readonly ttl?: Duration;
  /** Told when the device announces a separate response with an empty acknowledgement (RFC 7252 §5.2.2). */
  readonly acknowledged?: () => void;
  readonly keep?: Keep;
}

export interface GatewayOptions {
  readonly config: Lwm2mConfig;
  readonly server: DeviceServer;
  readonly logins: Logins;
  readonly routes: Routes;
  readonly publish: (message: OutMessage) => void;
  readonly typesOf: (objects: readonly Link[]) => TypeLookup;
  readonly isObjectDefined: (object: number) => boolean;
  readonly repeats: Redelivered;
  readonly pace: Pace;
  /** Where commands for devices that sleep wait; default: with the others, in memory. */
  readonly queue?: DeviceQueue;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

// What a server counts.
import type { EndpointStats } from '@lapwing/coap';
import type { Oscore, OscoreStats } from '@lapwing/coap/oscore';
import type { EndDevicesStats } from './end-devices.ts';
import type { KeepingStats } from './keeping.ts';
import type { DtlsStats, Listening, StreamStats } from './listen.ts';

export interface ServerStats extends ListenerStats {
  readonly registrations: number;
  readonly observations: number;
  /** Under way or waiting. */
  readonly commands: number;
  /** What outlives the process, and what of it is not written down yet. */
  readonly kept: KeepingStats;
  readonly endDevices: EndDevicesStats;
  /** Of the registration interface and of Send, by outcome. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Requests for what is not there, outside the registration interface. */
  readonly unserved: number;
  /** Errors that listeners of events have thrown. */
  readonly listenerErrors: number;
}

/** What the listeners of a server count. */
export interface ListenerStats {
  /** By name of the listener. */
  readonly endpoints: Readonly<Record<string, EndpointStats>>;
  /** Those that are secured, by name of the listener. */
  readonly dtls: Readonly<Record<string, DtlsStats>>;
  /** Those that take connections, by name of the listener. */
  readonly streams: Readonly<Record<string, StreamStats>>;
  /** Undefined without a store of credentials. */
  readonly oscore: OscoreStats | undefined;
}

export function listenerStats(listening: readonly Listening[], oscore: Oscore | undefined): ListenerStats {
  return {
    oscore: oscore?.stats(),
    endpoints: Object.fromEntries(listening.map(({ name, endpoint }) => [name, endpoint.stats()])),
    dtls: Object.fromEntries(listening.flatMap(({ name, dtls }) => (dtls === undefined ? [] : [[name, dtls.stats()]]))),
    streams: Object.fromEntries(
      listening.flatMap(({ name, streams }) => (streams === undefined ? [] : [[name, streams.stats()]])),
    ),
  };
}

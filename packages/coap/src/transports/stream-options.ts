// What a transport over streams can be set to, with its defaults: one place for TCP, TLS and WebSockets.
import {
  type Clock,
  ConfigError,
  type Duration,
  type Random,
  seconds,
  systemClock,
  systemRandom,
} from '@lapwing/kernel';
import type { SignallingSettings } from './effects.ts';

export interface StreamOptions {
  /** Bytes of the longest message that is taken; peers are told (RFC 8323 §5.3.1). Default 8 192, from 1 152 to 1 MiB. */
  readonly longestReceived?: number;
  /** Bytes of the longest message that is sent, to peers that take as much. Default 65 536, from 1 152 to 65 536. */
  readonly longestSent?: number;
  /** Connections at once; default 150 000. Further ones are turned away. */
  readonly connections?: number;
  /** Connections whose peer has not introduced itself; default 1 000. The oldest makes room. */
  readonly unready?: number;
  /** Bytes written that a peer has not read; default 1 MiB. Above it the connection is closed. */
  readonly backlog?: number;
  /** Requests of one peer that may wait for their answer, and their bytes; above it nothing is read. Default 128 and 65 536. */
  readonly pending?: number;
  readonly pendingBytes?: number;
  /** For a connection that we make, the introduction of the peer included, in ms; default 30 s. */
  readonly connectTimeout?: Duration;
  /** For a peer to introduce itself, in ms; default 30 s. */
  readonly introductionTimeout?: Duration;
  /** From the first byte of a message to its last, and for a peer that does not read, in ms; default 30 s. */
  readonly stallTimeout?: Duration;
  /** Silence after which the peer is asked whether it is there (RFC 8323 §5.4), in ms; default never. */
  readonly keepAlive?: Duration;
  /** For the answer to that, in ms; default 30 s. */
  readonly pongTimeout?: Duration;
  /** For what is in flight when a peer lets go (RFC 8323 §5.5), in ms; default 10 s. */
  readonly releaseTimeout?: Duration;
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface StreamSettings extends SignallingSettings {
  readonly connections: number;
  readonly unready: number;
  readonly backlog: number;
  readonly connectTimeout: Duration;
  readonly clock: Clock;
  readonly random: Random;
}

/** Throws ConfigError naming every number that is out of range. */
export function streamSettings(options: StreamOptions): StreamSettings {
  const settings: StreamSettings = {
    longestReceived: options.longestReceived ?? 8192,
    longestSent: options.longestSent ?? 65_536,
    connections: options.connections ?? 150_000,
    unready: options.unready ?? 1000,
    backlog: options.backlog ?? 1_048_576,
    pending: options.pending ?? 128,
    pendingBytes: options.pendingBytes ?? 65_536,
    connectTimeout: options.connectTimeout ?? seconds(30),
    introduction: options.introductionTimeout ?? seconds(30),
    stall: options.stallTimeout ?? seconds(30),
    idle: options.keepAlive,
    pong: options.pongTimeout ?? seconds(30),
    release: options.releaseTimeout ?? seconds(10),
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
  };
  const problems: string[] = [];
  const check = (name: keyof StreamOptions, value: number, low: number, high: number): void => {
    if (!(value >= low && value <= high)) problems.push(`${name}: ${value} is not from ${low} to ${high}`);
  };
  check('longestReceived', settings.longestReceived, 1152, 1_048_576);
  check('longestSent', settings.longestSent, 1152, 65_536);
  check('connections', settings.connections, 1, 1_000_000);
  check('unready', settings.unready, 1, 1_000_000);
  check('backlog', settings.backlog, settings.longestSent, 1_073_741_824);
  check('pending', settings.pending, 1, 1_000_000);
  check('pendingBytes', settings.pendingBytes, 1, 1_073_741_824);
  const longest = 86_400_000;
  check('connectTimeout', settings.connectTimeout, 1, longest);
  check('introductionTimeout', settings.introduction, 1, longest);
  check('stallTimeout', settings.stall, 1, longest);
  if (settings.idle !== undefined) check('keepAlive', settings.idle, 1000, longest);
  check('pongTimeout', settings.pong, 1, longest);
  check('releaseTimeout', settings.release, 1, longest);
  if (problems.length > 0) throw new ConfigError(problems);
  return settings;
}

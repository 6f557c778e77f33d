// Three numbers and what follows from them (RFC 7252 §4.8): how long to wait for an acknowledgement, how much to
// vary it, how often to try again; plus how many exchanges may be open with one peer (§4.7).
import { ConfigError, type Duration, type Pace } from '@lapwing/kernel';

export interface ParameterOptions {
  /** ms before the first retransmission, at least; default 2 000, or what the transport's `pace` says. At least 1. */
  readonly ackTimeout?: Duration;
  /** The first wait is drawn between `ackTimeout` and this many times it; default 1.5. From 1 to 10. */
  readonly ackRandomFactor?: number;
  /** Retransmissions after the first transmission; default 4, or what the transport's `pace` says. From 0 to 20. */
  readonly maxRetransmit?: number;
  /** Confirmable messages that may be open with one peer; default 1. At least 1. */
  readonly nstart?: number;
  /** Longest time a datagram can be on its way, in ms; default 100 000. */
  readonly maxLatency?: Duration;
  /** ms a request may wait for its response before it is acknowledged without one; default half of `ackTimeout`. */
  readonly ackDelay?: Duration;
}

export interface Parameters {
  readonly ackTimeout: Duration;
  readonly ackRandomFactor: number;
  readonly maxRetransmit: number;
  readonly nstart: number;
  readonly maxLatency: Duration;
  readonly ackDelay: Duration;
  /** Longest time from first to last transmission, in ms. RFC 7252 §4.8.2; 45 000 with the defaults. */
  readonly maxTransmitSpan: Duration;
  /** Longest time from first transmission to giving up, in ms. RFC 7252 §4.8.2; 93 000 with the defaults. */
  readonly maxTransmitWait: Duration;
  /** Time from starting to send a confirmable message to when its id may be used again, in ms. RFC 7252 §4.8.2; 247 000. */
  readonly exchangeLifetime: Duration;
  /** The same for a non-confirmable message, in ms. RFC 7252 §4.8.2; 145 000. */
  readonly nonLifetime: Duration;
}

/** Throws ConfigError naming every number that is out of range. */
export function transmissionParameters(options: ParameterOptions = {}, pace?: Pace): Parameters {
  const ackTimeout = options.ackTimeout ?? pace?.ackTimeout ?? 2000;
  const ackRandomFactor = options.ackRandomFactor ?? 1.5;
  const maxRetransmit = options.maxRetransmit ?? pace?.maxRetransmit ?? 4;
  const nstart = options.nstart ?? 1;
  const maxLatency = options.maxLatency ?? 100_000;
  const ackDelay = options.ackDelay ?? ackTimeout / 2;

  const problems: string[] = [];
  const check = (name: string, value: number, low: number, high: number): void => {
    if (!(value >= low && value <= high)) problems.push(`${name}: ${value} is not from ${low} to ${high}`);
  };
  check('ackTimeout', ackTimeout, 1, 3_600_000);
  check('ackRandomFactor', ackRandomFactor, 1, 10);
  check('maxRetransmit', maxRetransmit, 0, 20);
  check('nstart', nstart, 1, 65_536);
  check('maxLatency', maxLatency, 1, 86_400_000);
  check('ackDelay', ackDelay, 0, ackTimeout);
  if (problems.length > 0) throw new ConfigError(problems);

  const longestFirst = ackTimeout * ackRandomFactor;
  const maxTransmitSpan = longestFirst * (2 ** maxRetransmit - 1);
  return {
    ackTimeout,
    ackRandomFactor,
    maxRetransmit,
    nstart,
    maxLatency,
    ackDelay,
    maxTransmitSpan,
    maxTransmitWait: longestFirst * (2 ** (maxRetransmit + 1) - 1),
    // PROCESSING_DELAY is set to ACK_TIMEOUT.
    exchangeLifetime: maxTransmitSpan + 2 * maxLatency + ackTimeout,
    nonLifetime: maxTransmitSpan + maxLatency,
  };
}

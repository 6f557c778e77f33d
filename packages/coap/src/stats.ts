// What an endpoint counts: everything that came and went, and every reason for which something was dropped.

import type { BlockInCounters } from './layers/block-in.ts';
import type { BlockOutCounters } from './layers/block-out.ts';

/** Fields, not a table by name: each device of a fleet has them. */
class Counts {
  received = 0;
  receivedBytes = 0;
  sent = 0;
  sentBytes = 0;
  noMessage = 0;
  tooLong = 0;
  malformed = 0;
  badOption = 0;
  unservedRequest = 0;
  unexpectedEmpty = 0;
  unexpectedAck = 0;
  unexpectedReset = 0;
  wrongToken = 0;
  duplicate = 0;
  reservedCode = 0;
  groupMisuse = 0;
  resetLimit = 0;
  leisureLimit = 0;
  unprovenAddress = 0;
  unknownToken = 0;
  wrongPeer = 0;
  unacceptableResponse = 0;
  staleNotification = 0;
  resetsReceived = 0;
  retransmissions = 0;
  gaveUp = 0;
  busy = 0;
  contactsForgotten = 0;
  serviceErrors = 0;
  listenerErrors = 0;
  unsendable = 0;
  diagnosticsWithheld = 0;
  relationsRefused = 0;
}

export type CounterName = keyof Counts;

export interface EndpointSizes {
  /** Peers about which something is remembered. */
  readonly contacts: number;
  /** Messages remembered so that duplicates are known. */
  readonly remembered: number;
  readonly rememberedBytes: number;
  /** Confirmable messages on their way. */
  readonly unacknowledged: number;
  /** Requests that wait for their response. */
  readonly open: number;
  /** Observations of ours at others. */
  readonly observations: number;
  /** Observations of others here. */
  readonly relations: number;
  /** Transfers in blocks, where we answer and where we ask. */
  readonly blocksIn: BlockInCounters;
  readonly blocksOut: BlockOutCounters;
}

/**
 * Counters since the endpoint was opened, sizes as of now. Datagrams dropped: `noMessage` (no header, unknown version),
 * `tooLong`, `malformed`, `badOption` (4.02), `unservedRequest` (4.05, 5.05), `unexpected…` (nobody waits),
 * `wrongToken`, `duplicate`, `reservedCode`, `groupMisuse`, `unknownToken`, `wrongPeer`, `unacceptableResponse`;
 * not sent: `resetLimit`, `leisureLimit`, `unprovenAddress` (three times what came from there is out already).
 */
export type EndpointStats = Readonly<Record<CounterName, number>> & EndpointSizes;

export class EndpointCounters {
  private readonly counts = new Counts();

  add(name: CounterName, by = 1): void {
    this.counts[name] += by;
  }

  received(bytes: number): void {
    this.counts.received += 1;
    this.counts.receivedBytes += bytes;
  }

  sent(bytes: number): void {
    this.counts.sent += 1;
    this.counts.sentBytes += bytes;
  }

  snapshot(sizes: EndpointSizes): EndpointStats {
    return Object.freeze({ ...this.counts, ...sizes });
  }
}

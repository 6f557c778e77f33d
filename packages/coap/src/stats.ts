// What an endpoint counts: everything that came and went, and every reason for which something was dropped.

import type { BlockInCounters } from './layers/block-in.ts';
import type { BlockOutCounters } from './layers/block-out.ts';

const names = [
  'received',
  'receivedBytes',
  'sent',
  'sentBytes',
  'noMessage',
  'tooLong',
  'malformed',
  'badOption',
  'unservedRequest',
  'unexpectedEmpty',
  'unexpectedAck',
  'unexpectedReset',
  'wrongToken',
  'duplicate',
  'reservedCode',
  'groupMisuse',
  'resetLimit',
  'leisureLimit',
  'unprovenAddress',
  'unknownToken',
  'wrongPeer',
  'unacceptableResponse',
  'staleNotification',
  'resetsReceived',
  'retransmissions',
  'gaveUp',
  'busy',
  'contactsForgotten',
  'serviceErrors',
  'listenerErrors',
  'unsendable',
  'diagnosticsWithheld',
  'relationsRefused',
] as const;

export type CounterName = (typeof names)[number];

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
  private readonly counts = Object.fromEntries(names.map((name) => [name, 0])) as Record<CounterName, number>;

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

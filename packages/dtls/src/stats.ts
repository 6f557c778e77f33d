// What a secured transport counts: every record that came and went, and every reason for which something was dropped.

const names = [
  'datagramsIn',
  'bytesIn',
  'datagramsOut',
  'bytesOut',
  'recordsIn',
  'recordsOut',
  'noRecord',
  'tooManyRecords',
  'wrongVersion',
  'unknownType',
  'unknownConnectionId',
  'foreignNode',
  'missingConnectionId',
  'unknownPeer',
  'wrongEpoch',
  'plaintextData',
  'plaintextAlert',
  'forged',
  'replayed',
  'late',
  'tooEarly',
  'malformed',
  'unexpected',
  'helloRefused',
  'cookiesSent',
  'cookiesWrong',
  'hostBusy',
  'halfOpenEvicted',
  'associationsFull',
  'associationsEvicted',
  'unheard',
  'handshakesStarted',
  'handshakesDone',
  'handshakesResumed',
  'handshakesFailed',
  'alertsSent',
  'alertsReceived',
  'renegotiationsRefused',
  'lastFlightsRepeated',
  'addressChanges',
  'closedByPeer',
  'closedByUs',
  'forgeryLimit',
  'sequenceLimit',
  'tooLong',
  'unsendable',
  'rateLimited',
  'restored',
  'notRestored',
  'listenerErrors',
] as const;

export type CounterName = (typeof names)[number];

export interface DtlsSizes {
  /** Established. */
  readonly associations: number;
  /** Of them, kept ready to send and receive. */
  readonly warm: number;
  /** Unfinished handshakes, both roles. */
  readonly handshakes: number;
  /** Finished ones whose last flight is kept. */
  readonly lingering: number;
  /** Bytes that keys and state of associations take. */
  readonly slabBytes: number;
}

/** Counters since the transport was opened, sizes as of now. */
export type DtlsStats = Readonly<Record<CounterName, number>> & DtlsSizes;

export class Counters {
  readonly counts = Object.fromEntries(names.map((name) => [name, 0])) as Record<CounterName, number>;

  add(name: CounterName, by = 1): void {
    this.counts[name] += by;
  }

  snapshot(sizes: DtlsSizes): DtlsStats {
    return Object.freeze({ ...this.counts, ...sizes });
  }
}

// Puts the records of handshakes into datagrams: numbers and seals them as their machine says, and sends what belongs together
// at once.
import type { Instant } from '@lapwing/kernel';
import type { Connection } from './connection.ts';
import type { Outlet } from './outlet.ts';
import { ContentType, DTLS_1_2, RECORD_HEADER, writePlainRecord } from './record/record.ts';
import type { Sealing } from './sealing.ts';
import type { Counters } from './stats.ts';
import { traceAlert, traceMessage } from './traces.ts';

/** Room for one record, however short the datagrams are that were promised. */
const LEAST_ROOM = 2048;

export interface Saying {
  readonly epoch: 0 | 1;
  readonly type: 20 | 21 | 22;
  readonly payload: Uint8Array;
}

export class FlightWriter {
  private readonly sealing: Sealing;
  private readonly counters: Counters;
  private readonly outlet: Outlet;
  private readonly datagram: number;
  private readonly scratch: Uint8Array;
  private written = 0;

  /** `datagram`: most bytes of one. */
  constructor(parts: {
    readonly sealing: Sealing;
    readonly counters: Counters;
    readonly outlet: Outlet;
    readonly datagram: number;
  }) {
    this.sealing = parts.sealing;
    this.counters = parts.counters;
    this.outlet = parts.outlet;
    this.datagram = parts.datagram;
    this.scratch = new Uint8Array(Math.max(parts.datagram, LEAST_ROOM));
  }

  write(connection: Connection, { epoch, type, payload }: Saying, now: Instant): void {
    const { sealing, counters } = this;
    const { live } = connection;
    if (type === ContentType.Handshake) traceMessage('out', connection, epoch, payload);
    if (type === ContentType.Alert) {
      counters.add('alertsSent');
      traceAlert('out', live.peer, live.road, payload);
    }
    if (connection.state === 'established') counters.add('lastFlightsRepeated');
    const length = epoch === 0 ? RECORD_HEADER + payload.length : sealing.length(live, payload.length);
    if (this.written > 0 && this.written + length > this.datagram) this.flush(connection);
    if (this.written + length > this.scratch.length) return;
    if (epoch === 0) {
      counters.add('recordsOut');
      const { plainSequence } = connection;
      connection.plainSequence += 1;
      this.written = writePlainRecord(this.scratch, this.written, type, DTLS_1_2, plainSequence, payload);
    } else if (connection.hasKeys && sealing.maySeal(live, now) === 'yes') {
      this.written = sealing.seal(live, type, payload, this.scratch, this.written);
    }
  }

  /** What was written is one datagram. */
  flush(connection: Connection): void {
    if (this.written === 0) return;
    const { scratch, written } = this;
    const bytes = this.sealing.room(written);
    for (let i = 0; i < written; i += 1) bytes[i] = scratch[i] as number;
    this.written = 0;
    this.outlet.transmit(connection.road, bytes);
  }
}

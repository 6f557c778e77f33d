// SMS-DELIVER (3GPP TS 23.040 §9.2.2.1): a message that has come. Pure, both ways.
import { FormatError, Reader, type Writer } from '@lapwing/kernel';
import { readAddress, type SmsAddress, writeAddress } from './address.ts';
import { type Payload, readPayload, writePayload } from './payload.ts';
import { readTimestamp, type Timestamp, writeTimestamp } from './time.ts';

export interface Deliver {
  readonly kind: 'deliver';
  readonly originator: SmsAddress;
  /** TP-PID. */
  readonly protocol: number;
  /** When the centre had it; undefined when what it said is no time. */
  readonly timestamp: Timestamp | undefined;
  /** More waits at the centre. */
  readonly moreMessages: boolean;
  /** The sender wants to hear what becomes of it. */
  readonly statusReport: boolean;
  readonly replyPath: boolean;
  readonly payload: Payload;
}

/** The TPDU, without a service centre. Throws FormatError and LimitError as its parts do. */
export function writeDeliver(to: Writer, deliver: Deliver): void {
  const { payload } = deliver;
  to.u8(
    (deliver.moreMessages ? 0 : 0x04) |
      (deliver.statusReport ? 0x20 : 0) |
      (payload.elements.length > 0 ? 0x40 : 0) |
      (deliver.replyPath ? 0x80 : 0),
  );
  writeAddress(to, deliver.originator);
  to.u8(deliver.protocol).u8(payload.coding);
  writeTimestamp(to, deliver.timestamp);
  writePayload(to, payload);
}

/** Throws FormatError. */
export function decodeDeliver(bytes: Uint8Array): Deliver {
  const from = new Reader(bytes);
  const first = from.u8();
  if ((first & 3) !== 0) throw new FormatError('not an SMS-DELIVER', 0);
  const originator = readAddress(from);
  const protocol = from.u8();
  const coding = from.u8();
  const timestamp = readTimestamp(from);
  return {
    kind: 'deliver',
    originator,
    protocol,
    timestamp,
    moreMessages: (first & 0x04) === 0,
    statusReport: (first & 0x20) !== 0,
    replyPath: (first & 0x80) !== 0,
    payload: readPayload(from, coding, { hasHeader: (first & 0x40) !== 0 }),
  };
}

// SMS-STATUS-REPORT (3GPP TS 23.040 §9.2.2.3): what became of a message that was sent. Pure, both ways.
import { FormatError, Reader, type Writer } from '@lapwing/kernel';
import { readAddress, type SmsAddress, writeAddress } from './address.ts';
import { readTimestamp, type Timestamp, writeTimestamp } from './time.ts';

export interface StatusReport {
  readonly kind: 'status-report';
  /** TP-MR of the message. */
  readonly reference: number;
  readonly recipient: SmsAddress;
  readonly sent: Timestamp | undefined;
  readonly discharged: Timestamp | undefined;
  /** TP-ST as it came; `outcomeOf` says what it means. */
  readonly status: number;
}

/** 3GPP TS 23.040 §9.2.3.15. */
export function outcomeOf(status: number): 'delivered' | 'trying' | 'failed' {
  if (status < 0x20) return 'delivered';
  return status < 0x40 ? 'trying' : 'failed';
}

/** The TPDU, without a service centre. Throws FormatError as its parts do. */
export function writeStatusReport(to: Writer, report: StatusReport): void {
  to.u8(0x06).u8(report.reference);
  writeAddress(to, report.recipient);
  writeTimestamp(to, report.sent);
  writeTimestamp(to, report.discharged);
  to.u8(report.status);
}

/** What may stand behind the status (TP-PI and what it announces) says nothing of interest and is not looked at. Throws FormatError. */
export function decodeStatusReport(bytes: Uint8Array): StatusReport {
  const from = new Reader(bytes);
  if ((from.u8() & 3) !== 2) throw new FormatError('not an SMS-STATUS-REPORT', 0);
  return {
    kind: 'status-report',
    reference: from.u8(),
    recipient: readAddress(from),
    sent: readTimestamp(from),
    discharged: readTimestamp(from),
    status: from.u8(),
  };
}

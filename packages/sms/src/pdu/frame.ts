// What passes between a modem and its user (3GPP TS 27.005 §3.1, <pdu>): a service centre, then the TPDU. The length that goes
// with it in AT commands counts the TPDU alone. Pure, both ways.
import { FormatError, Reader, Writer } from '@lapwing/kernel';
import { readServiceCentre, type SmsAddress, writeServiceCentre } from './address.ts';
import { type Deliver, decodeDeliver, writeDeliver } from './deliver.ts';
import { decodeStatusReport, type StatusReport, writeStatusReport } from './status-report.ts';
import { decodeSubmit, type Submit, writeSubmit } from './submit.ts';

export interface Frame<Pdu> {
  /** Undefined: the one that the SIM names. */
  readonly serviceCentre: SmsAddress | undefined;
  readonly pdu: Pdu;
}

/** Octets of the longest frame: a service centre and a TPDU. */
export const longestFrame = 12 + 176;

/** From the modem's user to the network. Throws FormatError. */
export function decodeOutgoing(bytes: Uint8Array): Frame<Submit> {
  const { serviceCentre, tpdu } = opened(bytes);
  return { serviceCentre, pdu: decodeSubmit(tpdu) };
}

/** From the network to the modem's user. Throws FormatError. */
export function decodeIncoming(bytes: Uint8Array): Frame<Deliver | StatusReport> {
  const { serviceCentre, tpdu } = opened(bytes);
  const type = (tpdu[0] ?? 0) & 3;
  return { serviceCentre, pdu: type === 2 ? decodeStatusReport(tpdu) : decodeDeliver(tpdu) };
}

/** Frames are written here, one after the other, and copied out. */
const scratch = new Writer(longestFrame);

/** The frame, and the length of its TPDU. Throws FormatError and LimitError as its parts do. */
export function encodeFrame(frame: Frame<Submit | Deliver | StatusReport>): {
  readonly bytes: Uint8Array;
  readonly length: number;
} {
  const to = scratch.reset();
  writeServiceCentre(to, frame.serviceCentre);
  const { length: before } = to;
  writeTpdu(to, frame.pdu);
  return { bytes: to.finish(), length: to.length - before };
}

function writeTpdu(to: Writer, pdu: Submit | Deliver | StatusReport): void {
  switch (pdu.kind) {
    case 'submit':
      writeSubmit(to, pdu);
      break;
    case 'deliver':
      writeDeliver(to, pdu);
      break;
    case 'status-report':
      writeStatusReport(to, pdu);
      break;
  }
}

function opened(bytes: Uint8Array): { readonly serviceCentre: SmsAddress | undefined; readonly tpdu: Uint8Array } {
  if (bytes.length > longestFrame) throw new FormatError(`a PDU of ${bytes.length} octets`);
  const from = new Reader(bytes);
  const serviceCentre = readServiceCentre(from);
  if (from.left === 0) throw new FormatError('a PDU that ends behind its service centre', from.offset);
  return { serviceCentre, tpdu: from.take(from.left) };
}

// Text messages: PDUs and concatenation.
export {
  Joining,
  type JoiningEffect,
  type JoiningLimits,
  longestMessage,
  type Part,
  type Piece,
  References,
  split,
} from './concatenation.ts';
export { formatNumber, parseNumber, type SmsAddress } from './pdu/address.ts';
export type { Deliver } from './pdu/deliver.ts';
export { decodeIncoming, decodeOutgoing, encodeFrame, type Frame, longestFrame } from './pdu/frame.ts';
export {
  type Concatenation,
  type Content,
  concatenationElement,
  concatenationOf,
  contentKindOf,
  type HeaderElement,
  octetCoding,
  type Payload,
  type Ports,
  payloadSize,
  portsElement,
  portsOf,
} from './pdu/payload.ts';
export { outcomeOf, type StatusReport } from './pdu/status-report.ts';
export type { Submit, Validity } from './pdu/submit.ts';
export { type Timestamp, timestampAt } from './pdu/time.ts';

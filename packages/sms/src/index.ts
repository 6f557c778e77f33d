// Text messages: PDUs, concatenation, modems, centres, and a transport over them.

export type { ReceivedMessage } from './arrivals.ts';
export { ModemError } from './at/failures.ts';
export { AtModem, type AtModemOptions, type AtModemStats, atModem } from './at/modem.ts';
export type { Dial, Port, PortSink } from './at/port.ts';
export { genericProfile, type ModemProfile, profiles } from './at/profiles.ts';
export type { BudgetLimits } from './budget.ts';
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
export {
  Messenger,
  type MessengerEvents,
  type MessengerOptions,
  type MessengerStats,
} from './messenger.ts';
export type { Modem, ModemSink, Settle } from './modem.ts';
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
export { PortError } from './port-error.ts';
export { type SerialPortOptions, serialPort } from './serial.ts';
export { SmppCentre, type SmppCentreStats, smppCentre } from './smpp/centre.ts';
export { CentreError } from './smpp/failures.ts';
export type { SmppCentreOptions } from './smpp/options.ts';
export { decodePdu as decodeSmpp, encodePdu as encodeSmpp, type Pdu as SmppPdu } from './smpp/pdu.ts';
export type { ShortMessage } from './smpp/short-message.ts';
export { isSmppUri, parseSmppUri, type SmppUri } from './smpp/uri.ts';
export { tcpPort } from './tcp.ts';
export { type TlsPortOptions, tlsPort } from './tls.ts';
export { type SmsTransportOptions, smsPace, smsRoad, smsTransport } from './transport.ts';

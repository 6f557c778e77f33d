// PDUs of SMPP 3.4 §4: what a transceiver and its centre say to one another. Requests of other kinds are told apart by their number alone.
// Pure, both ways.
import { decodeUtf8, FormatError, Reader, Secret, Writer } from '@lapwing/kernel';
import { readShortMessage, readText, type ShortMessage, writeShortMessage, writeText } from './short-message.ts';

/** What every PDU has, besides what it is (§3.2). */
interface Numbered {
  /** 1 to 0x7fff_ffff; an answer has that of its request. */
  readonly sequence: number;
}

interface Answering extends Numbered {
  /** command_status, §5.1.3; 0 is well. */
  readonly status: number;
}

export interface Bind {
  readonly systemId: string;
  readonly password: Secret;
  readonly systemType: string;
}

export type Pdu =
  | (Numbered & Bind & { readonly kind: 'bind_transceiver' })
  | (Numbered & { readonly kind: 'submit_sm' | 'deliver_sm'; readonly message: ShortMessage })
  | (Numbered & { readonly kind: 'enquire_link' | 'unbind' | 'alert_notification' })
  | (Answering & { readonly kind: 'bind_transceiver_resp'; readonly systemId: string })
  /** The id that the centre gave the message; deliver_sm_resp has none. */
  | (Answering & { readonly kind: 'submit_sm_resp' | 'deliver_sm_resp'; readonly messageId: string })
  | (Answering & { readonly kind: 'enquire_link_resp' | 'unbind_resp' | 'generic_nack' })
  /** Known by its number alone: nothing of it is looked at. */
  | (Numbered & { readonly kind: 'other'; readonly command: number });

/** §5.1.2.1. */
export const commands = {
  generic_nack: 0x8000_0000,
  submit_sm: 0x0000_0004,
  submit_sm_resp: 0x8000_0004,
  deliver_sm: 0x0000_0005,
  deliver_sm_resp: 0x8000_0005,
  unbind: 0x0000_0006,
  unbind_resp: 0x8000_0006,
  bind_transceiver: 0x0000_0009,
  bind_transceiver_resp: 0x8000_0009,
  enquire_link: 0x0000_0015,
  enquire_link_resp: 0x8000_0015,
  alert_notification: 0x0000_0102,
} as const;

type Kind = keyof typeof commands;

const kinds: ReadonlyMap<number, Kind> = new Map(
  Object.entries(commands).map(([kind, command]) => [command, kind as Kind]),
);

export const headerLength = 16;
/** Octets of a PDU: the longest message that parts can make as message_payload, with room for what surrounds it. */
export const longestPdu = 36_864;
/** Sequence numbers go from 1 to here (§3.2). */
export const lastSequence = 0x7fff_ffff;

/** SMPP 3.4. */
const VERSION = 0x34;

/** Octets of text, without the NUL that ends it (§5.2.1 to .3, .23). Of a password the standard has 8, and many centres more. */
export const longestText = { systemId: 15, password: 64, systemType: 12, messageId: 255, addressRange: 40 } as const;

/** Throws FormatError for text that a PDU cannot have. */
export function encodePdu(pdu: Pdu): Uint8Array {
  const to = new Writer(256).u32(0);
  const status = 'status' in pdu ? pdu.status : 0;
  to.u32(pdu.kind === 'other' ? pdu.command : commands[pdu.kind]);
  to.u32(status).u32(pdu.sequence);
  writeBody(to, pdu);
  const bytes = to.finish();
  new DataView(bytes.buffer).setUint32(0, bytes.length);
  return bytes;
}

function writeBody(to: Writer, pdu: Pdu): void {
  switch (pdu.kind) {
    case 'bind_transceiver':
      writeText(to, pdu.systemId, longestText.systemId);
      writeText(to, decodeUtf8(pdu.password.reveal()), longestText.password);
      writeText(to, pdu.systemType, longestText.systemType);
      // Any address: addr_ton, addr_npi, and an address_range that is empty.
      to.u8(VERSION).u8(0).u8(0).u8(0);
      break;
    case 'submit_sm':
    case 'deliver_sm':
      writeShortMessage(to, pdu.message);
      break;
    case 'bind_transceiver_resp':
      if (pdu.status === 0) writeText(to, pdu.systemId, longestText.systemId);
      break;
    case 'submit_sm_resp':
      if (pdu.status === 0) writeText(to, pdu.messageId, longestText.messageId);
      break;
    case 'deliver_sm_resp':
      writeText(to, pdu.messageId, longestText.messageId);
      break;
    case 'enquire_link':
    case 'enquire_link_resp':
    case 'unbind':
    case 'unbind_resp':
    case 'generic_nack':
    case 'alert_notification':
    case 'other':
      break;
  }
}

export interface Header {
  readonly length: number;
  readonly command: number;
  readonly status: number;
  readonly sequence: number;
}

/** Throws FormatError for less than 16 octets. */
export function decodeHeader(bytes: Uint8Array): Header {
  const from = new Reader(bytes);
  return { length: from.u32(), command: from.u32(), status: from.u32(), sequence: from.u32() };
}

export const isRequest = (command: number): boolean => command < 0x8000_0000;

/** One whole PDU. Throws FormatError. */
export function decodePdu(bytes: Uint8Array): Pdu {
  const { length, command, status, sequence } = decodeHeader(bytes);
  if (length !== bytes.length) throw new FormatError(`command_length ${length} of ${bytes.length} octets`, 0);
  const from = new Reader(bytes);
  from.take(headerLength);
  const kind = kinds.get(command);
  switch (kind) {
    case undefined:
      return { kind: 'other', command, sequence };
    case 'bind_transceiver':
      return { kind, sequence, ...readBind(from) };
    case 'submit_sm':
    case 'deliver_sm':
      return { kind, sequence, message: readShortMessage(from) };
    case 'bind_transceiver_resp':
      return { kind, sequence, status, systemId: answerText(from, longestText.systemId) };
    case 'submit_sm_resp':
    case 'deliver_sm_resp':
      return { kind, sequence, status, messageId: answerText(from, longestText.messageId) };
    case 'enquire_link_resp':
    case 'unbind_resp':
    case 'generic_nack':
      return { kind, sequence, status };
    case 'enquire_link':
    case 'unbind':
    case 'alert_notification':
      return { kind, sequence };
  }
}

function readBind(from: Reader): Bind {
  const systemId = readText(from, longestText.systemId);
  const password = new Secret(Buffer.from(readText(from, longestText.password)));
  const systemType = readText(from, longestText.systemType);
  from.take(3);
  readText(from, longestText.addressRange);
  return { systemId, password, systemType };
}

/** An answer that says no may have no body, and some have none that say yes (§4.4.2). */
const answerText = (from: Reader, longest: number): string => (from.left === 0 ? '' : readText(from, longest));

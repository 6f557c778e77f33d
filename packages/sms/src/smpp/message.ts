// Text messages as an SMPP centre has them: what is sent becomes the body of submit_sm, what a body says becomes a message as from a modem.
// Pure, both ways.
import { concatBytes, FormatError, noBytes, Reader } from '@lapwing/kernel';
import { numberOfType, type SmsAddress, typeOfNumber } from '../pdu/address.ts';
import type { Deliver } from '../pdu/deliver.ts';
import { septetsOf, textOfSeptets } from '../pdu/gsm7.ts';
import {
  type Content,
  concatenationElement,
  concatenationOf,
  contentKindOf,
  decodeElements,
  encodeElements,
  type HeaderElement,
  octetCoding,
  type Payload,
  payloadSize,
  portsElement,
  portsOf,
} from '../pdu/payload.ts';
import type { ShortMessage, SmppAddress } from './short-message.ts';

/** A header stands before the message (esm_class, §5.2.12). */
const HAS_HEADER = 0x40;
const MESSAGE_TYPE = 0x3c;

/** data_coding of what we send (§5.2.19): as TP-DCS for these. */
const codings = { octets: octetCoding, gsm7: 0x00, ucs2: 0x08 } as const;

/** Throws FormatError for text that the coding has not. */
export function submitOf(source: SmppAddress, destination: SmsAddress, { elements, content }: Payload): ShortMessage {
  const header = elements.length === 0 ? noBytes : encodeElements(elements);
  const bytes = concatBytes(header, octetsOf(content));
  const { kind } = content;
  if (kind === 'octets' && bytes.length > payloadSize) throw new FormatError(`${bytes.length} octets of one message`);
  return {
    source,
    destination: { ton: numberOfType(destination.type), npi: destination.plan, text: destination.text },
    esmClass: elements.length === 0 ? 0 : HAS_HEADER,
    protocol: 0,
    coding: codings[kind],
    bytes,
    segment: undefined,
    ports: undefined,
  };
}

/** Receipts and whatever else a centre tells of messages that were sent before. */
export const isReport = ({ esmClass }: ShortMessage): boolean => (esmClass & MESSAGE_TYPE) !== 0;

/** A message that came. Throws FormatError for a header that is none, and for codings that nobody here reads. */
export function deliverOf({ source, esmClass, protocol, coding, bytes, segment, ports }: ShortMessage): Deliver {
  const hasHeader = (esmClass & HAS_HEADER) !== 0;
  const headerLength = hasHeader ? new Reader(bytes).u8() + 1 : 0;
  if (headerLength > bytes.length) throw new FormatError('a header longer than the message', 0);
  const inHeader = hasHeader ? decodeElements(bytes.subarray(1, headerLength)) : [];
  const beside: HeaderElement[] = [];
  // What the message itself says counts.
  if (segment !== undefined && concatenationOf(inHeader) === undefined)
    beside.push(concatenationElement({ ...segment, width: 16 }));
  if (ports !== undefined && portsOf(inHeader) === undefined) beside.push(portsElement(ports));
  const content = contentOf(coding, bytes.subarray(headerLength));
  return {
    kind: 'deliver',
    originator: originatorOf(source),
    protocol,
    timestamp: undefined,
    moreMessages: false,
    statusReport: false,
    replyPath: false,
    payload: { coding: codings[content.kind], elements: [...inHeader, ...beside], content },
  };
}

/** Some centres write the plus that the type of number says already. */
function originatorOf({ ton, npi, text }: SmppAddress): SmsAddress {
  const [, digits] = /^\+(\d{1,15})$/.exec(text) ?? [];
  return digits === undefined
    ? { type: typeOfNumber(ton), plan: npi & 0xf, text }
    : { type: 'international', plan: 1, text: digits };
}

function octetsOf(content: Content): Uint8Array {
  switch (content.kind) {
    case 'octets':
      return content.bytes;
    case 'gsm7':
      // A septet to an octet: the centre packs them.
      return Uint8Array.from(septetsOf(content.text));
    case 'ucs2':
      return Uint8Array.from(Buffer.from(content.text, 'utf16le').swap16());
  }
}

/** §5.2.19; from 0x10 on, where SMPP has reserved most, they are those of GSM (3GPP TS 23.038 §4). */
function contentOf(coding: number, bytes: Uint8Array): Content {
  switch (coding >= 0x10 ? contentKindOf(coding) : coding) {
    case 'octets':
    case 0x02:
    case 0x04:
      return { kind: 'octets', bytes };
    case 'gsm7':
    case 0x00:
      return { kind: 'gsm7', text: textOfSeptets([...bytes]) };
    case 'ucs2':
    case 0x08:
      if (bytes.length % 2 !== 0) throw new FormatError('half a character of UCS-2');
      return { kind: 'ucs2', text: Buffer.from(bytes).swap16().toString('utf16le') };
    case 0x01:
    case 0x03:
      return { kind: 'ucs2', text: Buffer.from(bytes).toString('latin1') };
    default:
      throw new FormatError(`data_coding ${coding}`);
  }
}

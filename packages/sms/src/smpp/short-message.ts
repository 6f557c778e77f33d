// The body that submit_sm and deliver_sm have in common (SMPP 3.4 §4.4.1, §4.6.1), with the optional parameters that say something of
// interest (§5.3.2): cut messages, ports, and octets that do not fit the body. Pure, both ways.
import { FormatError, latin1At, noBytes, Reader, type Writer } from '@lapwing/kernel';
import { longestMessage } from '../concatenation.ts';
import type { Ports } from '../pdu/payload.ts';

/** SMPP 3.4 §5.2.5 and §5.2.6: type of number and numbering plan, then digits or a name. */
export interface SmppAddress {
  readonly ton: number;
  readonly npi: number;
  readonly text: string;
}

/** One part of a cut message, told beside it (§5.3.2.22 to .24). Numbers are as they came. */
export interface Segment {
  readonly reference: number;
  readonly total: number;
  readonly sequence: number;
}

export interface ShortMessage {
  readonly source: SmppAddress;
  readonly destination: SmppAddress;
  /** esm_class, §5.2.12. */
  readonly esmClass: number;
  readonly protocol: number;
  /** data_coding, §5.2.19. */
  readonly coding: number;
  /** short_message; what is longer than 254 octets travels as message_payload (§5.3.2.32). */
  readonly bytes: Uint8Array;
  readonly segment: Segment | undefined;
  readonly ports: Ports | undefined;
}

/** Octets of short_message. */
const MOST_SHORT = 254;
/** Octets of text, without the NUL that ends it. */
const most = { serviceType: 5, address: 20, time: 16 } as const;

const tags = {
  sourcePort: 0x020a,
  destinationPort: 0x020b,
  reference: 0x020c,
  total: 0x020e,
  sequence: 0x020f,
  payload: 0x0424,
} as const;

/** Throws FormatError for text with NUL, beyond ASCII, or too long: it would end where another field begins. */
export function writeText(to: Writer, text: string, longest: number): void {
  if (text.length > longest || !/^[\x20-\x7e]*$/.test(text))
    throw new FormatError(`text of a PDU is ${longest} printable ASCII characters at most`);
  for (let i = 0; i < text.length; i += 1) to.u8(text.charCodeAt(i));
  to.u8(0);
}

/** Octets above 127 are taken as Latin-1. Throws FormatError where no NUL ends it in time. */
export function readText(from: Reader, longest: number): string {
  const { bytes, offset } = from;
  const end = bytes.indexOf(0, offset);
  if (end < 0 || end - offset > longest) throw new FormatError(`text of more than ${longest} octets`, offset);
  const text = latin1At(bytes, offset, end - offset);
  from.take(end - offset + 1);
  return text;
}

/** Throws FormatError. */
export function writeShortMessage(to: Writer, message: ShortMessage): void {
  const { bytes, segment, ports } = message;
  const isShort = bytes.length <= MOST_SHORT;
  if (bytes.length > longestMessage) throw new FormatError(`a message of ${bytes.length} octets`);
  writeText(to, '', most.serviceType);
  writeAddress(to, message.source);
  writeAddress(to, message.destination);
  to.u8(message.esmClass).u8(message.protocol);
  // priority_flag; schedule_delivery_time and validity_period, both empty.
  to.u8(0).u8(0).u8(0);
  // registered_delivery: no receipt; replace_if_present_flag: no; sm_default_msg_id: none.
  to.u8(0).u8(0).u8(message.coding).u8(0);
  to.u8(isShort ? bytes.length : 0).bytes(isShort ? bytes : noBytes);
  if (segment !== undefined) {
    to.u16(tags.reference).u16(2).u16(segment.reference);
    to.u16(tags.total).u16(1).u8(segment.total);
    to.u16(tags.sequence).u16(1).u8(segment.sequence);
  }
  if (ports !== undefined) {
    to.u16(tags.sourcePort).u16(2).u16(ports.source);
    to.u16(tags.destinationPort).u16(2).u16(ports.destination);
  }
  if (!isShort) to.u16(tags.payload).u16(bytes.length).bytes(bytes);
}

/** Its octets are a copy. Throws FormatError. */
export function readShortMessage(from: Reader): ShortMessage {
  readText(from, most.serviceType);
  const source = readAddress(from);
  const destination = readAddress(from);
  const [esmClass, protocol] = [from.u8(), from.u8()];
  from.take(1);
  readText(from, most.time);
  readText(from, most.time);
  from.take(2);
  const coding = from.u8();
  from.take(1);
  const length = from.u8();
  if (length > MOST_SHORT) throw new FormatError(`a short_message of ${length} octets`, from.offset - 1);
  const short = from.take(length);
  const { payload, ...optional } = readOptional(from);
  if (payload !== undefined && length > 0) throw new FormatError('a short_message and a message_payload too');
  // Not `slice`, which of a Buffer is a view: of everything that came with it, for as long as the message is kept.
  const bytes = new Uint8Array(payload ?? short);
  return { source, destination, esmClass, protocol, coding, bytes, ...optional };
}

function writeAddress(to: Writer, { ton, npi, text }: SmppAddress): void {
  to.u8(ton).u8(npi);
  writeText(to, text, most.address);
}

const readAddress = (from: Reader): SmppAddress => ({
  ...{ ton: from.u8(), npi: from.u8() },
  text: readText(from, most.address),
});

interface Optional {
  readonly payload: Uint8Array | undefined;
  readonly segment: Segment | undefined;
  readonly ports: Ports | undefined;
}

/** Of several with one tag the last counts; tags of no interest are passed over. */
function readOptional(from: Reader): Optional {
  const numbers = new Map<number, number>();
  let payload: Uint8Array | undefined;
  while (from.left > 0) {
    const tag = from.u16();
    const value = from.take(from.u16());
    if (tag === tags.payload) payload = value;
    else if (numberTags.has(tag)) numbers.set(tag, numberOf(value, tag));
  }
  if (payload !== undefined && payload.length > longestMessage)
    throw new FormatError(`a message_payload of ${payload.length} octets`);
  const at = (tag: keyof typeof tags): number | undefined => numbers.get(tags[tag]);
  const [reference, total, sequence] = [at('reference'), at('total'), at('sequence')];
  const [source, destination] = [at('sourcePort'), at('destinationPort')];
  return {
    payload,
    segment:
      reference === undefined || total === undefined || sequence === undefined
        ? undefined
        : { reference, total, sequence },
    ports: destination === undefined ? undefined : { destination, source: source ?? 0 },
  };
}

const numberTags: ReadonlySet<number> = new Set([
  ...[tags.sourcePort, tags.destinationPort, tags.reference, tags.total, tags.sequence],
]);

function numberOf(value: Uint8Array, tag: number): number {
  const octets = tag === tags.total || tag === tags.sequence ? 1 : 2;
  if (value.length !== octets) throw new FormatError(`optional parameter ${tag} of ${value.length} octets`);
  const from = new Reader(value);
  return octets === 1 ? from.u8() : from.u16();
}

// Decoders of text messages: what a network, a modem or a centre hands on.
import { equalBytes } from '@lapwing/kernel';
import { decodeIncoming, decodeOutgoing, decodeSmpp, encodeFrame, encodeSmpp, Joining, type Part } from '@lapwing/sms';

class Broken extends Error {}

/** What is read is written, and reads as the same. */
function textMessage(bytes: Uint8Array, decode: typeof decodeIncoming | typeof decodeOutgoing): void {
  const again = encodeFrame(decode(bytes)).bytes;
  if (!equalBytes(encodeFrame(decode(again)).bytes, again)) throw new Broken('not canonical');
}

/** With a length that fits: what is read is written, and reads as the same. */
function smpp(bytes: Uint8Array): void {
  const framed = new Uint8Array(bytes);
  if (framed.length >= 16) new DataView(framed.buffer).setUint32(0, framed.length);
  const again = encodeSmpp(decodeSmpp(framed));
  if (!equalBytes(encodeSmpp(decodeSmpp(again)), again)) throw new Broken('not canonical');
}

/** Parts as five bytes say, in any order: never more is kept than is allowed, and no ticket is lost. */
function textParts(bytes: Uint8Array): void {
  const parts = new Joining({ perSender: 4, inAll: 8 });
  const open = new Set<number>();
  const take = (effects: ReturnType<Joining['handle']>): void => {
    for (const { tickets } of effects)
      for (const ticket of tickets) if (!open.delete(ticket)) throw new Broken('a ticket came back twice');
  };
  for (let at = 0; at + 5 <= bytes.length; at += 5) {
    const [sender = 0, reference = 0, total = 0, sequence = 0, size = 0] = bytes.subarray(at, at + 5);
    const concatenation = { reference: reference & 3, width: 8, total: total & 7, sequence: sequence & 7 } as const;
    const content = { elements: [], bytes: new Uint8Array(size % 134) };
    const part: Part = { sender: `${sender & 7}`, concatenation, ...content, ticket: at };
    open.add(at);
    take(parts.handle(part, at * 1000));
    if (parts.size > 8 || parts.held > 8 * 7 * 134) throw new Broken(`${parts.size} messages held`);
  }
  take(parts.expire(1e9));
  if (open.size > 0) throw new Broken(`${open.size} tickets are lost`);
}

export const smsTargets: Readonly<Record<string, (bytes: Uint8Array) => void>> = {
  'sms-incoming': (bytes) => textMessage(bytes, decodeIncoming),
  'sms-outgoing': (bytes) => textMessage(bytes, decodeOutgoing),
  'sms-parts': textParts,
  'smpp-pdu': smpp,
};

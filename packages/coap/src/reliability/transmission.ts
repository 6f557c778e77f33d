// One message on its way out, from the queue to its acknowledgement: confirmable ones are sent again after 2 to 3 s,
// then after twice as long each time (RFC 7252 §4.2). A notification that supersedes one on its way takes over its
// back-off and gets a message id of its own (RFC 7641 §4.5.2).
import type { Due, Duration, Instant } from '@lapwing/kernel';
import type { Contact } from './contacts.ts';

/** Who hears what becomes of a message. */
export interface Sender {
  /** Set by the message layer while a confirmable message is queued or unacknowledged. */
  transmission: Transmission | undefined;
  /** Id of the last message that went out, -1 before. */
  lastId: number;
  /** Its messages do not wait for their turn (RFC 7252 §4.7). */
  readonly urgent?: boolean;
}

export class Transmission implements Due {
  readonly contact: Contact;
  readonly sender: Sender;
  bytes: Uint8Array;
  id = -1;
  /** Transmissions so far. */
  sent = 0;
  startedAt: Instant = 0;
  /** Wait after the latest transmission, in ms. */
  wait: Duration = 0;
  /** When it goes out again. */
  dueAt: Instant = 0;
  place = -1;
  /** What goes out instead next time. */
  successor: Uint8Array | undefined = undefined;
  /** The next one that is unacknowledged at the same contact. */
  next: Transmission | undefined = undefined;

  constructor(contact: Contact, sender: Sender, bytes: Uint8Array) {
    this.contact = contact;
    this.sender = sender;
    this.bytes = bytes;
  }
}

/** Puts the id into an encoded message. */
export function stampId(bytes: Uint8Array, id: number): void {
  bytes[2] = id >> 8;
  bytes[3] = id & 0xff;
}

/** Puts the type into an encoded message. */
export function stampType(bytes: Uint8Array, type: number): void {
  bytes[0] = ((bytes[0] as number) & 0xcf) | (type << 4);
}

/** Whether the two messages, both in wire form, carry one token. */
export function sameToken(a: Uint8Array, b: Uint8Array): boolean {
  const length = (a[0] as number) & 15;
  if (((b[0] as number) & 15) !== length) return false;
  for (let i = 4; i < 4 + length; i += 1) if (a[i] !== b[i]) return false;
  return true;
}

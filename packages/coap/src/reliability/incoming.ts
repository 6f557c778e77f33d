// A confirmable or non-confirmable message that came in, while it waits for what becomes of it.
import type { Instant, Peer } from '@lapwing/kernel';
import { Type } from '../message/message.ts';
import type { ReceivedMessage } from '../message/udp.ts';
import type { Contact } from './contacts.ts';

export class Incoming {
  readonly peer: Peer;
  readonly id: number;
  readonly confirmable: boolean;
  readonly multicast: boolean;
  readonly at: Instant;
  /** With whom, once something is remembered of it there. */
  contact: Contact | undefined = undefined;
  /** Until it is answered. */
  message: ReceivedMessage | undefined;
  /** An acknowledgement has gone out. */
  acknowledged = false;

  constructor(peer: Peer, message: ReceivedMessage, multicast: boolean, at: Instant) {
    this.peer = peer;
    this.id = message.id;
    this.confirmable = message.type === Type.Con;
    this.multicast = multicast;
    this.at = at;
    this.message = message;
  }
}

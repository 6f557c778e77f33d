// The sending half of the message layer: what is confirmable waits for its turn (RFC 7252 §4.7), gets an id, and goes
// out again with twice the wait until it is acknowledged or spent (§4.2).
import { DueQueue, type Instant, type Peer, type Random } from '@lapwing/kernel';
import { Type } from '../message/message.ts';
import type { Contact, Contacts } from './contacts.ts';
import type { LayerEffect } from './effects.ts';
import type { Parameters } from './parameters.ts';
import { type Sender, stampId, stampType, Transmission } from './transmission.ts';

export class Outbox {
  private readonly parameters: Parameters;
  private readonly random: Random;
  private readonly contacts: Contacts;
  private readonly effects: LayerEffect[];
  private readonly due = new DueQueue<Transmission>();

  /** `effects` is the list that the whole layer fills. */
  constructor(parameters: Parameters, random: Random, contacts: Contacts, effects: LayerEffect[]) {
    this.parameters = parameters;
    this.random = random;
    this.contacts = contacts;
    this.effects = effects;
  }

  /** Messages that wait for their acknowledgement. */
  get size(): number {
    return this.due.size;
  }

  get earliest(): Instant | undefined {
    return this.due.first?.dueAt;
  }

  send(peer: Peer, bytes: Uint8Array, sender: Sender, now: Instant): void {
    const open = sender.transmission;
    stampType(bytes, Type.Con);
    if (open !== undefined) {
      // RFC 7641 §4.5.2: the newer representation goes out when the older would have gone out again.
      if (open.sent === 0) open.bytes = bytes;
      else open.successor = bytes;
      return;
    }
    const contact = this.contacts.touch(peer, now);
    const transmission = new Transmission(contact, sender, bytes);
    const { nstart } = this.parameters;
    const turn = sender.urgent === true ? contact.turns.pass() : contact.turns.enter(transmission, nstart);
    if (turn === 'full') this.effects.push({ kind: 'busy', sender });
    else {
      sender.transmission = transmission;
      if (turn === 'start') this.start(transmission, now);
    }
  }

  /** Non-confirmable: once, without a turn. */
  sendOnce(peer: Peer, bytes: Uint8Array, sender: Sender, now: Instant): void {
    const contact = this.contacts.touch(peer, now);
    const id = this.contacts.takeId(contact, now);
    if (id === undefined) {
      this.effects.push({ kind: 'busy', sender });
      return;
    }
    stampType(bytes, Type.Non);
    stampId(bytes, id);
    sender.lastId = id;
    contact.sentLately(sender);
    this.effects.push({ kind: 'transmit', peer, bytes });
  }

  /** Sends again what is due, and gives up what is spent. */
  expire(now: Instant): void {
    for (let due = this.due.take(now); due !== undefined; due = this.due.take(now)) this.again(due, now);
  }

  /** What superseded it meanwhile starts afresh, and its sender goes on waiting. */
  acknowledged(transmission: Transmission, now: Instant): void {
    const { successor, sender, contact } = transmission;
    contact.proven = true;
    this.finish(transmission, now);
    if (successor === undefined) this.effects.push({ kind: 'acknowledged', sender });
    else this.send(contact.peer, successor, sender, now);
  }

  /** It is over: its sender is free, and the next in the queue has its turn. */
  finish(transmission: Transmission, now: Instant): void {
    const { contact, sender } = transmission;
    sender.transmission = undefined;
    this.due.delete(transmission);
    contact.stopAwaiting(transmission);
    const next = contact.turns.leave(this.parameters.nstart);
    if (next !== undefined) this.start(next, now);
  }

  cancel(sender: Sender, now: Instant): void {
    const { transmission } = sender;
    if (transmission === undefined) return;
    if (transmission.sent > 0) this.finish(transmission, now);
    else {
      transmission.contact.turns.withdraw(transmission);
      sender.transmission = undefined;
    }
  }

  /** Nothing goes out to that peer any more. */
  drop(contact: Contact): void {
    for (const transmission of contact.takeUnacknowledged()) {
      this.due.delete(transmission);
      transmission.sender.transmission = undefined;
    }
    for (const transmission of contact.turns.clear()) transmission.sender.transmission = undefined;
  }

  private start(transmission: Transmission, now: Instant): void {
    const { ackTimeout, ackRandomFactor } = this.parameters;
    transmission.startedAt = now;
    transmission.wait = ackTimeout * (1 + this.random.fraction() * (ackRandomFactor - 1));
    if (this.assignId(transmission, now)) this.transmit(transmission, now);
  }

  private again(transmission: Transmission, now: Instant): void {
    const { sender } = transmission;
    if (transmission.sent > this.parameters.maxRetransmit) {
      this.finish(transmission, now);
      this.effects.push({ kind: 'gave-up', sender, waited: now - transmission.startedAt });
      return;
    }
    if (transmission.successor !== undefined) {
      transmission.bytes = transmission.successor;
      transmission.successor = undefined;
      if (!this.assignId(transmission, now)) return;
    }
    transmission.wait *= 2;
    this.effects.push({ kind: 'sent-again', sender });
    this.transmit(transmission, now);
  }

  /** False when there is none, and then the transmission is over. */
  private assignId(transmission: Transmission, now: Instant): boolean {
    const { contact, sender } = transmission;
    const id = this.contacts.takeId(contact, now);
    if (id === undefined) {
      this.finish(transmission, now);
      this.effects.push({ kind: 'busy', sender });
      return false;
    }
    // One that has an id already is awaited under it, and from now on under the new one.
    if (transmission.id < 0) contact.awaitAcknowledgement(transmission);
    transmission.id = id;
    sender.lastId = id;
    stampId(transmission.bytes, id);
    return true;
  }

  private transmit(transmission: Transmission, now: Instant): void {
    const { contact, bytes } = transmission;
    contact.touchedAt = Math.ceil(now);
    transmission.sent += 1;
    this.due.set(transmission, now + transmission.wait);
    // What an unproven address cannot be sent is as good as lost on the way.
    if (contact.affords(bytes.length)) {
      contact.spend(bytes.length);
      this.effects.push({ kind: 'transmit', peer: contact.peer, bytes });
    } else this.effects.push({ kind: 'drop', reason: 'unprovenAddress', peer: contact.peer });
  }
}

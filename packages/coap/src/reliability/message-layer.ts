// The message layer as a core (RFC 7252 §4): what is confirmable goes out again until it is acknowledged, what comes
// twice has its effect once, requests are acknowledged with their response or without it when that takes too long.
//
//   send CON ─▶ waiting for its turn ─▶ unacknowledged ──ACK──▶ acknowledged · piggybacked
//                  (NSTART, §4.7)        │   ▲    ├─────RST──▶ reset
//                                  due: again,    └─spent────▶ gave-up
//                                  twice the wait
//
//   CON request ─▶ served ──respond──▶ ACK with response       duplicates get the same again
//                    └─ackDelay─▶ empty ACK ──respond──▶ CON or NON with response (§5.2.2)
//
// Nothing here waits for another peer, and a group is never answered with a reset or an error (§8.1, §8.2).
import type { Core, Instant, Peer, Random } from '@lapwing/kernel';
import { Code, codeClass, isRequest, isResponse } from '../message/code.ts';
import { Type } from '../message/message.ts';
import { Option } from '../message/options.ts';
import { encodeEmpty, type ReceivedMessage } from '../message/udp.ts';
import { type Contact, type ContactLimits, Contacts, type KeptContact } from './contacts.ts';
import { duplicateLimits, NONE } from './duplicates.ts';
import type { DropReason, LayerEffect, LayerInput } from './effects.ts';
import { Fifo } from './fifo.ts';
import { GroupAnswers } from './group-answers.ts';
import { Incoming } from './incoming.ts';
import { Outbox } from './outbox.ts';
import type { Parameters } from './parameters.ts';
import { ResetLimit } from './reset-limit.ts';
import { type Sender, sameToken, stampId, stampType } from './transmission.ts';

/** Longest answer that is held however easily it could be made again, in bytes. */
const LONG_ANSWER = 256;
/** One block of a body, and nothing else: not an observation. */
function asksForBlock({ code, lastOption, options }: ReceivedMessage): boolean {
  return (
    lastOption >= Option.Block2 &&
    (code === Code.Get || code === Code.Fetch) &&
    options.has(Option.Block2) &&
    !options.has(Option.Observe)
  );
}

/** A separate response is sent for nobody: its acknowledgement ends it. */
const nobodyListens = (): Sender => ({ transmission: undefined, lastId: -1 });

export class MessageLayer implements Core<LayerInput, LayerEffect> {
  private readonly parameters: Parameters;
  private readonly amplification: number;
  private readonly contacts: Contacts;
  private readonly outbox: Outbox;
  private readonly unanswered = new Fifo<Incoming>();
  private readonly groupAnswers: GroupAnswers;
  private readonly resets = new ResetLimit();
  private readonly effects: LayerEffect[] = [];
  private wake: Instant | undefined = undefined;

  constructor(parameters: Parameters, random: Random, limits: Partial<ContactLimits> = {}) {
    this.parameters = parameters;
    this.amplification = limits.amplification ?? 3;
    this.contacts = new Contacts(random, parameters.exchangeLifetime, {
      ...duplicateLimits,
      contacts: 150_000,
      amplification: this.amplification,
      ...limits,
    });
    this.groupAnswers = new GroupAnswers(random);
    this.outbox = new Outbox(parameters, random, this.contacts, this.effects);
  }

  /** Peers in contact, messages remembered for duplicates, messages unacknowledged. */
  get sizes(): {
    readonly contacts: number;
    readonly remembered: number;
    readonly rememberedBytes: number;
    readonly unacknowledged: number;
  } {
    const { duplicates } = this.contacts;
    return {
      contacts: this.contacts.size,
      remembered: duplicates.size,
      rememberedBytes: duplicates.bytes,
      unacknowledged: this.outbox.size,
    };
  }

  /** What is known of the peer; undefined while something is under way. */
  keep(peer: Peer, now: Instant): KeptContact | undefined {
    for (
      let late = this.unanswered.first;
      late?.message === undefined && late !== undefined;
      late = this.unanswered.first
    )
      this.unanswered.shift();
    const isQuiet = this.outbox.size === 0 && this.unanswered.first === undefined;
    return isQuiet && this.groupAnswers.earliest === undefined ? this.contacts.keep(peer, now) : undefined;
  }

  /** It is over. */
  close(): void {
    this.contacts.clear();
  }

  /** Never later than the earliest work; it stays put while that moves, so that the driver's timer does too. */
  get deadline(): Instant | undefined {
    return this.wake;
  }

  handle(input: LayerInput, now: Instant): readonly LayerEffect[] {
    this.clear();
    switch (input.kind) {
      case 'received':
        this.receive(input.peer, input.message, input.multicast, now);
        break;
      case 'respond':
        this.respond(input.incoming, input.bytes, now);
        break;
      case 'send':
        if (input.confirmable || input.sender.transmission !== undefined) {
          this.outbox.send(input.peer, input.bytes, input.sender, now);
        } else this.outbox.sendOnce(input.peer, input.bytes, input.sender, now);
        this.wakeForSending();
        break;
      case 'accept':
        this.accept(input.incoming, now);
        break;
      case 'refuse':
        this.refuse(input.incoming, now);
        break;
      case 'cancel':
        this.outbox.cancel(input.sender, now);
        this.wakeForSending();
        break;
      case 'refuse-request':
        this.refuseRequest(input.peer, input.message, input.bytes, now);
        break;
      case 'malformed':
        this.malformed(input.peer, input.bytes, input.multicast, now);
        break;
      case 'lost':
        this.lost(input.peer, now);
        break;
      case 'recall':
        this.contacts.recall(input.peer, input.kept, now);
        this.wakeForSending();
        break;
      case 'flow':
        break;
    }
    return this.effects;
  }

  expire(now: Instant): readonly LayerEffect[] {
    this.clear();
    if (this.wake === undefined || this.wake > now) return this.effects;
    this.wake = undefined;
    this.outbox.expire(now);
    for (let late = this.unanswered.first; late !== undefined; late = this.unanswered.first) {
      if (late.message !== undefined && late.at + this.parameters.ackDelay > now) break;
      this.unanswered.shift();
      if (late.message !== undefined) this.acknowledge(late, now);
    }
    for (let answer = this.groupAnswers.take(now); answer !== undefined; answer = this.groupAnswers.take(now)) {
      this.transmit(answer.peer, answer.bytes);
    }
    this.contacts.expire(now);
    this.wakeForSending();
    const late = this.unanswered.first;
    if (late !== undefined) this.wakeAt(late.at + this.parameters.ackDelay);
    this.wakeAt(this.groupAnswers.earliest);
    return this.effects;
  }

  carriedOut(): void {
    this.clear();
  }

  // Receiving

  private receive(peer: Peer, message: ReceivedMessage, multicast: boolean, now: Instant): void {
    const { type, code } = message;
    if (type === Type.Ack) this.receiveAck(peer, message, now);
    else if (type === Type.Rst) this.receiveReset(peer, message, now);
    else if (isRequest(code)) this.receiveRequest(peer, message, multicast, now);
    else if (isResponse(code)) this.receiveResponse(peer, message, multicast, now);
    else {
      // Empty, which is a ping when confirmable (RFC 7252 §4.3), or of a class that nobody speaks.
      this.drop(code === Code.Empty ? 'unexpectedEmpty' : 'reservedCode', peer);
      if (type === Type.Con && !multicast) this.reset(peer, message.id, now);
    }
  }

  private receiveRequest(peer: Peer, message: ReceivedMessage, multicast: boolean, now: Instant): void {
    const confirmable = message.type === Type.Con;
    if (multicast && confirmable) {
      this.drop('groupMisuse', peer);
      return;
    }
    const contact = this.contacts.touch(peer, now, 0);
    contact.heard(message.bytes.length, this.amplification);
    if (this.repeats(contact, message.id, now)) return;
    const incoming = new Incoming(peer, message, multicast, now);
    this.remember(contact, incoming, now);
    if (confirmable) {
      const { unanswered } = this;
      while (unanswered.first !== undefined && unanswered.first.message === undefined) unanswered.shift();
      unanswered.push(incoming);
      this.wakeAt(now + this.parameters.ackDelay);
    }
    this.effects.push({ kind: 'request', incoming, message });
  }

  /** Nothing is remembered of a response before somebody has accepted it: strangers can send any number. */
  private receiveResponse(peer: Peer, message: ReceivedMessage, multicast: boolean, now: Instant): void {
    if (multicast) {
      this.drop('groupMisuse', peer);
      return;
    }
    const contact = this.contacts.find(peer);
    if (contact !== undefined && this.repeats(contact, message.id, now)) return;
    this.effects.push({ kind: 'response', incoming: new Incoming(peer, message, false, now), message });
  }

  /** Whether it came before; then it gets what it got before. */
  private repeats(contact: Contact, id: number, now: Instant): boolean {
    const at = this.contacts.duplicates.find(contact, id, now);
    if (at === NONE) return false;
    this.drop('duplicate', contact.peer);
    const answer = this.contacts.duplicates.answerAt(at);
    if (answer !== undefined) {
      contact.spend(answer.length);
      this.transmit(contact.peer, answer);
    }
    return true;
  }

  private remember(contact: Contact, incoming: Incoming, now: Instant): void {
    const { contacts, parameters } = this;
    const life = incoming.confirmable ? parameters.exchangeLifetime : parameters.nonLifetime;
    const relieved = contacts.remember(contact, incoming.id, incoming.at + life, now);
    incoming.contact = contact;
    this.wakeAt(contact.dueAt);
    if (relieved > 0) this.effects.push({ kind: 'forgotten', contacts: relieved });
  }

  private receiveAck(peer: Peer, message: ReceivedMessage, now: Instant): void {
    const transmission = this.contacts.find(peer)?.unacknowledgedBy(message.id);
    if (transmission === undefined || isRequest(message.code)) {
      this.drop('unexpectedAck', peer);
      return;
    }
    if (message.code === Code.Empty) {
      this.outbox.acknowledged(transmission, now);
      this.wakeForSending();
      return;
    }
    // RFC 7252 §5.3.2: the token must match too; an answer to something else is not this message's end.
    if (!isResponse(message.code) || !sameToken(message.bytes, transmission.bytes)) {
      this.drop('wrongToken', peer);
      return;
    }
    transmission.contact.proven = true;
    this.outbox.finish(transmission, now);
    this.wakeForSending();
    this.effects.push({ kind: 'piggybacked', sender: transmission.sender, message });
  }

  private receiveReset(peer: Peer, message: ReceivedMessage, now: Instant): void {
    const contact = message.code === Code.Empty ? this.contacts.find(peer) : undefined;
    const transmission = contact?.unacknowledgedBy(message.id);
    if (transmission !== undefined) {
      this.outbox.finish(transmission, now);
      this.wakeForSending();
      this.effects.push({ kind: 'reset', sender: transmission.sender });
      return;
    }
    const sender = contact?.late?.find((each) => each.lastId === message.id);
    if (sender === undefined) this.drop('unexpectedReset', peer);
    else this.effects.push({ kind: 'reset', sender });
  }

  private malformed(peer: Peer, bytes: Uint8Array, multicast: boolean, now: Instant): void {
    const confirmable = (((bytes[0] as number) >> 4) & 3) === Type.Con;
    if (confirmable && !multicast) this.reset(peer, ((bytes[2] as number) << 8) | (bytes[3] as number), now);
  }

  // Answering

  private respond(incoming: Incoming, bytes: Uint8Array | undefined, now: Instant): void {
    const { message, peer, confirmable } = incoming;
    if (message === undefined) return;
    incoming.message = undefined;
    if (confirmable && !incoming.acknowledged) {
      incoming.acknowledged = true;
      const answer = bytes ?? encodeEmpty(Type.Ack, incoming.id);
      if (bytes !== undefined) {
        stampType(bytes, Type.Ack);
        stampId(bytes, incoming.id);
      }
      this.answer(incoming, answer, now);
      if (answer.length > LONG_ANSWER && asksForBlock(message)) this.forget(incoming, now);
      return;
    }
    if (bytes === undefined) return;
    // An address that has proved nothing gets a late response once (RFC 7252 §11.3): retransmissions would multiply it.
    const contact = this.contacts.touch(peer, now);
    if (confirmable && contact.proven) this.outbox.send(peer, bytes, nobodyListens(), now);
    else if (incoming.multicast) this.answerGroup(contact, bytes, now);
    else this.outbox.sendOnce(peer, bytes, nobodyListens(), now);
    this.wakeForSending();
  }

  private answerGroup(contact: Contact, bytes: Uint8Array, now: Instant): void {
    // RFC 7252 §8.2: errors and the absence of content are not worth a group's attention.
    const id = codeClass(bytes[1] as number) === 2 ? this.contacts.takeId(contact, now) : undefined;
    if (id === undefined) return;
    stampType(bytes, Type.Non);
    stampId(bytes, id);
    if (!this.groupAnswers.add(contact.peer, bytes, now)) this.drop('leisureLimit', contact.peer);
    this.wakeAt(this.groupAnswers.earliest);
  }

  private refuseRequest(peer: Peer, message: ReceivedMessage, bytes: Uint8Array, now: Instant): void {
    if (message.type === Type.Con) {
      stampType(bytes, Type.Ack);
      stampId(bytes, message.id);
    } else {
      this.outbox.sendOnce(peer, bytes, nobodyListens(), now);
      this.wakeForSending();
      return;
    }
    this.transmit(peer, bytes);
  }

  private accept(incoming: Incoming, now: Instant): void {
    incoming.message = undefined;
    const contact = this.contacts.touch(incoming.peer, now);
    contact.proven = true;
    this.remember(contact, incoming, now);
    if (incoming.confirmable) this.acknowledge(incoming, now);
  }

  private refuse(incoming: Incoming, now: Instant): void {
    incoming.message = undefined;
    this.reset(incoming.peer, incoming.id, now);
  }

  private acknowledge(incoming: Incoming, now: Instant): void {
    incoming.acknowledged = true;
    this.answer(incoming, encodeEmpty(Type.Ack, incoming.id), now);
  }

  /** Goes out now, and again whenever the message is repeated. */
  private answer(incoming: Incoming, bytes: Uint8Array, now: Instant): void {
    const { contact } = incoming;
    if (contact !== undefined && !contact.gone) {
      contact.spend(bytes.length);
      this.contacts.duplicates.answered(contact, incoming.id, bytes, now);
    }
    this.transmit(incoming.peer, bytes);
  }

  /** RFC 7252 §4.5: what has no effect may be served again, and thousands of answers need not be held. */
  private forget(incoming: Incoming, now: Instant): void {
    const { contact } = incoming;
    if (contact !== undefined && !contact.gone) this.contacts.duplicates.forgetOne(contact, incoming.id, now);
  }

  private reset(peer: Peer, id: number, now: Instant): void {
    if (this.resets.allows(peer.key, now)) this.transmit(peer, encodeEmpty(Type.Rst, id));
    else this.drop('resetLimit', peer);
  }

  private lost(peer: Peer, now: Instant): void {
    const contact = this.contacts.find(peer);
    if (contact === undefined) return;
    this.outbox.drop(contact);
    this.contacts.end(contact, now);
  }

  /** Piece by piece, which keeps the memory of the list; setting its length would give it back. */
  private clear(): void {
    for (let left = this.effects.length; left > 0; left -= 1) this.effects.pop();
  }

  private transmit(peer: Peer, bytes: Uint8Array): void {
    this.effects.push({ kind: 'transmit', peer, bytes });
  }

  private drop(reason: DropReason, peer: Peer): void {
    this.effects.push({ kind: 'drop', reason, peer });
  }

  private wakeForSending(): void {
    this.wakeAt(this.outbox.earliest);
    this.wakeAt(this.contacts.earliest);
  }

  private wakeAt(at: Instant | undefined): void {
    if (at !== undefined && (this.wake === undefined || at < this.wake)) this.wake = at;
  }
}

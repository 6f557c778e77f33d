// The flight that is on its way: its messages, how they are cut into records and datagrams, and when it is sent again.
// Timer: an initial wait, doubled each time, with a cap; after a few losses the datagrams get smaller (RFC 6347 §4.1.1.1,
// §4.2.4.1). A peer that repeats its own flight has missed this one and gets it at once, but not in quick succession.
import type { Duration, Instant } from '@lapwing/kernel';
import { ContentType, RECORD_HEADER } from '../record/record.ts';
import type { HandshakeEffect } from './contract.ts';
import type { HandshakeSettings } from './settings.ts';

/** Bytes of a handshake header (RFC 6347 §4.2.2). */
const HEADER = 12;
const flush: HandshakeEffect = { kind: 'flush' };
const theChange: Uint8Array = Uint8Array.of(1);

interface Part {
  readonly epoch: 0 | 1;
  readonly type: 20 | 22;
  /** A whole message with its header, or the one byte of a ChangeCipherSpec. */
  bytes: Uint8Array;
}

export class Flight {
  /** message_seq of the last message of the peer's flight before: seen again, it asks for this flight. */
  askedBy = -1;
  /** When it is sent again, given up, or as the last one forgotten; undefined: nothing is waited for. */
  dueAt: Instant | undefined = undefined;
  /** How often the timer has sent it again. */
  retransmissions = 0;
  private parts: Part[] = [];
  private readonly settings: HandshakeSettings;
  private datagram: number;
  private isLast = false;
  private wait: Duration = 0;
  private sentAt: Instant = 0;
  private repeats = 0;

  constructor(settings: HandshakeSettings, datagram: number) {
    this.settings = settings;
    this.datagram = datagram;
  }

  /** Forgets what was on its way: the peer has it. */
  begin(askedBy: number): void {
    while (this.parts.length > 0) this.parts.pop();
    this.askedBy = askedBy;
    this.retransmissions = 0;
    this.repeats = 0;
    this.isLast = false;
    this.dueAt = undefined;
  }

  addMessage(epoch: 0 | 1, bytes: Uint8Array): void {
    this.parts.push({ epoch, type: ContentType.Handshake, bytes });
  }

  addChangeCipherSpec(): void {
    this.parts.push({ epoch: 0, type: ContentType.ChangeCipherSpec, bytes: theChange });
  }

  /** Copies what it holds: messages stand in the transcript, which need not outlive the handshake. Nothing is added any more. */
  detach(): void {
    for (const part of this.parts) if (part.bytes !== theChange) part.bytes = part.bytes.slice();
    // In an array that has no room for more.
    this.parts = this.parts.slice();
  }

  /** First transmission. `overhead`: bytes that a record of epoch 1 adds; `limit`: most plaintext in a record. */
  send(now: Instant, overhead: number, limit: number, effects: HandshakeEffect[]): void {
    this.wait = this.settings.timers.initial;
    this.dueAt = now + this.wait;
    this.transmit(now, overhead, limit, effects);
  }

  /** The only transmission that waits for no answer: it is kept for `repeatFor`, for a peer that has not got it. */
  sendLast(now: Instant, overhead: number, limit: number, effects: HandshakeEffect[]): void {
    this.isLast = true;
    this.dueAt = now + this.settings.timers.repeatFor;
    this.transmit(now, overhead, limit, effects);
  }

  /** The timer has come up. False when it was the last time: nothing is sent, the handshake is to be given up. */
  sendAgain(now: Instant, overhead: number, limit: number, effects: HandshakeEffect[]): boolean {
    const { timers } = this.settings;
    if (this.retransmissions >= timers.retransmissions) return false;
    this.retransmissions += 1;
    this.wait = Math.min(this.wait * 2, timers.longest);
    this.dueAt = now + this.wait;
    this.transmit(now, overhead, limit, effects);
    return true;
  }

  /** The peer has repeated what this flight answers. */
  repeat(now: Instant, overhead: number, limit: number, effects: HandshakeEffect[]): void {
    const { timers } = this.settings;
    if (this.parts.length === 0 || now - this.sentAt < timers.initial / 2 || this.repeats >= timers.retransmissions)
      return;
    this.repeats += 1;
    if (!this.isLast) this.dueAt = now + this.wait;
    this.transmit(now, overhead, limit, effects);
  }

  /** Waits as long as after the latest transmission once more. */
  rearm(now: Instant): void {
    this.dueAt = now + this.wait;
  }

  private transmit(now: Instant, overhead: number, limit: number, effects: HandshakeEffect[]): void {
    const { settings } = this;
    this.sentAt = now;
    // What a road did not carry once it will not carry later: small stays small.
    if (this.retransmissions + this.repeats >= settings.timers.shrinkAfter)
      this.datagram = Math.min(this.datagram, settings.smallDatagram);
    const { datagram } = this;
    let room = datagram;
    for (const { epoch, type, bytes } of this.parts) {
      const around = epoch === 0 ? RECORD_HEADER : overhead;
      const whole = around + bytes.length;
      // What fits a datagram of its own is never cut: small devices do not put fragments together.
      if (whole > room && room < datagram && (whole <= datagram || room < around + HEADER * 4)) {
        effects.push(flush);
        room = datagram;
      }
      if (whole <= room && bytes.length <= limit) {
        effects.push({ kind: 'send', epoch, type, payload: bytes });
        room -= whole;
        continue;
      }
      for (let at = HEADER; at < bytes.length; ) {
        if (room < around + HEADER * 2 && room < datagram) {
          effects.push(flush);
          room = datagram;
        }
        const most = Math.max(1, Math.min(room - around, limit) - HEADER);
        const length = Math.min(most, bytes.length - at);
        effects.push({ kind: 'send', epoch, type, payload: cut(bytes, at, length) });
        room -= around + HEADER + length;
        at += length;
      }
    }
    effects.push(flush);
  }
}

/** A fragment of a whole message: the same header with another offset and length. */
function cut(message: Uint8Array, at: number, length: number): Uint8Array {
  const fragment = new Uint8Array(HEADER + length);
  fragment.set(message.subarray(0, 6));
  const offset = at - HEADER;
  fragment[6] = offset >>> 16;
  fragment[7] = offset >>> 8;
  fragment[8] = offset;
  fragment[9] = length >>> 16;
  fragment[10] = length >>> 8;
  fragment[11] = length;
  fragment.set(message.subarray(at, at + length), HEADER);
  return fragment;
}

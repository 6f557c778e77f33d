// What stays of a handshake that both sides have finished: its last flight, for a peer that has not got it. Secrets, transcript
// and what was negotiated are gone by then, or with the association.
import type { Core, Instant } from '@lapwing/kernel';
import { AlertDescription, AlertLevel, encodeAlert } from '../alert.ts';
import { HandshakeType, readFragment } from '../messages/handshake.ts';
import { ContentType } from '../record/record.ts';
import type { HandshakeEffect, HandshakeInput, Role } from './contract.ts';
import type { Flight } from './flight.ts';

/** Most last flights are never asked for. */
const noEffects: HandshakeEffect[] = [];

export class LastFlight implements Core<HandshakeInput, HandshakeEffect> {
  private readonly role: Role;
  private readonly flight: Flight;
  private readonly overhead: number;
  private readonly sendLimit: number;
  private effects: HandshakeEffect[] = noEffects;

  /** As in `Flight.send`. */
  constructor(role: Role, flight: Flight, overhead: number, sendLimit: number) {
    this.role = role;
    this.flight = flight;
    this.overhead = overhead;
    this.sendLimit = sendLimit;
    flight.detach();
  }

  /** When it is forgotten; undefined when it has been. */
  get deadline(): Instant | undefined {
    return this.flight.dueAt;
  }

  handle(input: HandshakeInput, now: Instant): readonly HandshakeEffect[] {
    this.effects = [];
    if (this.flight.dueAt === undefined) return this.effects;
    if (input.kind === 'fragment' && input.epoch === 1) this.hear(input.bytes, now);
    else if (input.kind === 'confirmed') this.release();
    return this.effects;
  }

  expire(now: Instant): readonly HandshakeEffect[] {
    const { dueAt } = this.flight;
    this.effects = [];
    if (dueAt !== undefined && dueAt <= now) this.release();
    return this.effects;
  }

  /**
   * The peer may have missed the flight, or want to renegotiate (RFC 5746 §4.2, RFC 5246 §7.4.1.1). Nothing that is not
   * authenticated means anything any more.
   */
  private hear(bytes: Uint8Array, now: Instant): void {
    const { role, flight, overhead, sendLimit, effects } = this;
    const fragment = readFragment(bytes, 0);
    if (fragment === undefined) return;
    const { type, messageSeq } = fragment;
    if (type === HandshakeType.finished && messageSeq === flight.askedBy)
      flight.repeat(now, overhead, sendLimit, effects);
    else if (type === (role === 'client' ? HandshakeType.helloRequest : HandshakeType.clientHello))
      effects.push(...refusedRenegotiation);
  }

  private release(): void {
    this.flight.dueAt = undefined;
    this.effects.push({ kind: 'released' });
  }
}

const refusedRenegotiation: readonly HandshakeEffect[] = [
  {
    kind: 'send',
    epoch: 1,
    type: ContentType.Alert,
    payload: encodeAlert({ level: AlertLevel.Warning, description: AlertDescription.NoRenegotiation }),
  },
  { kind: 'flush' },
];

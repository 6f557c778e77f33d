// Sessions that the client keeps for us, sealed so that it can neither read nor change them (RFC 5077 §4). The key that seals
// is changed each day by default, the one before still opens; both are made here and never leave, so tickets end with the
// process, unless the keys are given.
//
//     key's name 8 | nonce 12 | AES-256-GCM of: session | tag 16
import { type Duration, equalBytes, FormatError, type Instant, openAead, type Random, sealAead } from '@lapwing/kernel';
import type { Session, TicketSource } from './handshake/session.ts';
import { decodeSession, encodeSession } from './session-codec.ts';

const NAME = 8;
const NONCE = 12;
const TAG = 16;
const KEY = 32;
/** Longest ticket in bytes: chains of certificates make no ticket. */
const LONGEST_TICKET = 1024;

interface TicketKey {
  readonly name: Uint8Array;
  readonly key: Uint8Array;
  readonly madeAt: Instant;
}

export class TicketKeys implements TicketSource {
  private readonly random: Random;
  private readonly lifetime: Duration;
  private readonly wall: (now: Instant) => number;
  private current: TicketKey | undefined;
  private previous: TicketKey | undefined;

  /** `lifetime` in ms: of a ticket, and of a key as the one that seals. `wall`: ms since 1970. */
  constructor(random: Random, lifetime: Duration, wall: (now: Instant) => number) {
    this.random = random;
    this.lifetime = lifetime;
    this.wall = wall;
  }

  seal(session: Session, now: Instant): { readonly ticket: Uint8Array; readonly lifetime: number } | undefined {
    const { name, key } = this.keyAt(now);
    const content = encodeSession(session, this.wall(now));
    const length = NAME + NONCE + content.length + TAG;
    if (length > LONGEST_TICKET) return undefined;
    const ticket = new Uint8Array(length);
    const nonce = this.random.bytes(NONCE);
    ticket.set(name);
    ticket.set(nonce, NAME);
    sealAead('aes-256-gcm', key, nonce, name, content, TAG, ticket, NAME + NONCE);
    return { ticket, lifetime: Math.floor(this.lifetime / 1000) };
  }

  open(ticket: Uint8Array, now: Instant): Session | undefined {
    if (ticket.length < NAME + NONCE + TAG || ticket.length > LONGEST_TICKET) return undefined;
    this.turn(now);
    const name = ticket.subarray(0, NAME);
    const key = [this.current, this.previous].find((each) => each !== undefined && equalBytes(each.name, name));
    if (key === undefined) return undefined;
    const nonce = ticket.subarray(NAME, NAME + NONCE);
    const content = openAead('aes-256-gcm', key.key, nonce, name, ticket.subarray(NAME + NONCE), TAG);
    if (content === undefined) return undefined;
    try {
      const { session, sealedAt } = decodeSession(content);
      const age = this.wall(now) - sealedAt;
      return age >= 0 && age < this.lifetime ? session : undefined;
    } catch (error) {
      if (error instanceof FormatError) return undefined;
      throw error;
    }
  }

  private keyAt(now: Instant): TicketKey {
    this.turn(now);
    this.current ??= { name: this.random.bytes(NAME), key: this.random.bytes(KEY), madeAt: now };
    return this.current;
  }

  private turn(now: Instant): void {
    if (this.previous !== undefined && now - this.previous.madeAt >= 2 * this.lifetime) {
      this.previous.key.fill(0);
      this.previous = undefined;
    }
    if (this.current === undefined || now - this.current.madeAt < this.lifetime) return;
    if (this.previous !== undefined) this.previous.key.fill(0);
    this.previous = now - this.current.madeAt < 2 * this.lifetime ? this.current : undefined;
    this.current = undefined;
  }
}

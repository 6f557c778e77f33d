// Sessions that the client keeps for us, sealed so that it can neither read nor change them (RFC 5077 §4). The key that seals
// is changed each day by default, the one before still opens; both are made here and never leave, so tickets end with the
// process, unless the keys are given.
//
//     key's name 8 | nonce 12 | AES-256-GCM of: session | tag 16
import {
  type Duration,
  decodeUtf8,
  encodeUtf8,
  equalBytes,
  FormatError,
  type Identity,
  type Instant,
  nobody,
  openAead,
  type Random,
  Reader,
  sealAead,
  Writer,
} from '@lapwing/kernel';
import type { Session, TicketSource } from './handshake/session.ts';

const NAME = 8;
const NONCE = 12;
const TAG = 16;
const KEY = 32;
const FORMAT = 1;
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

const identityKinds = ['none', 'psk', 'rpk', 'x509'] as const;

/** The id and the ticket are not inside: a session that comes by a ticket has neither. */
export function encodeSession(session: Session, sealedAt: number): Uint8Array {
  const writer = new Writer(256);
  writer.u8(FORMAT);
  writer.u8((session.extendedMasterSecret ? 1 : 0) | (session.encryptThenMac ? 2 : 0));
  writer.u16(session.suite);
  writer.u64(BigInt(Math.floor(sealedAt)));
  writer.bytes(session.masterSecret);
  const name = encodeUtf8(session.serverName ?? '');
  writer.u16(name.length).bytes(name);
  writer.u8(session.credential.length).bytes(session.credential);
  const { identity } = session;
  writer.u8(Math.max(0, identityKinds.indexOf(identity.kind as 'none')));
  for (const part of partsOf(identity)) writer.u16(part.length).bytes(part);
  return writer.finish();
}

/** Throws FormatError. */
export function decodeSession(bytes: Uint8Array): { readonly session: Session; readonly sealedAt: number } {
  const reader = new Reader(bytes);
  if (reader.u8() !== FORMAT) throw new FormatError('a session of another format');
  const flags = reader.u8();
  const suite = reader.u16();
  const sealedAt = Number(reader.u64());
  const masterSecret = reader.take(48).slice();
  const name = decodeUtf8(reader.take(reader.u16()));
  const credential = reader.take(reader.u8()).slice();
  const kind = identityKinds[reader.u8()];
  const parts: Uint8Array[] = [];
  while (reader.left > 0) parts.push(reader.take(reader.u16()).slice());
  const session: Session = {
    id: new Uint8Array(0),
    ticket: undefined,
    suite,
    masterSecret,
    extendedMasterSecret: (flags & 1) !== 0,
    encryptThenMac: (flags & 2) !== 0,
    serverName: name === '' ? undefined : name,
    identity: identityOf(kind, parts),
    credential,
  };
  return { session, sealedAt };
}

function partsOf(identity: Identity): readonly Uint8Array[] {
  switch (identity.kind) {
    case 'psk':
    case 'oscore':
      return [identity.id];
    case 'rpk':
      return [identity.publicKey];
    case 'x509':
      return [encodeUtf8(identity.subject), ...identity.chain];
    case 'none':
      return [];
  }
}

function identityOf(kind: (typeof identityKinds)[number] | undefined, parts: readonly Uint8Array[]): Identity {
  const [first, ...others] = parts;
  if (first === undefined || kind === undefined || kind === 'none') return nobody;
  if (kind === 'psk') return { kind, id: first };
  if (kind === 'rpk') return { kind, publicKey: first };
  return { kind, subject: decodeUtf8(first), chain: others };
}

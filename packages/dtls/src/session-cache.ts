// Sessions that may be resumed by their id (RFC 5246 §7.3, F.1.4): where they are kept is the store's affair, what they
// are bound to is checked by whoever resumes. A session holds a master secret: a store that writes it down guards it.
import { type Duration, type Instant, Writer } from '@lapwing/kernel';
import { AddressIndex } from './address-index.ts';
import type { Session } from './handshake/session.ts';
import { decodeSession, writeSession } from './session-codec.ts';
import { LONGEST_PIECE, Slab } from './slab.ts';

/** Synchronous on purpose: it is asked in the middle of a flight. Behind a slow store, keep a copy in memory. */
export interface SessionCache {
  find(id: Uint8Array, now: Instant): Session | undefined;
  keep(id: Uint8Array, session: Session, now: Instant): void;
  /** After a fatal alert (RFC 5246 §7.2.2), and when the credential is gone. */
  forget(id: Uint8Array): void;
}

const DAY: Duration = 86_400_000;

/** In memory: the last `limit` that were kept, at least 1. `lifetime` in ms, by default one day. */
export function memorySessionCache(limit = 10_000, lifetime: Duration = DAY): SessionCache {
  return new SessionRing(limit, lifetime);
}

const NONE = -1;
const LENGTH = 2;

/**
 * Whoever comes takes the place of the oldest. Ten thousand sessions as objects are ten megabytes, and a Map that loses one with
 * each that comes holds on to all: they rest as bytes, and are found through numbers.
 *
 *     length of all that follows 2 | length of the id 1 | id | session (session-codec.ts)
 */
class SessionRing implements SessionCache {
  private readonly slab = new Slab();
  /** By place. */
  private readonly pieces: number[] = [];
  private readonly until: Instant[] = [];
  /** Too long for the slab: those with chains of certificates. */
  private readonly beside = new Map<number, Session>();
  private readonly index = new AddressIndex();
  private readonly limit: number;
  private readonly lifetime: Duration;
  private next = 0;

  constructor(limit: number, lifetime: Duration) {
    this.limit = Math.max(1, limit);
    this.lifetime = lifetime;
  }

  find(id: Uint8Array, now: Instant): Session | undefined {
    const place = this.placeOf(id);
    if (place === NONE || (this.until[place] as Instant) <= now) return undefined;
    return this.beside.get(place) ?? { ...this.read(this.pieces[place] as number), id: id.slice() };
  }

  keep(id: Uint8Array, session: Session, now: Instant): void {
    this.forget(id);
    const place = this.next;
    this.next = (place + 1) % this.limit;
    this.clear(place);
    const isLong = !fits(session);
    writer.reset().u16(0).u8(id.length).bytes(id);
    if (!isLong) writeSession(writer, session, 0);
    const piece = this.slab.take(writer.u16At(0, writer.length - LENGTH).length);
    writer.copyTo(this.slab.block(piece), this.slab.offset(piece));
    writer.erase();
    if (isLong) this.beside.set(place, session);
    this.pieces[place] = piece;
    this.until[place] = now + this.lifetime;
    this.index.add(hashId(id, 0, id.length), place);
  }

  forget(id: Uint8Array): void {
    const place = this.placeOf(id);
    if (place !== NONE) this.clear(place);
  }

  /** Overwrites it. */
  private clear(place: number): void {
    const piece = this.pieces[place] ?? NONE;
    if (piece === NONE) return;
    const bytes = this.slab.block(piece);
    const idAt = this.slab.offset(piece) + LENGTH + 1;
    this.index.remove(hashId(bytes, idAt, bytes[idAt - 1] as number), place);
    this.pieces[place] = NONE;
    this.beside.delete(place);
    this.slab.free(piece);
  }

  private placeOf(id: Uint8Array): number {
    const { index } = this;
    const hash = hashId(id, 0, id.length);
    for (let step = index.find(hash, 0); step >= 0; step = index.find(hash, step + 1)) {
      const place = index.placeAt(hash, step);
      if (this.isOf(id, this.pieces[place] as number)) return place;
    }
    return NONE;
  }

  private isOf(id: Uint8Array, piece: number): boolean {
    const bytes = this.slab.block(piece);
    const idAt = this.slab.offset(piece) + LENGTH + 1;
    if (bytes[idAt - 1] !== id.length) return false;
    for (let i = 0; i < id.length; i += 1) if (bytes[idAt + i] !== id[i]) return false;
    return true;
  }

  private read(piece: number): Session {
    const bytes = this.slab.block(piece);
    const from = this.slab.offset(piece) + LENGTH;
    const end = from + ((bytes[from - 2] as number) << 8) + (bytes[from - 1] as number);
    return decodeSession(bytes.subarray(from + 1 + (bytes[from] as number), end)).session;
  }
}

/** Used and left within one call. */
const writer = new Writer(LONGEST_PIECE);
/** Beside name and identity: the id and the fixed fields, with room to spare. */
const FIXED = 384;

function fits({ serverName, identity }: Session): boolean {
  if (identity.kind === 'x509') return false;
  const who = identity.kind === 'none' ? 0 : identity.kind === 'rpk' ? identity.publicKey.length : identity.id.length;
  return FIXED + 3 * (serverName?.length ?? 0) + who <= LONGEST_PIECE;
}

/** 31 bits. Ids are made here, of chance: nobody else can make many that have the same. */
function hashId(bytes: Uint8Array, at: number, length: number): number {
  let hash = length;
  for (let i = at; i < at + length && i < at + 8; i += 1) hash = (Math.imul(hash, 31) + (bytes[i] as number)) | 0;
  return hash & 0x7fff_ffff;
}

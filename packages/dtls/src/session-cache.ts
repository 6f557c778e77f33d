// Sessions that may be resumed by their id (RFC 5246 §7.3, F.1.4): where they are kept is the store's affair, what they
// are bound to is checked by whoever resumes. A session holds a master secret: a store that writes it down guards it.
import { type Duration, equalBytes, type Instant } from '@lapwing/kernel';
import { AddressIndex } from './address-index.ts';
import type { Session } from './handshake/session.ts';

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

interface Kept {
  readonly id: Uint8Array;
  readonly session: Session;
  readonly until: Instant;
}

/** Whoever comes takes the place of the oldest. Found through numbers: a Map that loses one with each that comes holds on to all. */
class SessionRing implements SessionCache {
  private readonly kept: (Kept | undefined)[] = [];
  private readonly index = new AddressIndex();
  private readonly limit: number;
  private readonly lifetime: Duration;
  private next = 0;

  constructor(limit: number, lifetime: Duration) {
    this.limit = Math.max(1, limit);
    this.lifetime = lifetime;
  }

  find(id: Uint8Array, now: Instant): Session | undefined {
    const found = this.kept[this.placeOf(id)];
    return found === undefined || found.until <= now ? undefined : found.session;
  }

  keep(id: Uint8Array, session: Session, now: Instant): void {
    this.forget(id);
    const place = this.next;
    this.next = (place + 1) % this.limit;
    this.clear(place);
    this.kept[place] = { id, session, until: now + this.lifetime };
    this.index.add(hashId(id), place);
  }

  forget(id: Uint8Array): void {
    this.clear(this.placeOf(id));
  }

  private clear(place: number): void {
    const gone = this.kept[place];
    if (gone === undefined) return;
    this.kept[place] = undefined;
    this.index.remove(hashId(gone.id), place);
  }

  /** -1 when it is not there. */
  private placeOf(id: Uint8Array): number {
    const { index, kept } = this;
    const hash = hashId(id);
    for (let step = index.find(hash, 0); step >= 0; step = index.find(hash, step + 1)) {
      const place = index.placeAt(hash, step);
      const candidate = kept[place];
      if (candidate !== undefined && equalBytes(candidate.id, id)) return place;
    }
    return -1;
  }
}

/** 31 bits. Ids are made here, of chance: nobody else can make many that have the same. */
function hashId(id: Uint8Array): number {
  let hash = id.length;
  for (let i = 0; i < id.length && i < 8; i += 1) hash = (Math.imul(hash, 31) + (id[i] as number)) | 0;
  return hash & 0x7fff_ffff;
}

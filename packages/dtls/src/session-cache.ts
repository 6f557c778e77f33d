// Sessions that may be resumed by their id (RFC 5246 §7.3, F.1.4): where they are kept is the store's affair, what they
// are bound to is checked by whoever resumes. A session holds a master secret: a store that writes it down guards it.
import { type Duration, ExpiringMap, type Instant, latin1At } from '@lapwing/kernel';
import type { Session } from './handshake/session.ts';

/** Synchronous on purpose: it is asked in the middle of a flight. Behind a slow store, keep a copy in memory. */
export interface SessionCache {
  find(id: Uint8Array, now: Instant): Session | undefined;
  keep(id: Uint8Array, session: Session, now: Instant): void;
  /** After a fatal alert (RFC 5246 §7.2.2), and when the credential is gone. */
  forget(id: Uint8Array): void;
}

const DAY: Duration = 86_400_000;

/** In memory; when `limit` is passed, the oldest go. `lifetime` in ms, by default one day. */
export function memorySessionCache(limit = 10_000, lifetime: Duration = DAY): SessionCache {
  const sessions = new ExpiringMap<string, Session>(lifetime, limit);
  const name = (id: Uint8Array): string => latin1At(id, 0, id.length);
  return {
    find: (id, now) => sessions.get(name(id), now),
    keep: (id, session, now) => {
      sessions.set(name(id), session, now);
    },
    forget: (id) => {
      sessions.delete(name(id));
    },
  };
}

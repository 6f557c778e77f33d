// Sessions of both roles: a server's by their id, a client's by the server that they are with.
import { ExpiringMap, type Instant } from '@lapwing/kernel';
import type { LiveAssociation } from './association.ts';
import type { Connection } from './connection.ts';
import type { Session, SessionSource } from './handshake/session.ts';
import type { Settings } from './options.ts';
import { memorySessionCache, type SessionCache } from './session-cache.ts';

/** Sessions that a client remembers, one for each server and name. */
const CLIENT_SESSIONS = 1000;

export class Sessions {
  private readonly cache: SessionCache | undefined;
  private readonly mine: ExpiringMap<string, Session>;
  private readonly resumes: boolean;

  constructor({ sessions, sessionLifetime, resumes }: Settings) {
    this.cache = sessions === 'memory' ? memorySessionCache(undefined, sessionLifetime) : sessions;
    this.mine = new ExpiringMap(sessionLifetime, CLIENT_SESSIONS);
    this.resumes = resumes;
  }

  /** Undefined when sessions are kept in tickets only. */
  get source(): SessionSource | undefined {
    return this.cache;
  }

  /** What a client offers to that server. */
  offer(sessionKey: string, now: Instant): Session | undefined {
    return this.mine.get(sessionKey, now);
  }

  /** What a handshake has agreed on, if anything. */
  keep({ live, sessionKey }: Connection, session: Session | undefined, now: Instant): void {
    if (session === undefined) return;
    live.sessionId = session.id;
    if (sessionKey === undefined) {
      if (session.id.length > 0) this.cache?.keep(session.id, session, now);
    } else if (this.resumes) this.mine.set(sessionKey, session, now);
  }

  /** A fatal alert ends the session too (RFC 5246 §7.2.2), as far as the association still knows it. */
  forget({ sessionId, handshake }: LiveAssociation, sessionKey = handshake?.sessionKey): void {
    if (sessionId !== undefined && sessionId.length > 0) this.cache?.forget(sessionId);
    if (sessionKey !== undefined) this.mine.delete(sessionKey);
  }
}

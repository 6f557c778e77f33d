// A client and a server that have met before, for tests of abbreviated handshakes.
import { equalBytes } from '@lapwing/kernel';
import type { Session, SessionSource, TicketSource } from '../handshake/session.ts';
import { Lockstep, type LockstepOptions } from './lockstep.ts';
import { type Parties, pskParties } from './parties.ts';

/** Sessions of the server by id, in plain sight. */
export function keptSessions(...sessions: readonly (Session | undefined)[]): SessionSource {
  return { find: (id) => sessions.find((session) => session !== undefined && equalBytes(session.id, id)) };
}

/** Tickets that are numbers of a list; not secret at all. */
export class PlainTickets implements TicketSource {
  readonly sealed: Session[] = [];

  open(ticket: Uint8Array): Session | undefined {
    return ticket.length === 4 ? this.sealed[ticket[3] ?? -1] : undefined;
  }

  seal(session: Session): { ticket: Uint8Array; lifetime: number } {
    this.sealed.push(session);
    return { ticket: Uint8Array.of(84, 75, 84, this.sealed.length - 1), lifetime: 3_600 };
  }
}

/** Options of a second handshake, after a first one has left a session on both sides. */
export function resumingParties(
  by: 'id' | 'ticket',
  parties: Parties = pskParties(),
  extra: Partial<LockstepOptions> = {},
): LockstepOptions {
  const tickets = new PlainTickets();
  const first = new Lockstep({
    ...parties,
    ...extra,
    client: { tickets: by === 'ticket' ? 'ask' : 'none', ...extra.client },
    server: { sessions: keptSessions(), tickets: by === 'ticket' ? tickets : undefined, ...extra.server },
  }).run();
  if (first.client.error !== undefined) throw first.client.error;
  return {
    ...parties,
    ...extra,
    seed: 2,
    client: { tickets: by === 'ticket' ? 'ask' : 'none', session: first.client.outcome?.session, ...extra.client },
    server: {
      sessions: keptSessions(first.server.outcome?.session),
      tickets: by === 'ticket' ? tickets : undefined,
      ...extra.server,
    },
  };
}

// Flight 6, server to client: a ticket when one was promised, ChangeCipherSpec and Finished (RFC 5246 §7.3, RFC 5077 §3.3).
// The last flight of a full handshake: the server may send, but keeps it ready for a client that has not got it.
import { type Instant, noBytes } from '@lapwing/kernel';
import { HandshakeType } from '../messages/handshake.ts';
import { decodeNewSessionTicket, encodeNewSessionTicket } from '../messages/new-session-ticket.ts';
import type { ClientExchange } from './client-exchange.ts';
import type { Heard } from './exchange.ts';
import { checkFinished } from './finished.ts';
import type { ServerExchange } from './server-exchange.ts';

export function writeFlight6(exchange: ServerExchange, now: Instant): void {
  const { options, sessionId } = exchange;
  exchange.begin();
  if (exchange.givesTicket) {
    // Once promised it must come, if only to say that there is none (RFC 5077 §3.3).
    const sealed = options.tickets?.seal(exchange.session(noBytes, undefined), now);
    const ticket = { lifetimeHint: sealed?.lifetime ?? 0, ticket: sealed?.ticket ?? noBytes };
    exchange.say(HandshakeType.newSessionTicket, encodeNewSessionTicket(ticket));
  }
  exchange.sayFinished();
  exchange.sendLast(now);
  exchange.state = 'done';
  exchange.establish(sessionId.length === 0 ? undefined : exchange.session(sessionId, undefined));
}

export function readNewSessionTicket(exchange: ClientExchange, { body }: Heard): void {
  exchange.ticket = decodeNewSessionTicket(body).ticket.slice();
  exchange.state = 'finished';
}

export function readServerFinished(exchange: ClientExchange, message: Heard): void {
  checkFinished(exchange, message);
  const { sessionId, ticket } = exchange;
  exchange.begin();
  exchange.state = 'done';
  const isResumable = sessionId.length > 0 || ticket.length > 0;
  exchange.establish(isResumable ? exchange.session(sessionId, ticket.length > 0 ? ticket : undefined) : undefined);
}

// The abbreviated handshake (RFC 5246 §7.3, RFC 5077 §3.1): the server finds the session, asks its store whether the
// credential behind it still stands, and finishes first; the client finishes last.
//
//   client  -- ClientHello (flight 3) -->                            server
//           <-- ServerHello, ChangeCipherSpec, Finished (flight 4) --
//           -- ChangeCipherSpec, Finished (flight 5) -->
import { equalInConstantTime, type Instant } from '@lapwing/kernel';
import type { ClientHello } from '../messages/client-hello.ts';
import { HandshakeType } from '../messages/handshake.ts';
import { encodeServerHello } from '../messages/server-hello.ts';
import { DTLS_1_2 } from '../record/record.ts';
import { findSuite, withEncryptThenMac } from '../suites/registry.ts';
import { loadTrust, verifyPeer } from '../x509/chain.ts';
import type { ClientExchange } from './client-exchange.ts';
import type { Answer } from './contract.ts';
import type { Heard } from './exchange.ts';
import { handshakeFailure, illegalParameter } from './exchange.ts';
import { checkFinished, markOfKey } from './finished.ts';
import { answerExtensions } from './negotiation.ts';
import type { ServerExchange } from './server-exchange.ts';
import type { Session } from './session.ts';

/** The session that a hello asks for, when it may be resumed as far as the server can tell alone. */
export function sessionFor(exchange: ServerExchange, hello: ClientHello, now: Instant): Session | undefined {
  const { options, settings } = exchange;
  const { sessionTicket } = hello.extensions;
  // RFC 5077 §3.4: a ticket goes before an id.
  const session =
    options.tickets !== undefined && sessionTicket !== undefined && sessionTicket.length > 0
      ? options.tickets.open(sessionTicket, now)
      : hello.sessionId.length > 0
        ? options.sessions?.find?.(hello.sessionId, now)
        : undefined;
  if (session === undefined || session.serverName !== exchange.serverName) return undefined;
  if (!hello.cipherSuites.includes(session.suite)) return undefined;
  if (!settings.suites.some((suite) => suite.id === session.suite)) return undefined;
  if (session.encryptThenMac && hello.extensions.encryptThenMac !== true) return undefined;
  // RFC 7627 §5.3
  if (session.extendedMasterSecret && !exchange.usesExtendedMasterSecret) {
    throw handshakeFailure('the client resumes a session without the extended master secret that it was made with');
  }
  return session.extendedMasterSecret === exchange.usesExtendedMasterSecret ? session : undefined;
}

/** Resumes, or asks the store first. False when neither is possible: a full handshake has to follow. */
export function tryToResume(exchange: ServerExchange, session: Session, now: Instant): boolean {
  const { credentials, wall } = exchange.options;
  const { identity } = session;
  switch (identity.kind) {
    case 'psk':
      exchange.resuming = session;
      exchange.ask({ about: 'psk', identity: identity.id, serverName: exchange.serverName });
      return true;
    case 'rpk':
      exchange.resuming = session;
      exchange.ask({ about: 'raw-public-key', publicKey: identity.publicKey });
      return true;
    case 'x509': {
      const accept = credentials.acceptCertificate;
      if (accept === undefined) return false;
      if (!verifyPeer(identity.chain, loadTrust(accept.trust), { peer: 'client', wall: wall() }).ok) return false;
      if (accept.verify === undefined) return resume(exchange, session, now);
      exchange.resuming = session;
      exchange.ask({ about: 'certificate', chain: identity.chain });
      return true;
    }
    case 'none':
      return (credentials.clientAuthentication ?? 'required') !== 'required' && resume(exchange, session, now);
    case 'oscore':
      return false;
    default:
      return identity satisfies never;
  }
}

/** The store has answered about the credential behind the session. False: a full handshake has to follow. */
export function resumeIfItStands(exchange: ServerExchange, session: Session, answer: Answer, now: Instant): boolean {
  exchange.resuming = undefined;
  const stands =
    answer.about === 'psk'
      ? answer.key !== undefined && equalInConstantTime(markOfKey(answer.key), session.credential)
      : answer.accepted;
  return stands && resume(exchange, session, now);
}

/** The server's part: it finishes first. */
function resume(exchange: ServerExchange, session: Session, now: Instant): boolean {
  const hello = exchange.heardHello();
  const known = findSuite(session.suite);
  if (known === undefined) return false;
  exchange.isResumed = true;
  exchange.suite = session.encryptThenMac ? withEncryptThenMac(known) : known;
  exchange.master = session.masterSecret;
  exchange.identity = session.identity;
  exchange.credential = session.credential;
  // The client's own id comes back: so it knows, with a ticket too (RFC 5077 §3.4).
  exchange.sessionId = hello.sessionId;
  const extensions = answerExtensions(exchange, hello);
  exchange.begin();
  exchange.say(
    HandshakeType.serverHello,
    encodeServerHello({
      version: DTLS_1_2,
      random: exchange.serverRandom,
      sessionId: exchange.sessionId,
      cipherSuite: exchange.suite.id,
      compressionMethod: 0,
      extensions,
    }),
  );
  exchange.takeKeys();
  exchange.sayFinished();
  exchange.send(now);
  exchange.state = 'finished';
  return true;
}

/** The client learns from ServerHello that its session goes on. */
export function acceptResumption(exchange: ClientExchange, session: Session): void {
  if (session.suite !== exchange.suite?.id) {
    throw illegalParameter('the server resumes the session with another cipher suite');
  }
  // RFC 7627 §5.3
  if (session.extendedMasterSecret !== exchange.usesExtendedMasterSecret) {
    throw handshakeFailure('the server resumes the session with another kind of master secret');
  }
  exchange.isResumed = true;
  exchange.master = session.masterSecret;
  exchange.identity = session.identity;
  exchange.takeKeys();
  exchange.state = exchange.awaitsTicket ? 'ticket' : 'finished';
}

/** The client has the server's Finished and finishes last. */
export function finishResumption(exchange: ClientExchange, message: Heard, now: Instant): void {
  checkFinished(exchange, message);
  exchange.begin();
  exchange.sayFinished();
  exchange.sendLast(now);
  exchange.state = 'done';
  const { offered, ticket } = exchange;
  exchange.establish(offered === undefined || ticket.length === 0 ? offered : { ...offered, ticket });
}

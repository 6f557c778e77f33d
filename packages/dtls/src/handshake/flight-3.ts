// Flight 3, client to server: ClientHello with the cookie (RFC 6347 §4.2.1). The server reads here what is asked for, and
// turns to a session that can be resumed or to a full handshake.
import type { Instant } from '@lapwing/kernel';
import { AlertDescription } from '../alert.ts';
import { HandshakeError } from '../errors.ts';
import { type ClientHello, decodeClientHello } from '../messages/client-hello.ts';
import { forbiddenInClientHello } from '../messages/forbidden-values.ts';
import { DTLS_1_2 } from '../record/record.ts';
import type { ClientExchange } from './client-exchange.ts';
import type { Answer } from './contract.ts';
import { type Heard, handshakeFailure, illegalParameter, refusal } from './exchange.ts';
import { sayHello } from './flight-1.ts';
import { writeFlight4 } from './flight-4.ts';
import { resumeIfItStands, sessionFor, tryToResume } from './resumption.ts';
import type { ServerExchange } from './server-exchange.ts';
import type { Session } from './session.ts';

/** The same hello with the cookie; what came before does not count for the transcript. */
export function writeFlight3(exchange: ClientExchange, cookie: Uint8Array, now: Instant): void {
  if (exchange.hello === undefined) throw new HandshakeError('protocol', 'a cookie came before any hello');
  exchange.hello = { ...exchange.hello, cookie };
  exchange.transcript.restart();
  sayHello(exchange, exchange.hello, now);
}

export function readClientHello(exchange: ServerExchange, message: Heard, now: Instant): void {
  const hello = decodeClientHello(message.body);
  exchange.hello = hello;
  // RFC 6347 §4.2.2: the HelloVerifyRequests took the numbers before, one each.
  exchange.nextSeq = message.messageSeq;
  checkHello(exchange, hello);
  exchange.clientRandom = hello.random;
  exchange.serverRandom = exchange.settings.random.bytes(32);
  exchange.receiveLimit = exchange.settings.recordSizeLimit;
  exchange.serverName = hello.extensions.serverName?.toLowerCase();
  exchange.usesExtendedMasterSecret = hello.extensions.extendedMasterSecret === true;
  const session = sessionFor(exchange, hello, now);
  if (session === undefined || !tryToResume(exchange, session, now)) writeFlight4(exchange, now);
}

/** The store has answered whether the credential behind a session still stands. */
export function readAnswerOnSession(exchange: ServerExchange, session: Session, answer: Answer, now: Instant): void {
  if (!resumeIfItStands(exchange, session, answer, now)) writeFlight4(exchange, now);
}

function checkHello({ settings }: ServerExchange, hello: ClientHello): void {
  // Versions count down: 0xfeff is DTLS 1.0, and whoever names 1.3 or later here speaks 1.2 as well.
  if (hello.version > DTLS_1_2) {
    throw refusal(AlertDescription.ProtocolVersion, 'the client speaks DTLS 1.0 only: it has to learn DTLS 1.2');
  }
  const forbidden = forbiddenInClientHello(hello);
  if (forbidden !== undefined) throw illegalParameter(`ClientHello: ${forbidden}`);
  const { renegotiationInfo, extendedMasterSecret } = hello.extensions;
  // RFC 5746 §3.6
  if (renegotiationInfo !== undefined && renegotiationInfo.length > 0) {
    throw handshakeFailure('the client means to renegotiate a connection that does not exist');
  }
  if (settings.extendedMasterSecret === 'required' && extendedMasterSecret !== true) {
    throw handshakeFailure(
      'the client does not know extended master secret (RFC 7627): set extendedMasterSecret to optional to let old devices in',
    );
  }
}

// Flight 5, client to server: what the client shows, its share or identity, the proof, then ChangeCipherSpec and Finished
// (RFC 5246 §7.3). The server has the keys after ClientKeyExchange, and asks its store before it believes anything.
//
//   Certificate          when the server asked; empty when there is nothing to show
//   ClientKeyExchange
//   CertificateVerify    when the certificate was not empty
//   ChangeCipherSpec
//   Finished             the first record of epoch 1
import { type Instant, noBytes } from '@lapwing/kernel';
import { AlertDescription } from '../alert.ts';
import { decodeCertificate, decodeRawPublicKeyCertificate } from '../messages/certificate.ts';
import { decodeCertificateVerify, encodeCertificateVerify } from '../messages/certificate-verify.ts';
import {
  decodeEcdheClientKeyExchange,
  decodeEcdhePskClientKeyExchange,
  decodePskClientKeyExchange,
  encodeEcdheClientKeyExchange,
  encodeEcdhePskClientKeyExchange,
  encodePskClientKeyExchange,
} from '../messages/client-key-exchange.ts';
import { HandshakeType } from '../messages/handshake.ts';
import { loadTrust, verifyPeer } from '../x509/chain.ts';
import { readRawPublicKey } from '../x509/raw-public-key.ts';
import { CertificateType } from './authentication.ts';
import type { ClientExchange } from './client-exchange.ts';
import type { Answer } from './contract.ts';
import { type Heard, handshakeFailure, illegalParameter, refusal } from './exchange.ts';
import { describeIdentity } from './explanation.ts';
import { checkFinished, markOfKey } from './finished.ts';
import { writeFlight6 } from './flight-6.ts';
import { ecdhePskPremasterSecret, pskPremasterSecret, pskProblem } from './key-exchange.ts';
import { asksForRawKey } from './negotiation.ts';
import type { ServerExchange } from './server-exchange.ts';
import { encodeNothing, encodeShown } from './shown.ts';
import { isSignedWith, offeredSchemes, signWith } from './signatures.ts';

/** Identities are no longer than this (RFC 7925 §4.2). */
const LONGEST_IDENTITY = 128;

// ---- the client writes

export function writeFlight5(exchange: ClientExchange, now: Instant): void {
  const { request } = exchange;
  exchange.begin();
  if (request !== undefined) exchange.say(HandshakeType.certificate, certificateOf(exchange));
  exchange.say(HandshakeType.clientKeyExchange, keyExchangeOf(exchange));
  exchange.agreeOnKeys(premasterOf(exchange));
  if (request !== undefined && request !== 'nothing to show') {
    const signature = signWith(request.scheme, request.shown.key, exchange.transcript.bytes());
    exchange.say(HandshakeType.certificateVerify, encodeCertificateVerify({ scheme: request.scheme, signature }));
  }
  exchange.sayFinished();
  exchange.send(now);
  exchange.state = exchange.awaitsTicket ? 'ticket' : 'finished';
}

function certificateOf({ request, clientShowsRawKey }: ClientExchange): Uint8Array {
  if (request !== undefined && request !== 'nothing to show') return encodeShown(request.shown);
  return encodeNothing(clientShowsRawKey ? CertificateType.rawPublicKey : CertificateType.x509);
}

function keyExchangeOf({ credentials, keyShare }: ClientExchange): Uint8Array {
  if (credentials.kind !== 'psk') return encodeEcdheClientKeyExchange({ publicKey: keyShare?.publicKey ?? noBytes });
  const { identity } = credentials;
  if (keyShare === undefined) return encodePskClientKeyExchange({ identity });
  return encodeEcdhePskClientKeyExchange({ identity, publicKey: keyShare.publicKey });
}

function premasterOf(exchange: ClientExchange): Uint8Array {
  const { credentials, keyShare, sharedSecret } = exchange;
  if (credentials.kind !== 'psk') return sharedSecret;
  const key = credentials.key.reveal();
  exchange.identity = { kind: 'psk', id: credentials.identity };
  return keyShare === undefined ? pskPremasterSecret(key) : ecdhePskPremasterSecret(sharedSecret, key);
}

// ---- the server reads, message by message

export function readClientCertificate(exchange: ServerExchange, { body }: Heard): void {
  const { choice, options } = exchange;
  exchange.state = 'client-key-exchange';
  if (asksForRawKey(exchange)) {
    const { publicKey } = decodeRawPublicKeyCertificate(body);
    if (publicKey.length === 0) {
      acceptNobody(exchange);
      return;
    }
    const verdict = readRawPublicKey(publicKey);
    if (!verdict.ok) throw refusal(verdict.alert, verdict.reason);
    exchange.clientKey = verdict.publicKey;
    exchange.identity = { kind: 'rpk', publicKey: verdict.publicKey.spki };
    return;
  }
  const { chain } = decodeCertificate(body);
  if (chain.length === 0) {
    acceptNobody(exchange);
    return;
  }
  const accept = options.credentials.acceptCertificate;
  if (accept === undefined || choice?.request === undefined) throw illegalParameter('a certificate was not asked for');
  const verdict = verifyPeer(chain, loadTrust(accept.trust), { peer: 'client', wall: options.wall() });
  if (!verdict.ok) throw refusal(verdict.alert, verdict.reason);
  exchange.clientKey = verdict.publicKey;
  exchange.identity = { kind: 'x509', subject: verdict.subject, chain: verdict.chain };
}

/** RFC 5246 §7.4.6: the server decides whether a client may stay unknown. */
function acceptNobody({ choice }: ServerExchange): void {
  if (choice?.request?.required !== false) {
    throw handshakeFailure('the client shows no certificate or raw public key, which this server requires');
  }
}

export function readClientKeyExchange(exchange: ServerExchange, { body }: Heard): void {
  const { keyExchange } = exchange.agreedSuite();
  switch (keyExchange) {
    case 'psk':
      askForKey(exchange, decodePskClientKeyExchange(body).identity);
      return;
    case 'ecdhe_psk': {
      const { identity, publicKey } = decodeEcdhePskClientKeyExchange(body);
      exchange.sharedSecret = sharedWith(exchange, publicKey);
      askForKey(exchange, identity);
      return;
    }
    case 'ecdhe_ecdsa':
    case 'ecdhe_rsa':
      exchange.agreeOnKeys(sharedWith(exchange, decodeEcdheClientKeyExchange(body).publicKey));
      exchange.state = exchange.clientKey === undefined ? 'finished' : 'certificate-verify';
      return;
    default:
      keyExchange satisfies never;
  }
}

function sharedWith({ keyShare }: ServerExchange, publicKey: Uint8Array): Uint8Array {
  const shared = keyShare?.derive(publicKey);
  if (shared === undefined) throw illegalParameter('the client shares keys in a handshake without shares');
  if (!shared.ok) throw refusal(shared.alert, shared.reason);
  return shared.secret;
}

function askForKey(exchange: ServerExchange, identity: Uint8Array): void {
  if (identity.length === 0 || identity.length > LONGEST_IDENTITY) {
    throw illegalParameter(
      `the client's PSK identity has ${identity.length} bytes: 1 to ${LONGEST_IDENTITY} are taken`,
    );
  }
  const id = identity.slice();
  exchange.identity = { kind: 'psk', id };
  exchange.ask({ about: 'psk', identity: id, serverName: exchange.serverName });
}

/** The store has answered about the identity. What nobody has the key of goes on as if it had one (RFC 4279 §2). */
export function readKey(exchange: ServerExchange, found: Uint8Array | undefined): void {
  const problem = found === undefined ? undefined : pskProblem(found);
  if (problem !== undefined) throw refusal(AlertDescription.InternalError, problem);
  if (found === undefined && exchange.settings.unknownIdentity === 'alert') {
    throw refusal(AlertDescription.UnknownPskIdentity, `the store has no key for ${describeIdentity(exchange)}`);
  }
  exchange.isStranger = found === undefined;
  const { decoy, random } = exchange.settings;
  if (found !== undefined) decoy.saw(found);
  // Made for everybody: what only strangers cost would tell them apart.
  const madeUp = decoy.make(random);
  const key = found ?? madeUp;
  exchange.credential = markOfKey(key);
  const { keyShare, sharedSecret } = exchange;
  exchange.agreeOnKeys(keyShare === undefined ? pskPremasterSecret(key) : ecdhePskPremasterSecret(sharedSecret, key));
  exchange.state = 'finished';
}

export function readCertificateVerify(exchange: ServerExchange, { body, bytesBefore }: Heard): void {
  const { clientKey, identity, options } = exchange;
  const { scheme, signature } = decodeCertificateVerify(body);
  if (!offeredSchemes.includes(scheme)) {
    throw illegalParameter(`the client signs with scheme 0x${scheme.toString(16)}, which was not offered`);
  }
  if (clientKey === undefined || !isSignedWith(scheme, clientKey, bytesBefore, signature)) {
    throw refusal(
      AlertDescription.DecryptError,
      'the client has not got the private key of what it shows: its signature is wrong',
    );
  }
  exchange.state = 'finished';
  if (identity.kind === 'rpk') exchange.ask({ about: 'raw-public-key', publicKey: identity.publicKey });
  else if (identity.kind === 'x509' && options.credentials.acceptCertificate?.verify !== undefined) {
    exchange.ask({ about: 'certificate', chain: identity.chain });
  }
}

/** The store has answered about the client's raw key or certificate, which was proved before. */
export function readAdmission(exchange: ServerExchange, isAccepted: boolean): void {
  if (isAccepted) return;
  throw exchange.identity.kind === 'rpk'
    ? refusal(AlertDescription.CertificateUnknown, "the client's raw public key is not among those that are accepted")
    : refusal(AlertDescription.AccessDenied, "the client's certificate is valid, but the store does not accept it");
}

export function readAnswer(exchange: ServerExchange, answer: Answer): void {
  if (answer.about === 'psk') readKey(exchange, answer.key);
  else readAdmission(exchange, answer.accepted);
}

export function readClientFinished(exchange: ServerExchange, message: Heard, now: Instant): void {
  checkFinished(exchange, message);
  if (exchange.isResumed) {
    exchange.begin();
    exchange.state = 'done';
    exchange.establish(undefined);
  } else writeFlight6(exchange, now);
}

// Flight 4, server to client: ServerHello, then what the server shows and asks for, then ServerHelloDone (RFC 5246 §7.3).
//
//   suite        Certificate   ServerKeyExchange      CertificateRequest
//   PSK          -             only with a hint       -
//   ECDHE_PSK    -             share                  -
//   ECDHE_…      chain or key  share, signed          unless clients may stay unknown
import { type Instant, noBytes } from '@lapwing/kernel';
import { AlertDescription } from '../alert.ts';
import { decodeCertificate, decodeRawPublicKeyCertificate } from '../messages/certificate.ts';
import { decodeCertificateRequest, encodeCertificateRequest } from '../messages/certificate-request.ts';
import { decodeServerHelloDone, encodeServerHelloDone } from '../messages/empty.ts';
import { HandshakeType } from '../messages/handshake.ts';
import { decodeServerHello, encodeServerHello } from '../messages/server-hello.ts';
import {
  decodeEcdhePskServerKeyExchange,
  decodeEcdheServerKeyExchange,
  decodePskServerKeyExchange,
  type EcdheParameters,
  encodeEcdheParameters,
  encodeEcdhePskServerKeyExchange,
  encodeEcdheServerKeyExchange,
  encodePskServerKeyExchange,
} from '../messages/server-key-exchange.ts';
import { DTLS_1_2 } from '../record/record.ts';
import { verifyPeer } from '../x509/chain.ts';
import { CertificateType, ClientCertificateType, clientChoice, judgeServerKey } from './authentication.ts';
import type { ClientExchange } from './client-exchange.ts';
import { type Heard, illegalParameter, refusal } from './exchange.ts';
import { writeFlight5 } from './flight-5.ts';
import { isNamedGroup, KeyShare } from './key-exchange.ts';
import { answerExtensions, chooseSuite } from './negotiation.ts';
import { acceptResumption } from './resumption.ts';
import type { Choice, ServerExchange } from './server-exchange.ts';
import { acceptServerHello } from './server-hello-check.ts';
import { encodeShown } from './shown.ts';
import { isSignedWith, offeredSchemes, signedParameters, signWith } from './signatures.ts';

const sessionIdSize = 32;

// ---- the server writes

export function writeFlight4(exchange: ServerExchange, now: Instant): void {
  const { options, settings } = exchange;
  const hello = exchange.heardHello();
  const choice = chooseSuite(exchange, hello);
  const suite = exchange.agreedSuite();
  exchange.choice = choice;
  // A chain of certificates may be too long for a ticket: where there are ids, such a session gets one instead.
  const mayShowChain = choice.request?.type === CertificateType.x509 && options.sessions !== undefined;
  exchange.givesTicket = options.tickets !== undefined && hello.extensions.sessionTicket !== undefined && !mayShowChain;
  exchange.sessionId =
    options.sessions !== undefined && !exchange.givesTicket ? settings.random.bytes(sessionIdSize) : noBytes;
  exchange.begin();
  exchange.say(
    HandshakeType.serverHello,
    encodeServerHello({
      version: DTLS_1_2,
      random: exchange.serverRandom,
      sessionId: exchange.sessionId,
      cipherSuite: suite.id,
      compressionMethod: 0,
      extensions: answerExtensions(exchange, hello),
    }),
  );
  if (choice.own !== undefined) exchange.say(HandshakeType.certificate, encodeShown(choice.own.shown));
  const keyExchange = keyExchangeOf(exchange, choice);
  if (keyExchange !== undefined) exchange.say(HandshakeType.serverKeyExchange, keyExchange);
  if (choice.request !== undefined) {
    const request = {
      certificateTypes: [ClientCertificateType.ecdsaSign, ClientCertificateType.rsaSign],
      signatureSchemes: offeredSchemes,
      authorities: [],
    };
    exchange.say(HandshakeType.certificateRequest, encodeCertificateRequest(request));
  }
  exchange.say(HandshakeType.serverHelloDone, encodeServerHelloDone());
  exchange.send(now);
  exchange.state = choice.request === undefined ? 'client-key-exchange' : 'certificate';
}

function keyExchangeOf(exchange: ServerExchange, { own, group }: Choice): Uint8Array | undefined {
  const { identityHint } = exchange.options.credentials;
  if (group === undefined) return identityHint === undefined ? undefined : encodePskServerKeyExchange({ identityHint });
  exchange.keyShare = KeyShare.generate(group, exchange.settings.random);
  const parameters: EcdheParameters = { group, publicKey: exchange.keyShare.publicKey };
  if (own === undefined) return encodeEcdhePskServerKeyExchange({ identityHint: identityHint ?? noBytes, parameters });
  const covered = signedParameters(exchange.clientRandom, exchange.serverRandom, encodeEcdheParameters(parameters));
  const signature = signWith(own.scheme, own.shown.key, covered);
  return encodeEcdheServerKeyExchange({ parameters, signed: { scheme: own.scheme, signature } });
}

// ---- the client reads, message by message

export function readServerHello(exchange: ClientExchange, { body }: Heard): void {
  const answer = decodeServerHello(body);
  const suite = acceptServerHello(exchange, answer);
  const { offered, sessionId } = exchange;
  const echoed = sessionId.length > 0 && sessionId.every((byte, at) => byte === answer.sessionId[at]);
  exchange.sessionId = answer.sessionId;
  if (offered !== undefined && echoed) {
    acceptResumption(exchange, offered);
    return;
  }
  switch (suite.keyExchange) {
    case 'psk':
      exchange.state = 'key-exchange-or-done';
      return;
    case 'ecdhe_psk':
      exchange.state = 'key-exchange';
      return;
    case 'ecdhe_ecdsa':
    case 'ecdhe_rsa':
      // RFC 7250 §4.2: what the server does not name it does not do.
      if (exchange.credentials.kind === 'rpk' && !exchange.serverShowsRawKey) {
        throw refusal(
          AlertDescription.UnsupportedCertificate,
          'this client knows the raw public key of the server, which shows a certificate: use X.509 credentials, or give the server a raw public key',
        );
      }
      exchange.state = 'certificate';
      return;
    default:
      suite.keyExchange satisfies never;
  }
}

export function readServerCertificate(exchange: ClientExchange, { body }: Heard): void {
  const { credentials, options } = exchange;
  if (credentials.kind === 'psk') throw illegalParameter('a certificate came in a handshake without certificates');
  if (credentials.kind === 'rpk') {
    const verdict = judgeServerKey(credentials, decodeRawPublicKeyCertificate(body).publicKey);
    if (!verdict.ok) throw refusal(verdict.alert, verdict.reason);
    exchange.serverKey = verdict.publicKey;
    exchange.identity = { kind: 'rpk', publicKey: verdict.publicKey.spki };
  } else {
    const check = { peer: 'server', wall: options.wall() } as const;
    const { hostName } = options;
    const { chain } = decodeCertificate(body);
    const verdict = verifyPeer(chain, credentials.trust, hostName === undefined ? check : { ...check, hostName });
    if (!verdict.ok) throw refusal(verdict.alert, verdict.reason);
    exchange.serverKey = verdict.publicKey;
    exchange.identity = { kind: 'x509', subject: verdict.subject, chain: verdict.chain };
  }
  const needsRsa = exchange.agreedSuite().keyExchange === 'ecdhe_rsa';
  if (needsRsa !== (exchange.serverKey.algorithm === 'rsa')) {
    throw refusal(
      AlertDescription.UnsupportedCertificate,
      `the server's key is of kind ${exchange.serverKey.algorithm}, which does not go with ${exchange.agreedSuite().name}`,
    );
  }
  exchange.state = 'key-exchange';
}

export function readServerKeyExchange(exchange: ClientExchange, { body }: Heard): void {
  const { keyExchange } = exchange.agreedSuite();
  switch (keyExchange) {
    case 'psk':
      // A hint names no identity that this client could choose by: it has one (RFC 4279 §5.2, RFC 7925 §4.2).
      decodePskServerKeyExchange(body);
      exchange.state = 'hello-done';
      return;
    case 'ecdhe_psk':
      shareKeys(exchange, decodeEcdhePskServerKeyExchange(body).parameters);
      exchange.state = 'hello-done';
      return;
    case 'ecdhe_ecdsa':
    case 'ecdhe_rsa':
      readSignedKeyExchange(exchange, body);
      exchange.state = 'request-or-done';
      return;
    default:
      keyExchange satisfies never;
  }
}

function readSignedKeyExchange(exchange: ClientExchange, body: Uint8Array): void {
  const { parameters, signed } = decodeEcdheServerKeyExchange(body);
  const { serverKey } = exchange;
  if (serverKey === undefined) throw illegalParameter('a signed key exchange came before the certificate');
  if (!offeredSchemes.includes(signed.scheme)) {
    throw illegalParameter(`the server signs with scheme 0x${signed.scheme.toString(16)}, which was not offered`);
  }
  const covered = signedParameters(exchange.clientRandom, exchange.serverRandom, encodeEcdheParameters(parameters));
  if (!isSignedWith(signed.scheme, serverKey, covered, signed.signature)) {
    throw refusal(
      AlertDescription.DecryptError,
      'the server has not got the private key of what it shows: its signature is wrong',
    );
  }
  shareKeys(exchange, parameters);
}

/** The group must be one that was offered; the point is looked at when the secret is computed. */
function shareKeys(exchange: ClientExchange, { group, publicKey }: EcdheParameters): void {
  if (!isNamedGroup(group) || !exchange.settings.groups.includes(group)) {
    throw illegalParameter(`the server chose group ${group}, which was not offered`);
  }
  exchange.keyShare = KeyShare.generate(group, exchange.settings.random);
  const shared = exchange.keyShare.derive(publicKey);
  if (!shared.ok) throw refusal(shared.alert, shared.reason);
  exchange.sharedSecret = shared.secret;
}

export function readCertificateRequest(exchange: ClientExchange, { body }: Heard): void {
  const { credentials } = exchange;
  const { certificateTypes, signatureSchemes } = decodeCertificateRequest(body);
  const own = credentials.kind === 'psk' ? undefined : credentials.own;
  // A raw key may only be shown when ServerHello has agreed to it (RFC 7250 §4.2).
  const fits = own !== undefined && (own.type === CertificateType.rawPublicKey) === exchange.clientShowsRawKey;
  const choice = fits ? clientChoice(own, { certificateTypes, signatureSchemes }) : undefined;
  exchange.request = choice ?? 'nothing to show';
  exchange.state = 'hello-done';
}

export function readServerHelloDone(exchange: ClientExchange, { body }: Heard, now: Instant): void {
  decodeServerHelloDone(body);
  writeFlight5(exchange, now);
}

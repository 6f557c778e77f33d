// Whether a ServerHello chose from what the client offered and nothing else (RFC 5246 §7.4.1.3, §7.4.1.4): whoever changes
// a hello on the way must not be able to steer. What was agreed on goes into the exchange.
import { equalBytes } from '@lapwing/kernel';
import { AlertDescription } from '../alert.ts';
import { HandshakeError } from '../errors.ts';
import { forbiddenInExtensions, fragmentLengthOf, unofferedExtension } from '../messages/forbidden-values.ts';
import type { ServerHello } from '../messages/server-hello.ts';
import { DTLS_1_2, LONGEST_CONTENT } from '../record/record.ts';
import { withEncryptThenMac } from '../suites/registry.ts';
import type { Suite } from '../suites/suite.ts';
import { CertificateType } from './authentication.ts';
import type { ClientExchange } from './client-exchange.ts';
import { handshakeFailure, illegalParameter, refusal } from './exchange.ts';

/** RFC 8446 §4.1.3: what ends the random of a server that went below version 1.2 although it knows 1.2. */
const downgraded: Uint8Array = Uint8Array.of(0x44, 0x4f, 0x57, 0x4e, 0x47, 0x52, 0x44, 0x00);

function isDowngraded(random: Uint8Array): boolean {
  return equalBytes(random.subarray(random.length - downgraded.length), downgraded);
}

/** The suite that was chosen. Throws the alert that the answer deserves. */
export function acceptServerHello(exchange: ClientExchange, answer: ServerHello): Suite {
  if (answer.version !== DTLS_1_2) {
    const version = answer.version.toString(16);
    throw refusal(AlertDescription.ProtocolVersion, `the server answers in version 0x${version}, not in DTLS 1.2`);
  }
  if (isDowngraded(answer.random))
    throw illegalParameter(
      'the server says that it was made to go below DTLS 1.2: somebody changed the hello on its way',
    );
  const suite = exchange.suites.find(({ id }) => id === answer.cipherSuite);
  if (suite === undefined) {
    const id = answer.cipherSuite.toString(16).padStart(4, '0');
    throw illegalParameter(`the server chose cipher suite 0x${id}, which was not offered`);
  }
  if (answer.compressionMethod !== 0) throw illegalParameter('the server chose compression, which was not offered');
  checkExtensions(exchange, answer, suite);
  takeOver(exchange, answer, suite);
  return exchange.agreedSuite();
}

function checkExtensions({ hello, settings }: ClientExchange, { extensions }: ServerHello, suite: Suite): void {
  if (hello === undefined) throw new HandshakeError('protocol', 'an answer came before any hello');
  const unoffered = unofferedExtension(hello, extensions);
  if (unoffered !== undefined) {
    throw refusal(
      AlertDescription.UnsupportedExtension,
      `the server answers extension ${unoffered}, which was not offered`,
    );
  }
  const forbidden = forbiddenInExtensions(extensions);
  if (forbidden !== undefined) throw illegalParameter(`ServerHello: ${forbidden}`);
  const { renegotiationInfo, maxFragmentLength, recordSizeLimit } = extensions;
  // RFC 5746 §3.4
  if (renegotiationInfo !== undefined && renegotiationInfo.length > 0) {
    throw handshakeFailure('the server speaks of an earlier connection that does not exist');
  }
  if (settings.extendedMasterSecret === 'required' && extensions.extendedMasterSecret !== true) {
    throw handshakeFailure(
      'the server does not know extended master secret (RFC 7627): set extendedMasterSecret to optional to talk to old servers',
    );
  }
  // RFC 7366 §3
  if (extensions.encryptThenMac === true && suite.cipher !== 'cbc') {
    throw illegalParameter(`the server answers encrypt_then_mac to ${suite.name}, which has no use for it`);
  }
  if (settings.encryptThenMac === 'required' && extensions.encryptThenMac !== true && suite.cipher === 'cbc') {
    throw handshakeFailure(`the server does not know encrypt-then-MAC (RFC 7366), which ${suite.name} requires here`);
  }
  // RFC 6066 §4
  if (maxFragmentLength !== undefined && maxFragmentLength !== hello.extensions.maxFragmentLength) {
    throw illegalParameter('the server answers another max_fragment_length than was asked for');
  }
  // RFC 8449 §5
  if (maxFragmentLength !== undefined && recordSizeLimit !== undefined) {
    throw illegalParameter('the server answers both max_fragment_length and record_size_limit');
  }
}

function takeOver(exchange: ClientExchange, { random, extensions }: ServerHello, suite: Suite): void {
  const { options } = exchange;
  exchange.serverRandom = random;
  exchange.suite = extensions.encryptThenMac === true ? withEncryptThenMac(suite) : suite;
  exchange.usesExtendedMasterSecret = extensions.extendedMasterSecret === true;
  exchange.awaitsTicket = extensions.sessionTicket === true;
  if (extensions.recordSizeLimit !== undefined) {
    exchange.sendLimit = Math.min(LONGEST_CONTENT, extensions.recordSizeLimit);
  } else if (extensions.maxFragmentLength !== undefined) {
    exchange.sendLimit = fragmentLengthOf(extensions.maxFragmentLength) ?? LONGEST_CONTENT;
    exchange.receiveLimit = Math.min(exchange.receiveLimit, exchange.sendLimit);
  }
  exchange.sendCid = extensions.connectionId?.slice();
  exchange.receiveCid = exchange.sendCid === undefined ? undefined : options.connectionId;
  exchange.clientShowsRawKey = extensions.clientCertificateType === CertificateType.rawPublicKey;
  exchange.serverShowsRawKey = extensions.serverCertificateType === CertificateType.rawPublicKey;
}

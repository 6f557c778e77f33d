// Flight 1, client to server: ClientHello without a cookie (RFC 6347 §4.2.4). What is offered is decided here; flight 3 says
// it again word for word. The server answers it without the machine, since it keeps nothing of it: connections.ts.
import { type Instant, noBytes } from '@lapwing/kernel';
import { HandshakeError } from '../errors.ts';
import { type ClientHello, encodeClientHello } from '../messages/client-hello.ts';
import type { Extensions } from '../messages/extensions.ts';
import { emptyRenegotiationInfo } from '../messages/forbidden-values.ts';
import { HandshakeType } from '../messages/handshake.ts';
import { DTLS_1_2, LONGEST_CONTENT } from '../record/record.ts';
import { CertificateType } from './authentication.ts';
import type { ClientExchange } from './client-exchange.ts';
import { offeredSchemes } from './signatures.ts';

const noCompression: readonly number[] = [0];
const uncompressedPoints: readonly number[] = [0];
const onlyRawKeys: readonly number[] = [CertificateType.rawPublicKey];

export function writeFlight1(exchange: ClientExchange, now: Instant): void {
  const { settings, suites, offered } = exchange;
  if (suites.length === 0) throw new HandshakeError('credentials', noSuite(exchange));
  exchange.clientRandom = settings.random.bytes(32);
  exchange.receiveCid = exchange.options.connectionId;
  exchange.receiveLimit = settings.recordSizeLimit;
  // RFC 5077 §3.4: with a ticket, an id of our own shows in the answer whether the ticket was taken.
  exchange.sessionId = offered?.ticket === undefined ? (offered?.id ?? noBytes) : settings.random.bytes(32);
  exchange.hello = {
    version: DTLS_1_2,
    random: exchange.clientRandom,
    sessionId: exchange.sessionId,
    cookie: noBytes,
    cipherSuites: [...suites.map((suite) => suite.id), emptyRenegotiationInfo],
    compressionMethods: noCompression,
    extensions: extensionsOf(exchange),
  };
  sayHello(exchange, exchange.hello, now);
}

/** The hello as the whole of a flight: also of flight 3. */
export function sayHello(exchange: ClientExchange, hello: ClientHello, now: Instant): void {
  exchange.begin();
  exchange.say(HandshakeType.clientHello, encodeClientHello(hello));
  exchange.send(now);
  exchange.state = 'server-hello';
}

function extensionsOf({ settings, suites, credentials, options, offered }: ClientExchange): Extensions {
  const hasEcdhe = suites.some((suite) => suite.keyExchange !== 'psk');
  const showsKeys = credentials.kind !== 'psk';
  const rawKeys = credentials.kind === 'rpk' ? onlyRawKeys : undefined;
  const fragmentLength = settings.maxFragmentLength;
  return {
    extendedMasterSecret: true,
    encryptThenMac: suites.some((suite) => suite.cipher === 'cbc'),
    serverName: options.serverName,
    sessionTicket: offered?.ticket ?? (options.tickets === 'ask' ? noBytes : undefined),
    maxFragmentLength: fragmentLength === undefined ? undefined : Math.log2(fragmentLength) - 8,
    recordSizeLimit: settings.recordSizeLimit < LONGEST_CONTENT ? settings.recordSizeLimit : undefined,
    connectionId: options.connectionId,
    supportedGroups: hasEcdhe ? settings.groups : undefined,
    pointFormats: hasEcdhe ? uncompressedPoints : undefined,
    signatureSchemes: showsKeys ? offeredSchemes : undefined,
    clientCertificateTypes: rawKeys,
    serverCertificateTypes: rawKeys,
    unknown: [],
  };
}

function noSuite({ settings, credentials }: ClientExchange): string {
  const allowed = settings.suites.map((suite) => suite.name).join(', ') || 'none';
  return `no allowed cipher suite goes with credentials of kind ${credentials.kind}: allowed are ${allowed}`;
}

// What a server chooses of a client's offer: suite, group, who is shown, and the extensions that ServerHello answers.
// The order of the server's own settings decides; suites without a credential behind them do not count.
import { noBytes } from '@lapwing/kernel';
import type { CredentialStore } from '../credentials.ts';
import type { ClientHello } from '../messages/client-hello.ts';
import type { ServerExtensions } from '../messages/extensions.ts';
import { emptyRenegotiationInfo, fragmentLengthOf } from '../messages/forbidden-values.ts';
import { LONGEST_CONTENT } from '../record/record.ts';
import { findSuite, withEncryptThenMac } from '../suites/registry.ts';
import type { Suite } from '../suites/suite.ts';
import { CertificateType, type ServerAuthentication, serverAuthentication } from './authentication.ts';
import { handshakeFailure, refusal } from './exchange.ts';
import { NamedGroup } from './key-exchange.ts';
import type { Choice, ServerExchange } from './server-exchange.ts';

/** Sets the suite of the exchange and says what goes with it. Throws handshake_failure that names both offers. */
export function chooseSuite(exchange: ServerExchange, hello: ClientHello): Choice {
  const { settings, options } = exchange;
  const { extensions } = hello;
  const { credentials } = options;
  // Worked out when a suite with certificates is at stake.
  let judged: ServerAuthentication | undefined;
  const possible = (): ServerAuthentication => {
    judged ??= serverAuthentication(credentials, {
      serverName: exchange.serverName,
      signatureSchemes: extensions.signatureSchemes,
      groups: extensions.supportedGroups,
      serverCertificateTypes: extensions.serverCertificateTypes,
      clientCertificateTypes: extensions.clientCertificateTypes,
    });
    return judged;
  };
  // RFC 8422 §4: a client without the list takes any group; P-256 is what all have.
  const offeredGroups = extensions.supportedGroups ?? [NamedGroup.secp256r1];
  const group = settings.groups.find((candidate) => offeredGroups.includes(candidate));
  for (const suite of settings.suites) {
    if (!hello.cipherSuites.includes(suite.id)) continue;
    const encryptThenMac = extensions.encryptThenMac === true;
    if (suite.cipher === 'cbc' && !encryptThenMac && settings.encryptThenMac === 'required') continue;
    const choice = choiceFor(suite, credentials, possible, group);
    if (choice === undefined) continue;
    exchange.suite = encryptThenMac ? withEncryptThenMac(suite) : suite;
    return choice;
  }
  throw nothingInCommon(exchange, hello, possible(), group);
}

function choiceFor(
  suite: Suite,
  credentials: CredentialStore,
  possible: () => ServerAuthentication,
  group: NamedGroup | undefined,
): Choice | undefined {
  switch (suite.keyExchange) {
    case 'psk':
      return credentials.psk !== undefined ? { own: undefined, group: undefined, request: undefined } : undefined;
    case 'ecdhe_psk':
      return credentials.psk !== undefined && group !== undefined
        ? { own: undefined, group, request: undefined }
        : undefined;
    case 'ecdhe_ecdsa':
    case 'ecdhe_rsa': {
      const { choices, request } = possible();
      const own = choices.find((choice) => choice.keyExchange === suite.keyExchange);
      return own === undefined || group === undefined ? undefined : { own, group, request };
    }
    default:
      return suite.keyExchange satisfies never;
  }
}

function nothingInCommon(
  { settings, options }: ServerExchange,
  hello: ClientHello,
  possible: ServerAuthentication,
  group: NamedGroup | undefined,
): Error {
  const shared = settings.suites.filter((suite) => hello.cipherSuites.includes(suite.id));
  if (shared.length === 0) {
    const theirs = hello.cipherSuites.filter((id) => id !== emptyRenegotiationInfo).map(nameSuite);
    const ours = settings.suites.map((suite) => suite.name);
    return handshakeFailure(
      `no cipher suite in common: the client offers ${theirs.join(', ')}; this server allows ${ours.join(', ')}`,
    );
  }
  const names = shared.map((suite) => suite.name).join(', ');
  const showsKeys = shared.some(({ keyExchange }) => keyExchange === 'ecdhe_ecdsa' || keyExchange === 'ecdhe_rsa');
  const { psk, certificate, rawPublicKey } = options.credentials;
  if (!showsKeys && psk === undefined) {
    return handshakeFailure(
      `the client wants a pre-shared key (${names}), but this server's store of credentials has none to ask for`,
    );
  }
  if (showsKeys && certificate === undefined && rawPublicKey === undefined) {
    return handshakeFailure(
      `the client wants the server to show a certificate or a raw public key (${names}), but this server has neither`,
    );
  }
  if (showsKeys && possible.refusal !== undefined) return refusal(possible.refusal.alert, possible.refusal.reason);
  if (group === undefined) {
    const theirs = hello.extensions.supportedGroups?.join(', ') ?? 'none';
    return handshakeFailure(
      `no group in common: the client offers ${theirs} by number, this server allows ${settings.groups.join(', ')}`,
    );
  }
  return handshakeFailure(`in common are ${names}, but this server has no credential that goes with any of them`);
}

function nameSuite(id: number): string {
  return findSuite(id)?.name ?? `0x${id.toString(16).padStart(4, '0')}`;
}

/** What ServerHello answers; takes over what both now agree on. The suite must be chosen. */
export function answerExtensions(exchange: ServerExchange, hello: ClientHello): ServerExtensions {
  const { settings, options, choice } = exchange;
  const { extensions } = hello;
  const suite = exchange.agreedSuite();
  const { recordSizeLimit, maxFragmentLength } = extensions;
  // RFC 8449 §5: who knows the newer extension does not look at the older one.
  const fragmentCode = recordSizeLimit === undefined ? maxFragmentLength : undefined;
  if (recordSizeLimit !== undefined) exchange.sendLimit = Math.min(LONGEST_CONTENT, recordSizeLimit);
  else if (fragmentCode !== undefined) {
    exchange.sendLimit = fragmentLengthOf(fragmentCode) ?? LONGEST_CONTENT;
    exchange.receiveLimit = Math.min(exchange.receiveLimit, exchange.sendLimit);
  }
  if (extensions.connectionId !== undefined && options.connectionId !== undefined) {
    exchange.sendCid = extensions.connectionId.slice();
    exchange.receiveCid = options.connectionId;
  }
  const knowsRenegotiation =
    extensions.renegotiationInfo !== undefined || hello.cipherSuites.includes(emptyRenegotiationInfo);
  const usesKeys = choice?.own !== undefined;
  const namesTypes = extensions.serverCertificateTypes !== undefined;
  const namesClientTypes = extensions.clientCertificateTypes !== undefined;
  return {
    extendedMasterSecret: exchange.usesExtendedMasterSecret,
    encryptThenMac: suite.encryptThenMac,
    serverName: extensions.serverName !== undefined && !exchange.isResumed,
    maxFragmentLength: fragmentCode,
    recordSizeLimit: recordSizeLimit === undefined ? undefined : settings.recordSizeLimit,
    connectionId: exchange.sendCid === undefined ? undefined : exchange.receiveCid,
    pointFormats: choice?.group !== undefined && extensions.pointFormats !== undefined ? [0] : undefined,
    renegotiationInfo: knowsRenegotiation ? noBytes : undefined,
    serverCertificateType: usesKeys && namesTypes ? choice.own?.shown.type : undefined,
    clientCertificateType:
      usesKeys && namesClientTypes && choice.request !== undefined ? choice.request.type : undefined,
    sessionTicket: exchange.givesTicket,
    unknown: [],
  };
}

/** What a CertificateRequest of this exchange asks for is a raw key. */
export function asksForRawKey({ choice }: ServerExchange): boolean {
  return choice?.request?.type === CertificateType.rawPublicKey;
}

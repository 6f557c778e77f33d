// What a failed handshake means to the person who has to mend it. Alerts name a symptom and silence names nothing, but where
// the handshake stood says which of the usual causes it is.
import { toHex } from '@lapwing/kernel';
import { AlertDescription, adviseOnAlert } from '../alert.ts';
import type { ClientExchange } from './client-exchange.ts';
import type { ServerExchange } from './server-exchange.ts';

type AnyExchange = ClientExchange | ServerExchange;

/** For people: the identity in quotes, or in hexadecimal when it is no printable ASCII. */
export function describeIdentity({ identity }: AnyExchange): string {
  return identity.kind === 'psk' ? `PSK identity ${printIdentity(identity.id)}` : 'the peer';
}

function printIdentity(id: Uint8Array): string {
  const isPrintable = id.every((byte) => byte >= 0x20 && byte < 0x7f);
  return isPrintable ? `"${String.fromCharCode(...id)}"` : `0x${toHex(id)}`;
}

/** A fatal alert of the peer. */
export function explainAlert(exchange: AnyExchange, description: number): string {
  const advice = adviseOnAlert(description);
  const why = exchange.role === 'client' ? explainRefusal(exchange as ClientExchange, description) : undefined;
  if (why !== undefined) return why;
  if (exchange.role === 'server' || exchange.protection === undefined || exchange.identity.kind !== 'psk')
    return advice;
  switch (description) {
    case AlertDescription.DecryptError:
    case AlertDescription.BadRecordMac:
    case AlertDescription.DecryptionFailed:
    case AlertDescription.HandshakeFailure:
      return `the server does not know ${describeIdentity(exchange)}, or has another key for it: compare both on both sides`;
    case AlertDescription.UnknownPskIdentity:
      return `the server does not know ${describeIdentity(exchange)}: add it there, or correct it here`;
    default:
      return advice;
  }
}

/** Alerts by which servers refuse a client that shows nothing. */
const missed: ReadonlySet<number> = new Set([
  AlertDescription.HandshakeFailure,
  AlertDescription.NoCertificate,
  AlertDescription.BadCertificate,
  AlertDescription.CertificateRequired,
  AlertDescription.AccessDenied,
]);

const offers = {
  psk: { suites: 'for pre-shared keys', others: 'certificates or raw public keys' },
  x509: { suites: 'with certificates', others: 'pre-shared keys' },
  rpk: { suites: 'with raw public keys', others: 'pre-shared keys' },
} as const;

/** What the client offered, or what it showed, where that is the reason; undefined where it is another. */
function explainRefusal(client: ClientExchange, description: number): string | undefined {
  const { credentials, request, state } = client;
  if (request === 'nothing to show' && missed.has(description)) {
    return credentials.kind === 'psk' || credentials.own === undefined
      ? 'the server wants its clients to show a certificate, and this one has none: give it one that the server trusts, with its private key'
      : 'the server asked for a certificate or raw public key of a kind that this client has not got';
  }
  const isChoice =
    description === AlertDescription.HandshakeFailure || description === AlertDescription.InsufficientSecurity;
  if (state !== 'server-hello' || !isChoice) return undefined;
  const { suites, others } = offers[credentials.kind];
  return `the server takes none of the suites that were offered, all of them ${suites}: it may know its clients by ${others}; else compare cipher suites and groups of both sides, and whether extended master secret is required`;
}

/** The first protected record of the peer cannot be opened. */
export function explainForgery(exchange: AnyExchange): string {
  if (exchange.identity.kind !== 'psk')
    return 'the first protected record cannot be opened: the two sides have different keys';
  if (exchange.role === 'server' && 'isStranger' in exchange && exchange.isStranger) {
    return `the store has no key for ${describeIdentity(exchange)}: add it, or correct the identity on the client`;
  }
  return `the two sides have different keys for ${describeIdentity(exchange)}: compare the key bytes`;
}

/** Nothing came any more. */
export function explainSilence(exchange: AnyExchange): string {
  if (exchange.question !== undefined) return 'the store of credentials did not answer in time';
  if (exchange.role === 'server') return explainClient(exchange as ServerExchange);
  const client = exchange as ClientExchange;
  if (client.state === 'server-hello') {
    return client.verifications === 0
      ? 'the server did not answer: check address and port, that UDP passes, and that the server speaks DTLS there'
      : 'the server asked for a cookie and did not answer the hello that brought it: it may refuse what was offered without a word';
  }
  if (client.forgedAt !== undefined) return `${explainForgery(client)} (the server fell silent)`;
  if (client.protection !== undefined && client.identity.kind === 'psk') {
    return `the server fell silent after the client had finished: most likely it does not know ${describeIdentity(client)}, or has another key for it`;
  }
  return `the server fell silent while the client waited for ${client.state}`;
}

function explainClient(exchange: ServerExchange): string {
  if (exchange.isStranger || exchange.forgedAt !== undefined)
    return `${explainForgery(exchange)} (the client fell silent)`;
  if (exchange.state === 'finished' && exchange.identity.kind === 'psk') {
    return `the client fell silent before it had finished: perhaps its key for ${describeIdentity(exchange)} differs`;
  }
  return `the client fell silent while the server waited for ${exchange.state}`;
}

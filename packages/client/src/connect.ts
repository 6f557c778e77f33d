// URI scheme to transport: the only file of this package that knows sockets and DTLS.
import {
  byName,
  secureWebSocketTransport,
  type TlsCredentials,
  tcpTransport,
  tlsTransport,
  type Uri,
  udpDialler,
  webSocketTransport,
} from '@lapwing/coap';
import {
  type Credentials,
  checkCredentials as check,
  cipherSuites,
  type Journal,
  type SecureOptions,
  secure,
} from '@lapwing/dtls';
import { type Address, type Clock, ConfigError, type Random, type Transport } from '@lapwing/kernel';
import { dialled, type SmsAccess } from './sms.ts';

export type { Credentials } from '@lapwing/dtls';

/** What a road to one server is made of. */
export interface Destination {
  readonly address: Address;
  /** What the device proves itself with, and what it trusts of the server. */
  readonly credentials: Credentials | undefined;
  /** What to call the server in a handshake (/0/x/14); default: its host name. */
  readonly serverName?: string;
  /** IANA numbers of the cipher suites to use over DTLS (/0/x/16); default: all that are safe. */
  readonly cipherSuites?: readonly number[];
  /** What handshakes have come to, so that a transport that takes the place of another need not shake hands again; default nothing. */
  readonly associations?: AssociationRecords;
  /** Where the port of the device is remembered, so that the next transport is still known by its address; default any port. */
  readonly bound?: { port?: number };
  readonly clock: Clock;
  readonly random: Random;
}

/** Where a secured transport writes down what it has agreed with its peers, and finds it again. */
export interface AssociationRecords extends Journal {
  /** Everything that was written last, by key. */
  all(): Iterable<readonly [key: string, record: Uint8Array]>;
}

/** Makes the transport for one account; chosen by the scheme of its server's URI. Throws ConfigError for what cannot be. */
export type Connector = (destination: Destination) => Transport;

/** One socket or connection for each account, on a port of the system's choice. */
export const defaultConnectors: Readonly<Record<string, Connector>> = {
  coap: (destination) => byName(diallerFor(destination), destination),
  coaps: (destination) => byName(secured(diallerFor(destination), named(destination)), destination),
  'coap+tcp': ({ clock, random }) => tcpTransport({ clock, random }),
  'coaps+tcp': (destination) => tlsTransport(streamOptionsOf(destination)),
  'coap+ws': ({ clock, random }) => webSocketTransport({ clock, random }),
  'coaps+ws': (destination) => secureWebSocketTransport(streamOptionsOf(destination)),
};

/** By URI scheme; numbers where the device has a modem. */
export const connectorsOf = (sms: SmsAccess | undefined): Readonly<Record<string, Connector>> =>
  sms === undefined ? defaultConnectors : { ...defaultConnectors, ...numberConnectors(sms) };

/** Roads to numbers, over which DTLS with a pre-shared key and a short tag fits a text message (RFC 7925 Appendix A). */
function numberConnectors({ road }: SmsAccess): Readonly<Record<string, Connector>> {
  const connect: Connector = (destination) => {
    const { address, credentials, cipherSuites = [] } = destination;
    if (address.via !== 'sms') throw new ConfigError([`address: ${address.via} is no number`]);
    const line = road(address.msisdn);
    if (credentials === undefined) return line;
    return secured(line, {
      ...destination,
      cipherSuites: cipherSuites.length > 0 ? cipherSuites : [PSK_AES_128_CCM_8],
    });
  };
  return { tel: connect, sms: connect };
}

/** TLS_PSK_WITH_AES_128_CCM_8. */
const PSK_AES_128_CCM_8 = 0xc0a8;

const diallerFor = ({ clock, bound }: Destination): Transport =>
  udpDialler(bound === undefined ? { clock } : { clock, bound });

function streamOptionsOf({ credentials, serverName, clock, random }: Destination) {
  const connect = tlsCredentialsOf(credentials);
  const isNamed = connect.kind === 'psk' || connect.hostName !== undefined || serverName === undefined;
  return { connect: isNamed ? connect : { ...connect, hostName: serverName }, clock, random };
}

/** The same credentials in the words of TLS. Throws ConfigError for what node:tls cannot do. */
export function tlsCredentialsOf(credentials: Credentials | undefined): TlsCredentials {
  if (credentials === undefined) throw new ConfigError(['credentials: TLS needs some']);
  if (credentials.kind === 'psk') return credentials;
  if (credentials.kind === 'rpk') throw new ConfigError(['credentials: node:tls has no raw public keys; coaps has']);
  const { own, trust } = credentials;
  const { roots, pinned, usage, matching = 'exact', hostName, commonName, dates } = trust;
  const problems: string[] = [];
  if (pinned !== undefined && matching !== 'exact')
    problems.push(`credentials.trust.matching: not ${matching} over TLS`);
  if (usage === 0) problems.push('credentials.trust.usage: not 0 over TLS');
  if (dates === 'ignore') problems.push('credentials.trust.dates: TLS does not ignore them');
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    kind: 'x509',
    roots: usage === 2 && pinned !== undefined ? [pinned] : roots,
    ...(own === undefined ? {} : { own }),
    ...(pinned === undefined || usage === 2 ? {} : { pinned }),
    ...(pinned !== undefined && (usage ?? 3) === 3 ? { vouching: 'pinned-is-enough' as const } : {}),
    ...(hostName === undefined ? {} : { hostName }),
    ...(commonName === undefined ? {} : { commonName }),
  };
}

/**
 * DTLS over any road that carries datagrams. The server is offered a connection id (RFC 9146): a device whose address changes
 * stays who it is. Throws ConfigError without credentials.
 */
export function secured(road: Transport, destination: Destination): Transport {
  const { credentials, clock, random, serverName, associations, cipherSuites: wanted = [] } = destination;
  if (credentials === undefined) throw new ConfigError(['credentials: coaps needs some']);
  const suites = cipherSuites.filter(({ id }) => wanted.includes(id)).map(({ name }) => name);
  const transport = secure(road, {
    connect: credentials,
    clock,
    random,
    ...(serverName === undefined ? {} : { serverName }),
    // Suites that nobody here knows leave the choice open.
    ...(suites.length === 0 ? {} : { suites }),
    ...(associations === undefined ? {} : memoryOf(associations)),
  });
  const records = [...(associations?.all() ?? [])];
  if (records.length > 0) transport.restore(records);
  return transport;
}

/** An association is kept where the server finds it by its id: from another socket it would not know it by the address. */
function memoryOf(associations: AssociationRecords): Pick<SecureOptions, 'journal' | 'onEstablished'> {
  const bound = new Set<string>();
  return {
    journal: {
      write: (key, record) => {
        if (!bound.has(key)) associations.write(key, record);
        else if (record === undefined) bound.delete(key);
      },
      writeNow: (key, record) => associations.writeNow(key, record),
    },
    onEstablished: ({ peer, connectionIds }) => {
      if (connectionIds.theirs) return;
      bound.add(peer.key);
      associations.write(peer.key, undefined);
    },
  };
}

/** A server is called by the name in its URI, whichever of its addresses is tried. */
function named(destination: Destination): Destination {
  const { address, serverName } = destination;
  if (serverName !== undefined || address.via === 'sms' || !isName(address.host)) return destination;
  return { ...destination, serverName: address.host };
}

/** Such as can be said in a handshake (RFC 6066 §3). */
const isName = (host: string): boolean => /^[\w.-]{1,255}$/.test(host) && !/^[0-9.]*$/.test(host);

export function addressOf({ scheme, host, port = 0 }: Uri): Address {
  if (scheme === 'tel') return { via: 'sms', msisdn: host };
  // Written by others with an MSISDN, which has no plus.
  if (scheme === 'sms') return { via: 'sms', msisdn: dialled(host) };
  return { via: scheme.includes('+') ? 'tcp' : 'udp', host, port };
}

/** Throws ConfigError for what no handshake under this scheme can be made with. */
export function checkCredentials(scheme: string, credentials: Credentials): void {
  check(credentials);
  if (scheme.includes('+')) tlsCredentialsOf(credentials);
}

/** Whether a URI scheme promises that nobody listens in. */
export const isSecured = (scheme: string): boolean => /^coaps(?:\+|$)/.test(scheme);

// What a road that needs keys or connections is made of: DTLS, TLS, TCP and WebSockets. Loaded with the first account that wants one of
// them: a device in the open never does.
import {
  secureWebSocketTransport,
  type TlsCredentials,
  tcpTransport,
  tlsTransport,
  webSocketTransport,
} from '@lapwing/coap/streams';
import { type Credentials, checkCredentials as check, cipherSuites, type SecureOptions, secure } from '@lapwing/dtls';
import { ConfigError, type Transport } from '@lapwing/kernel';
import type { AssociationRecords, Destination } from './connect.ts';
import { late } from './late.ts';
import { counted } from './traffic.ts';

/** Over TCP, one connection for each account. */
export const streamConnectors = {
  'coap+tcp': ({ clock, random }: Destination) => tcpTransport({ clock, random }),
  'coaps+tcp': (destination: Destination) => tlsTransport(streamOptionsOf(destination)),
  'coap+ws': ({ clock, random }: Destination) => webSocketTransport({ clock, random }),
  'coaps+ws': (destination: Destination) => secureWebSocketTransport(streamOptionsOf(destination)),
};

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
  const {
    credentials,
    clock,
    random,
    serverName,
    associations,
    traffic,
    extensions,
    cipherSuites: wanted = [],
  } = destination;
  if (credentials === undefined) throw new ConfigError(['credentials: coaps needs some']);
  const suites = cipherSuites.filter(({ id }) => wanted.includes(id)).map(({ name }) => name);
  const below = traffic === undefined ? road : counted(road, (...of) => traffic.datagram(...of));
  const transport = secure(below, {
    connect: credentials,
    clock,
    random,
    ...(serverName === undefined ? {} : { serverName }),
    ...(lacks(extensions, Extension.ServerName) ? { serverName: false } : {}),
    ...(lacks(extensions, Extension.ConnectionId) ? { connectionId: false } : {}),
    // Suites that nobody here knows leave the choice open.
    ...(suites.length === 0 ? {} : { suites }),
    ...(associations === undefined ? {} : memoryOf(associations)),
  });
  const records = [...(associations?.all() ?? [])];
  if (records.length > 0) transport.restore(records);
  return transport;
}

/** Bits of /0/x/24; of the others none is used in any case, or TLS chooses. */
const Extension = { ServerName: 0, ConnectionId: 12 } as const;
const lacks = (extensions: number | undefined, bit: number): boolean =>
  extensions !== undefined && (extensions & (1 << bit)) === 0;

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
export function named(destination: Destination): Destination {
  const { address, serverName } = destination;
  if (serverName !== undefined || address.via === 'sms' || !isName(address.host)) return destination;
  return { ...destination, serverName: address.host };
}

/** Such as can be said in a handshake (RFC 6066 §3). */
const isName = (host: string): boolean => /^[\w.-]{1,255}$/.test(host) && !/^[0-9.]*$/.test(host);

/** Throws ConfigError for what no handshake under this scheme can be made with. */
export function checkCredentials(scheme: string, credentials: Credentials): void {
  check(credentials);
  if (scheme.includes('+')) tlsCredentialsOf(credentials);
}

late.checkCredentials = checkCredentials;

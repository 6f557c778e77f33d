// URI scheme to transport: the only files of this package that know sockets and DTLS are this one and connect-secured.ts.
import { byName, type Uri, udpDialler } from '@lapwing/coap';
import type { Credentials, Journal } from '@lapwing/dtls';
import type { Address, Clock, Random, Transport } from '@lapwing/kernel';
import { late } from './late.ts';
import { Lines } from './lines.ts';
import { dialled, type SmsAccess } from './sms.ts';
import type { Traffic } from './traffic.ts';

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
  /** Bits of the extensions to use in a handshake (/0/x/24): 0 the server's name, 12 connection ids; default both. */
  readonly extensions?: number;
  /** Instances of object 11 by which the server is to be reached, the most wanted first (/1/x/10, /1/x/24); default any. */
  readonly apns?: readonly number[];
  /** What handshakes have come to, so that a transport that takes the place of another need not shake hands again; default nothing. */
  readonly associations?: AssociationRecords;
  /** Where the port of the device is remembered, so that the next transport is still known by its address; default any port. */
  readonly bound?: { port?: number };
  /** Hears of each datagram of a secured road, for object 7; of everything else it hears anyway. Default nobody. */
  readonly traffic?: Traffic;
  /** What of the datagrams that come on the road is for this destination, where it shares it with others; default all that is for no other. */
  readonly heeds?: (bytes: Uint8Array) => boolean;
  readonly clock: Clock;
  readonly random: Random;
}

/** Where a secured transport writes down what it has agreed with its peers, and finds it again. */
export interface AssociationRecords extends Journal {
  /** Everything that was written last, by key. */
  all(): Iterable<readonly [key: string, record: Uint8Array]>;
}

/** Makes the transport for one account; chosen by the scheme of its server's URI. Throws ConfigError, or rejects with it, for what cannot be. */
export type Connector = (destination: Destination) => Transport | Promise<Transport>;

const overStreams =
  (scheme: 'coap+tcp' | 'coaps+tcp' | 'coap+ws' | 'coaps+ws'): Connector =>
  async (destination) =>
    (await import('./connect-secured.ts')).streamConnectors[scheme](destination);

/** One socket or connection for each account, on a port of the system's choice. */
export const defaultConnectors: Readonly<Record<string, Connector>> = {
  coap: (destination) => byName(diallerFor(destination), destination),
  coaps: async (destination) => {
    const { named, secured } = await import('./connect-secured.ts');
    return byName(secured(diallerFor(destination), named(destination)), destination);
  },
  'coap+tcp': overStreams('coap+tcp'),
  'coaps+tcp': overStreams('coaps+tcp'),
  'coap+ws': overStreams('coap+ws'),
  'coaps+ws': overStreams('coaps+ws'),
};

/** By URI scheme; numbers where the device has a modem. */
export const connectorsOf = (sms: SmsAccess | undefined): Readonly<Record<string, Connector>> =>
  sms === undefined ? defaultConnectors : { ...defaultConnectors, ...numberConnectors(sms) };

/** Roads to numbers, over which DTLS with a pre-shared key and a short tag fits a text message (RFC 7925 Appendix A). */
function numberConnectors({ road }: SmsAccess): Readonly<Record<string, Connector>> {
  const lines = new Lines(road, async (line, destination) => {
    const { cipherSuites = [] } = destination;
    const { secured } = await import('./connect-secured.ts');
    return secured(line, {
      ...destination,
      cipherSuites: cipherSuites.length > 0 ? cipherSuites : [PSK_AES_128_CCM_8],
    });
  });
  const connect: Connector = (destination) => lines.take(destination);
  return { tel: connect, sms: connect };
}

/** TLS_PSK_WITH_AES_128_CCM_8. */
const PSK_AES_128_CCM_8 = 0xc0a8;

const diallerFor = ({ clock, bound }: Destination): Transport =>
  udpDialler(bound === undefined ? { clock } : { clock, bound });

export function addressOf({ scheme, host, port = 0 }: Uri): Address {
  if (scheme === 'tel') return { via: 'sms', msisdn: host };
  // Written by others with an MSISDN, which has no plus.
  if (scheme === 'sms') return { via: 'sms', msisdn: dialled(host) };
  return { via: scheme.includes('+') ? 'tcp' : 'udp', host, port };
}

/** As `checkCredentials` of connect-secured.ts, once that is loaded; before, whoever makes a handshake finds out. */
export function checkCredentials(scheme: string, credentials: Credentials): void {
  late.checkCredentials?.(scheme, credentials);
}

/** Loads the roads that need keys or connections, and what their keys are checked with; undefined where they are there. */
export function loadSecured(): Promise<unknown> | undefined {
  return late.checkCredentials === undefined ? import('./connect-secured.ts') : undefined;
}

/** Whether a URI scheme promises that nobody listens in. */
export const isSecured = (scheme: string): boolean => /^coaps(?:\+|$)/.test(scheme);

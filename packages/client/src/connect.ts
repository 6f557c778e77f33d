// URI scheme to transport: the only file of this package that knows sockets, and later `dtls`.
import { type Uri, udpTransport } from '@lapwing/coap';
import type { Address } from '@lapwing/kernel';
import type { Connector } from './options.ts';

/** One socket for each account, on a port of the system's choice. */
export const defaultConnectors: Readonly<Record<string, Connector>> = {
  coap: (server) => udpTransport({ host: localHostFor(server), port: 0 }),
};

/** Where to bind to reach `server`: its own family, and loopback for loopback. A name is looked up as IPv4. */
export function localHostFor(server: Address): string {
  const host = server.via === 'sms' ? '' : server.host;
  if (host.includes(':')) return host === '::1' ? '::1' : '::';
  return host === 'localhost' || /^127\./.test(host) ? '127.0.0.1' : '0.0.0.0';
}

export function addressOf({ scheme, host, port = 0 }: Uri): Address {
  if (scheme === 'tel' || scheme === 'sms') return { via: 'sms', msisdn: host };
  return { via: scheme.endsWith('+tcp') ? 'tcp' : 'udp', host, port };
}

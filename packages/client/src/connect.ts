// URI scheme to transport: the only file of this package that knows sockets, and later `dtls`.
import { type Uri, udpTransport } from '@lapwing/coap';
import type { Address } from '@lapwing/kernel';
import type { Connector } from './options.ts';

/** One socket for each account, on a port of the system's choice. */
export const defaultConnectors: Readonly<Record<string, Connector>> = {
  coap: () => udpTransport({ port: 0 }),
};

export function addressOf({ scheme, host, port = 0 }: Uri): Address {
  if (scheme === 'tel' || scheme === 'sms') return { via: 'sms', msisdn: host };
  return { via: scheme.endsWith('+tcp') ? 'tcp' : 'udp', host, port };
}

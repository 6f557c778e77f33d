// What a client calls the server that it connects to, in the handshake and when it looks at a certificate.
import type { Address } from '@lapwing/kernel';

export interface ServerNames {
  readonly serverName: string | undefined;
  readonly hostName: string | undefined;
}

/** What a server is called: `told` overrides the host that is connected to; an address is no name (RFC 6066 §3). */
export function serverNames(address: Address, told: string | false | undefined): ServerNames {
  const host = address.via === 'sms' ? undefined : address.host;
  const isName = host !== undefined && !/^[0-9.]*$/.test(host) && !host.includes(':');
  const serverName = told === false ? undefined : (told ?? (isName ? host : undefined));
  return { serverName, hostName: (told === false ? undefined : told) ?? host };
}

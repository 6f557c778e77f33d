// What a host name stands for (shell), and what can be said of addresses that were tried in vain.
import { isIP, SocketAddress } from 'node:net';
import { type Address, formatAddress, seconds } from '@lapwing/kernel';
import { UnreachableError } from '../errors.ts';

/** The addresses of a host, best first. */
export type LookUp = (host: string) => Promise<readonly string[]>;

/** After so long without success the next address is tried too, in ms: the longest that RFC 8305 §5 has. */
export const attemptDelay = seconds(2);

/** Both families, in the order of the system's resolver (RFC 6724). Rejects with UnreachableError for names of nobody. */
export const systemLookUp: LookUp = async (host) => {
  // Not before: a device that knows the address of its server needs none of it.
  const { lookup } = await import('node:dns/promises');
  try {
    return (await lookup(host, { all: true, verbatim: true })).map(({ address }) => address);
  } catch (error) {
    throw new UnreachableError(host, [], unresolved(host, (error as NodeJS.ErrnoException).code ?? 'unknown'));
  }
};

function unresolved(host: string, code: string): string {
  if (code === 'EAI_AGAIN') return `the name service does not answer for ${host} (${code}): try again`;
  if (code === 'ENOTFOUND')
    return `there is no host ${host} (${code}): is the name right, and the name service reached?`;
  return `${host} could not be looked up (${code})`;
}

/** One way to write each address: a peer is known by it. An IPv4 address that was mapped to IPv6 is itself again. */
export function canonicalHost(host: string): string {
  if (isIP(host) !== 6) return host;
  const [literal = host, zone] = host.split('%');
  const { address } = new SocketAddress({ address: literal, family: 'ipv6' });
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(address)?.[1];
  return mapped ?? (zone === undefined ? address : `${address}%${zone}`);
}

/** What an error says of a connection, with each address where there were several: node:net says nothing of them in its message. */
export function attemptsOf(error: Error): string {
  if (!(error instanceof AggregateError)) return error.message;
  return error.errors
    .map((each: NodeJS.ErrnoException & { readonly address?: string; readonly port?: number }) => {
      const { address, port, code, message } = each;
      if (address === undefined || port === undefined) return message;
      return `${formatAddress({ via: 'tcp', host: address, port } satisfies Address)} (${code ?? message})`;
    })
    .join(', ');
}

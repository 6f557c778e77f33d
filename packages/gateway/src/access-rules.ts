// EMQX's access rules of a listener: `allow|deny <ip>|<cidr>|all`, the first that fits decides, none that fits allows.
import { BlockList, isIP } from 'node:net';
import { FormatError } from '@lapwing/kernel';

export interface AccessRule {
  readonly verdict: 'allow' | 'deny';
  fits(host: string): boolean;
}

/** Throws FormatError. */
export function parseAccessRule(text: string): AccessRule {
  const [verdict, whom, ...rest] = text.trim().split(/\s+/);
  if ((verdict !== 'allow' && verdict !== 'deny') || whom === undefined || rest.length > 0) {
    throw new FormatError('a rule is "allow" or "deny", then an address, a range or "all"');
  }
  if (whom === 'all') return { verdict, fits: () => true };
  const [address = '', bits] = whom.split('/');
  const family = isIP(address);
  const longest = family === 6 ? 128 : 32;
  const prefix = bits === undefined ? longest : Number(bits);
  if (family === 0 || !Number.isInteger(prefix) || prefix < 0 || prefix > longest) {
    throw new FormatError(`${JSON.stringify(whom.slice(0, 64))} is no address or range`);
  }
  const list = new BlockList();
  list.addSubnet(address, prefix, family === 6 ? 'ipv6' : 'ipv4');
  return { verdict, fits: (host) => list.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4') };
}

export function mayConnect(rules: readonly AccessRule[], host: string): boolean {
  const plain = host.startsWith('::ffff:') ? host.slice(7) : host;
  if (isIP(plain) === 0) return rules.length === 0;
  return (rules.find((rule) => rule.fits(plain))?.verdict ?? 'allow') === 'allow';
}

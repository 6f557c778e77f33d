// Whether a server's certificate is one for the host that was meant (RFC 9525): DNS names with at most one wildcard label,
// IP addresses byte by byte.
import { equalBytes } from '@lapwing/kernel';
import { AlertDescription } from '../alert.ts';
import { type Certificate, describeCertificate } from './certificate.ts';
import { type Refusal, refuse } from './verdict.ts';

/** Undefined when the certificate is for `host`, a DNS name (A-labels) or the text of an IP address. */
export function hostNameProblem(
  certificate: Certificate,
  host: string,
  commonName: 'ignored' | 'accepted',
): Refusal | undefined {
  const names = certificate.extensions.alternativeNames;
  const address = parseIpAddress(host);
  const dns = names?.dns ?? [];
  const ip = names?.ip ?? [];
  const fits =
    address === undefined ? dns.some((name) => matchesHost(name, host)) : ip.some((each) => equalBytes(each, address));
  if (fits) return undefined;
  const listed = [...dns.map((name) => JSON.stringify(name)), ...ip.map(formatIpAddress)];
  const common = certificate.subject.commonName;
  if (listed.length === 0 && common !== undefined) {
    if (commonName === 'accepted' && (address === undefined ? matchesHost(common, host) : equalText(common, host)))
      return undefined;
    return refuse(
      AlertDescription.BadCertificate,
      `${describeCertificate(certificate)} names no host in subjectAltName, so it is not for ${host}${commonName === 'ignored' ? ': issue it with one; the common name counts only where that is configured' : ''}`,
    );
  }
  const has =
    listed.length === 0 ? 'no host at all' : `${listed.slice(0, 8).join(', ')}${listed.length > 8 ? ', …' : ''}`;
  return refuse(
    AlertDescription.BadCertificate,
    `the server was reached as ${host}, but ${describeCertificate(certificate)} is for ${has}: connect by such a name, or set the name to expect`,
  );
}

/** RFC 9525 §6.3: a wildcard is the whole first label and stands for exactly one. */
export function matchesHost(presented: string, host: string): boolean {
  const pattern = withoutDot(presented.toLowerCase());
  const name = withoutDot(host.toLowerCase());
  if (name === '' || pattern === '') return false;
  if (!pattern.startsWith('*.')) return pattern === name && !pattern.includes('*');
  const rest = pattern.slice(1);
  const first = name.indexOf('.');
  return first > 0 && rest.length > 2 && !rest.includes('*') && rest.includes('.', 1) && name.slice(first) === rest;
}

function withoutDot(name: string): string {
  return name.endsWith('.') ? name.slice(0, -1) : name;
}

function equalText(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** 4 or 16 bytes of `192.0.2.1`, `2001:db8::1`, `[2001:db8::1]`, `fe80::1%eth0`; undefined for anything else. */
export function parseIpAddress(text: string): Uint8Array | undefined {
  const bare = text.replace(/^\[(.*)\]$/, '$1').replace(/%.*$/, '');
  if (!bare.includes(':')) return parseIpv4(bare);
  const [head = '', tail, more] = bare.split('::');
  if (more !== undefined) return undefined;
  const front = parseGroups(head, tail === undefined ? 'last' : 'first');
  const back = tail === undefined ? [] : parseGroups(tail, 'last');
  if (front === undefined || back === undefined) return undefined;
  const missing = 16 - front.length - back.length;
  if (tail === undefined ? missing !== 0 : missing < 2) return undefined;
  return Uint8Array.from([...front, ...new Array<number>(missing).fill(0), ...back]);
}

function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256))
    return undefined;
  return Uint8Array.from(parts, Number);
}

/** Bytes of groups between colons; the very last of an address may be IPv4. */
function parseGroups(text: string, half: 'first' | 'last'): number[] | undefined {
  if (text === '') return [];
  const bytes: number[] = [];
  const groups = text.split(':');
  for (const [i, group] of groups.entries()) {
    const v4 = half === 'last' && i === groups.length - 1 ? parseIpv4(group) : undefined;
    if (v4 !== undefined) bytes.push(...v4);
    else if (/^[0-9a-fA-F]{1,4}$/.test(group))
      bytes.push(Number.parseInt(group, 16) >>> 8, Number.parseInt(group, 16) & 0xff);
    else return undefined;
  }
  return bytes;
}

function formatIpAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups: string[] = [];
  for (let i = 0; i < bytes.length; i += 2) groups.push((((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0)).toString(16));
  return groups.join(':');
}

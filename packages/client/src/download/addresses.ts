// Where a device may be sent to fetch a package: whoever writes a URI must not use it to reach what only the device can reach. Pure; the
// address is looked at when the connection is made, so that a name cannot come to mean another one in between.

/**
 * `public`: what everybody can reach. `network` also has private networks (RFC 1918, RFC 4193, RFC 6598), where devices often have their
 * servers; never the device itself, its link or a group. `any`: everything.
 */
export type AddressPolicy = 'public' | 'network' | 'any';

type Range = readonly [prefix: readonly number[], bits: number];

/** Of the device itself, its link, groups, and nobody (RFC 6890, RFC 5771). */
const local4: readonly Range[] = [
  [[0, 0, 0, 0], 8],
  [[127, 0, 0, 0], 8],
  [[169, 254, 0, 0], 16],
  [[224, 0, 0, 0], 3],
];
const private4: readonly Range[] = [
  [[10, 0, 0, 0], 8],
  [[100, 64, 0, 0], 10],
  [[172, 16, 0, 0], 12],
  [[192, 0, 0, 0], 24],
  [[192, 168, 0, 0], 16],
  [[198, 18, 0, 0], 15],
];
/** Unspecified, loopback, link-local, site-local and groups (RFC 4291 §2). */
const local6: readonly Range[] = [
  [new Array(16).fill(0), 127],
  [[0xfe, 0x80], 10],
  [[0xfe, 0xc0], 10],
  [[0xff], 8],
];
const private6: readonly Range[] = [[[0xfc], 7]];
/** IPv6 that stands for an IPv4 address, and where that begins: mapped, compatible, NAT64, 6to4 (RFC 4291 §2.5.5, RFC 6052, RFC 3056). */
const embedding: readonly (readonly [Range, at: number])[] = [
  [[[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff], 96], 12],
  [[new Array(16).fill(0), 96], 12],
  [[[0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0], 96], 12],
  [[[0x20, 0x02], 16], 2],
];

/** Whether a connection may be made to `address`, a literal of either family; what is none is not. */
export function isAdmitted(address: string, policy: AddressPolicy): boolean {
  const bytes = bytesOf(address);
  if (bytes === undefined) return false;
  if (policy === 'any') return true;
  if (bytes.length === 4) return isAdmitted4(bytes, policy);
  if (isIn(bytes, local6) || (policy === 'public' && isIn(bytes, private6))) return false;
  const embedded = embedding.find(([range]) => isIn(bytes, [range]));
  return embedded === undefined || isAdmitted4(bytes.slice(embedded[1], embedded[1] + 4), policy);
}

function isAdmitted4(bytes: readonly number[], policy: AddressPolicy): boolean {
  return !isIn(bytes, local4) && (policy !== 'public' || !isIn(bytes, private4));
}

function isIn(bytes: readonly number[], ranges: readonly Range[]): boolean {
  return ranges.some(([prefix, bits]) => {
    for (let bit = 0; bit < bits; bit += 8) {
      const mask = 0xff00 >> Math.min(8, bits - bit);
      const at = bit / 8;
      if ((((bytes[at] ?? 0) ^ (prefix[at] ?? 0)) & mask & 0xff) !== 0) return false;
    }
    return true;
  });
}

/** 4 or 16 bytes; undefined for a host name. */
export function bytesOf(address: string): readonly number[] | undefined {
  if (!address.includes(':')) return bytesOf4(address);
  const [literal = '', zone] = address.split('%');
  if (zone === '') return undefined;
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(literal);
  const tail = dotted === null ? [] : bytesOf4(dotted[2] ?? '');
  if (tail === undefined) return undefined;
  const groups = (dotted === null ? literal : (dotted[1] ?? '').replace(/([^:]):$/, '$1')).split('::');
  if (groups.length > 2) return undefined;
  const [head, rest] = groups.map(bytesOfGroups);
  if (head === undefined || (groups.length === 2 && rest === undefined)) return undefined;
  const known = head.length + (rest?.length ?? 0) + tail.length;
  if (rest === undefined) return known === 16 ? [...head, ...tail] : undefined;
  return known > 14 ? undefined : [...head, ...new Array<number>(16 - known).fill(0), ...rest, ...tail];
}

function bytesOf4(address: string): readonly number[] | undefined {
  const parts = address.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256))
    return undefined;
  return parts.map(Number);
}

function bytesOfGroups(text: string): readonly number[] | undefined {
  if (text === '') return [];
  const groups = text.split(':');
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  return groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]);
}

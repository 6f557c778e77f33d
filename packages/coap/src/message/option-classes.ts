// Which options OSCORE encrypts: the table beside that of the options (RFC 8613 §4.1, figure 5; RFC 8768 §3, RFC 9175
// §2.2, §3.2). E is encrypted and integrity-protected, U is for proxies and travels in the open, EU may be on either
// side with a meaning of its own on each. No option is of class I, integrity-protected in the open.
import { Option } from './options.ts';

export type OptionClass = 'E' | 'U' | 'EU';
/** Where a message that is being protected gets the option. */
export type Placement = 'inner' | 'outer' | 'both';

type Row = readonly [name: keyof typeof Option, encryption: OptionClass, placement: Placement];

const rows: readonly Row[] = [
  ['IfMatch', 'E', 'inner'],
  ['UriHost', 'U', 'outer'],
  ['Etag', 'E', 'inner'],
  ['IfNoneMatch', 'E', 'inner'],
  // RFC 8613 §4.1.3.5: proxies must know of observations too.
  ['Observe', 'EU', 'both'],
  ['UriPort', 'U', 'outer'],
  ['LocationPath', 'E', 'inner'],
  ['Oscore', 'U', 'outer'],
  ['UriPath', 'E', 'inner'],
  ['ContentFormat', 'E', 'inner'],
  // RFC 8613 §4.1.3.1: outside it would steer the caching of an encrypted message, which nobody can do.
  ['MaxAge', 'EU', 'inner'],
  ['UriQuery', 'E', 'inner'],
  ['HopLimit', 'U', 'outer'],
  ['Accept', 'E', 'inner'],
  ['LocationQuery', 'E', 'inner'],
  // RFC 8613 §4.1.3.4: outside only where a proxy cuts the encrypted message once more.
  ['Block2', 'EU', 'inner'],
  ['Block1', 'EU', 'inner'],
  ['Size2', 'EU', 'inner'],
  ['ProxyUri', 'U', 'outer'],
  ['ProxyScheme', 'U', 'outer'],
  ['Size1', 'EU', 'inner'],
  ['Echo', 'EU', 'inner'],
  // RFC 8613 §4.1.3.6: the same value inside and outside.
  ['NoResponse', 'EU', 'both'],
  ['RequestTag', 'EU', 'inner'],
];

const classes: ReadonlyMap<number, OptionClass> = new Map(rows.map(([name, its]) => [Option[name], its]));
const placements: ReadonlyMap<number, Placement> = new Map(rows.map(([name, , its]) => [Option[name], its]));

/** Options outside the table are of class E (RFC 8613 §4.1). */
export function classOfOption(number: number): OptionClass {
  return classes.get(number) ?? 'E';
}

export function placementOfOption(number: number): Placement {
  return placements.get(number) ?? 'inner';
}

// What headers of HTTP mean for a package (RFC 9110). Pure.
import { PackageError } from './errors.ts';

export interface ContentRange {
  /** The first byte that comes. */
  readonly first: number;
  /** Of the whole, where it is known. */
  readonly size: number | undefined;
}

/** `bytes 100-199/1000`, also with `*` for the whole; undefined for anything else (RFC 9110 §14.4). */
export function contentRangeOf(value: string | undefined): ContentRange | undefined {
  const [, first, last, size] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(value ?? '') ?? [];
  if (first === undefined || Number(last) < Number(first)) return undefined;
  if (size !== '*' && Number(last) >= Number(size)) return undefined;
  return { first: Number(first), size: size === '*' ? undefined : Number(size) };
}

/** Only a strong tag says that bytes are the same (RFC 9110 §8.8.1). */
export const isStrongTag = (tag: string): boolean => /^"[\x21\x23-\x7e\x80-\xff]{0,128}"$/.test(tag);

/** Where a redirect leads, without what is known of the host before. Throws PackageError where the device does not follow. */
export function redirectOf(from: URL, location: string): URL {
  // A relative one would inherit what it is not to bring.
  const base = new URL(from);
  base.username = '';
  base.password = '';
  let to: URL;
  try {
    to = new URL(location, base);
  } catch (cause) {
    throw new PackageError('invalid-uri', 'a redirect leads nowhere', { cause });
  }
  if (to.protocol !== 'http:' && to.protocol !== 'https:')
    throw new PackageError('unsupported-protocol', `a redirect leads to '${to.protocol.slice(0, 32)}'`);
  if (from.protocol === 'https:' && to.protocol === 'http:')
    throw new PackageError('invalid-uri', 'a redirect leads from HTTPS to HTTP');
  if (to.username !== '' || to.password !== '')
    throw new PackageError('invalid-uri', 'a redirect brings credentials of its own');
  // Credentials are for the host that they were given for.
  if (to.host === from.host && to.protocol === from.protocol) {
    to.username = from.username;
    to.password = from.password;
  }
  return to;
}

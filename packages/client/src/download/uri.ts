// What is looked at in a package URI before anybody goes there, and how it is shown to others. Pure.
import { PackageError } from './errors.ts';

/** Bytes (object 5, resource 1). */
const longest = 255;

/** The scheme, in lower case. Throws PackageError for what is no URI of a host, or has a scheme that is not `known`. */
export function schemeOf(uri: string, known: ReadonlySet<string>): string {
  if (new TextEncoder().encode(uri).length > longest)
    throw new PackageError('invalid-uri', `the URI has more than ${longest} bytes`);
  if (/[\s\\\p{Cc}]/u.test(uri))
    throw new PackageError('invalid-uri', 'the URI has white space, a control or a backslash');
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(uri)?.[1]?.toLowerCase();
  if (scheme === undefined) throw new PackageError('invalid-uri', 'the URI has no scheme');
  if (!known.has(scheme))
    throw new PackageError('unsupported-protocol', `nothing here speaks '${scheme}' (known: ${[...known].join(', ')})`);
  if (!/^[^:]+:\/\/[^/?#]+/.test(uri)) throw new PackageError('invalid-uri', 'the URI has no host');
  return scheme;
}

/** As it may be read back: without user information and without values of the query, which are often keys. */
export function maskedUri(uri: string): string {
  return uri
    .replace(/^([^:/?#]+:\/\/)[^/?#]*@/, '$1***@')
    .replace(/\?.*$/s, (query) => query.replace(/=[^&#]*/g, '=***'));
}

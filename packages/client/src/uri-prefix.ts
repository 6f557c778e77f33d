// What stands behind the host in the URI of a server: it comes before the path and the query of each request that names an interface
// of the server, Register, Send and Bootstrap-Request. What the server itself has named, such as a registration, is left as it is.
import { makeRequest, OptionSet, placeOptions, type Request, type Uri } from '@lapwing/coap';

export type UriPrefix = Pick<Uri, 'path' | 'query'>;

/** Undefined for nearly all. */
export function prefixOf({ path, query }: UriPrefix): UriPrefix | undefined {
  return path.length === 0 && query.length === 0 ? undefined : { path, query };
}

export function behind(prefix: UriPrefix | undefined, request: Request): Request {
  if (prefix === undefined) return request;
  const { code, options, payload } = request;
  // Of equal numbers the first given comes first.
  return makeRequest(code, OptionSet.of(...placeOptions(prefix.path, prefix.query), ...options), payload);
}

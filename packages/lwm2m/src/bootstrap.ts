// The words of the bootstrap interface: what can be asked there, the parameters of a Bootstrap-Request both ways, and
// the links of a Bootstrap-Discover both ways (Core 1.2.1 §6.1.7). How they ride on CoAP is in binding/bootstrap.ts.
import { Code, formatLinks, type Link, makeLink, parseLinks } from '@lapwing/coap';
import { decodeUtf8, encodeUtf8, FormatError } from '@lapwing/kernel';
import type { Entry } from './entry.ts';
import { formatTraits } from './formats/registry.ts';
import {
  comparePaths,
  formatPath,
  type InstancePath,
  maxId,
  type ObjectPath,
  parsePath,
  type ResourcePath,
  type RootPath,
} from './path.ts';
import { isName } from './registration.ts';
import { type Lwm2mVersion, parseVersion } from './version.ts';

/** What a bootstrap server can ask of a device while it is bootstrapped: a closed list of its own. */
export type BootstrapOperation =
  | { readonly op: 'bootstrap-discover'; readonly path: RootPath | ObjectPath }
  /** From 1.1 on. */
  | { readonly op: 'bootstrap-read'; readonly path: ObjectPath | InstancePath; readonly accept?: number }
  | {
      readonly op: 'bootstrap-write';
      readonly path: ObjectPath | InstancePath | ResourcePath;
      readonly entries: readonly Entry[];
      /** Content-Format to send; default the one that the device prefers. */
      readonly format?: number;
    }
  | { readonly op: 'bootstrap-delete'; readonly path: RootPath | ObjectPath | InstancePath }
  | { readonly op: 'bootstrap-finish' };

/** What a device asks of its bootstrap server: to be written to, or for everything at once (1.2). */
export interface BootstrapRequest {
  readonly kind: 'bootstrap-request';
  /** Endpoint client name; undefined: take it from the credentials. */
  readonly name: string | undefined;
  /** Content-Format that the device wants to be written in (`pct`, from 1.1 on). */
  readonly preferredFormat: number | undefined;
}

export interface BootstrapProblem {
  readonly kind: 'problem';
  readonly code: Code;
  /** For people; holds nothing that the device has sent. */
  readonly reason: string;
}

const mostParameters = 64;

/** The `Uri-Query` of a Bootstrap-Request or Bootstrap-Pack-Request. Unknown parameters are passed over. */
export function parseBootstrapRequest(query: readonly string[]): BootstrapRequest | BootstrapProblem {
  if (query.length > mostParameters) return problem(Code.RequestEntityTooLarge, 'query too large');
  const parameters = new Map<string, string>();
  for (const part of query) {
    const equals = part.indexOf('=');
    const name = equals < 0 ? part : part.slice(0, equals);
    if (name !== 'ep' && name !== 'pct') continue;
    if (parameters.has(name)) return problem(Code.BadRequest, `${name} repeated`);
    parameters.set(name, equals < 0 ? '' : part.slice(equals + 1));
  }
  const name = parameters.get('ep');
  if (name !== undefined && !isName(name)) return problem(Code.BadRequest, 'ep malformed');
  const pct = parameters.get('pct');
  if (pct === undefined) return { kind: 'bootstrap-request', name, preferredFormat: undefined };
  if (!/^\d{1,5}$/.test(pct)) return problem(Code.BadRequest, 'pct malformed');
  const traits = formatTraits(Number(pct));
  // A single value says no instance.
  if (traits === undefined || traits.scope === 'value')
    return problem(Code.UnsupportedContentFormat, 'pct not spoken here');
  return { kind: 'bootstrap-request', name, preferredFormat: Number(pct) };
}

export interface BootstrapRequestFields {
  /** Undefined: the credentials say it. */
  readonly name?: string;
  readonly preferredFormat?: number;
}

/** Throws FormatError for a name that cannot be sent. */
export function formatBootstrapRequest({ name, preferredFormat }: BootstrapRequestFields): string[] {
  if (name !== undefined && !isName(name))
    throw new FormatError('an endpoint name is 1 to 252 bytes without control characters');
  const query = name === undefined ? [] : [`ep=${name}`];
  if (preferredFormat !== undefined) query.push(`pct=${preferredFormat}`);
  return query;
}

/** One object or instance of a device, as a bootstrap server sees it. */
export interface BootstrapPlace {
  readonly path: ObjectPath | InstancePath;
  /** Of an object, where it is not 1.0. */
  readonly version?: string;
  /** Of instances of Security, Server and OSCORE; a bootstrap account has none. */
  readonly shortServerId?: number;
  /** Of instances of Security that are not a bootstrap account. */
  readonly uri?: string;
}

/** The answer to a Bootstrap-Discover. */
export interface BootstrapLinks {
  /** Undefined where the device says none that is known here. */
  readonly version: Lwm2mVersion | undefined;
  /** In numeric order. */
  readonly places: readonly BootstrapPlace[];
}

/** Core 1.2.1 §6.1.7.3: `</>;lwm2m=1.1,</0/0>,</0/1>;ssid=101;uri="coaps://…",</1/0>;ssid=101`. */
export function formatBootstrapLinks(version: Lwm2mVersion, places: readonly BootstrapPlace[]): Uint8Array {
  const links = places.map(({ path, version: ver, shortServerId, uri }) => {
    const attributes: [string, string][] = [];
    if (ver !== undefined) attributes.push(['ver', ver]);
    if (shortServerId !== undefined) attributes.push(['ssid', String(shortServerId)]);
    if (uri !== undefined) attributes.push(['uri', uri]);
    return makeLink(formatPath(path), attributes);
  });
  return encodeUtf8(formatLinks([makeLink('/', [['lwm2m', version]]), ...links]));
}

/** More are no device's: a list is not worth our memory. */
const mostLinks = 4096;

/** Also as 1.0 wrote it, `lwm2m="1.0",</0/0>,…`. Throws FormatError. */
export function parseBootstrapLinks(payload: Uint8Array): BootstrapLinks {
  const text = decodeUtf8(payload);
  const old = /^\s*lwm2m\s*=\s*"?([\d.]{1,8})"?\s*(?:,|$)/.exec(text);
  const links = parseLinks(old === null ? text : text.slice(old[0].length));
  if (links.length > mostLinks) throw new FormatError(`${links.length} links, ${mostLinks} are read`);
  const root = links.find(({ target }) => target === '/' || target === '');
  const said = old?.[1] ?? textOf(root, 'lwm2m') ?? textOf(root, 'ver');
  const places = links.flatMap((link) => (link === root ? [] : placeOf(link)));
  return {
    version: said === undefined ? undefined : parseVersion(said),
    places: places.sort((a, b) => comparePaths(a.path, b.path)),
  };
}

/** A discovery goes down to instances: whoever says more means no harm. */
function placeOf(link: Link): BootstrapPlace[] {
  const path = parsePath(link.target);
  if (path.kind !== 'object' && path.kind !== 'instance') return [];
  const version = textOf(link, 'ver');
  const shortServerId = numberOf(textOf(link, 'ssid'));
  const uri = textOf(link, 'uri');
  return [
    {
      path,
      ...(version === undefined ? {} : { version }),
      ...(shortServerId === undefined ? {} : { shortServerId }),
      ...(uri === undefined ? {} : { uri }),
    },
  ];
}

function textOf(link: Link | undefined, name: string): string | undefined {
  const value = link?.attributes.get(name);
  return typeof value === 'string' ? value : undefined;
}

function numberOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(number <= maxId + 1)) throw new FormatError('a short server id is 1 to 65 534');
  return number;
}

const problem = (code: Code, reason: string): BootstrapProblem => ({ kind: 'problem', code, reason });

// How to get to a server: what an instance of object 0 comes to, with what object 1 says of the road to take.
import { parseUri } from '@lapwing/coap';
import type { ContextParameters } from '@lapwing/coap/oscore';
import { type Address, ConfigError, FormatError, isStackError } from '@lapwing/kernel';
import type { ObjectLink } from '@lapwing/lwm2m';
import { ApnConnectionProfile } from './builtin/account-objects.ts';
import { keyProblems, suspicionOf } from './builtin/key-problems.ts';
import { checkOscore, OscoreObject, readOscore } from './builtin/oscore.ts';
import {
  credentialsOf,
  readSecurity,
  SecurityObject,
  type SecurityRecord,
  smsCredentialsOf,
  smsModeProblem,
} from './builtin/security.ts';
import type { ServerRecord } from './builtin/server.ts';
import { letterOf } from './builtin/server-rules.ts';
import { addressOf, type Connector, type Credentials } from './connect.ts';
import type { ObjectStore } from './objects/store.ts';
import type { InstanceNode } from './objects/tree.ts';
import type { Settings } from './settings.ts';
import { dialled } from './sms.ts';
import { prefixOf, type UriPrefix } from './uri-prefix.ts';

/** How to get to a server of any kind. */
export interface Road {
  /** Instance of object 0. */
  readonly security: number;
  readonly uri: string;
  readonly address: Address;
  /** Of what is asked of the server; undefined for none. */
  readonly prefix: UriPrefix | undefined;
  readonly credentials: Credentials | undefined;
  readonly connector: Connector;
  readonly serverName: string | undefined;
  readonly cipherSuites: readonly number[];
  /** Bits of /0/x/24; undefined for the choice of the stack. */
  readonly extensions: number | undefined;
  /** Instances of object 11 to go by, the most wanted first (/1/x/10, /1/x/24). */
  readonly apns: readonly number[];
  /** Undefined where messages are not protected by OSCORE. */
  readonly oscore:
    | { /** Of object 21. */ readonly instance: number; readonly parameters: ContextParameters }
    | undefined;
}

/** What object 1 says of it. */
export type Wish = Pick<ServerRecord, 'binding' | 'preferredTransport' | 'apnLinks'>;

const anyRoad: Wish = { binding: undefined, preferredTransport: undefined, apnLinks: [] };

/** The text says what is wrong. `given` are credentials that options say in place of the instance. */
export function roadTo(
  node: InstanceNode,
  settings: Settings,
  given: Credentials | undefined,
  wish: Wish = anyRoad,
): Road | string {
  const { connectors, authorities, objects } = settings;
  const written = readSecurity(node.contents);
  const record = { ...written, uri: uriOf(written, wish, settings) };
  const oscore = record.oscore === undefined ? undefined : contextOf(record.oscore, objects);
  // In the open nothing goes to a server that is to be spoken to under OSCORE.
  if (typeof oscore === 'string') return `/0/${node.id}: ${oscore}`;
  try {
    const uri = parseUri(record.uri);
    const connector = Object.hasOwn(connectors, uri.scheme) ? connectors[uri.scheme] : undefined;
    if (connector === undefined) return `/0/${node.id}: nothing here speaks '${uri.scheme}'`;
    const address = addressOf(uri);
    const isNumber = address.via === 'sms';
    const own = record.uri === written.uri || !isNumber ? given : undefined;
    const credentials = own ?? (isNumber ? smsCredentialsOf(record) : credentialsOf(record, authorities));
    if (isNumber && smsModeProblem(record) !== undefined) return `/0/${node.id}: ${smsModeProblem(record)}`;
    // What options give has been looked at there.
    const wrong = own === undefined && !isNumber ? keyProblems(uri.scheme, record, credentials) : [];
    if (wrong.length > 0) return wrong.map((problem) => `/0/${node.id}${problem}`).join('; ');
    return {
      security: node.id,
      uri: record.uri,
      address,
      prefix: prefixOf(uri),
      credentials,
      connector,
      serverName: record.serverName,
      cipherSuites: record.cipherSuites,
      extensions: record.extensions,
      apns: apnsOf(wish.apnLinks, objects),
      oscore,
    };
  } catch (error) {
    if (error instanceof FormatError) return `/0/${node.id}: ${error.message}`;
    throw error;
  }
}

/**
 * Of the places of a server the one on the transport that is preferred (/1/x/22), else the first that the binding names (/1/x/7) and
 * something here speaks; its number counts where it is preferred.
 */
function uriOf({ uri, otherUris, smsNumber }: SecurityRecord, wish: Wish, { connectors, sms }: Settings): string {
  const { preferredTransport: preferred, binding } = wish;
  if (otherUris.length === 0 && preferred === undefined) return uri;
  const spoken = [uri, ...otherUris].filter((each) => Object.hasOwn(connectors, schemeOf(each)));
  const wanted = preferred === undefined ? undefined : spoken.find((each) => letterOf(each) === preferred);
  if (wanted !== undefined) return wanted;
  if (preferred === 'S' && sms !== undefined && smsNumber !== undefined) return `tel:${dialled(smsNumber)}`;
  return spoken.find((each) => binding?.includes(letterOf(each) ?? '') === true) ?? spoken[0] ?? uri;
}

const schemeOf = (uri: string): string => uri.slice(0, Math.max(0, uri.indexOf(':'))).toLowerCase();

/** Those that are there, each once. */
function apnsOf(links: readonly ObjectLink[], objects: ObjectStore): readonly number[] {
  if (links.length === 0) return none;
  const profiles = objects.objects.get(ApnConnectionProfile.id)?.instances;
  const known = links.filter(({ object, instance }) => object === ApnConnectionProfile.id && profiles?.has(instance));
  return [...new Set(known.map(({ instance }) => instance))];
}

const none: readonly number[] = [];

/** The number that may wake the device, where there is one and it can be reached. */
export function wakingOf(
  record: SecurityRecord,
  { sms, connectors }: Settings,
): Pick<Road, 'address' | 'credentials' | 'connector'> | undefined {
  const { smsNumber } = record;
  const { tel: connector } = connectors;
  if (sms === undefined || smsNumber === undefined || connector === undefined || smsModeProblem(record) !== undefined)
    return undefined;
  const address: Address = { via: 'sms', msisdn: dialled(smsNumber) };
  return { address, credentials: smsCredentialsOf(record), connector };
}

/** The text says what is wrong. */
function contextOf({ object, instance }: ObjectLink, objects: ObjectStore): Road['oscore'] | string {
  const node = object === OscoreObject.id ? objects.objects.get(object)?.instances.get(instance) : undefined;
  if (node === undefined) return 'its OSCORE link leads nowhere';
  const parameters = readOscore(node.contents);
  try {
    checkOscore(parameters);
  } catch (error) {
    if (error instanceof ConfigError) return `/${object}/${instance}: ${error.message}`;
    throw error;
  }
  return { instance, parameters };
}

/** After a handshake that came to nothing: what of the keys looks strange. */
export function suspicionAt(store: ObjectStore, { security }: Road, error: Error): { readonly suspicion?: string } {
  const node = store.objects.get(SecurityObject.id)?.instances.get(security);
  if (node === undefined || !(isStackError(error) && error.code.startsWith('DTLS_'))) return {};
  const suspicion = suspicionOf(readSecurity(node.contents));
  return suspicion === undefined ? {} : { suspicion };
}

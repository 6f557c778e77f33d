// What may be written to an instance of object 1, and by which letters it calls roads (Core 1.2.1 §6.2.1, Appendix E.2). Pure.
import { parseUri, ResponseError } from '@lapwing/coap';
import { FormatError } from '@lapwing/kernel';
import { type Lwm2mVersion, type Value, versionTraits } from '@lapwing/lwm2m';
import { addressOf } from '../connect.ts';
import { within } from '../objects/checks.ts';
import { type Content, type Contents, type InstanceCheck, isMany, numberOf } from '../objects/tree.ts';
import { ApnConnectionProfile, Server } from './account-objects.ts';
import { readSecurity, SecurityObject } from './security.ts';

const { resources } = Server;
const { shortServerId, lifetime, defaultMinimumPeriod, defaultMaximumPeriod, disableTimeout, binding } = resources;
/** Seconds: what fits in 32 bits, and in a number as ms. */
const longest = 0xffff_ffff;
const periods = [
  lifetime,
  defaultMinimumPeriod,
  defaultMaximumPeriod,
  disableTimeout,
  resources.initialRegistrationDelayTimer,
  resources.communicationRetryTimer,
  resources.communicationSequenceDelayTimer,
];
const checkChoices = within(
  [resources.defaultNotificationMode.id, 'notification mode', 0, 1],
  [resources.profileIdHashAlgorithm.id, 'hash algorithm', 0, 0xff],
);
/** Of profiles of access points. */
const links = [resources.apnLink, resources.alternateApnLinks];
const counts = [resources.communicationRetryCount, resources.communicationSequenceRetryCount];

const nullLink = 0xffff;
const isVersion = /^\d{1,5}\.\d{1,5}(\.\d{1,5})?$/;

/** How the road to a server is called in bindings (Core 1.2.1 §6.2.1). */
export const bindingLetters = { udp: 'U', tcp: 'T', sms: 'S' } as const;

/** Undefined for a URI that makes no sense. */
export function letterOf(uri: string): string | undefined {
  try {
    return bindingLetters[addressOf(parseUri(uri)).via];
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/**
 * What can be said of the account with that short server id: the letters of its URIs, and beside them that of its number. Undefined where it
 * has no road, or one that makes no sense.
 */
function lettersOf(server: number | undefined, securities: readonly Contents[]): Letters | undefined {
  const records = securities.map(readSecurity);
  const record = records.find((each) => !each.isBootstrap && each.shortServerId === server);
  if (record === undefined) return undefined;
  const own = [record.uri, ...record.otherUris].map(letterOf);
  if (own[0] === undefined) return undefined;
  return { own: own.join(''), all: record.smsNumber === undefined ? own.join('') : `${own.join('')}S` };
}

interface Letters {
  readonly own: string;
  readonly all: string;
}

/** What is spoken with the server of that short server id; undefined where that does not matter. */
export type VersionOf = (server: number) => Lwm2mVersion | undefined;

/** Refuses what would leave the device unreachable or restless: no server gets to write that (Core 1.2.1 Appendix E.2). */
export function checkServer(versionOf: VersionOf, ...[valueOf, instancesOf, touched]: Parameters<InstanceCheck>): void {
  for (const { id } of periods) {
    const period = numberOf(valueOf(id));
    if (period !== undefined && !(period >= 0 && period <= longest))
      throw ResponseError.badRequest(`resource ${id}: not a number of seconds`);
  }
  for (const { id } of counts) {
    const count = numberOf(valueOf(id));
    if (count !== undefined && !(count >= 1)) throw ResponseError.badRequest(`resource ${id}: not 1 or more`);
  }
  checkChoices(valueOf, instancesOf, touched);
  for (const { id } of links)
    if (!valuesOf(valueOf(id)).every(isProfileLink))
      throw ResponseError.badRequest(`resource ${id}: no link to a profile`);
  for (const { value } of valuesOf(valueOf(resources.supportedServerVersions.id)))
    if (!isVersion.test(String(value))) throw ResponseError.badRequest('a version is not like 1.1');
  const server = numberOf(valueOf(shortServerId.id));
  const version = touched.has(binding.id) && server !== undefined ? versionOf(server) : undefined;
  checkRoads(textOf(valueOf(binding.id)), textOf(valueOf(resources.preferredTransport.id)), {
    letters: lettersOf(server, instancesOf(SecurityObject.id)),
    // Since 1.1 whether the device sleeps is its own to say, when it registers (Core 1.2.1 §6.2.1).
    mayQueue: version === undefined || versionTraits[version].queueMode === 'binding',
  });
}

function checkRoads(
  wanted: string | undefined,
  preferred: string | undefined,
  { letters, mayQueue }: { readonly letters: Letters | undefined; readonly mayQueue: boolean },
): void {
  if (!mayQueue && wanted?.includes('Q') === true) throw ResponseError.badRequest('Q is no binding since 1.1');
  if (letters === undefined) return;
  if (wanted !== undefined && !isBinding(wanted, letters))
    throw ResponseError.badRequest('this binding is not spoken here');
  if (preferred !== undefined && !(preferred.length === 1 && letters.all.includes(preferred)))
    throw ResponseError.badRequest('this transport is not spoken here');
}

const valuesOf = (content: Content | undefined): readonly Value[] =>
  content === undefined ? [] : isMany(content) ? [...content.values()] : [content];

const isProfileLink = ({ type, value }: Value): boolean =>
  type === 'objlnk' && (value.object === ApnConnectionProfile.id || value.object === nullLink);

const textOf = (content: Content | undefined): string | undefined =>
  content === undefined || isMany(content) ? undefined : String(content.value);

/** At least one road is that of a URI of the account; Q is how 1.0 says queue mode. */
function isBinding(text: string, { own, all }: Letters): boolean {
  const roads = text.replace('Q', '');
  const isDistinct = new Set(roads).size === roads.length;
  return isDistinct && [...roads].some((road) => own.includes(road)) && [...roads].every((road) => all.includes(road));
}

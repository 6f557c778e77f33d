// Whether a configuration could bring the device to a server, looked at whole before it comes into force: what it lacks is
// said at Bootstrap-Finish with 4.06 (Core 1.2.1 §6.1.7.2). Pure.
import { parseUri } from '@lapwing/coap';
import type { ContextParameters } from '@lapwing/coap/oscore';
import { equalInConstantTime, FormatError, isStackError, type Secret } from '@lapwing/kernel';
import { readOscore } from '../builtin/oscore.ts';
import {
  readSecurity,
  SecurityMode,
  type SecurityRecord,
  SmsSecurityMode,
  smsModeProblem,
} from '../builtin/security.ts';
import { readServer, type ServerRecord } from '../builtin/server.ts';
import { isSecured } from '../connect.ts';
import { numberAt } from '../objects/reading.ts';
import { type Contents, isMany } from '../objects/tree.ts';
import { isNumber } from '../sms.ts';

/** Instances of an object by id, in force or not. */
export interface Configuration {
  instancesOf(object: number): ReadonlyMap<number, Contents>;
}

/** A server that is there already would be spoken to over a weaker road. */
export interface Downgrade {
  /** Short server id; undefined for the bootstrap account. */
  readonly shortServerId: number | undefined;
  readonly from: string;
  readonly to: string;
}

export interface ConsistencyRules {
  /** URI schemes that the device speaks. */
  readonly schemes: ReadonlySet<string>;
  readonly downgrade: 'refuse' | 'accept';
  /** Throws for keys that no handshake can be made with. */
  checkKeys(scheme: string, record: SecurityRecord): void;
  /** Throws for what makes no context of OSCORE. */
  checkContext(parameters: ContextParameters): void;
}

export interface Findings {
  /** Empty: the configuration may come into force. */
  readonly problems: readonly string[];
  readonly downgrades: readonly Downgrade[];
}

const accessControl = 2;
const oscore = 21;
/** Access control of those that have no entry of their own, and the owner of what nobody else may touch. */
const anyServer = 0;
const bootstrapOwner = 0xffff;

export function findingsOf(before: Configuration, after: Configuration, rules: ConsistencyRules): Findings {
  const problems: string[] = [];
  const securities = recordsOf(after, 0, readSecurity);
  const servers = recordsOf(after, 1, readServer);
  checkAccounts(securities, servers, problems);
  const inForce = before.instancesOf(0);
  for (const [id, record] of securities) {
    // What nobody has touched has brought the device as far as this.
    if (inForce.get(id) !== after.instancesOf(0).get(id)) checkSecurity(`/0/${id}`, record, rules, problems);
  }
  checkContexts(securities, after, rules, problems);
  checkAccess(after, new Set([...servers.values()].map(({ shortServerId }) => shortServerId)), problems);
  const downgrades = downgradesOf(recordsOf(before, 0, readSecurity), securities);
  if (rules.downgrade === 'refuse')
    for (const { shortServerId, from, to } of downgrades)
      problems.push(`${shortServerId ?? 'the bootstrap server'} would be spoken to by ${to} instead of ${from}`);
  return { problems, downgrades };
}

type Records<T> = ReadonlyMap<number, T>;

function recordsOf<T>(configuration: Configuration, object: number, read: (contents: Contents) => T): Records<T> {
  return new Map([...configuration.instancesOf(object)].map(([id, contents]) => [id, read(contents)]));
}

/** Every server has a road and every road leads to one server. */
function checkAccounts(securities: Records<SecurityRecord>, servers: Records<ServerRecord>, problems: string[]): void {
  const roads = [...securities].filter(([, { isBootstrap }]) => !isBootstrap);
  if (roads.length === 0 || servers.size === 0) problems.push('there is no server to register at');
  if (securities.size - roads.length > 1) problems.push('there are two bootstrap accounts');
  const reached = new Set<number>();
  for (const [id, { shortServerId }] of roads) {
    if (!isServerId(shortServerId)) problems.push(`/0/${id} has no short server id`);
    else if (reached.has(shortServerId)) problems.push(`/0/${id} has the short server id of another`);
    else reached.add(shortServerId);
  }
  const known = new Set<number>();
  for (const [id, { shortServerId, lifetime }] of servers) {
    if (!isServerId(shortServerId)) problems.push(`/1/${id} has no short server id`);
    else if (known.has(shortServerId)) problems.push(`/1/${id} has the short server id of another`);
    else if (!reached.has(shortServerId)) problems.push(`/1/${id} has no instance of object 0`);
    if (shortServerId !== undefined) known.add(shortServerId);
    if (lifetime === undefined) problems.push(`/1/${id} has no lifetime`);
  }
  for (const each of reached) if (!known.has(each)) problems.push(`server ${each} has no instance of object 1`);
}

function checkSecurity(
  at: string,
  record: SecurityRecord,
  { schemes, checkKeys }: ConsistencyRules,
  problems: string[],
): void {
  const scheme = schemeOf(record.uri);
  if (scheme === undefined) problems.push(`${at}: the URI makes no sense`);
  else if (!schemes.has(scheme)) problems.push(`${at}: nothing here speaks ${scheme}`);
  else if (isSecured(scheme) === (record.mode === SecurityMode.NoSec))
    problems.push(`${at}: ${scheme} and security mode ${record.mode} contradict each other`);
  for (const other of record.otherUris) {
    const otherScheme = schemeOf(other);
    if (otherScheme === undefined) problems.push(`${at}: another URI of it makes no sense`);
    else if (!isNumber(other) && isSecured(otherScheme) === (record.mode === SecurityMode.NoSec))
      problems.push(`${at}: ${otherScheme} and security mode ${record.mode} contradict each other`);
  }
  const missing = missingKey(record) ?? (usesNumber(record) ? smsModeProblem(record) : undefined);
  if (missing !== undefined) {
    problems.push(`${at}: ${missing}`);
    return;
  }
  if (record.mode === SecurityMode.NoSec || scheme === undefined) return;
  try {
    checkKeys(scheme, record);
  } catch (error) {
    problems.push(`${at}: ${isStackError(error) ? error.message : 'its keys make no sense'}`);
  }
}

/** By its URI, or beside it. */
const usesNumber = ({ uri, smsNumber }: SecurityRecord): boolean => smsNumber !== undefined || isNumber(uri);

/** Each link leads to a context, each context has one link (object 21), and keys can be made of it. */
function checkContexts(
  securities: Records<SecurityRecord>,
  configuration: Configuration,
  { checkContext }: ConsistencyRules,
  problems: string[],
): void {
  const linked = new Set<number>();
  const secrets: Secret[] = [];
  for (const [id, { oscore: link }] of securities) {
    if (link === undefined) continue;
    const { object, instance } = link;
    const contents = object === oscore ? configuration.instancesOf(oscore).get(instance) : undefined;
    if (contents === undefined) {
      problems.push(`/0/${id}: its OSCORE link leads nowhere`);
      continue;
    }
    if (linked.has(instance)) problems.push(`/0/${id}: its OSCORE context is that of another`);
    linked.add(instance);
    const parameters = readOscore(contents);
    const { masterSecret } = parameters;
    // Two servers would use the same nonces with it, and each could speak as the other (RFC 8613 §3.3).
    if (secrets.some((each) => equalInConstantTime(each.reveal(), masterSecret.reveal())))
      problems.push(`/21/${instance}: its master secret is that of another server`);
    secrets.push(masterSecret);
    try {
      checkContext(parameters);
    } catch (error) {
      problems.push(`/21/${instance}: ${isStackError(error) ? error.message : 'its keys make no sense'}`);
    }
  }
}

function missingKey({ mode, publicKeyOrIdentity, serverPublicKey, secretKey }: SecurityRecord): string | undefined {
  switch (mode) {
    case SecurityMode.NoSec:
      return undefined;
    case SecurityMode.PreSharedKey:
      return publicKeyOrIdentity.length > 0 && secretKey.length > 0 ? undefined : 'identity or key missing';
    case SecurityMode.RawPublicKey:
      return serverPublicKey.length > 0 && secretKey.length > 0 ? undefined : 'a key is missing';
    case SecurityMode.Certificate:
      return publicKeyOrIdentity.length > 0 && secretKey.length > 0 ? undefined : 'certificate or key missing';
    default:
      return `security mode ${mode} is not spoken here`;
  }
}

/** Who may do what is said of servers that are there. */
function checkAccess(configuration: Configuration, servers: ReadonlySet<number | undefined>, problems: string[]): void {
  for (const [id, contents] of configuration.instancesOf(accessControl)) {
    const owner = numberAt(contents, 3);
    if (owner === undefined || (owner !== bootstrapOwner && !servers.has(owner)))
      problems.push(`/2/${id}: its owner is no server`);
    const acl = contents.get(2);
    if (acl === undefined || !isMany(acl)) continue;
    for (const server of acl.keys())
      if (server !== anyServer && !servers.has(server)) problems.push(`/2/${id}: ${server} is no server`);
  }
}

/** The less of these, the weaker; what nobody knows is nothing. */
const strength: Readonly<Record<number, number>> = {
  [SecurityMode.NoSec]: 0,
  [SecurityMode.PreSharedKey]: 1,
  [SecurityMode.RawPublicKey]: 2,
  [SecurityMode.Certificate]: 3,
  [SecurityMode.Est]: 3,
};
const modeNames = ['pre-shared key', 'raw public key', 'certificate', 'no security', 'certificate by EST'];

function downgradesOf(before: Records<SecurityRecord>, after: Records<SecurityRecord>): Downgrade[] {
  const old = new Map([...before.values()].map((record) => [keyOf(record), record]));
  return [...after.values()].flatMap((record) => {
    const known = old.get(keyOf(record));
    if (known === undefined) return [];
    if (!isWeaker(record, known)) return [];
    const { shortServerId } = record;
    return [{ shortServerId, from: nameOf(known), to: nameOf(record) }];
  });
}

function isWeaker(record: SecurityRecord, known: SecurityRecord): boolean {
  if (strengthOf(record) < strengthOf(known)) return true;
  // One of two protections less.
  if (known.oscore !== undefined && record.oscore === undefined) return modeStrength(record) <= modeStrength(known);
  return record.oscore === undefined && isSecured(schemeOf(known.uri) ?? '') && !isSecured(schemeOf(record.uri) ?? '');
}

/** Of the road by its URI. */
const modeOf = ({ uri, mode, smsMode }: SecurityRecord): number => {
  if (!isNumber(uri)) return mode;
  return smsMode === SmsSecurityMode.Dtls ? SecurityMode.PreSharedKey : SecurityMode.NoSec;
};

const modeStrength = (record: SecurityRecord): number => strength[modeOf(record)] ?? 0;

/** OSCORE is as good as what its secret is: one that both sides share. */
const strengthOf = (record: SecurityRecord): number =>
  Math.max(modeStrength(record), record.oscore === undefined ? 0 : (strength[SecurityMode.PreSharedKey] ?? 0));

function nameOf(record: SecurityRecord): string {
  const name = modeNames[modeOf(record)] ?? 'unknown';
  if (record.oscore === undefined) return name;
  return modeOf(record) === SecurityMode.NoSec ? 'OSCORE' : `${name} and OSCORE`;
}

const keyOf = ({ isBootstrap, shortServerId }: SecurityRecord): string =>
  isBootstrap ? 'bootstrap' : String(shortServerId);

const isServerId = (id: number | undefined): id is number => id !== undefined && id >= 1 && id <= 65_534;

function schemeOf(uri: string): string | undefined {
  try {
    return parseUri(uri).scheme;
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

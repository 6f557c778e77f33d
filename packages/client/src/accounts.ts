// What a client knows about its servers: made of the instances of objects 0 and 1, which the options or a bootstrap have
// written (Core 1.2.1 §6.1.2). What options know beyond what these objects can say is remembered beside the instances.
import type { ContextParameters } from '@lapwing/coap/oscore';
import { type Lwm2mVersion, type Path, parseVersion, versions } from '@lapwing/lwm2m';
import { ApnConnectionProfile } from './builtin/account-objects.ts';
import { OscoreObject, oscoreValues } from './builtin/oscore.ts';
import {
  readSecurity,
  SecurityMode,
  SecurityObject,
  type SecurityRecord,
  securityKeys,
  smsKeys,
} from './builtin/security.ts';
import { defineServerObject, readServer, ServerObject, type ServerTriggers, serverActions } from './builtin/server.ts';
import { bindingLetters } from './builtin/server-rules.ts';
import type { Credentials } from './connect.ts';
import { stageValues } from './objects/instance.ts';
import type { ObjectStore } from './objects/store.ts';
import { type InstanceNode, instanceKey } from './objects/tree.ts';
import type { Placed } from './registration/order.ts';
import { type Road, roadTo, wakingOf } from './roads.ts';
import type { FactoryAccount, FactoryBootstrap, Habits, Settings } from './settings.ts';
import { isNumber } from './sms.ts';

export interface AccountSettings extends Road, Placed, Habits {
  /** Short server id. */
  readonly id: number;
  /** Of the road, where nothing is written of it (/1/x/7). */
  readonly letter: string;
  /** The number that may wake the device; undefined where there is none, or where it is the road anyway. */
  readonly waking: Pick<Road, 'address' | 'credentials' | 'connector'> | undefined;
  /** The newest that device and server both speak, as far as that is written (/1/x/25): the one to begin with. */
  readonly version: Lwm2mVersion;
  readonly bootstrapOnRegistrationFailure: boolean;
}

export interface BootstrapAccountSettings extends Road {
  readonly record: SecurityRecord;
}

const givenCredentials = new WeakMap<InstanceNode, Credentials>();
const givenHabits = new WeakMap<InstanceNode, Habits>();

/** Makes objects 0 and 1 known; `triggers` take what servers execute there. */
export function defineAccountObjects(store: ObjectStore, triggers: ServerTriggers): void {
  store.define(SecurityObject);
  defineServerObject(store, triggers);
}

/** Factory bootstrap (Core 1.2.1 §6.1.4.1): the options become instances, unless there are accounts already. Returns what it made. */
export function furnish(settings: Settings): readonly (readonly [number, number])[] {
  const { objects, accounts, bootstrap } = settings;
  if ((objects.objects.get(SecurityObject.id)?.instances.size ?? 0) > 0) return [];
  const made: (readonly [number, number])[] = [];
  const first = bootstrap === undefined ? 0 : 1;
  objects.batch(() => {
    if (bootstrap !== undefined) addBootstrap(objects, bootstrap);
    for (const [i, account] of accounts.entries()) addAccount(objects, i, first + i, account);
  });
  if (bootstrap !== undefined) {
    made.push([SecurityObject.id, 0]);
    if (bootstrap.oscore !== undefined) made.push([OscoreObject.id, 0]);
    remember(objects, 0, bootstrap.credentials);
  }
  for (const [i, account] of accounts.entries()) {
    made.push([SecurityObject.id, first + i], [ServerObject.id, i]);
    if (account.oscore !== undefined) made.push([OscoreObject.id, first + i]);
    remember(objects, first + i, account.credentials);
    const node = objects.objects.get(ServerObject.id)?.instances.get(i);
    if (node !== undefined) givenHabits.set(node, account);
  }
  return made;
}

function addBootstrap(store: ObjectStore, account: FactoryBootstrap): void {
  const { uri, credentials, oscore, holdOff, accountTimeout } = account;
  store.add(SecurityObject, 0, {
    lwm2mServerUri: uri,
    bootstrapServer: true,
    ...securityKeys(credentials),
    ...addOscore(store, 0, oscore),
    ...(holdOff > 0 ? { clientHoldOffTime: Math.round(holdOff / 1000) } : {}),
    ...(accountTimeout > 0 ? { bootstrapServerAccountTimeout: Math.round(accountTimeout / 1000) } : {}),
  });
}

function addAccount(store: ObjectStore, instance: number, security: number, account: FactoryAccount): void {
  const { id, uri, address, credentials, lifetime, defaultMinimumPeriod, defaultMaximumPeriod } = account;
  const { serverName, sms } = account;
  store.add(SecurityObject, security, {
    lwm2mServerUri: uri,
    bootstrapServer: false,
    ...securityKeys(address.via === 'sms' ? undefined : credentials),
    ...(address.via === 'sms' ? smsKeys(credentials) : {}),
    ...(sms === undefined ? {} : { ...smsKeys(sms.credentials), lwm2mServerSmsNumber: sms.number }),
    ...(serverName === undefined ? {} : { sni: serverName }),
    ...addOscore(store, security, account.oscore),
    shortServerId: id,
  });
  const actions = serverActions(store, instance);
  store.batch((transaction) => {
    const node = store.define(ServerObject);
    transaction.create(node, instance, actions, 'application');
    stageValues(transaction, ServerObject, instance, {
      shortServerId: id,
      // Endless is written 0.
      lifetime: lifetime === Number.POSITIVE_INFINITY ? 0 : Math.round(lifetime / 1000),
      defaultMinimumPeriod,
      ...(defaultMaximumPeriod === undefined ? {} : { defaultMaximumPeriod }),
      notificationStoringWhenDisabledOrOffline: false,
      binding: bindingLetters[address.via],
      ...(sms === undefined ? {} : { trigger: sms.trigger ?? true }),
    });
  });
}

/** The context, under the number of its instance of object 0, and the link to it. */
function addOscore(store: ObjectStore, instance: number, parameters: ContextParameters | undefined) {
  if (parameters === undefined) return {};
  store.add(OscoreObject, instance, oscoreValues(parameters));
  return { oscoreSecurityMode: { object: OscoreObject.id, instance } };
}

function remember(store: ObjectStore, security: number, credentials: Credentials | undefined): void {
  const node = store.objects.get(SecurityObject.id)?.instances.get(security);
  if (node !== undefined && credentials !== undefined) givenCredentials.set(node, credentials);
}

/** Instances that are as the options have made them, each with the place of its account in the options, -1 for the bootstrap account. */
export interface Given {
  readonly securities: readonly (readonly [instance: number, account: number])[];
  readonly servers: readonly (readonly [instance: number, account: number])[];
}

/** What of the options is still in force. */
export function givenOf({ objects, accounts, bootstrap }: Settings): Given {
  const securities: [number, number][] = [];
  const servers: [number, number][] = [];
  for (const node of objects.objects.get(SecurityObject.id)?.instances.values() ?? []) {
    const credentials = givenCredentials.get(node);
    if (credentials === undefined) continue;
    const account = accounts.findIndex((each) => each.credentials === credentials);
    if (account >= 0 || bootstrap?.credentials === credentials) securities.push([node.id, account]);
  }
  for (const node of objects.objects.get(ServerObject.id)?.instances.values() ?? []) {
    const given = givenHabits.get(node);
    const account = accounts.findIndex(({ retry }) => retry === given?.retry);
    if (account >= 0) servers.push([node.id, account]);
  }
  return { securities, servers };
}

/** Instances from before a restart are as the options have made them, and what the options know beyond them counts again. */
export function giveAgain({ objects, accounts, bootstrap }: Settings, { securities, servers }: Given): void {
  for (const [instance, account] of securities)
    remember(objects, instance, (account < 0 ? bootstrap : accounts[account])?.credentials);
  for (const [instance, place] of servers) {
    const node = objects.objects.get(ServerObject.id)?.instances.get(instance);
    const account = accounts[place];
    if (node !== undefined && account !== undefined) givenHabits.set(node, account);
  }
}

/** Somebody else has written the instance: what the options said about it is not so any more. */
export function forgetGiven(node: InstanceNode): void {
  givenCredentials.delete(node);
  givenHabits.delete(node);
}

const keys: ReadonlySet<number> = new Set([
  SecurityObject.resources.securityMode.id,
  SecurityObject.resources.publicKeyOrIdentity.id,
  SecurityObject.resources.serverPublicKey.id,
  SecurityObject.resources.secretKey.id,
]);

/** The same, where the road by the URI is a number. */
const numberKeys: ReadonlySet<number> = new Set([
  SecurityObject.resources.smsSecurityMode.id,
  SecurityObject.resources.smsBindingKeyParameters.id,
  SecurityObject.resources.smsBindingSecretKeyS.id,
]);

const keysIn = ({ contents }: InstanceNode): ReadonlySet<number> =>
  isNumber(readSecurity(contents).uri) ? numberKeys : keys;

/** What of object 1 chooses among roads: the account begins anew where it is another one. */
const steering: ReadonlySet<number> = new Set([
  ServerObject.resources.binding.id,
  ServerObject.resources.apnLink.id,
  ServerObject.resources.preferredTransport.id,
  ServerObject.resources.alternateApnLinks.id,
]);

/**
 * Instances of objects 0, 1 and 21 whose change is one of the way to a server, as `instanceKey` has them: the account begins anew. None
 * where the choice among roads may be another; undefined where nothing of that has changed.
 */
export function changedRoads(store: ObjectStore, paths: readonly Path[]): ReadonlySet<string> | undefined {
  const changed = new Set<string>();
  let isSteered = false;
  for (const path of paths) {
    if (path.kind === 'root' || path.kind === 'object' || path.prefix !== undefined) continue;
    const { object, instance } = path;
    const resource = path.kind === 'instance' ? undefined : path.resource;
    if (object === SecurityObject.id && resource !== undefined) {
      const node = store.objects.get(object)?.instances.get(instance);
      // The application has other keys now.
      if (node !== undefined && keysIn(node).has(resource)) givenCredentials.delete(node);
    }
    const isRoad = object === SecurityObject.id || object === OscoreObject.id;
    const isNaming = resource === undefined || resource === ServerObject.resources.shortServerId.id;
    if (isRoad || (object === ServerObject.id && isNaming)) changed.add(instanceKey(object, instance));
    else if (object === ServerObject.id && resource !== undefined && steering.has(resource)) isSteered = true;
    else if (object === ApnConnectionProfile.id && resource === undefined) isSteered = true;
  }
  return isSteered || changed.size > 0 ? changed : undefined;
}

/** The newest of the device where it speaks none that the server is known to speak. */
function newestSpoken(written: readonly string[], newest: Lwm2mVersion): Lwm2mVersion {
  if (written.length === 0) return newest;
  const theirs = written.map((text) => parseVersion(text.split('.').slice(0, 2).join('.')));
  const ours = versions.slice(0, versions.indexOf(newest) + 1);
  return ours.filter((version) => theirs.includes(version)).at(-1) ?? newest;
}

/** The accounts that are in force, by instance of object 1. Those that make no sense are left out, with the reason. */
export function accountsOf(settings: Settings): { readonly accounts: AccountSettings[]; readonly problems: string[] } {
  const { objects } = settings;
  const problems: string[] = [];
  const accounts: AccountSettings[] = [];
  const securities = [...(objects.objects.get(SecurityObject.id)?.instances.values() ?? [])];
  for (const node of objects.objects.get(ServerObject.id)?.instances.values() ?? []) {
    const server = readServer(node.contents);
    const { shortServerId } = server;
    const security = securities.find((each) => {
      const record = readSecurity(each.contents);
      return !record.isBootstrap && record.shortServerId === shortServerId;
    });
    if (shortServerId === undefined || security === undefined) {
      problems.push(`/1/${node.id}: no instance of object 0 has its short server id`);
      continue;
    }
    const road = roadTo(security, settings, givenCredentials.get(security), server);
    if (typeof road === 'string') {
      problems.push(road);
      continue;
    }
    const habits = givenHabits.get(node) ?? settings.provisioned;
    // One by one, as in options.ts.
    accounts.push({
      security: road.security,
      uri: road.uri,
      address: road.address,
      prefix: road.prefix,
      credentials: road.credentials,
      connector: road.connector,
      serverName: road.serverName,
      cipherSuites: road.cipherSuites,
      extensions: road.extensions,
      apns: road.apns,
      oscore: road.oscore,
      instance: node.id,
      id: shortServerId,
      letter: bindingLetters[road.address.via],
      version: newestSpoken(server.versions, settings.version),
      waking: road.address.via === 'sms' ? undefined : wakingOf(readSecurity(security.contents), settings),
      queueMode: habits.queueMode || server.binding?.includes('Q') === true,
      omitName: habits.omitName,
      notifications: habits.notifications,
      updateMargin: habits.updateMargin,
      awakeTime: habits.awakeTime,
      idle: habits.idle,
      keepAlive: habits.keepAlive,
      retry: habits.retry,
      priority: server.priority,
      delay: server.delay,
      blocks: server.blocks,
      bootstrapOnRegistrationFailure: server.bootstrapOnRegistrationFailure,
    });
  }
  return { accounts: accounts.sort((a, b) => a.instance - b.instance), problems };
}

/** Undefined without one, or for one that nothing here can reach. */
export function bootstrapAccountOf(settings: Settings): BootstrapAccountSettings | undefined {
  for (const node of settings.objects.objects.get(SecurityObject.id)?.instances.values() ?? []) {
    const record = readSecurity(node.contents);
    if (!record.isBootstrap) continue;
    const road = roadTo(node, settings, givenCredentials.get(node));
    if (typeof road !== 'string') return { ...road, record };
  }
  return undefined;
}

/** Whether some server is spoken to over more than datagrams in the open. */
export function wantsMore({ objects }: Settings): boolean {
  for (const node of objects.objects.get(SecurityObject.id)?.instances.values() ?? []) {
    const { mode, uri, smsNumber } = readSecurity(node.contents);
    if (mode !== SecurityMode.NoSec || !uri.startsWith('coap:') || smsNumber !== undefined) return true;
  }
  return false;
}

/** Whether some server may be spoken to under OSCORE. */
export function wantsOscore({ objects }: Settings): boolean {
  return (objects.objects.get(OscoreObject.id)?.instances.size ?? 0) > 0;
}

/** Takes the bootstrap account away, and its OSCORE context with it (/0/x/12). */
export function purgeBootstrapAccount(store: ObjectStore): void {
  for (const node of [...(store.objects.get(SecurityObject.id)?.instances.values() ?? [])]) {
    const { isBootstrap, oscore } = readSecurity(node.contents);
    if (!isBootstrap) continue;
    store.batch(() => {
      store.remove(SecurityObject.id, node.id);
      if (oscore !== undefined) store.remove(oscore.object, oscore.instance);
    });
  }
}

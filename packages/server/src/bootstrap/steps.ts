// A plan becomes deletes, entries and fresh keys for one device, in the light of what the device has (Core 1.2.1 §6.1.4.3,
// Appendix E.1, E.2, E.3). Pure, but for the keys that chance makes.
import { type ContextParameters, deriveContext } from '@lapwing/coap/oscore';
import { ConfigError, encodeUtf8, equalInConstantTime, FormatError, type Random, Secret, toHex } from '@lapwing/kernel';
import {
  type BootstrapLinks,
  contains,
  type Entry,
  type InstancePath,
  instancePath,
  makeValue,
  maxId,
  type ObjectPath,
  objectPath,
  parsePath,
  type RootPath,
  resourceInstancePath,
} from '@lapwing/lwm2m';
import { isSameCredential } from '../security/changing.ts';
import { credentialKey } from '../security/memory-store.ts';
import { bytes, entry, number, text, toSeconds } from './entries.ts';
import type { HandedOut } from './keys.ts';
import { keysOfNumber, letterOf } from './number-keys.ts';
import type { Plan, PlannedAccess, PlannedOscore, PlannedRoad, PlannedSecurity } from './plan.ts';
import { nonsenseIn } from './sense.ts';
import { serverEntries } from './server-entries.ts';

/** A plan for one device, ready to be carried out. */
export interface Steps {
  readonly deletes: readonly (RootPath | ObjectPath | InstancePath)[];
  readonly writes: readonly { readonly path: ObjectPath | InstancePath; readonly entries: readonly Entry[] }[];
  readonly reads: readonly (ObjectPath | InstancePath)[];
  /** Keys that did not exist before, by which the device will come. */
  readonly fresh: readonly HandedOut[];
  /** Keys for the servers, those that the plan holds among them. */
  readonly handedOut: readonly HandedOut[];
  /** Keys are among what is written. */
  readonly hasSecrets: boolean;
  /** Master secrets of OSCORE that the plan holds; those that are made at random are nobody else's. */
  readonly masterSecrets: readonly PlannedMasterSecret[];
}

export interface PlannedMasterSecret {
  readonly of: 'server' | 'bootstrap account';
  readonly masterSecret: Secret;
}

/** What is known of the device: the answer to Bootstrap-Discover, undefined where it gave none. */
export interface Circumstances {
  readonly endpoint: string;
  readonly links: BootstrapLinks | undefined;
  readonly random: Random;
}

/** Throws FormatError for what no plan can say: an unknown variable, a path that is none, two servers with one id. */
export function stepsOf(plan: Plan, circumstances: Circumstances): Steps {
  return new Planner(plan, circumstances).steps();
}

/** Variables that a template names and nobody gives, and other faults, before a device comes; none: it is sound. */
export function problemsOf(plan: Plan): readonly string[] {
  const random: Random = { bytes: (length) => new Uint8Array(length), fraction: () => 0 };
  try {
    return nonsenseIn(stepsOf(plan, { endpoint: 'device', links: undefined, random }));
  } catch (error) {
    if (error instanceof FormatError) return [error.message];
    throw error;
  }
}

const security = 0;
const server = 1;
const accessControl = 2;
const oscore = 21;
/** What devices assume of themselves where they do not answer a discovery. */
const assumedBootstrapInstance = 0;
/** In lists of access: as one of those who have rights, and as an owner (Core 1.2.1 Appendix E.3). */
const everybodyElse = 0;
const nobody = 65_535;
const modes = { psk: 0, rpk: 1, x509: 2, none: 3 } as const;

class Planner {
  private readonly plan: Plan;
  private readonly circumstances: Circumstances;
  private readonly variables: Map<string, string>;
  /** The bootstrap account's instance of object 0. */
  private readonly own: number;
  private readonly deletes: readonly (RootPath | ObjectPath | InstancePath)[];
  private readonly taken = new Map<number, Set<number>>();
  private readonly writes: { path: InstancePath | ObjectPath; entries: Entry[] }[] = [];
  private readonly fresh: HandedOut[] = [];
  private readonly handedOut: HandedOut[] = [];
  private readonly masterSecrets: PlannedMasterSecret[] = [];
  private hasSecrets = false;
  /** Keys are for a server of somebody else. */
  private isForeign = false;

  constructor(plan: Plan, circumstances: Circumstances) {
    this.plan = plan;
    this.circumstances = circumstances;
    const { endpoint, links, random } = circumstances;
    this.variables = new Map([
      ...Object.entries(plan.variables ?? {}),
      ['endpoint', endpoint],
      ['random', toHex(random.bytes(8))],
    ]);
    const accounts = (links?.places ?? []).flatMap(({ path, shortServerId, uri }) =>
      path.kind === 'instance' && path.object === security && shortServerId === undefined && uri === undefined
        ? [path.instance]
        : [],
    );
    this.own = accounts[0] ?? assumedBootstrapInstance;
    this.deletes = this.planDeletes();
    for (const instance of [this.own, ...accounts]) this.take(security, instance);
    for (const { path } of this.staying()) this.take(path.object, path.instance);
    // That of the bootstrap account stays, and nobody says which it is.
    for (const { path } of links?.places ?? [])
      if (path.kind === 'instance' && path.object === oscore) this.take(oscore, path.instance);
    if (links === undefined) this.take(oscore, assumedBootstrapInstance);
  }

  steps(): Steps {
    const { servers, bootstrap, access = [], writes = [], reads = [] } = this.plan;
    const ids = servers.map(({ shortServerId }) => shortServerId);
    if (new Set(ids).size !== ids.length) throw new FormatError('two servers of the plan have one short server id');
    if (bootstrap !== undefined) {
      this.planSecurity(this.own, bootstrap, undefined);
      // Keys of this account are for the bootstrap server itself.
      this.handedOut.length = 0;
    }
    for (const [i, each] of servers.entries()) {
      // What is made for one server is not for another.
      if (i > 0) this.variables.set('random', toHex(this.circumstances.random.bytes(8)));
      if (!(Number.isInteger(each.shortServerId) && each.shortServerId >= 1 && each.shortServerId <= maxId))
        throw new FormatError(`${each.shortServerId} is no short server id`);
      this.isForeign = each.foreign === true;
      this.planSecurity(this.instanceFor(security, each.shortServerId), each, each.shortServerId);
      const instance = this.instanceFor(server, each.shortServerId);
      const entries = serverEntries(instance, each, (template) => this.fill(template));
      this.writes.push({ path: instancePath(server, instance), entries });
    }
    for (const each of access) this.planAccess(each);
    for (const { path, entries } of writes) {
      const at = parsePath(path);
      if (at.kind !== 'object' && at.kind !== 'instance') throw new FormatError(`${path}: an object or an instance`);
      this.writes.push({ path: at, entries: entries.map((entry) => this.filledEntry(entry)) });
    }
    const readable = reads.map((text) => {
      const path = parsePath(text);
      if (path.kind !== 'object' && path.kind !== 'instance') throw new FormatError(`${text} cannot be read back`);
      return path;
    });
    const { deletes, fresh, handedOut, hasSecrets, masterSecrets } = this;
    return { deletes, writes: this.writes, reads: readable, fresh, handedOut, hasSecrets, masterSecrets };
  }

  private planDeletes(): readonly (RootPath | ObjectPath | InstancePath)[] {
    const { links } = this.circumstances;
    const wanted = (this.plan.deletes ?? ['/0', '/1', '/2', '/21']).map((text) => {
      const path = parsePath(text);
      if (path.kind === 'resource' || path.kind === 'resource-instance')
        throw new FormatError(`${text}: only instances and whole objects can be deleted`);
      return path;
    });
    if (links === undefined)
      return this.plan.deletes === undefined ? [objectPath(security), objectPath(server)] : wanted;
    // What is not there need not go: devices answer that as they like.
    return wanted.filter(
      (path) => path.kind === 'root' || links.places.some(({ path: there }) => contains(path, there)),
    );
  }

  /** Instances that will still be there when the writing begins. */
  private staying(): { readonly path: InstancePath; readonly shortServerId: number | undefined }[] {
    return (this.circumstances.links?.places ?? []).flatMap(({ path, shortServerId }) =>
      path.kind === 'instance' && !this.deletes.some((deleted) => contains(deleted, path))
        ? [{ path, shortServerId }]
        : [],
    );
  }

  /** That of the same server where it stays, else the lowest that nobody has: never the bootstrap account's. */
  private instanceFor(object: number, shortServerId: number): number {
    const known = this.staying().find((each) => each.path.object === object && each.shortServerId === shortServerId);
    return known?.path.instance ?? this.freeInstance(object);
  }

  private freeInstance(object: number): number {
    for (let id = 0; id <= maxId; id += 1) {
      if (this.taken.get(object)?.has(id) === true) continue;
      this.take(object, id);
      return id;
    }
    throw new FormatError(`/${object} is full`);
  }

  private take(object: number, instance: number): void {
    const taken = this.taken.get(object) ?? new Set();
    taken.add(instance);
    this.taken.set(object, taken);
  }

  private planSecurity(instance: number, road: PlannedRoad, shortServerId: number | undefined): void {
    const { serverName, cipherSuites = [], holdOff, accountTimeout, smsNumber } = road;
    const uri = this.fill(road.uri);
    const isNumber = letterOf(uri) === 'S';
    const keys = this.keyEntries(instance, road.security);
    const entries = [
      text(security, instance, 0, uri),
      entry(security, instance, 1, { type: 'boolean', value: shortServerId === undefined }),
      number(security, instance, 2, isNumber ? modes.none : modes[road.security.mode]),
      ...(isNumber ? keysOfNumber(instance, road.security, keys) : keys),
    ];
    if (smsNumber !== undefined) entries.push(text(security, instance, 9, this.fill(smsNumber)));
    if (shortServerId !== undefined) entries.push(number(security, instance, 10, shortServerId));
    if (holdOff !== undefined) entries.push(number(security, instance, 11, toSeconds(holdOff)));
    if (accountTimeout !== undefined) entries.push(number(security, instance, 12, toSeconds(accountTimeout)));
    if (serverName !== undefined) entries.push(text(security, instance, 14, this.fill(serverName)));
    if (road.security.mode === 'x509' && road.security.usage !== undefined)
      entries.push(entry(security, instance, 15, { type: 'unsigned', value: road.security.usage }));
    for (const [i, suite] of cipherSuites.entries())
      entries.push({
        path: resourceInstancePath(security, instance, 16, i),
        value: { type: 'unsigned', value: suite },
      });
    if (road.oscore !== undefined) {
      const context = this.planOscore(road.oscore, shortServerId === undefined ? 'bootstrap account' : 'server');
      entries.push(entry(security, instance, 17, { type: 'objlnk', value: { object: oscore, instance: context } }));
    }
    this.writes.push({ path: instancePath(security, instance), entries });
  }

  private keyEntries(instance: number, road: PlannedSecurity): Entry[] {
    const none = new Uint8Array(0);
    const keys = (own: Uint8Array, theirs: Uint8Array, secret: Uint8Array): Entry[] => [
      bytes(security, instance, 3, own),
      bytes(security, instance, 4, theirs),
      bytes(security, instance, 5, secret),
    ];
    if (road.mode !== 'none') this.hasSecrets = true;
    switch (road.mode) {
      case 'none':
        // Mandatory as registered: without a use they are empty.
        return keys(none, none, none);
      case 'psk': {
        if (!(road.key instanceof Secret) && !road.identity.includes(`$\{random}`))
          throw madeUnderOneName(road.identity);
        const identity = encodeUtf8(this.fill(road.identity));
        const key = this.secretOf(road.key);
        this.hand({ kind: 'psk', identity, key }, road.key);
        return keys(identity, none, key.reveal());
      }
      case 'rpk':
        if (!this.isForeign) this.handedOut.push({ kind: 'rpk', publicKey: road.publicKey });
        return keys(road.publicKey, road.serverPublicKey, road.privateKey.reveal());
      case 'x509':
        return keys(road.certificate, road.serverCertificate, road.privateKey.reveal());
    }
  }

  private hand(credential: HandedOut, source: Secret | { readonly random: number }): void {
    if (this.isForeign) {
      if (source instanceof Secret) return;
      throw new FormatError('a key for a foreign server is made at random: nobody would know it but the device');
    }
    const known = this.handedOut.find((each) => credentialKey(each) === credentialKey(credential));
    if (known !== undefined && !isSameCredential(known, credential))
      throw new FormatError(
        credential.kind === 'oscore'
          ? 'two servers of the plan have one Sender ID of OSCORE and two secrets; each needs an id of its own, unless it is foreign'
          : 'two servers of the plan have one PSK identity and two keys; each needs an identity of its own, unless it is foreign',
      );
    this.handedOut.push(credential);
    if (!(source instanceof Secret)) this.fresh.push(credential);
  }

  private planOscore(context: PlannedOscore, of: PlannedMasterSecret['of']): number {
    const { recipientId, aeadAlgorithm, hmacAlgorithm, masterSalt, idContext } = context;
    const id = this.freeInstance(oscore);
    this.hasSecrets = true;
    const masterSecret = this.secretOf(context.masterSecret);
    if (!(context.masterSecret instanceof Secret) && context.senderId instanceof Uint8Array)
      throw madeUnderOneName(`sender id ${toHex(context.senderId)}`);
    const senderId = this.senderIdOf(context.senderId);
    const parameters = {
      masterSecret,
      ...(aeadAlgorithm === undefined ? {} : { aead: aeadAlgorithm }),
      ...(hmacAlgorithm === undefined ? {} : { hkdf: hmacAlgorithm }),
      ...(masterSalt === undefined ? {} : { masterSalt }),
      ...(idContext === undefined ? {} : { idContext }),
    };
    const theirs = { ...parameters, senderId: recipientId, recipientId: senderId };
    refuseNoContext(theirs);
    if (context.masterSecret instanceof Secret) this.plannedSecret({ of, masterSecret });
    this.hand({ kind: 'oscore', context: theirs }, context.masterSecret);
    const entries = [
      bytes(oscore, id, 0, masterSecret.reveal()),
      bytes(oscore, id, 1, senderId),
      bytes(oscore, id, 2, recipientId),
    ];
    if (aeadAlgorithm !== undefined) entries.push(number(oscore, id, 3, aeadAlgorithm));
    if (hmacAlgorithm !== undefined) entries.push(number(oscore, id, 4, hmacAlgorithm));
    if (masterSalt !== undefined) entries.push(bytes(oscore, id, 5, masterSalt));
    if (idContext !== undefined) entries.push(bytes(oscore, id, 6, idContext));
    // Before the instance of object 0 that points here.
    this.writes.push({ path: instancePath(oscore, id), entries });
    return id;
  }

  /** With one for two servers, each could speak as the other, and both would use the same nonces. */
  private plannedSecret(planned: PlannedMasterSecret): void {
    const own = planned.masterSecret.reveal();
    if (this.masterSecrets.some(({ masterSecret }) => equalInConstantTime(masterSecret.reveal(), own)))
      throw new FormatError('two servers of the plan have one master secret of OSCORE; each needs one of its own');
    this.masterSecrets.push(planned);
  }

  private senderIdOf(id: PlannedOscore['senderId']): Uint8Array {
    if (id instanceof Uint8Array) return id;
    if (!(Number.isInteger(id.random) && id.random >= 1 && id.random <= 7))
      throw new FormatError(`a random id has 1 to 7 bytes, not ${id.random}`);
    return this.circumstances.random.bytes(id.random);
  }

  private secretOf(key: Secret | { readonly random: number }): Secret {
    if (key instanceof Secret) return key;
    if (!(Number.isInteger(key.random) && key.random >= 16 && key.random <= 64))
      throw new FormatError(`a random key has 16 to 64 bytes, not ${key.random}`);
    return new Secret(this.circumstances.random.bytes(key.random));
  }

  private planAccess({ object, instance, owner, rights = {} }: PlannedAccess): void {
    const known = this.serversThere();
    for (const who of [owner, ...Object.keys(rights).map(Number)])
      if (known !== undefined && who !== everybodyElse && who !== nobody && !known.has(who))
        throw new FormatError(`access to /${object}/${instance} is for server ${who}, which the plan does not have`);
    const id = this.freeInstance(accessControl);
    const acl = Object.entries(rights).map(([who, bits]) => ({
      path: resourceInstancePath(accessControl, id, 2, Number(who)),
      value: makeValue('integer', bits),
    }));
    const entries = [
      number(accessControl, id, 0, object),
      number(accessControl, id, 1, instance),
      ...acl,
      number(accessControl, id, 3, owner),
    ];
    this.writes.push({ path: instancePath(accessControl, id), entries });
  }

  /** By short server id; undefined where others may stay, and nobody says which. */
  private serversThere(): ReadonlySet<number> | undefined {
    const { servers, writes = [] } = this.plan;
    const isCleared = this.deletes.some((path) => contains(path, objectPath(server)));
    if (this.circumstances.links === undefined && !isCleared) return undefined;
    const staying = this.staying().filter(({ path }) => path.object === server);
    const written = writes.flatMap(({ entries }) => entries.flatMap(shortServerIdIn));
    const known = [...servers, ...staying].map(({ shortServerId }) => shortServerId);
    const those = [...known, ...written].filter((id) => id !== undefined);
    return those.length < known.length + written.length ? undefined : new Set(those);
  }

  private filledEntry(given: Entry): Entry {
    const { value } = given;
    return value?.type === 'string' ? { ...given, value: { type: 'string', value: this.fill(value.value) } } : given;
  }

  private fill(template: string): string {
    return template.replaceAll(/\$\{([^{}]*)\}/g, (_all, name: string) => {
      const value = this.variables.get(name);
      if (value === undefined) throw new FormatError(`nobody says what \${${name}} is`);
      return value;
    });
  }
}

/** What an entry says of who a server is, in the words of the device. */
function shortServerIdIn({ path, value }: Entry): readonly number[] {
  const isIts = path.kind === 'resource' && path.object === server && path.resource === 0;
  return isIts && value !== undefined ? [Number(value.value)] : [];
}

/** The next key under it would take the place of this one before the device has it, and nobody hears whether it takes it. */
const madeUnderOneName = (name: string): FormatError =>
  new FormatError(
    `a key is made at random each time, under the one name ${name}: a device that did not take it could not come with the one before. Put \${random} into the identity, or make the sender id at random`,
  );

/** Throws FormatError for parameters that no keys can be made of. */
function refuseNoContext(parameters: ContextParameters): void {
  try {
    deriveContext(parameters);
  } catch (error) {
    if (error instanceof ConfigError) throw new FormatError(error.message);
    throw error;
  }
}

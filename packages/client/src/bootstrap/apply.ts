// What a bootstrap server writes and deletes, on a copy: nobody sees any of it before it comes into force whole, and nothing
// is left of it when it does not (Core 1.2.1 §6.1.7.4 to §6.1.7.6).
import { Code, ResponseError } from '@lapwing/coap';
import {
  type Action,
  type BootstrapPlace,
  contains,
  type Entry,
  formatPath,
  instancePath,
  isHiddenObject,
  type ObjectDefinition,
  objectPath,
  type Path,
  resourceInstancePath,
  resourcePath,
  resourcesOf,
  type TypeLookup,
} from '@lapwing/lwm2m';
import { forgetGiven } from '../accounts.ts';
import { AccessControl } from '../builtin/account-objects.ts';
import { OscoreObject as Oscore } from '../builtin/oscore.ts';
import { readSecurity, SecurityObject } from '../builtin/security.ts';
import { readServer, ServerObject, serverActions } from '../builtin/server.ts';
import { setEmptied } from '../objects/access-control.ts';
import type { ObjectStore } from '../objects/store.ts';
import type { Transaction } from '../objects/transaction.ts';
import { type Content, type Contents, instanceKey, isMany, type ObjectNode } from '../objects/tree.ts';
import { isGivable } from '../operations/create.ts';
import { contentsOf } from '../operations/write.ts';

type Instances = Map<number, Contents>;

const deviceObject = 3;
const { secretKey, smsBindingSecretKeyS } = SecurityObject.resources;
const { lastBootstrapped } = ServerObject.resources;
/** Values that give a road away: the keys of object 0, the master secret of object 21. */
const secrets: ReadonlyMap<number, readonly number[]> = new Map([
  [SecurityObject.id, [secretKey.id, smsBindingSecretKeyS.id]],
  [Oscore.id, [Oscore.resources.oscoreMasterSecret.id]],
]);

export interface StagingOptions {
  /** Keys that come over a road that anybody can read are refused. */
  readonly refusesSecrets: boolean;
}

export class Staging {
  private readonly store: ObjectStore;
  private readonly options: StagingOptions;
  private readonly definitions: ReadonlyMap<number, ObjectDefinition>;
  private readonly copies = new Map<number, Instances>();
  private readonly touched = new Set<string>();
  /** The lists of who may do what are taken away: what there are of them from then on is all that is said. */
  private clearsLists = false;

  constructor(store: ObjectStore, options: StagingOptions) {
    this.store = store;
    this.options = options;
    const definitions = new Map<number, ObjectDefinition>();
    // What a bootstrap server may bring along, although the device says nothing of it.
    for (const definition of [AccessControl, Oscore]) definitions.set(definition.id, definition);
    for (const { definition } of store.objects.values()) definitions.set(definition.id, definition);
    this.definitions = definitions;
  }

  readonly typeOf: TypeLookup = (object, resource) => {
    const definition = this.definitions.get(object);
    return definition === undefined ? undefined : resourcesOf(definition).get(resource)?.resource.type;
  };

  /** As they would be. */
  instancesOf(object: number): ReadonlyMap<number, Contents> {
    return this.copies.get(object) ?? this.inForce(object);
  }

  /** Throws ResponseError 4.04 for an object that is not known. */
  places(path: Extract<Path, { kind: 'root' | 'object' }>): readonly BootstrapPlace[] {
    if (path.kind === 'object') this.definitionOf(path.object);
    const known = path.kind === 'object' ? [path.object] : this.shown();
    return known.flatMap((object) => {
      const { version = '1.0' } = this.definitionOf(object);
      const instances = [...this.instancesOf(object)].sort(([a], [b]) => a - b);
      const places = instances.map(([id, contents]) => this.placeOf(object, id, contents));
      if (version !== '1.0') return [{ path: objectPath(object), version }, ...places];
      return places.length > 0 ? places : [{ path: objectPath(object) }];
    });
  }

  /** Only what says who may do what: throws ResponseError 4.01 for keys, 4.05 for the rest, 4.04 for what is not there. */
  read(path: Extract<Path, { kind: 'object' | 'instance' }>): readonly Entry[] {
    if (isHiddenObject(path.object)) throw new ResponseError(Code.Unauthorized);
    if (path.object !== ServerObject.id && path.object !== AccessControl.id)
      throw new ResponseError(Code.MethodNotAllowed);
    const entries = [...this.instancesOf(path.object)].flatMap(([id, contents]) =>
      contains(path, instancePath(path.object, id)) ? entriesOf(path.object, id, contents) : [],
    );
    if (entries.length === 0) throw new ResponseError(Code.NotFound);
    return entries;
  }

  /**
   * Writes over what is there, makes what is not; resources that the device does not have are passed over, as the server
   * cannot know them all. Throws ResponseError: 4.04 for an unknown object, 4.00 for what does not fit.
   */
  write(path: Extract<Path, { kind: 'object' | 'instance' | 'resource' }>, entries: readonly Entry[]): void {
    const definition = this.definitionOf(path.object);
    const declared = resourcesOf(definition);
    if (path.kind === 'resource' && !declared.has(path.resource)) throw new ResponseError(Code.NotFound);
    const written = new Map<number, Entry[]>();
    if (path.kind !== 'object') written.set(path.instance, []);
    for (const entry of entries) {
      if (!contains(path, entry.path) || entry.path.kind === 'root')
        throw ResponseError.badRequest(`${formatPath(entry.path)} is outside ${formatPath(path)}`);
      if (entry.path.kind === 'object') continue;
      const own = written.get(entry.path.instance) ?? [];
      written.set(entry.path.instance, own);
      if (entry.path.kind === 'instance') continue;
      const resource = declared.get(entry.path.resource)?.resource;
      if (resource !== undefined && isGivable(resource)) own.push(entry);
    }
    this.refuseSecrets(path.object, entries);
    const staged: Instances = new Map(this.instancesOf(path.object));
    for (const [instance, own] of written) {
      if (definition.many !== true && instance !== 0)
        throw ResponseError.badRequest(`/${path.object} has one instance, 0`);
      staged.set(instance, new Map([...(staged.get(instance) ?? []), ...contentsOf({ definition }, own, isGivable)]));
    }
    if (staged.size > this.store.mostInstances) throw ResponseError.badRequest(`/${path.object} is full`);
    this.copies.set(path.object, staged);
    for (const instance of written.keys()) this.touched.add(instanceKey(path.object, instance));
  }

  /**
   * The bootstrap account, its OSCORE context and the Device stay, whatever is deleted around them (Core 1.2.1 §6.1.7.6).
   * Throws ResponseError: 4.04 for what is not there, 4.00 for one of those.
   */
  delete(path: Extract<Path, { kind: 'root' | 'object' | 'instance' }>): void {
    const kept = this.kept();
    if (path.kind === 'root') {
      for (const object of this.definitions.keys()) this.clear(object, kept);
    } else if (path.kind === 'object') {
      this.definitionOf(path.object);
      this.clear(path.object, kept);
    } else {
      const instances = this.instancesOf(path.object);
      if (!instances.has(path.instance)) throw new ResponseError(Code.NotFound);
      if (isKept(path.object, path.instance, kept)) throw ResponseError.badRequest('this one stays');
      this.copies.set(path.object, new Map([...instances].filter(([id]) => id !== path.instance)));
      this.touched.add(instanceKey(path.object, path.instance));
    }
  }

  /**
   * Everything comes into force at once. Returns the keys of the instances that were written or deleted. Throws
   * ResponseError, and changes nothing, for an instance that could not live. With a time, in seconds since 1970, accounts that were written
   * say since when they are so (/1/x/12).
   */
  commit(at?: number): ReadonlySet<string> {
    const { store } = this;
    // An object that is brought along counts for something by being there: it comes with the rest.
    const nodes = new Map<number, ObjectNode>();
    const nodeOf = (object: number): ObjectNode => {
      const node = nodes.get(object) ?? store.prepare(this.definitionOf(object));
      nodes.set(object, node);
      return node;
    };
    store.batch(
      (transaction) => {
        for (const key of this.touched) {
          const [object = 0, instance = 0] = key.split('/').map(Number);
          const contents = this.instancesOf(object).get(instance);
          if (contents !== undefined) this.commitInstance(transaction, nodeOf(object), instance, contents);
          else this.deleteInstance(transaction, object, instance);
        }
        if (at === undefined) return;
        for (const id of this.writtenAccounts())
          transaction.put(ServerObject.id, id, lastBootstrapped.id, { type: 'time', value: at });
      },
      { written: [] },
    );
    if (this.clearsLists) setEmptied(store, false);
    for (const key of this.touched) {
      const [object = 0, instance = 0] = key.split('/').map(Number);
      const node = store.objects.get(object)?.instances.get(instance);
      if (node !== undefined) forgetGiven(node);
    }
    return this.touched;
  }

  /** Instances of object 1 that were written, or whose road was. */
  private writtenAccounts(): readonly number[] {
    const isTouched = (object: number, id: number): boolean => this.touched.has(instanceKey(object, id));
    const roads = [...this.instancesOf(SecurityObject.id)].filter(([id]) => isTouched(SecurityObject.id, id));
    const reached = new Set(roads.map(([, contents]) => readSecurity(contents).shortServerId));
    const servers = [...this.instancesOf(ServerObject.id)].filter(
      ([id, contents]) => isTouched(ServerObject.id, id) || reached.has(readServer(contents).shortServerId),
    );
    return servers.map(([id]) => id);
  }

  private deleteInstance(transaction: Transaction, object: number, id: number): void {
    const node = this.store.objects.get(object);
    if (node?.instances.has(id)) transaction.delete(node, id);
  }

  private commitInstance(transaction: Transaction, node: ObjectNode, id: number, contents: Contents): void {
    const object = node.definition.id;
    const there = node.instances.get(id);
    if (there === undefined) transaction.create(node, id, this.actionsOf(node, id), 'server');
    for (const resource of there?.contents.keys() ?? [])
      if (!contents.has(resource)) transaction.remove(object, id, resource);
    for (const [resource, content] of contents) transaction.put(object, id, resource, content);
  }

  private actionsOf(node: ObjectNode, id: number): ReadonlyMap<number, Action> {
    return node.definition.id === ServerObject.id ? serverActions(this.store, id) : (node.creates?.(id) ?? new Map());
  }

  private definitionOf(object: number): ObjectDefinition {
    const definition = this.definitions.get(object);
    if (definition === undefined) throw new ResponseError(Code.NotFound);
    return definition;
  }

  private inForce(object: number): ReadonlyMap<number, Contents> {
    const node = this.store.objects.get(object);
    return new Map([...(node?.instances ?? [])].map(([id, { contents }]) => [id, contents]));
  }

  /** Objects that the device knows by itself, and those that were brought along. */
  private shown(): readonly number[] {
    const objects = [...this.definitions.keys()].filter(
      (object) => this.store.objects.has(object) || this.instancesOf(object).size > 0,
    );
    return objects.sort((a, b) => a - b);
  }

  private placeOf(object: number, id: number, contents: Contents): BootstrapPlace {
    const path = instancePath(object, id);
    if (object === SecurityObject.id) {
      const { isBootstrap, uri, shortServerId } = readSecurity(contents);
      if (isBootstrap) return { path };
      return shortServerId === undefined ? { path, uri } : { path, shortServerId, uri };
    }
    const shortServerId =
      object === ServerObject.id
        ? readServer(contents).shortServerId
        : object === Oscore.id
          ? this.serverOfContext(id)
          : undefined;
    return shortServerId === undefined ? { path } : { path, shortServerId };
  }

  private serverOfContext(id: number): number | undefined {
    for (const contents of this.instancesOf(SecurityObject.id).values()) {
      const { oscore, shortServerId } = readSecurity(contents);
      if (oscore?.object === Oscore.id && oscore.instance === id) return shortServerId;
    }
    return undefined;
  }

  private kept(): ReadonlySet<string> {
    const kept = new Set<string>();
    for (const [id, contents] of this.instancesOf(SecurityObject.id)) {
      const { isBootstrap, oscore } = readSecurity(contents);
      if (!isBootstrap) continue;
      kept.add(instanceKey(SecurityObject.id, id));
      if (oscore !== undefined) kept.add(instanceKey(oscore.object, oscore.instance));
    }
    return kept;
  }

  private clear(object: number, kept: ReadonlySet<string>): void {
    const left: Instances = new Map();
    if (object === AccessControl.id) this.clearsLists = true;
    for (const [id, contents] of this.instancesOf(object)) {
      if (isKept(object, id, kept)) left.set(id, contents);
      else this.touched.add(instanceKey(object, id));
    }
    this.copies.set(object, left);
  }

  private refuseSecrets(object: number, entries: readonly Entry[]): void {
    const secret = secrets.get(object);
    if (secret === undefined || !this.options.refusesSecrets) return;
    const isSecret = ({ path, value }: Entry): boolean =>
      path.kind === 'resource' && secret.includes(path.resource) && value?.type === 'opaque' && value.value.length > 0;
    if (entries.some(isSecret)) throw ResponseError.badRequest('no keys over a road that anybody can read');
  }
}

function isKept(object: number, instance: number, kept: ReadonlySet<string>): boolean {
  return object === deviceObject || kept.has(instanceKey(object, instance));
}

function entriesOf(object: number, instance: number, contents: Contents): Entry[] {
  return [...contents].flatMap(([resource, content]) => contentEntries(object, instance, resource, content));
}

function contentEntries(object: number, instance: number, resource: number, content: Content): Entry[] {
  if (!isMany(content)) return [{ path: resourcePath(object, instance, resource), value: content }];
  return [...content].map(([id, value]) => ({ path: resourceInstancePath(object, instance, resource, id), value }));
}

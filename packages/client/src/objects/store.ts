// The objects of a device: the application adds and removes instances here, operations of servers go through the
// same transactions, and whoever wants to know what changed listens.
import { Emitter, type Events } from '@lapwing/kernel';
import {
  type Action,
  type Entry,
  type InstanceActions,
  type InstanceValues,
  makeValue,
  maxId,
  type ObjectDefinition,
  type Path,
  resourcesOf,
  type TypeLookup,
} from '@lapwing/lwm2m';
import { isWritable } from './access.ts';
import { refusePromise } from './at-once.ts';
import { actionsOf, Instance, stageValues } from './instance.ts';
import { Transaction } from './transaction.ts';
import { type Content, type InstanceCheck, type Measuring, none, type ObjectNode, type Taker } from './tree.ts';

/** Who changed it: the application, or a server with what it wrote. */
export type Origin = 'application' | { readonly written: readonly Entry[] };

export interface StoreEvents {
  changed: { readonly paths: readonly Path[]; readonly origin: Origin };
  /** Instances came or went, or objects: servers want a new object list. */
  'list-changed': Record<string, never>;
}

interface Actions {
  readonly [key: string]: Action | undefined;
}

export interface ObjectPolicy {
  /**
   * Lets servers create instances, and delete them; the actions of what they create, the same for all or each its own. Only for
   * objects with `many`.
   */
  readonly creatable?: Actions | ((instance: number) => Actions);
  /**
   * By key: says what the resource is now, at each look, as long as the instance has it; of one with instances a map of them. Nobody is told
   * of a change but where a period of theirs is over.
   */
  readonly readers?: { readonly [key: string]: (instance: number) => unknown };
  /** By key of a writable resource: takes what servers write there; what is read there is what the application sets. */
  readonly takers?: { readonly [key: string]: Taker };
  /** Looks at every instance before a change of it is committed, whoever wants it; throws ResponseError to refuse. */
  readonly check?: InstanceCheck;
}

export interface StoreLimits {
  /** Instances of one object, above which servers can create no more; default 4096. */
  readonly instances?: number;
  /** Of one resource; default 4096. */
  readonly resourceInstances?: number;
}

interface OpenBatch {
  readonly transaction: Transaction;
  /** What a call inside has thrown, whether or not somebody caught it. */
  spoilt: { readonly error: unknown } | undefined;
}

export class ObjectStore {
  private readonly nodes = new Map<number, ObjectNode>();
  private readonly emitter = new Emitter<StoreEvents>();
  private readonly resourceInstances: number;
  /** Instances of one object, above which servers can create no more. */
  readonly mostInstances: number;
  private open: OpenBatch | undefined;

  constructor(limits: StoreLimits = {}) {
    this.mostInstances = limits.instances ?? 4096;
    this.resourceInstances = limits.resourceInstances ?? 4096;
  }

  get events(): Events<StoreEvents> {
    return this.emitter;
  }

  get objects(): ReadonlyMap<number, ObjectNode> {
    return this.nodes;
  }

  /**
   * Makes the object known, without an instance; one that is known by its instances alone has that policy from now on. Throws RangeError when
   * another definition has its id.
   */
  define(definition: ObjectDefinition, policy: ObjectPolicy = {}): ObjectNode {
    const known = this.known(definition);
    if (known !== undefined) {
      const { creates, check, readers, takers } = known;
      const isFree = creates === undefined && check === undefined && readers === none && takers === none;
      return isFree ? Object.assign(known, rulesOf(definition, policy)) : known;
    }
    const node = this.place(definition, policy);
    this.emitter.emit('list-changed', {});
    return node;
  }

  /** The object's node; of one that is not known, one that comes into force with the first instance that a transaction makes in it. */
  prepare(definition: ObjectDefinition): ObjectNode {
    return this.known(definition) ?? this.make(definition, {});
  }

  private known(definition: ObjectDefinition): ObjectNode | undefined {
    const node = this.nodes.get(definition.id);
    if (node !== undefined && node.definition !== definition)
      throw new RangeError(`object ${definition.id} is defined already`);
    return node;
  }

  private place(definition: ObjectDefinition, policy: ObjectPolicy): ObjectNode {
    const node = this.make(definition, policy);
    this.nodes.set(definition.id, node);
    return node;
  }

  private make(definition: ObjectDefinition, policy: ObjectPolicy): ObjectNode {
    if (!Number.isInteger(definition.id) || definition.id < 0 || definition.id > maxId) {
      throw new RangeError(`${definition.id} is not an object id`);
    }
    const { creates, readers, takers, check } = rulesOf(definition, policy);
    return { definition, instances: new Map(), creates, readers, takers, check };
  }

  /**
   * Adds an instance with its values and, for executables, functions; `measuring` hears what somebody at the device writes to it. Throws
   * ResponseError when something is wrong or missing.
   */
  add<const D extends ObjectDefinition>(
    definition: D,
    id: number,
    values: InstanceValues<D> & InstanceActions<D>,
    measuring?: Measuring,
  ): Instance<D> {
    const known = this.known(definition);
    const node = known ?? this.place(definition, {});
    const actions = actionsOf(definition, values);
    try {
      this.batch((transaction) => {
        transaction.create(node, id, actions, 'application', measuring);
        stageValues(transaction, definition, id, values);
      });
    } catch (error) {
      if (known === undefined) this.nodes.delete(definition.id);
      throw error;
    }
    return new Instance(this, definition, id);
  }

  /** A handle on an instance that is there, made by whomever. */
  get<const D extends ObjectDefinition>(definition: D, id: number): Instance<D> | undefined {
    const node = this.nodes.get(definition.id);
    return node?.definition === definition && node.instances.has(id) ? new Instance(this, definition, id) : undefined;
  }

  /** False when it was not there. */
  remove(object: number, instance: number): boolean {
    const node = this.nodes.get(object);
    if (node === undefined || !node.instances.has(instance)) return false;
    this.batch((transaction) => transaction.delete(node, instance));
    return true;
  }

  /**
   * Everything that `change` does happens together or, when it throws, not at all; one round of notifications follows.
   * Calls inside calls join the outer one, and one that throws takes the outer one with it. Throws TypeError where a promise comes back.
   */
  batch<T>(change: (transaction: Transaction) => T, origin: Origin = 'application'): T {
    if (this.open !== undefined) return this.join(change, this.open);
    const transaction = new Transaction(this.nodes, this.resourceInstances);
    const open: OpenBatch = { transaction, spoilt: undefined };
    this.open = open;
    let outcome: T;
    try {
      outcome = change(transaction);
      refusePromise(outcome, 'a batch, which is over when it returns: take lock() for what lasts');
    } finally {
      this.open = undefined;
    }
    if (open.spoilt !== undefined) throw open.spoilt.error;
    const { paths, instances } = transaction.commit();
    if (paths.length > 0) this.emitter.emit('changed', { paths, origin });
    if (instances) this.emitter.emit('list-changed', {});
    return outcome;
  }

  private join<T>(change: (transaction: Transaction) => T, outer: OpenBatch): T {
    try {
      return change(outer.transaction);
    } catch (error) {
      outer.spoilt ??= { error };
      throw error;
    }
  }

  /** The declared type of each resource of this device. */
  readonly typeOf: TypeLookup = (object, resource) => {
    const node = this.nodes.get(object);
    return node === undefined ? undefined : resourcesOf(node.definition).get(resource)?.resource.type;
  };
}

type Rules = Pick<ObjectNode, 'creates' | 'readers' | 'takers' | 'check'>;

/** Throws RangeError for keys that cannot be. */
function rulesOf(definition: ObjectDefinition, { creatable, readers, takers, check }: ObjectPolicy): Rules {
  return {
    creates:
      creatable === undefined
        ? undefined
        : (instance) => actionsOf(definition, typeof creatable === 'function' ? creatable(instance) : creatable),
    readers: readers === undefined ? none : readersOf(definition, readers),
    takers: takers === undefined ? none : takersOf(definition, takers),
    check,
  };
}

/** Throws RangeError for a key that servers cannot write. */
function takersOf(
  { name, resources }: ObjectDefinition,
  takers: NonNullable<ObjectPolicy['takers']>,
): ReadonlyMap<number, Taker> {
  return new Map(
    Object.entries(takers).map(([key, taker]) => {
      const resource = Object.hasOwn(resources, key) ? resources[key] : undefined;
      if (resource === undefined || !isWritable(resource) || resource.many === true)
        throw new RangeError(`${name} has no resource '${key}' with one value that servers write`);
      return [resource.id, taker];
    }),
  );
}

/** Throws RangeError for a key of nothing with a value. */
function readersOf(
  { name, resources }: ObjectDefinition,
  readers: NonNullable<ObjectPolicy['readers']>,
): ObjectNode['readers'] {
  return new Map(
    Object.entries(readers).map(([key, reader]): readonly [number, (instance: number) => Content] => {
      const { id, type, many } = (Object.hasOwn(resources, key) ? resources[key] : undefined) ?? {};
      if (id === undefined || type === undefined) throw new RangeError(`${name} has no resource '${key}' with a value`);
      if (many !== true) return [id, (instance: number) => makeValue(type, reader(instance))];
      const manyOf = (all: ReadonlyMap<number, unknown>) =>
        new Map([...all].map(([each, value]) => [each, makeValue(type, value)]));
      return [id, (instance: number) => manyOf(reader(instance) as ReadonlyMap<number, unknown>)];
    }),
  );
}

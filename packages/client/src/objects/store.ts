// The objects of a device: the application adds and removes instances here, operations of servers go through the
// same transactions, and whoever wants to know what changed listens.
import { Emitter, type Events } from '@lapwing/kernel';
import {
  type Entry,
  type InstanceActions,
  type InstanceValues,
  maxId,
  type ObjectDefinition,
  type Path,
  type ResourcePath,
  resourcesOf,
  type TypeLookup,
} from '@lapwing/lwm2m';
import { Turns } from '../turns.ts';
import { refusePromise } from './at-once.ts';
import { actionsOf, Instance, stageValues } from './instance.ts';
import { isFree, type ObjectPolicy, type Rules, rulesOf } from './policy.ts';
import { type Proposed, Transaction } from './transaction.ts';
import { type Content, type Measuring, type ObjectNode, sameContent } from './tree.ts';

/** Who changed it: the application, or a server with what it wrote. */
export type Origin = 'application' | { readonly written: readonly Entry[] };

export interface StoreEvents {
  changed: { readonly paths: readonly Path[]; readonly origin: Origin };
  /** Instances came or went, or objects: servers want a new object list. */
  'list-changed': Record<string, never>;
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
  private turns: Turns | undefined;
  private asking = false;
  private fetching = false;

  constructor(limits: StoreLimits = {}) {
    this.mostInstances = limits.instances ?? 4096;
    this.resourceInstances = limits.resourceInstances ?? 4096;
  }

  get events(): Events<StoreEvents> {
    return this.emitter;
  }

  /** Whether there is an object of which something that servers want has to be approved. */
  get isAsking(): boolean {
    return this.asking;
  }

  /** Whether there is one of which something has to be found out before it is read. */
  get isFetching(): boolean {
    return this.fetching;
  }

  /** In which it is asked whether servers may do what they want. */
  get approvals(): Turns {
    this.turns ??= new Turns();
    return this.turns;
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
      return isFree(known) ? Object.assign(known, this.rules(definition, policy)) : known;
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
    return { definition, instances: new Map(), ...this.rules(definition, policy) };
  }

  private rules(definition: ObjectDefinition, policy: ObjectPolicy): Rules {
    this.asking ||= policy.approve !== undefined;
    this.fetching ||= policy.fetchers !== undefined;
    return rulesOf(definition, policy, (path, content) => this.found(path, content));
  }

  /** What a fetcher has found, if it is another. */
  private found({ object, instance, resource }: ResourcePath, content: Content): void {
    const before = this.nodes.get(object)?.instances.get(instance)?.contents.get(resource);
    if (before !== undefined && !sameContent(before, content))
      this.batch((transaction) => transaction.put(object, instance, resource, content));
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
    const { transaction, outcome } = this.stage(change);
    const { paths, instances } = transaction.commit();
    if (paths.length > 0) this.emitter.emit('changed', { paths, origin });
    if (instances) this.emitter.emit('list-changed', {});
    return outcome;
  }

  /**
   * What `change` wants of objects that are to approve it: it is looked at as in a batch, and nothing changes. Throws as it and the checks do.
   */
  propose(change: () => unknown): readonly Proposed[] {
    const { transaction } = this.stage(change);
    transaction.check();
    return transaction.proposed();
  }

  private stage<T>(change: (transaction: Transaction) => T): {
    readonly transaction: Transaction;
    readonly outcome: T;
  } {
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
    return { transaction, outcome };
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

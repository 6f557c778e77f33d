// The objects of a device: the application adds and removes instances here, operations of servers go through the
// same transactions, and whoever wants to know what changed listens.
import { Emitter, type Events } from '@lapwing/kernel';
import {
  type Action,
  type Entry,
  type InstanceActions,
  type InstanceValues,
  maxId,
  type ObjectDefinition,
  type Path,
  resourcesOf,
  type TypeLookup,
} from '@lapwing/lwm2m';
import { actionsOf, Instance, stageValues } from './instance.ts';

import { Transaction } from './transaction.ts';
import type { ObjectNode } from './tree.ts';

/** Who changed it: the application, or a server with what it wrote. */
export type Origin = 'application' | { readonly written: readonly Entry[] };

export interface StoreEvents {
  changed: { readonly paths: readonly Path[]; readonly origin: Origin };
  /** Instances came or went, or objects: servers want a new object list. */
  'list-changed': Record<string, never>;
}

export interface ObjectPolicy {
  /** Lets servers create instances, and delete them; the actions of what they create. Only for objects with `many`. */
  readonly creatable?: { readonly [key: string]: Action };
}

export class ObjectStore {
  private readonly nodes = new Map<number, ObjectNode>();
  private readonly emitter = new Emitter<StoreEvents>();
  private open: { readonly transaction: Transaction } | undefined;

  get events(): Events<StoreEvents> {
    return this.emitter;
  }

  get objects(): ReadonlyMap<number, ObjectNode> {
    return this.nodes;
  }

  /** Makes the object known, without an instance. Throws RangeError when another definition has its id. */
  define(definition: ObjectDefinition, policy: ObjectPolicy = {}): ObjectNode {
    const known = this.nodes.get(definition.id);
    if (known !== undefined) {
      if (known.definition !== definition) throw new RangeError(`object ${definition.id} is defined already`);
      return known;
    }
    if (!Number.isInteger(definition.id) || definition.id < 0 || definition.id > maxId) {
      throw new RangeError(`${definition.id} is not an object id`);
    }
    const creates: ReadonlyMap<number, Action> | undefined =
      policy.creatable === undefined ? undefined : actionsOf(definition, policy.creatable);
    const node: ObjectNode = { definition, instances: new Map(), creates };
    this.nodes.set(definition.id, node);
    this.emitter.emit('list-changed', {});
    return node;
  }

  /** Adds an instance with its values and, for executables, functions. Throws ResponseError when something is wrong or missing. */
  add<const D extends ObjectDefinition>(
    definition: D,
    id: number,
    values: InstanceValues<D> & InstanceActions<D>,
  ): Instance<D> {
    const node = this.define(definition);
    const actions = actionsOf(definition, values);
    this.batch((transaction) => {
      transaction.create(node, id, actions);
      stageValues(transaction, definition, id, values);
    });
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
   * Calls inside calls join the outer one.
   */
  batch<T>(change: (transaction: Transaction) => T, origin: Origin = 'application'): T {
    if (this.open !== undefined) return change(this.open.transaction);
    const transaction = new Transaction(this.nodes);
    this.open = { transaction };
    let outcome: T;
    try {
      outcome = change(transaction);
    } finally {
      this.open = undefined;
    }
    const { paths, instances } = transaction.commit();
    if (paths.length > 0) this.emitter.emit('changed', { paths, origin });
    if (instances) this.emitter.emit('list-changed', {});
    return outcome;
  }

  /** The declared type of each resource of this device. */
  readonly typeOf: TypeLookup = (object, resource) => {
    const node = this.nodes.get(object);
    return node === undefined ? undefined : resourcesOf(node.definition).get(resource)?.resource.type;
  };
}

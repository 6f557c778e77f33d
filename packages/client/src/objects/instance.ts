// The typed handle on one instance: `set` is the only way in, and atomic.
import { ResponseError } from '@lapwing/coap';
import {
  type Action,
  type InstanceValues,
  makeValue,
  type ObjectDefinition,
  type ReadableKey,
  type ResourceDefinition,
  type Value,
  type ValueOf,
} from '@lapwing/lwm2m';
import type { ObjectStore } from './store.ts';
import type { Transaction } from './transaction.ts';
import { type Content, contentAt, isMany, none } from './tree.ts';

/** Some of the values; undefined takes an optional one away. */
export type InstancePatch<D extends ObjectDefinition> = {
  readonly [K in keyof InstanceValues<D>]?: InstanceValues<D>[K] | undefined;
};

export class Instance<D extends ObjectDefinition> {
  private readonly store: ObjectStore;
  readonly definition: D;
  readonly id: number;

  constructor(store: ObjectStore, definition: D, id: number) {
    this.store = store;
    this.definition = definition;
    this.id = id;
  }

  /** One patch, one commit, one round of notifications. Throws and changes nothing when any part is wrong. */
  set(patch: InstancePatch<D>): void {
    this.store.batch((transaction) => stageValues(transaction, this.definition, this.id, patch));
  }

  /** Undefined for an optional resource that is not there. */
  get<K extends ReadableKey<D> & keyof D['resources']>(key: K): ValueOf<D['resources'][K]> | undefined {
    const resource = resourceNamed(this.definition, key as string);
    const object = this.store.objects.get(this.definition.id);
    const instance = object?.instances.get(this.id);
    const content =
      resource === undefined || object === undefined || instance === undefined
        ? undefined
        : contentAt(object, instance, resource.id);
    return plain(content) as ValueOf<D['resources'][K]> | undefined;
  }
}

/** Also for keys that only an object's prototype has: then there is none. */
function resourceNamed({ resources }: ObjectDefinition, key: string): ResourceDefinition | undefined {
  return Object.hasOwn(resources, key) ? resources[key] : undefined;
}

function plain(content: Content | undefined): unknown {
  if (content === undefined) return undefined;
  return isMany(content) ? new Map([...content].map(([id, { value }]) => [id, value])) : content.value;
}

/** Stages what the application gives, checked against the definition. */
export function stageValues(
  transaction: Transaction,
  definition: ObjectDefinition,
  instance: number,
  values: object,
): void {
  for (const [key, given] of Object.entries(values)) {
    const resource = resourceNamed(definition, key);
    if (resource === undefined) throw ResponseError.badRequest(`${definition.name} has no resource '${key}'`);
    if (resource.access === 'E') continue;
    if (given === undefined) transaction.remove(definition.id, instance, resource.id);
    else transaction.put(definition.id, instance, resource.id, contentOf(resource, key, given));
  }
}

function contentOf(resource: ResourceDefinition, key: string, given: unknown): Content {
  const { type } = resource;
  if (type === undefined) throw ResponseError.badRequest(`'${key}' has no type and so no value`);
  if (resource.many !== true) return makeValue(type, given);
  const many = new Map<number, Value>();
  for (const [id, each] of given as ReadonlyMap<number, unknown>) many.set(id, makeValue(type, each));
  return many;
}

/** The functions among `values`, by resource id. */
export function actionsOf(definition: ObjectDefinition, values: object): ReadonlyMap<number, Action> {
  const actions = new Map<number, Action>();
  for (const [key, given] of Object.entries(values)) {
    const resource = resourceNamed(definition, key);
    if (resource?.access === 'E' && typeof given === 'function') actions.set(resource.id, given as Action);
  }
  return actions.size === 0 ? none : actions;
}

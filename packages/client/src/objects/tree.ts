// What the device has: objects, their instances, the values in them. Only a transaction changes it.
import { type Action, equalValues, type ObjectDefinition, type Value } from '@lapwing/lwm2m';
import type { Fetcher } from './fetcher.ts';

/** One value, or resource instances by id. */
export type Content = Value | ReadonlyMap<number, Value>;
export type Contents = ReadonlyMap<number, Content>;

export interface InstanceNode {
  readonly id: number;
  contents: Contents;
  readonly actions: ReadonlyMap<number, Action>;
  /** Where the application measures what it holds. */
  readonly measuring: Measuring | undefined;
}

/** Who measures the values of an instance, and knows what follows from them. */
export interface Measuring {
  /**
   * Takes what somebody at the device says that a resource is now, as if it had been measured: the least and most, counters and times
   * follow. False for what nothing follows from; then it just stands there. Throws RangeError for what cannot be.
   */
  take(resource: number, value: Value): boolean;
}

export interface ObjectNode {
  readonly definition: ObjectDefinition;
  readonly instances: Map<number, InstanceNode>;
  /** Actions of an instance that a server creates; undefined where servers may create none. */
  readonly creates: ((instance: number) => ReadonlyMap<number, Action>) | undefined;
  /** By resource: what it is now, where that is said anew at each look. */
  readonly readers: ReadonlyMap<number, (instance: number) => Content>;
  /** By resource: who asks what it is now, where that takes time to say. */
  readonly fetchers: ReadonlyMap<number, Fetcher>;
  /** By resource: who takes what servers write there. */
  readonly takers: ReadonlyMap<number, Taker>;
  readonly check: InstanceCheck | undefined;
  readonly approve: Approve | undefined;
}

/**
 * Looks at an instance as it would be after a change, at the instances of other objects where it hangs on them, and at which of its
 * resources the change is of; throws ResponseError to refuse it.
 */
export type InstanceCheck = (
  valueOf: (resource: number) => Content | undefined,
  instancesOf: (object: number) => readonly Contents[],
  touched: ReadonlySet<number>,
) => void;

/** What a server wants to become of an instance, as it would be then. */
export interface Proposal {
  readonly kind: 'write' | 'create' | 'delete';
  readonly instance: number;
  readonly valueOf: (resource: number) => Content | undefined;
  /** Which resources the change is of. */
  readonly touched: ReadonlySet<number>;
}

/** Resolves when a server may; rejects with ResponseError to refuse. */
export type Approve = (proposal: Proposal) => Promise<void>;

/**
 * Takes what servers write to a resource of an instance, in place of the tree: opaque bytes as they come, block by block, anything
 * else as one value. Reading a body rejects when the rest of it does not arrive. Throws ResponseError to refuse.
 */
export type Taker =
  | { readonly body: (instance: number, body: AsyncIterable<Uint8Array>) => Promise<void> }
  | { readonly value: (instance: number, value: Value) => void | Promise<void> };

/**
 * What a resource holds; one that has a reader holds what that says, as long as it is there at all. Throws what a reader throws, and
 * with what a fetcher was last rejected.
 */
export function contentAt(object: ObjectNode, instance: InstanceNode, resource: number): Content | undefined {
  const content = instance.contents.get(resource);
  if (content === undefined) return undefined;
  object.fetchers.get(resource)?.check(instance.id);
  return object.readers.get(resource)?.(instance.id) ?? content;
}

export function isMany(content: Content): content is ReadonlyMap<number, Value> {
  return content instanceof Map;
}

export function sameContent(one: Content, other: Content): boolean {
  if (!isMany(one) || !isMany(other)) return !isMany(one) && !isMany(other) && equalValues(one, other);
  if (one.size !== other.size) return false;
  for (const [id, value] of one) {
    const twin = other.get(id);
    if (twin === undefined || !equalValues(value, twin)) return false;
  }
  return true;
}

/** Undefined where there is not one number. */
export function numberOf(content: Content | undefined): number | undefined {
  return content === undefined || isMany(content) ? undefined : Number(content.value);
}

/** What most objects have of actions, readers and takers. */
export const none: ReadonlyMap<number, never> = new Map<number, never>();

/** An instance as the key of a table: `0/1`. */
export const instanceKey = (object: number, instance: number): string => `${object}/${instance}`;

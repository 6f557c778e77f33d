// What the device has: objects, their instances, the values in them. Only a transaction changes it.
import type { Action, ObjectDefinition, Value } from '@lapwing/lwm2m';

/** One value, or resource instances by id. */
export type Content = Value | ReadonlyMap<number, Value>;
export type Contents = ReadonlyMap<number, Content>;

export interface InstanceNode {
  readonly id: number;
  contents: Contents;
  readonly actions: ReadonlyMap<number, Action>;
}

export interface ObjectNode {
  readonly definition: ObjectDefinition;
  readonly instances: Map<number, InstanceNode>;
  /** Actions of instances that a server creates; undefined where servers may create none. */
  readonly creates: ReadonlyMap<number, Action> | undefined;
  readonly check: InstanceCheck | undefined;
}

/**
 * Looks at an instance as it would be after a change, and at the instances of other objects where it hangs on them; throws
 * ResponseError to refuse the change.
 */
export type InstanceCheck = (
  valueOf: (resource: number) => Content | undefined,
  instancesOf: (object: number) => readonly Contents[],
) => void;

export function isMany(content: Content): content is ReadonlyMap<number, Value> {
  return content instanceof Map;
}

/** An instance as the key of a table: `0/1`. */
export const instanceKey = (object: number, instance: number): string => `${object}/${instance}`;

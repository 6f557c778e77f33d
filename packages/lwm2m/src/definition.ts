// Definitions describe objects as plain literals, in the shape of the OMA XML; everything typed is inferred from
// them (Core 1.2.1 §7.1, Appendix D). `defineObject` changes nothing: it only keeps the literal's types.
import type { ValueOfType, ValueType } from './value.ts';

/** Operations that a server may do on a resource; 'none' is for bootstrap or not at all. */
export type Access = 'R' | 'W' | 'RW' | 'E' | 'none';

export interface ResourceDefinition {
  readonly id: number;
  /** Absent for executables. */
  readonly type?: ValueType;
  readonly access: Access;
  /** Several resource instances. */
  readonly many?: boolean;
  /** Mandatory in every instance. */
  readonly required?: boolean;
  /** As registered, unparsed. */
  readonly range?: string;
  readonly unit?: string;
  /** The registered name, where the key is not enough. */
  readonly name?: string;
}

export interface ObjectDefinition {
  readonly id: number;
  readonly name: string;
  /** `major.minor`, default `1.0`. */
  readonly version?: string;
  /** Of the enabler, default `1.0`. */
  readonly lwm2mVersion?: string;
  readonly urn?: string;
  /** Several instances. */
  readonly many?: boolean;
  readonly required?: boolean;
  readonly resources: { readonly [key: string]: ResourceDefinition };
}

export const defineObject = <const D extends ObjectDefinition>(definition: D): D => definition;

/**
 * The same object without a version of its own: it is told as the one of the enabler that is spoken, and servers that know no newer one
 * understand what is there of it.
 */
export function asSpoken<D extends ObjectDefinition>(definition: D): Omit<D, 'version' | 'lwm2mVersion' | 'urn'> {
  const { version: _, lwm2mVersion: __, urn: ___, ...rest } = definition;
  return rest;
}

type One<R extends ResourceDefinition> = R['type'] extends ValueType ? ValueOfType<R['type']> : never;

/** One value, or for `many` a map from resource instance id to value. Of an executable there is none. */
export type ValueOf<R extends ResourceDefinition> = R['many'] extends true ? ReadonlyMap<number, One<R>> : One<R>;

/** What runs on Execute; `args` is the text sent along (Core 1.2.1 §6.3.5). */
export type Action = (args?: string) => void | Promise<void>;

/** Keys whose access has one of `A`; of a definition known only at run time that may be any of them. */
type KeyWithAccess<D extends ObjectDefinition, A extends Access> = {
  [K in keyof D['resources'] & string]: Extract<D['resources'][K]['access'], A> extends never ? never : K;
}[keyof D['resources'] & string];

type RequiredKey<D extends ObjectDefinition> = {
  [K in keyof D['resources'] & string]: D['resources'][K]['required'] extends true ? K : never;
}[keyof D['resources'] & string];

export type ReadableKey<D extends ObjectDefinition> = KeyWithAccess<D, 'R' | 'RW'>;
export type WritableKey<D extends ObjectDefinition> = KeyWithAccess<D, 'W' | 'RW'>;
export type ExecutableKey<D extends ObjectDefinition> = KeyWithAccess<D, 'E'>;
/** Everything that can hold a value, readable by a server or not. */
export type ValueKey<D extends ObjectDefinition> = KeyWithAccess<D, Exclude<Access, 'E'>>;

/** What only a server fills in need not be there from the start, required or not. */
type InitialKey<D extends ObjectDefinition> = Exclude<RequiredKey<D> & ValueKey<D>, KeyWithAccess<D, 'W'>>;

type Flat<T> = { [K in keyof T]: T[K] };

/** The values of one instance: those that are required must be there, except write-only ones. */
export type InstanceValues<D extends ObjectDefinition> = Flat<
  { readonly [K in InitialKey<D>]: ValueOf<D['resources'][K]> } & {
    readonly [K in Exclude<ValueKey<D>, InitialKey<D>>]?: ValueOf<D['resources'][K]>;
  }
>;

/** The executables of one instance. */
export type InstanceActions<D extends ObjectDefinition> = Flat<
  { readonly [K in ExecutableKey<D> & RequiredKey<D>]: Action } & {
    readonly [K in Exclude<ExecutableKey<D>, RequiredKey<D>>]?: Action;
  }
>;

/** What a server may write: any part of it (Core 1.2.1 §6.3.3). */
export type WritableValues<D extends ObjectDefinition> = {
  readonly [K in WritableKey<D>]?: ValueOf<D['resources'][K]>;
};

export interface KeyedResource {
  readonly key: string;
  readonly resource: ResourceDefinition;
}

const indexes = new WeakMap<ObjectDefinition, ReadonlyMap<number, KeyedResource>>();

/** The resources by their ids; made once for each definition. */
export function resourcesOf(definition: ObjectDefinition): ReadonlyMap<number, KeyedResource> {
  const known = indexes.get(definition);
  if (known !== undefined) return known;
  const index = new Map<number, KeyedResource>();
  for (const [key, resource] of Object.entries(definition.resources)) index.set(resource.id, { key, resource });
  indexes.set(definition, index);
  return index;
}

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

type One<R extends ResourceDefinition> = R['type'] extends ValueType ? ValueOfType<R['type']> : never;

/** One value, or for `many` a map from resource instance id to value. */
export type ValueOf<R extends ResourceDefinition> = R['many'] extends true ? ReadonlyMap<number, One<R>> : One<R>;

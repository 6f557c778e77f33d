// Values of resources, one member for each data type (Core 1.2.1 Appendix C).
// Integers are numbers; what does not fit in 53 bits needs a resource declared `integer64` or `unsigned64`.

/** Object link: object id and instance id, each 0 to 65 535; 65535:65535 is the null link. */
export interface ObjectLink {
  readonly object: number;
  readonly instance: number;
}

export type Value =
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'integer'; readonly value: number }
  | { readonly type: 'integer64'; readonly value: bigint }
  | { readonly type: 'unsigned'; readonly value: number }
  | { readonly type: 'unsigned64'; readonly value: bigint }
  | { readonly type: 'float'; readonly value: number }
  | { readonly type: 'boolean'; readonly value: boolean }
  | { readonly type: 'opaque'; readonly value: Uint8Array }
  /** Unix time in whole seconds. */
  | { readonly type: 'time'; readonly value: number }
  | { readonly type: 'objlnk'; readonly value: ObjectLink }
  | { readonly type: 'corelnk'; readonly value: string };

export type ValueType = Value['type'];

/** What a value of that type is in TypeScript. */
export type ValueOfType<T extends ValueType> = Extract<Value, { readonly type: T }>['value'];

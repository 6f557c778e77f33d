// Attributes that steer notifications (Core 1.2.1 §5.1.2, §7.3.2), as values; their text form is elsewhere in this file.
// Beware: `lt` is less-than here and a lifetime in a registration.

export interface Attributes {
  /** Minimum period in seconds. */
  readonly pmin?: number;
  /** Maximum period in seconds. */
  readonly pmax?: number;
  readonly gt?: number;
  readonly lt?: number;
  readonly st?: number;
  /** Minimum evaluation period in seconds. */
  readonly epmin?: number;
  /** Maximum evaluation period in seconds. */
  readonly epmax?: number;
  readonly edge?: 0 | 1;
  readonly con?: 0 | 1;
  readonly hqmax?: number;
}

/** As written: null takes an attribute away. */
export type AttributePatch = { readonly [K in keyof Attributes]: Attributes[K] | null };

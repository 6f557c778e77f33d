// Where packages come from: the contract of one way to fetch them, by the scheme of a URI.

/** Tells one state of a package apart from another, as the source says it: RFC 7252 §5.10.6, RFC 9110 §8.8.3. */
export type PackageTag = string;

export interface PackageBeginning {
  /** The next byte that comes is this one of the package: where the wish was or a little before, or 0 where the source begins anew. */
  readonly offset: number;
  readonly tag: PackageTag | undefined;
  /** Of the whole package in bytes, where it is known. */
  readonly size: number | undefined;
}

export interface PackageSink {
  /** Before the first byte, and again where the source has to begin anew. */
  begin(beginning: PackageBeginning): Promise<void>;
  /** The next bytes, in order; the next come when it has settled. */
  take(bytes: Uint8Array): Promise<void>;
}

/** As whom a package is fetched. */
export interface PackageLogin {
  readonly user: string;
  readonly password: string;
}

export interface PackageWish {
  readonly uri: string;
  /** Where the host asks who wants it, and the URI does not say that itself; undefined for nobody in particular. */
  readonly login?: PackageLogin;
  /** Bytes that are there already: a source that cannot tell whether the rest belongs to them begins anew. */
  readonly offset: number;
  /** Of what is there. */
  readonly tag: PackageTag | undefined;
  /** The last of the bytes that are there, up to a kibibyte, where no tag says what they are of. */
  readonly tail?: Uint8Array;
  /** Ends it: nothing is handed on afterwards, and `fetch` rejects with its reason. */
  readonly signal: AbortSignal;
}

export interface PackageSource {
  /**
   * Hands the package on from the wished offset, or from its start where it is not the same any more. Resolves behind its last byte.
   * Rejects with PackageError: `connection-lost` where it is worth to try again, anything else where it is not; and with what the
   * sink throws.
   */
  fetch(wish: PackageWish, sink: PackageSink): Promise<void>;
}

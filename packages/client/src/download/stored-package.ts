// A package that is there whole, as whoever verifies and installs it sees it.
import type { Received } from './intake.ts';
import { type PackageStore, readPackage } from './package-store.ts';

export interface StoredPackage extends Received {
  /** From its start, in pieces of at most 64 KiB; as often as it is wanted. */
  read(): AsyncIterable<Uint8Array>;
}

/** What a package says of itself. */
export interface PackageLabel {
  readonly name?: string;
  readonly version?: string;
}

export function storedPackage(store: PackageStore, received: Received): StoredPackage {
  return { ...received, read: () => readPackage(store, received.size) };
}

// What comes of a package goes to the store as it comes, never more than what came last in memory; its hash is made on the way.
import { RunningHash } from '@lapwing/kernel';
import { PackageError } from './errors.ts';
import { type PackageStore, readPackage } from './package-store.ts';

/** A package that is there whole. */
export interface Received {
  /** In bytes. */
  readonly size: number;
  readonly sha256: Uint8Array;
}

export interface IntakeLimits {
  /** Bytes of the largest package. */
  readonly mostBytes: number;
}

export class Intake {
  private readonly store: PackageStore;
  private readonly mostBytes: number;
  private readonly hash: RunningHash;
  private taken: number;

  private constructor(store: PackageStore, { mostBytes }: IntakeLimits, hash: RunningHash, taken: number) {
    this.store = store;
    this.mostBytes = mostBytes;
    this.hash = hash;
    this.taken = taken;
  }

  /** Goes on behind the first `from` bytes, or behind fewer where not as many are there. Rejects as the store does. */
  static async open(store: PackageStore, limits: IntakeLimits, from = 0): Promise<Intake> {
    await store.cut(from);
    const hash = new RunningHash();
    let taken = 0;
    for await (const piece of readPackage(store, Math.min(from, await store.size()))) {
      hash.add(piece);
      taken += piece.length;
    }
    return new Intake(store, limits, hash, taken);
  }

  /** Bytes so far. */
  get size(): number {
    return this.taken;
  }

  /** Throws PackageError `no-storage` where a package of that size is not taken; undefined is not known yet. */
  announce(size: number | undefined): void {
    if (size !== undefined && size > this.mostBytes)
      throw new PackageError('no-storage', `the package has ${size} bytes, at most ${this.mostBytes} are taken`);
  }

  /** The next bytes. Rejects as `announce`, and as the store does. */
  async take(bytes: Uint8Array): Promise<void> {
    this.announce(this.taken + bytes.length);
    await this.store.write(this.taken, bytes);
    this.hash.add(bytes);
    this.taken += bytes.length;
  }

  /** Nothing comes behind it; it is there for good. */
  async finish(): Promise<Received> {
    await this.store.flush();
    return { size: this.taken, sha256: this.hash.finish() };
  }
}

/** The hash of the first `size` bytes as they are there now. */
export async function hashOf(store: PackageStore, size: number): Promise<Uint8Array> {
  const hash = new RunningHash();
  for await (const piece of readPackage(store, size)) hash.add(piece);
  return hash.finish();
}

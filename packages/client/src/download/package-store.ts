// Where a package waits to be installed: the contract of its bytes, and of the note beside them that says how far it has come. Both
// outlive the process; a note is old or new and never half.

/**
 * Room for one package. Nothing of it is named by a peer. Every method rejects with PackageError: `no-storage` where there is no more room,
 * `failed` where the medium does not work.
 */
export interface PackageStore {
  /** The note that was kept last; undefined for none. */
  load(): Promise<string | undefined>;
  /** In place of the one before, once and for all when it resolves. */
  keep(note: string): Promise<void>;
  /** Bytes that are there. */
  size(): Promise<number>;
  /** At `offset`, which is not above the size. They need not outlive a loss of power before `flush`. */
  write(offset: number, bytes: Uint8Array): Promise<void>;
  /** What is written outlives everything when it resolves. */
  flush(): Promise<void>;
  /** Leaves the first `size` bytes; with 0 nothing of it is left. */
  cut(size: number): Promise<void>;
  /** At most `length` bytes from `offset`; fewer only at the end. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** Bytes that are read at once. */
const piece = 64 * 1024;

/** The first `size` bytes, in pieces. */
export async function* readPackage(store: PackageStore, size: number): AsyncIterable<Uint8Array> {
  for (let offset = 0; offset < size; ) {
    const bytes = await store.read(offset, Math.min(piece, size - offset));
    if (bytes.length === 0) return;
    yield bytes;
    offset += bytes.length;
  }
}

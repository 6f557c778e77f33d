// A package in memory, in the pieces in which it came: for devices without a disk, and for tests. It outlives the engine, not the process.
import { PackageError } from './errors.ts';
import type { PackageStore } from './package-store.ts';

/** Where a piece is kept. Throws PackageError `no-storage` where there is no more room. */
export type KeepPiece = (bytes: Uint8Array) => Uint8Array;

const copied: KeepPiece = (bytes) => new Uint8Array(bytes);

export class MemoryPackageStore implements PackageStore {
  /** In bytes. */
  readonly room: number;
  private readonly own: KeepPiece;
  private pieces: Uint8Array[] = [];
  private used = 0;
  private note: string | undefined;

  /** `room` in bytes; default 16 MiB. `own` keeps pieces elsewhere than here; default a copy of each. */
  constructor(room: number = 16 * 1024 * 1024, own: KeepPiece = copied) {
    this.room = room;
    this.own = own;
  }

  load(): Promise<string | undefined> {
    return Promise.resolve(this.note);
  }

  keep(note: string): Promise<void> {
    this.note = note;
    return Promise.resolve();
  }

  size(): Promise<number> {
    return Promise.resolve(this.used);
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    if (offset + bytes.length > this.room) throw new PackageError('no-storage', `there is room for ${this.room} bytes`);
    const end = offset + bytes.length;
    const after = end < this.used ? [await this.read(end, this.used)] : [];
    await this.cut(offset);
    for (const piece of [bytes, ...after]) {
      this.pieces.push(this.own(piece));
      this.used += piece.length;
    }
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  async cut(size: number): Promise<void> {
    while (this.used > size) {
      const last = this.pieces.pop();
      if (last === undefined) break;
      this.used -= last.length;
      if (this.used >= size) continue;
      // Cut in two: what is left of it.
      this.pieces.push(this.own(last.subarray(0, size - this.used)));
      this.used = size;
    }
  }

  read(offset: number, length: number): Promise<Uint8Array> {
    const end = Math.min(this.used, offset + length);
    const bytes = new Uint8Array(Math.max(0, end - offset));
    let at = 0;
    for (const piece of this.pieces) {
      const from = Math.max(at, offset);
      const to = Math.min(at + piece.length, end);
      if (from < to) bytes.set(piece.subarray(from - at, to - at), from - offset);
      at += piece.length;
      if (at >= end) break;
    }
    return Promise.resolve(bytes);
  }
}

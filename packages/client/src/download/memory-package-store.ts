// A package in memory: for devices without a disk, and for tests. It outlives the engine, not the process.
import { noBytes } from '@lapwing/kernel';
import { PackageError } from './errors.ts';
import type { PackageStore } from './package-store.ts';

export class MemoryPackageStore implements PackageStore {
  /** In bytes. */
  readonly room: number;
  private bytes: Uint8Array = noBytes;
  private used = 0;
  private note: string | undefined;

  /** `room` in bytes; default 16 MiB. */
  constructor(room: number = 16 * 1024 * 1024) {
    this.room = room;
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
    const end = offset + bytes.length;
    if (end > this.room) throw new PackageError('no-storage', `there is room for ${this.room} bytes`);
    if (end > this.bytes.length) {
      const larger = new Uint8Array(Math.min(this.room, Math.max(end, this.bytes.length * 2)));
      larger.set(this.bytes.subarray(0, this.used));
      this.bytes = larger;
    }
    this.bytes.set(bytes, offset);
    this.used = Math.max(this.used, end);
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  cut(size: number): Promise<void> {
    this.used = Math.min(this.used, size);
    if (size === 0) this.bytes = noBytes;
    return Promise.resolve();
  }

  read(offset: number, length: number): Promise<Uint8Array> {
    return Promise.resolve(this.bytes.slice(offset, Math.min(this.used, offset + length)));
  }
}

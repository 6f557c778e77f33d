// Firmware packages of a fleet. All of it gets the same bytes, in the same pieces as a rule: a piece is kept once, however many
// devices have it.
import { PackageError, type PackageStore } from '@lapwing/client';
import { equalBytes } from '@lapwing/kernel';

/** Bytes of different pieces; default 256 MiB. */
const defaultRoom = 256 * 1024 * 1024;

export class PackagePool {
  private readonly pieces = new Map<number, Uint8Array[]>();
  private readonly room: number;
  private used = 0;

  constructor(room: number = defaultRoom) {
    this.room = room;
  }

  /** Bytes that are kept. */
  get size(): number {
    return this.used;
  }

  /** The room of one device. It outlives the device's restarts. */
  store(): PackageStore {
    return new PooledStore(this);
  }

  /** The piece as it is kept. Throws PackageError `no-storage` where there is no more room. */
  keep(bytes: Uint8Array): Uint8Array {
    const mark = markOf(bytes);
    const alike = this.pieces.get(mark) ?? [];
    const known = alike.find((piece) => equalBytes(piece, bytes));
    if (known !== undefined) return known;
    if (this.used + bytes.length > this.room)
      throw new PackageError('no-storage', `the fleet has room for ${this.room} bytes of different packages`);
    const piece = bytes.slice();
    this.used += piece.length;
    this.pieces.set(mark, [...alike, piece]);
    return piece;
  }
}

class PooledStore implements PackageStore {
  private readonly pool: PackagePool;
  private pieces: Uint8Array[] = [];
  private used = 0;
  private note: string | undefined;

  constructor(pool: PackagePool) {
    this.pool = pool;
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
    if (offset < this.used) await this.cut(offset);
    this.pieces.push(this.pool.keep(bytes));
    this.used += bytes.length;
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  cut(size: number): Promise<void> {
    while (this.used > size) {
      const last = this.pieces.pop();
      if (last === undefined) break;
      this.used -= last.length;
      if (this.used >= size) continue;
      // Cut in two: what is left of it.
      const rest = last.subarray(0, size - this.used);
      this.pieces.push(this.pool.keep(rest));
      this.used = size;
    }
    return Promise.resolve();
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

/** FNV-1a. */
function markOf(bytes: Uint8Array): number {
  let mark = 0x811c_9dc5;
  for (const byte of bytes) mark = Math.imul(mark ^ byte, 0x0100_0193);
  return mark;
}

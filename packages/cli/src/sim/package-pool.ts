// Firmware packages of a fleet. All of it gets the same bytes, in the same pieces as a rule: a piece is kept once, however many
// devices have it.
import { MemoryPackageStore, PackageError, type PackageStore } from '@lapwing/client';
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
    return new MemoryPackageStore(Number.POSITIVE_INFINITY, (bytes) => this.keep(bytes));
  }

  /** The piece as it is kept here. Throws PackageError `no-storage` where there is no more room. */
  private keep(bytes: Uint8Array): Uint8Array {
    const mark = markOf(bytes);
    const alike = this.pieces.get(mark) ?? [];
    const known = alike.find((piece) => equalBytes(piece, bytes));
    if (known !== undefined) return known;
    if (this.used + bytes.length > this.room)
      throw new PackageError('no-storage', `the fleet has room for ${this.room} bytes of different packages`);
    const piece = new Uint8Array(bytes);
    this.used += piece.length;
    this.pieces.set(mark, [...alike, piece]);
    return piece;
  }
}

/** FNV-1a. */
function markOf(bytes: Uint8Array): number {
  let mark = 0x811c_9dc5;
  for (const byte of bytes) mark = Math.imul(mark ^ byte, 0x0100_0193);
  return mark;
}
